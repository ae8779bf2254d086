public import SecureNoise

/// Every example stays with the person it came from.
///
/// Clients are in ascending order of the owner's number, their examples in the order of the data. Nothing is random.
public struct NaturalPartition: DataPartitioner, Hashable {
  /// Owner of each example.
  public let owners: [Int32]
  /// What comes before the owner's number in a client's name.
  public let idPrefix: String

  /// A partition by the given owner per example; the client of owner 7 is called `writer-7`.
  public init(owners: [Int32], idPrefix: String = "writer-") {
    self.owners = owners
    self.idPrefix = idPrefix
  }

  public func partition(
    labels: [Int32], classCount: Int, using random: RandomSource
  ) throws(DatasetError) -> ClientPartition {
    guard owners.count == labels.count else {
      throw .countMismatch(what: "owners", count: owners.count, other: "labels", otherCount: labels.count)
    }
    try Dealing.checkExamples(labels.count, parts: 1, what: "clients")
    try LabelChecks.check(labels, classCount: classCount)
    var examples: [Int32: [Int32]] = [:]
    for (example, owner) in owners.enumerated() { examples[owner, default: []].append(Int32(example)) }
    let clients = examples.sorted { $0.key < $1.key }
    return try ClientPartition(ids: clients.map { "\(idPrefix)\($0.key)" }, indices: clients.map(\.value))
  }
}
