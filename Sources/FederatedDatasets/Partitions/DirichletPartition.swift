public import SecureNoise

/// Every client has its own mix of classes, drawn from a Dirichlet distribution around the mix of all examples.
///
/// A client's mix is Dirichlet(concentration × prior), the prior being the share of each class in the data; each of
/// its examples is drawn by first drawing a class from the mix, then an example of that class, without replacement.
/// When a class has run out, the mix is renormalised over the others (if nothing of the mix is left, the shares of
/// what remains take its place). All clients have the same number of examples up to one. Hsu, Qi, Brown, Measuring
/// the Effects of Non-Identical Data Distribution for Federated Visual Classification, 2019, section 3.
public struct DirichletPartition: DataPartitioner, Hashable {
  /// Number of clients.
  public let clients: Int
  /// α: 0.1 gives nearly one class per client, 100 nearly identical clients.
  public let concentration: Double

  /// A partition among at least 1 clients with a positive, finite concentration.
  public init(clients: Int, concentration: Double) throws(DatasetError) {
    try Dealing.checkClients(clients)
    guard concentration > 0 && concentration.isFinite else {
      throw .invalidParameter(name: "concentration", value: "\(concentration)", requirement: "positive and finite")
    }
    self.clients = clients
    self.concentration = concentration
  }

  public func partition(
    labels: [Int32], classCount: Int, using random: RandomSource
  ) throws(DatasetError) -> ClientPartition {
    try Dealing.checkExamples(labels.count, parts: clients, what: "clients")
    try LabelChecks.check(labels, classCount: classCount)
    // The examples left in each class, in random order, so that the last one is a random one.
    var pools = [[Int32]](repeating: [], count: classCount)
    for (example, label) in labels.enumerated() { pools[Int(label)].append(Int32(example)) }
    for index in pools.indices { random.shuffle(&pools[index]) }
    // A concentration that underflows is as good as the smallest positive one; absent classes stay at 0.
    let concentrations = pools.map { pool in
      pool.isEmpty
        ? 0 : max(concentration * (Double(pool.count) / Double(labels.count)), .leastNonzeroMagnitude)
    }

    var result: [[Int32]] = []
    for client in 0..<clients {
      let mix = random.dirichlet(concentrations)
      var examples: [Int32] = []
      for _ in Dealing.range(of: client, count: labels.count, parts: clients) {
        let chosen = Self.drawClass(mix: mix, pools: pools, using: random)
        examples.append(pools[chosen].removeLast())
      }
      result.append(examples)
    }
    return ClientPartition(simulated: result)
  }

  /// A class from the mix among those that have examples left, of which there is at least one.
  private static func drawClass(mix: [Double], pools: [[Int32]], using random: RandomSource) -> Int {
    var weights = mix.indices.map { pools[$0].isEmpty ? 0 : mix[$0] }
    var total = weights.reduce(0, +)
    if !(total > 0) {
      weights = pools.map { Double($0.count) }
      total = weights.reduce(0, +)
    }
    var rest = random.uniformDouble() * total
    var last = 0
    for (index, weight) in weights.enumerated() where weight > 0 {
      if rest < weight { return index }
      rest -= weight
      last = index
    }
    // Rounding let the draw pass the end.
    return last
  }
}
