import FederatedDatasets
import Foundation
import Testing

/// A folder with a tiny data set in MNIST's files: 6 training images by owners 1–3, 4 test images by `testOwners`.
private func tinyMNIST(testOwners: [UInt32] = [8, 8, 9, 9]) throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  try folder.write(idx(type: 8, [6, 1, 2], (0..<12).map { $0 }), to: "train-images-idx3-ubyte")
  try folder.write(gzip(idx(type: 8, [6], [0, 1, 2, 3, 4, 9])), to: "train-labels-idx1-ubyte.gz")
  try folder.write(idx(type: 8, [4, 1, 2], (0..<8).map { $0 }), to: "t10k-images-idx3-ubyte")
  try folder.write(idx(type: 8, [4], [0, 1, 2, 3]), to: "t10k-labels-idx1-ubyte")
  try folder.write(
    idx(type: 12, [6], ([1, 2, 3, 1, 2, 3] as [UInt32]).flatMap(bigEndian)), to: "train-writers-idx1-int")
  try folder.write(idx(type: 12, [4], testOwners.flatMap(bigEndian)), to: "t10k-writers-idx1-int")
  return folder
}

@Suite("The catalogue, on made-up files")
struct CatalogueTests {
  @Test("Names, entries and errors for unknown names")
  func names() throws {
    #expect(DatasetCatalogue.entries.map(\.name) == DatasetName.allCases)
    for name in DatasetName.allCases { #expect(try DatasetName(name.rawValue) == name) }
    #expect(throws: DatasetError.unknownDataset(name: "emnist", known: DatasetName.allCases.map(\.rawValue))) {
      try DatasetName("emnist")
    }
  }

  @Test("The natural split keeps the training and the test people")
  func naturalSplit() throws {
    let folder = try tinyMNIST()
    let data = try DatasetCatalogue.load(DatasetRequest(.mnistByWriter, dataDirectory: folder.path))
    #expect((0..<data.train.clientCount).map(data.train.clientID) == ["writer-1", "writer-2", "writer-3"])
    #expect((0..<data.test.clientCount).map(data.test.clientID) == ["writer-8", "writer-9"])
    #expect(try data.train.examples(ofClient: 2).labels == [2, 9])
  }

  @Test("A person on both sides is an error")
  func overlap() throws {
    let folder = try tinyMNIST(testOwners: [8, 3, 9, 1])
    let path = folder.path + "/t10k-writers-idx1-int"
    #expect(throws: DatasetError.overlappingPopulations(path: path, people: 2)) {
      try DatasetCatalogue.load(DatasetRequest(.mnistByWriter, dataDirectory: folder.path))
    }
  }

  @Test("Simulated users get about the same size in both files, and names that tell the files apart")
  func simulatedUsers() throws {
    let folder = try tinyMNIST()
    let request = DatasetRequest(.mnist, dataDirectory: folder.path, partition: .iid(clients: 3), seed: 5)
    let data = try DatasetCatalogue.load(request)
    #expect(data.train.clientCount == 3 && data.test.clientCount == 2)
    #expect(data.testPartition == .iid(clients: 2))
    #expect(data.train.clientID(0) == "train-client-0" && data.test.clientID(0) == "test-client-0")
    #expect(data.train.exampleCount == 6 && data.test.exampleCount == 4)
  }

  @Test("What is missing is named, with what to do")
  func missing() throws {
    let folder = try TemporaryFolder()
    do {
      _ = try DatasetCatalogue.load(
        DatasetRequest(.fashionMNIST, dataDirectory: folder.path, partition: .iid(clients: 3)))
      Issue.record("an empty directory was accepted")
    } catch {
      #expect(error.description.contains("dataset-fashion-mnist"))
      #expect(error.description.contains("--data-dir"))
    }
    #expect(throws: DatasetError.noNaturalPartition(dataset: "fashion-mnist")) {
      try DatasetCatalogue.load(DatasetRequest(.fashionMNIST))
    }
    for name in [DatasetName.mnist, .mnistByWriter] {
      do {
        _ = try DatasetCatalogue.load(DatasetRequest(name, partition: .iid(clients: 3)))
        Issue.record("\(name) was loaded from nowhere")
      } catch {
        guard case .directoryRequired = error else {
          Issue.record("\(error)")
          continue
        }
      }
    }
    #expect(throws: DatasetError.self) {
      try DatasetCatalogue.load(DatasetRequest(.mnist, dataDirectory: folder.path, partition: .iid(clients: 0)))
    }
  }

  @Test("Synthetic data come naturally and in every partition, without files")
  func synthetic() throws {
    let natural = try DatasetCatalogue.load(DatasetRequest(.syntheticEMNIST, syntheticClients: 30))
    #expect(natural.train.clientCount == 30 && natural.test.clientCount == 3)
    let dealt = try DatasetCatalogue.load(
      DatasetRequest(.syntheticEMNIST, partition: .dirichlet(clients: 50, concentration: 0.3)))
    #expect(dealt.train.clientCount == 50 && dealt.train.classCount == 62)
    #expect(dealt.test.clientCount > 5)
  }

  @Test("An inspection describes files, their histograms and what can be loaded, and lists what is broken")
  func inspection() throws {
    let folder = try tinyMNIST()
    let broken = try folder.write([1, 2, 3, 4], to: "broken-idx1-ubyte")
    try folder.write([1], to: "notes.txt")
    let summary = try DatasetCatalogue.inspect(folder.path)
    #expect(summary.isDirectory && summary.files.count == 6)
    #expect(summary.problems.map(\.path) == [broken])
    #expect(summary.datasets == [.fashionMNIST, .mnistByWriter, .mnist])
    let writers = try #require(summary.files.first { $0.path.hasSuffix("train-writers-idx1-int") })
    #expect(writers.elementType == "int32" && writers.dimensions == [6])
    #expect(writers.groups == DatasetSummary.GroupSizes(count: 3, minimum: 2, median: 2, maximum: 2))
    #expect(writers.values?.map(\.value) == [1, 2, 3])
    let decoded = try JSONDecoder().decode(DatasetSummary.self, from: JSONEncoder().encode(summary))
    #expect(decoded == summary)
    #expect(throws: DatasetError.fileNotFound(path: folder.path + "/no")) {
      try DatasetCatalogue.inspect(folder.path + "/no")
    }
    #expect(throws: DatasetError.self) { try DatasetCatalogue.inspect(broken) }
  }
}
