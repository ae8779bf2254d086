public import SecureNoise

/// The pathological split of the paper on federated averaging: most clients see a few classes only.
///
/// The examples are sorted by class and cut into `clients × shardsPerClient` shards of equal size (up to one); every
/// client gets `shardsPerClient` of them at random. McMahan, Moore, Ramage, Hampson, Agüera y Arcas,
/// Communication-Efficient Learning of Deep Networks from Decentralized Data, AISTATS 2017, section 3 (there 100
/// clients and 2 shards).
public struct ShardPartition: DataPartitioner, Hashable {
  /// Number of clients.
  public let clients: Int
  /// Number of shards of each client.
  public let shardsPerClient: Int

  /// A partition among `clients` clients with `shardsPerClient` shards each, both at least 1.
  public init(clients: Int, shardsPerClient: Int) throws(DatasetError) {
    try Dealing.checkClients(clients)
    guard shardsPerClient > 0 else {
      throw .invalidParameter(name: "shardsPerClient", value: "\(shardsPerClient)", requirement: "at least 1")
    }
    guard !clients.multipliedReportingOverflow(by: shardsPerClient).overflow else {
      throw .invalidParameter(
        name: "shardsPerClient", value: "\(shardsPerClient)", requirement: "small enough to count all shards")
    }
    self.clients = clients
    self.shardsPerClient = shardsPerClient
  }

  public func partition(
    labels: [Int32], classCount: Int, using random: RandomSource
  ) throws(DatasetError) -> ClientPartition {
    let shards = clients * shardsPerClient
    try Dealing.checkExamples(labels.count, parts: shards, what: "shards")
    try LabelChecks.check(labels, classCount: classCount)
    // Examples of one class keep their order.
    let sorted = (0..<labels.count).map { Int32($0) }.sorted {
      (labels[Int($0)], $0) < (labels[Int($1)], $1)
    }
    var order = Array(0..<shards)
    random.shuffle(&order)
    return ClientPartition(
      simulated: (0..<clients).map { client in
        order[(client * shardsPerClient)..<((client + 1) * shardsPerClient)].flatMap {
          sorted[Dealing.range(of: $0, count: sorted.count, parts: shards)]
        }
      })
  }
}
