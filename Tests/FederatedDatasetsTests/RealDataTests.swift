import FederatedDatasets
import Testing

@Suite("Real files")
struct RealDataTests {
  /// Counts: Xiao, Rasul, Vollgraf 2017 (6,000 and 1,000 images in each of ten classes).
  @Test(
    "Fashion-MNIST has 60,000 and 10,000 images, equally many of each class",
    .enabled(if: RealData.hasFashionMNIST, RealData.noFashionMNIST))
  func fashionMNIST() throws {
    let data = try DatasetCatalogue.load(
      DatasetRequest(.fashionMNIST, partition: .shards(clients: 600, shardsPerClient: 2), seed: 1))
    #expect(data.train.exampleCount == 60_000 && data.test.exampleCount == 10_000)
    #expect(data.train.clientCount == 600 && data.test.clientCount == 100)
    #expect(data.train.exampleShape == [28, 28, 1])
    let client = try data.train.examples(ofClient: 17)
    #expect(client.count == 100 && Set(client.labels).count <= 2)
    let summary = try DatasetCatalogue.inspect(RealData.fashionMNIST)
    #expect(summary.problems.isEmpty && summary.datasets.contains(.fashionMNIST))
    let labels = try #require(summary.files.first { $0.path.contains("train-labels") })
    #expect(labels.values == (0..<10).map { DatasetSummary.ValueCount(value: $0, count: 6000) })
  }

  /// Counts: shared/data/README.md.
  @Test(
    "MNIST by writer has 539 and 297 disjoint writers with 19 / 116 / 131 images at least, in the middle, at most",
    .enabled(if: RealData.mnistByWriter != nil, RealData.noShared))
  func mnistByWriter() throws {
    let directory = try #require(RealData.mnistByWriter)
    let data = try DatasetCatalogue.load(DatasetRequest(.mnistByWriter, dataDirectory: directory))
    #expect(data.train.clientCount == 539 && data.test.clientCount == 297)
    #expect(data.train.exampleCount == 60_000 && data.test.exampleCount == 10_000)
    let sizes = (0..<539).map { data.train.exampleCount(ofClient: $0) }.sorted()
    #expect(sizes.first == 19 && sizes[269] == 116 && sizes.last == 131)
    let ids = (0..<539).map(data.train.clientID) + (0..<297).map(data.test.clientID)
    #expect(Set(ids).count == 539 + 297)

    let summary = try DatasetCatalogue.inspect(directory)
    let writers = try #require(summary.files.first { $0.path.contains("train-writers") })
    #expect(writers.groups == DatasetSummary.GroupSizes(count: 539, minimum: 19, median: 116, maximum: 131))
    #expect(summary.datasets.contains(.mnistByWriter))
  }

  @Test(
    "MNIST without writers reads the same files",
    .enabled(if: RealData.mnistByWriter != nil, RealData.noShared))
  func mnist() throws {
    let directory = try #require(RealData.mnistByWriter)
    let data = try DatasetCatalogue.load(
      DatasetRequest(.mnist, dataDirectory: directory, partition: .dirichlet(clients: 100, concentration: 0.5)))
    #expect(data.train.clientCount == 100 && data.test.clientCount == 17)
    #expect(data.train.exampleCount == 60_000)
  }

  @Test("IDX files of 32-bit integers and floats are read", .enabled(if: RealData.shared != nil, RealData.noShared))
  func otherElementTypes() throws {
    let folder = try #require(RealData.shared) + "/data"
    let watch = try IDXFile(path: folder + "/watch-by-subject/watch-values-idx2-float.gz")
    #expect(watch.elementType == .float32 && watch.dimensions.last == 6)
    guard case .float32(let values) = watch.values else {
      Issue.record("the watch data are not floats")
      return
    }
    #expect(values.allSatisfy { $0.isFinite })
    let drawers = try IDXFile(path: folder + "/omniglot-by-drawer/drawers-idx1-int.gz")
    #expect(drawers.elementType == .int32 && Set(drawers.integers ?? []).count == 160)
  }
}
