public import SecureNoise

/// Every client gets a uniformly random part of the examples, all of the same size up to one.
public struct IIDPartition: DataPartitioner, Hashable {
  /// Number of clients.
  public let clients: Int

  /// A partition among `clients` clients, at least 1.
  public init(clients: Int) throws(DatasetError) {
    try Dealing.checkClients(clients)
    self.clients = clients
  }

  public func partition(
    labels: [Int32], classCount: Int, using random: RandomSource
  ) throws(DatasetError) -> ClientPartition {
    try Dealing.checkExamples(labels.count, parts: clients, what: "clients")
    try LabelChecks.check(labels, classCount: classCount)
    var order = (0..<labels.count).map { Int32($0) }
    random.shuffle(&order)
    return ClientPartition(
      simulated: (0..<clients).map { Array(order[Dealing.range(of: $0, count: order.count, parts: clients)]) })
  }
}
