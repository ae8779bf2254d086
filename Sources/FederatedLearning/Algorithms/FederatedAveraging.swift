public import Aggregation
public import FederatedDatasets
import Foundation
public import NeuralNetworks
import ParameterVectors

/// Federated averaging (McMahan, Moore, Ramage, Hampson and Agüera y Arcas 2017, algorithm 1) with a server optimizer
/// (Reddi et al. 2021, algorithm 1).
///
/// A client starts from the server's parameters, trains on its own examples and sends initial − final, which the server
/// optimizer takes for a gradient. A client is weighted by its number of examples where the aggregation is weighted, else by 1.
public struct FederatedAveraging: LearningProcess {
  /// Model, server optimizer and aggregation between two rounds.
  public struct State: Sendable {
    /// The server's model, [parameters].
    public var parameters: [Float]
    /// State of the server optimizer.
    public var serverOptimizer: OptimizerState
    /// State of the aggregation.
    public var aggregation: AggregationState
  }

  /// The model.
  public let graph: ModelGraph
  /// Who may take part.
  public let clients: any ClientData
  /// What a client does.
  public let localTraining: LocalTraining
  /// How updates become one.
  public let aggregation: AggregationPipeline
  /// What the server does with the aggregate.
  public let serverOptimizer: OptimizerConfiguration
  /// Where random numbers come from.
  public let randomness: RunRandomness
  private let executor: ComputeExecutor
  private let pool: ModelPool
  private let parameterCount: Int

  /// A process over `clients`; checks that model and data fit together.
  public init(
    graph: ModelGraph, clients: any ClientData, localTraining: LocalTraining, aggregation: AggregationPipeline,
    serverOptimizer: OptimizerConfiguration = .sgd(learningRate: 1, momentum: 0), randomness: RunRandomness,
    executor: ComputeExecutor = ComputeExecutor()
  ) throws(FederatedLearningError) {
    do throws(NeuralNetworkError) {
      try serverOptimizer.validate()
      parameterCount = try graph.parameterLayout().count
    } catch { throw .network(error) }
    try checkFit(of: graph, with: clients)
    self.graph = graph
    self.clients = clients
    self.localTraining = localTraining
    self.aggregation = aggregation
    self.serverOptimizer = serverOptimizer
    self.randomness = randomness
    self.executor = executor
    pool = try ModelPool(graph: graph, batchSize: localTraining.batchSize)
  }

  public func initialState() throws(FederatedLearningError) -> State {
    do throws(NeuralNetworkError) {
      return State(
        parameters: try graph.initialParameters(seed: randomness.seed),
        serverOptimizer: serverOptimizer.initialState(count: parameterCount), aggregation: aggregation.initialState())
    } catch { throw .network(error) }
  }

  public func parameters(of state: State) -> [Float] { state.parameters }

  public func next(
    _ state: State, round: Int, cohort: [Int], charge: @Sendable () throws -> Void
  ) async throws -> (state: State, outcome: RoundOutcome) {
    let opened = try aggregation.round(count: parameterCount, state: state.aggregation, roundSeed: randomness.roundSeed(round))
    if aggregation.hasClientNoise { try charge() }
    let collected = try await collect(state.parameters, round: round, cohort: cohort, into: opened)
    if !aggregation.hasClientNoise { try charge() }

    let result: AggregationResult
    do { result = try opened.finish(collected.sum, noise: try randomness.noise(round: round)) } catch AggregationError.tooFewClients {
      // Cohorts vary, and the noise of a small one does not protect: its sum is dropped, and the next round goes on.
      return (state, RoundOutcome(measurements: [], trainMetrics: collected.metrics, rejection: .tooFewClients))
    }
    var next = state
    next.aggregation = result.state
    // After rounding, which makes what is beyond a Float infinite.
    let gradient = result.update.map(Float.init)
    var isFinite = VectorMath.sumOfSquares(gradient).isFinite
    if isFinite {
      serverOptimizer.update(&next.parameters, gradient: gradient, state: &next.serverOptimizer)
      // A step may overflow where the update does not; it would spoil every round that follows.
      isFinite = [next.parameters, next.serverOptimizer.firstMoment, next.serverOptimizer.secondMoment].allSatisfy {
        VectorMath.sumOfSquares($0).isFinite
      }
      if !isFinite { (next.parameters, next.serverOptimizer) = (state.parameters, state.serverOptimizer) }
    }
    return (next, RoundOutcome(measurements: result.measurements, trainMetrics: collected.metrics, rejection: isFinite ? nil : .notFinite))
  }

  private struct Collected: Sendable {
    var sum: PartialSum
    var metrics = BatchMetrics()
  }

  /// Trains the cohort's clients and sums what they send.
  private func collect(
    _ parameters: [Float], round: Int, cohort: [Int], into opened: AggregationRound
  ) async throws(FederatedLearningError) -> Collected {
    if let stranger = cohort.first(where: { !(0..<clients.clientCount).contains($0) }) {
      throw .unknownClient(index: stranger, clientCount: clients.clientCount)
    }
    let schedule = BlockSchedule(count: cohort.count)
    return try await schedule.fold(into: Collected(sum: opened.emptySum()), on: executor) { block in
      try trainBlock(cohort[block], from: parameters, round: round, into: opened)
    } merge: { total, part in
      try total.sum.merge(part.sum)
      total.metrics.merge(part.metrics)
    }
  }

  /// Trains one block of clients after the other and sums what they send.
  private func trainBlock(
    _ block: ArraySlice<Int>, from parameters: [Float], round: Int, into opened: AggregationRound
  ) throws -> Collected {
    let model = try pool.take()
    defer { pool.putBack(model) }
    var part = Collected(sum: opened.emptySum())
    for client in block {
      try Task.checkCancellation()
      let examples = try clients.examples(ofClient: client)
      let trained = try localTraining.update(
        from: parameters, examples: examples, model: model, seed: randomness.seed, round: round, client: client)
      let own = aggregation.needsClientRandomness ? try randomness.clientNoise(round: round, client: client) : nil
      try opened.add(trained.update, weight: Double(examples.count), to: &part.sum, own: own)
      part.metrics.merge(trained.metrics)
    }
    return part
  }
}

/// Checks that a model takes the clients' examples and knows all their classes.
func checkFit(of graph: ModelGraph, with clients: any ClientData) throws(FederatedLearningError) {
  let classCount: Int
  do throws(NeuralNetworkError) { classCount = try graph.outputCount() } catch { throw .network(error) }
  guard graph.inputShape.reduce(1, *) == clients.exampleShape.reduce(1, *) else {
    throw .dataMismatch("the model takes examples of shape \(graph.inputShape), the data has \(clients.exampleShape): choose another model")
  }
  guard classCount >= clients.classCount else {
    throw .dataMismatch("the model tells \(classCount) classes apart, the data has \(clients.classCount): choose another model")
  }
}
