import Aggregation
import FederatedDatasets
import FederatedLearning
import Foundation
import NeuralNetworks
import Synchronization
import Testing

@Suite("Federated averaging")
struct FederatedAveragingTests {
  private func process(
    _ clients: any ClientData, aggregation: AggregationPipeline = .mean(), graph: ModelGraph = toyModel, seed: UInt64 = 3, workers: Int = 2,
    batchSize: Int = 5, epochs: Int = 1, server: OptimizerConfiguration = .sgd(learningRate: 1, momentum: 0)
  ) throws -> FederatedAveraging {
    try FederatedAveraging(
      graph: graph, clients: clients,
      localTraining: LocalTraining(optimizer: .sgd(learningRate: 0.1, momentum: 0), epochs: epochs, batchSize: batchSize),
      aggregation: aggregation, serverOptimizer: server, randomness: .reproducible(seed: seed),
      executor: ComputeExecutor(threadCount: workers))
  }

  private func run(_ process: FederatedAveraging, rounds: Int, cohort: [Int]) async throws -> [Float] {
    var state = try process.initialState()
    for round in 1...rounds { state = try await process.next(state, round: round, cohort: cohort) {}.state }
    return process.parameters(of: state)
  }

  @Test("the same bits with one, two and five workers, noise and adaptive clipping included")
  func sameBits() async throws {
    let clients = ToyClients(sizes: (0..<150).map { $0 % 17 })
    let aggregation = try AggregationPipeline.mean().gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: 150)
    var results: [[UInt32]] = []
    for workers in [1, 2, 5] {
      let parameters = try await run(process(clients, aggregation: aggregation, workers: workers), rounds: 3, cohort: Array(0..<150))
      results.append(parameters.map(\.bitPattern))
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test("one client and a server rate of 1 is plain local training")
  func oneClient() async throws {
    let clients = ToyClients(sizes: [5])
    let process = try process(clients, batchSize: 5)
    let initial = try process.initialState()
    let model = try CompiledModel(toyModel, batchSize: 5)
    var gradient = [Float](repeating: 0, count: model.parameterCount)
    let examples = clients.sets[0]
    _ = try model.lossAndGradient(
      parameters: initial.parameters, features: examples.features, labels: examples.labels, examples: 0..<5, dropoutSeed: 0,
      gradient: &gradient)
    let next = try await process.next(initial, round: 1, cohort: [0]) {}
    for (after, (before, slope)) in zip(next.state.parameters, zip(initial.parameters, gradient)) {
      #expect(abs(after - (before - 0.1 * slope)) < 1e-6)
    }
    #expect(next.outcome.trainMetrics.count == 5)
  }

  @Test("the weighted mean weighs by examples, the plain one does not")
  func weighting() async throws {
    // Two clients of 2 and 6 examples, one batch each: the weighted step is the gradient step over all 8.
    let clients = ToyClients(sizes: [2, 6])
    let all = ExampleSet(
      features: clients.sets[0].features + clients.sets[1].features, labels: clients.sets[0].labels + clients.sets[1].labels)
    let pooled = try await run(process(ToyClients([all]), batchSize: 10), rounds: 1, cohort: [0])
    let weighted = try await run(process(clients, aggregation: .mean(weighted: true), batchSize: 10), rounds: 1, cohort: [0, 1])
    let plain = try await run(process(clients, batchSize: 10), rounds: 1, cohort: [0, 1])
    #expect(zip(pooled, weighted).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(pooled, plain).contains { abs($0 - $1) > 1e-4 })
  }

  @Test("learns a separable problem, with each server optimizer")
  func learns() async throws {
    let clients = ToyClients(sizes: (0..<20).map { 4 + $0 % 5 })
    for server in [
      OptimizerConfiguration.sgd(learningRate: 1, momentum: 0), .sgd(learningRate: 0.5, momentum: 0.9),
      .adam(learningRate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-3),
      .adamW(learningRate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-3, weightDecay: 0.004),
      .yogi(learningRate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-3, initialAccumulator: 1e-6),
      .adagrad(learningRate: 0.1, epsilon: 1e-7, initialAccumulator: 0.1), .rmsprop(learningRate: 0.02, decay: 0.9, epsilon: 1e-3),
    ] {
      let parameters = try await run(process(clients, server: server), rounds: 40, cohort: Array(0..<20))
      let metrics = try await FederatedEvaluation(graph: toyModel, clients: clients).metrics(of: parameters)
      #expect(metrics.accuracy == 1, "\(server)")
    }
  }

  @Test("the charge comes once, and where it fails nothing is released")
  func charge() async throws {
    let process = try process(ToyClients(sizes: [3, 3]))
    let state = try process.initialState()
    let calls = Mutex(0)
    _ = try await process.next(state, round: 1, cohort: [0, 1]) { calls.withLock { $0 += 1 } }
    #expect(calls.withLock { $0 } == 1)
    struct Refused: Error {}
    await #expect(throws: Refused.self) { try await process.next(state, round: 1, cohort: [0, 1]) { throw Refused() } }
  }

  @Test("an empty cohort moves nothing without privacy, and is noised with it")
  func emptyCohort() async throws {
    let plain = try process(ToyClients(sizes: [3]))
    let before = try plain.initialState()
    #expect(try await plain.next(before, round: 1, cohort: []) {}.state.parameters == before.parameters)
    let noisy = try process(
      ToyClients(sizes: [3]),
      aggregation: .mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 1))
    #expect(try await noisy.next(noisy.initialState(), round: 1, cohort: []) {}.state.parameters != before.parameters)
  }

  @Test("clients without examples and clients with NaN take part and change nothing")
  func uselessClients() async throws {
    let good = ToyClients(sizes: [4]).sets[0]
    let poisoned = ExampleSet(features: [.nan, .infinity], labels: [1])
    let empty = ExampleSet(features: [], labels: [])
    let process = try process(ToyClients([good, poisoned, empty]), aggregation: .mean(weighted: true))
    let alone = try self.process(ToyClients([good]), aggregation: .mean(weighted: true))
    let state = try process.initialState()
    let mixed = try await process.next(state, round: 1, cohort: [0, 1, 2]) {}
    let single = try await alone.next(state, round: 1, cohort: [0]) {}
    #expect(mixed.state.parameters == single.state.parameters)
    #expect(mixed.outcome.value(.participants) == 3 && mixed.outcome.value(.rejectedUpdates) == 1)
  }

  @Test("an aggregate that is not finite leaves model and server optimizer as they were", arguments: [1e297, 1e147])
  func overflow(clippingNorm: Double) async throws {
    // Noise of 1e300 overflows when squared, noise of 1e150 as a Float; nothing of it may reach the model.
    let aggregation = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1e3, clientsPerRound: 1, clippingNorm: clippingNorm)
    let process = try process(ToyClients(sizes: [3]), aggregation: aggregation)
    let state = try process.initialState()
    let next = try await process.next(state, round: 1, cohort: [0]) {}
    #expect(next.outcome.rejection == .notFinite && next.state.parameters == state.parameters)
    #expect(next.state.serverOptimizer == state.serverOptimizer)
  }

  @Test("a cancelled round throws before the charge")
  func cancellation() async throws {
    let process = try process(ToyClients(sizes: [Int](repeating: 200, count: 400)), epochs: 50)
    let state = try process.initialState()
    let charged = Mutex(false)
    let task = Task { _ = try await process.next(state, round: 1, cohort: Array(0..<400)) { charged.withLock { $0 = true } } }
    task.cancel()
    await #expect(throws: FederatedLearningError.self) { try await task.value }
    #expect(!charged.withLock { $0 })
  }

  @Test("strangers in the cohort, models that do not fit and bad parameters are errors")
  func errors() async throws {
    let clients = ToyClients(sizes: [3])
    let process = try process(clients)
    let state = try process.initialState()
    await #expect(throws: FederatedLearningError.self) { try await process.next(state, round: 1, cohort: [0, 1]) {} }
    await #expect(throws: FederatedLearningError.self) { try await process.next(state, round: 1, cohort: [-1]) {} }
    #expect(throws: FederatedLearningError.self) { try self.process(clients, graph: .named("mnist-logistic")) }
    let optimizer = OptimizerConfiguration.sgd(learningRate: 0.1, momentum: 0)
    #expect(throws: FederatedLearningError.self) { try LocalTraining(optimizer: optimizer, epochs: 0, batchSize: 1) }
    #expect(throws: FederatedLearningError.self) { try LocalTraining(optimizer: optimizer, batchSize: 0) }
    #expect(throws: FederatedLearningError.self) { try LocalTraining(optimizer: .sgd(learningRate: .nan, momentum: 0), batchSize: 1) }
  }
}
