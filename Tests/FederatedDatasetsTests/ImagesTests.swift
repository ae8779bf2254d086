import FederatedDatasets
import Testing

@Suite("Labelled images and their clients")
struct ImagesTests {
  /// Three images of 1 × 2 pixels.
  static func images() throws -> LabeledImages {
    try LabeledImages(pixels: [0, 255, 51, 102, 1, 2], height: 1, width: 2, labels: [0, 2, 1], classCount: 3)
  }

  @Test("Counts and labels must agree")
  func checks() {
    #expect(
      throws: DatasetError.countMismatch(what: "images", count: 2, other: "labels", otherCount: 1)
    ) { try LabeledImages(pixels: [1, 2, 3, 4], height: 1, width: 2, labels: [0], classCount: 1) }
    #expect(throws: DatasetError.labelOutOfRange(example: 1, label: 3, classCount: 3)) {
      try LabeledImages(pixels: [1, 2], height: 1, width: 1, labels: [0, 3], classCount: 3)
    }
    #expect(throws: DatasetError.labelOutOfRange(example: 0, label: -1, classCount: 3)) {
      try LabeledImages(pixels: [1], height: 1, width: 1, labels: [-1], classCount: 3)
    }
    #expect(throws: DatasetError.invalidImageSize(height: 0, width: 5)) {
      try LabeledImages(pixels: [], height: 0, width: 5, labels: [], classCount: 3)
    }
    #expect(throws: DatasetError.invalidImageSize(height: .max, width: .max)) {
      try LabeledImages(pixels: [], height: .max, width: .max, labels: [], classCount: 3)
    }
    #expect(throws: DatasetError.self) {
      try LabeledImages(pixels: [], height: 1, width: 1, labels: [], classCount: 0)
    }
  }

  @Test("A client's examples are its images as pixel / 255, in its order")
  func examples() throws {
    let partition = try ClientPartition(ids: ["a", "b"], indices: [[2, 0], []])
    let data = try PartitionedImages(images: Self.images(), partition: partition)
    #expect(data.exampleShape == [1, 2, 1])
    #expect(data.clientID(0) == "a")
    let first = try data.examples(ofClient: 0)
    #expect(first == ExampleSet(features: [Float(1) / 255, Float(2) / 255, 0, 1], labels: [1, 0]))
    #expect(try data.examples(ofClient: 1).count == 0)
    #expect(data.exampleCount == 2)
  }

  @Test("Clients and examples that do not exist are errors")
  func outOfRange() throws {
    let images = try Self.images()
    let data = try PartitionedImages(images: images, partition: try ClientPartition(ids: ["a"], indices: [[0]]))
    for index in [-1, 1, Int.max] {
      #expect(throws: DatasetError.clientOutOfRange(index: index, clientCount: 1)) {
        try data.examples(ofClient: index)
      }
    }
    for example in [-1, 3] as [Int32] {
      #expect(throws: DatasetError.exampleOutOfRange(client: "a", example: Int(example), exampleCount: 3)) {
        try PartitionedImages(images: images, partition: try ClientPartition(ids: ["a"], indices: [[example]]))
      }
    }
    #expect(throws: DatasetError.self) { try ClientPartition(ids: ["a"], indices: []) }
  }
}
