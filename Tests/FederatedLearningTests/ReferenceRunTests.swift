import FederatedDatasets
import FederatedLearning
import Foundation
import NeuralNetworks
import Testing

@Suite("Reference runs on real data")
struct ReferenceRunTests {
  /// The folder of MNIST by writer beside the checkout, or where EPSILON_SHARED points; nil where it is absent.
  static let directory: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let shared = ProcessInfo.processInfo.environment["EPSILON_SHARED"] ?? root.deletingLastPathComponent().path + "/shared"
    let path = shared + "/data/mnist-by-writer"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  /// Reference of the data's own README: 20 of 539 writers a round, 1 epoch, batch 20, rate 0.1, softmax regression.
  @Test(
    "MNIST by writer reaches 0.869, 0.902 and 0.912 (±0.01) after 20, 100 and 200 rounds",
    .enabled(if: directory != nil, "the shared folder with MNIST by writer is absent"))
  func mnistByWriter() async throws {
    let data = try DatasetCatalogue.load(DatasetRequest(.mnistByWriter, dataDirectory: Self.directory))
    let graph = try ModelGraph.named("mnist-logistic")
    let process = try FederatedAveraging(
      graph: graph, clients: data.train, localTraining: LocalTraining(optimizer: .sgd(learningRate: 0.1, momentum: 0), batchSize: 20),
      aggregation: .mean(weighted: true), randomness: .reproducible(seed: 1))
    let evaluation = try FederatedEvaluation(graph: graph, clients: data.test)
    let sampler = try FixedSizeClientSampler(cohortSize: 20)
    var state = try process.initialState()
    let expected = [20: 0.869, 100: 0.902, 200: 0.912]
    for round in 1...200 {
      let cohort = sampler.sample(
        round: round, populationSize: data.train.clientCount, using: try process.randomness.clientSampling(round: round))
      state = try await process.next(state, round: round, cohort: cohort) {}.state
      guard let accuracy = expected[round] else { continue }
      let found = try await evaluation.metrics(of: state.parameters).accuracy
      #expect(abs(found - accuracy) <= 0.01, "round \(round): \(found)")
    }
  }
}
