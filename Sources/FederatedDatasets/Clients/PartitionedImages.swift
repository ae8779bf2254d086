/// Images in memory, dealt out to clients by a ``ClientPartition``.
public struct PartitionedImages: ClientData {
  /// All images.
  public let images: LabeledImages
  /// Which client has which images.
  public let partition: ClientPartition

  /// The images of `partition`'s clients. Images that no client has are left out.
  ///
  /// - Throws: ``DatasetError/exampleOutOfRange(client:example:exampleCount:)`` if the partition is for other data.
  public init(images: LabeledImages, partition: ClientPartition) throws(DatasetError) {
    for (id, indices) in zip(partition.ids, partition.indices) {
      for index in indices where index < 0 || Int(index) >= images.count {
        throw .exampleOutOfRange(client: id, example: Int(index), exampleCount: images.count)
      }
    }
    self.images = images
    self.partition = partition
  }

  public var clientCount: Int { partition.clientCount }
  public var exampleShape: [Int] { [images.height, images.width, 1] }
  public var classCount: Int { images.classCount }
  public func clientID(_ index: Int) -> String { partition.ids[index] }
  public func exampleCount(ofClient index: Int) -> Int { partition.indices[index].count }

  public func examples(ofClient index: Int) throws(DatasetError) -> ExampleSet {
    try checkClient(index)
    return try images.examples(partition.indices[index], client: partition.ids[index])
  }
}
