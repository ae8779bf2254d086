/// A partition as a plan names it.
public enum PartitionScheme: Hashable, Sendable, CustomStringConvertible {
  /// By the people the examples came from: ``NaturalPartition``.
  case natural
  /// Random parts of equal size: ``IIDPartition``.
  case iid(clients: Int)
  /// Shards of examples sorted by class: ``ShardPartition``.
  case shards(clients: Int, shardsPerClient: Int)
  /// Class mixes from a Dirichlet distribution: ``DirichletPartition``.
  case dirichlet(clients: Int, concentration: Double)

  /// Number of simulated clients; `nil` where the data decide.
  public var clients: Int? {
    switch self {
    case .natural: nil
    case .iid(let clients), .shards(let clients, _), .dirichlet(let clients, _): clients
    }
  }

  public var description: String {
    switch self {
    case .natural: "natural"
    case .iid(let clients): "iid, \(clients) clients"
    case .shards(let clients, let shards): "\(shards) shards for each of \(clients) clients"
    case .dirichlet(let clients, let concentration): "Dirichlet(\(concentration)), \(clients) clients"
    }
  }

  /// The same kind of partition for a file with `examples` instead of `reference` examples, with clients of about
  /// the same size, and at least one.
  func scaled(toExamples examples: Int, from reference: Int) -> PartitionScheme {
    func scaled(_ clients: Int) -> Int {
      max(1, Int((Double(clients) * Double(examples) / Double(max(reference, 1))).rounded()))
    }
    return switch self {
    case .natural: .natural
    case .iid(let clients): .iid(clients: scaled(clients))
    case .shards(let clients, let shards): .shards(clients: scaled(clients), shardsPerClient: shards)
    case .dirichlet(let clients, let concentration):
      .dirichlet(clients: scaled(clients), concentration: concentration)
    }
  }

  /// The partitioner, given the owner of each example where the data set knows it.
  ///
  /// - Throws: ``DatasetError`` if a parameter makes no sense, or the natural partition has no owners.
  func partitioner(owners: [Int32]?, dataset: String) throws(DatasetError) -> any DataPartitioner {
    switch self {
    case .natural:
      guard let owners else { throw .noNaturalPartition(dataset: dataset) }
      return NaturalPartition(owners: owners)
    case .iid(let clients): return try IIDPartition(clients: clients)
    case .shards(let clients, let shards): return try ShardPartition(clients: clients, shardsPerClient: shards)
    case .dirichlet(let clients, let concentration):
      return try DirichletPartition(clients: clients, concentration: concentration)
    }
  }
}
