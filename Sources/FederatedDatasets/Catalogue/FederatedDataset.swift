/// A catalogued data set, dealt out to clients.
public struct FederatedDataset: Sendable {
  /// What the catalogue says about it.
  public let entry: DatasetEntry
  /// The clients to train on.
  public let train: any ClientData
  /// The clients to test on: other people than those of `train`.
  public let test: any ClientData
  /// How the training examples were dealt out.
  public let trainPartition: PartitionScheme
  /// How the test examples were dealt out.
  public let testPartition: PartitionScheme
}

/// Which data set to load, and how to deal it out.
public struct DatasetRequest: Hashable, Sendable {
  /// The data set.
  public var name: DatasetName
  /// Directory of its files; `nil` for the catalogue's default.
  public var dataDirectory: String?
  /// How the training examples are dealt out. Test examples are dealt out in the same way, to so many clients that
  /// their sizes are about the same.
  public var partition: PartitionScheme
  /// Seed of the partition, and of synthetic data.
  public var seed: UInt64
  /// Number of training clients of synthetic data under the natural partition.
  public var syntheticClients: Int

  /// A request; by default for the natural partition and seed 0.
  public init(
    _ name: DatasetName, dataDirectory: String? = nil, partition: PartitionScheme = .natural, seed: UInt64 = 0,
    syntheticClients: Int = 3400
  ) {
    self.name = name
    self.dataDirectory = dataDirectory
    self.partition = partition
    self.seed = seed
    self.syntheticClients = syntheticClients
  }
}
