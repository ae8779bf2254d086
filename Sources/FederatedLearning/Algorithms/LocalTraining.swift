import FederatedDatasets
public import NeuralNetworks
import SecureNoise
import ParameterVectors

/// What a client does with the server's model: epochs of minibatch steps on its own examples.
public struct LocalTraining: Hashable, Sendable {
  /// Optimizer, whose state is fresh in every round.
  public let optimizer: OptimizerConfiguration
  /// Passes over the client's examples, at least 1.
  public let epochs: Int
  /// Examples per step, at least 1; the last batch of an epoch may be shorter.
  public let batchSize: Int

  /// Local training; checks its parameters.
  public init(optimizer: OptimizerConfiguration, epochs: Int = 1, batchSize: Int) throws(FederatedLearningError) {
    guard epochs >= 1 else { throw .invalidParameter(name: "epochs", value: epochs, allowed: "at least 1") }
    guard batchSize >= 1 else { throw .invalidParameter(name: "batchSize", value: batchSize, allowed: "at least 1") }
    do throws(NeuralNetworkError) { try optimizer.validate() } catch { throw .network(error) }
    self.optimizer = optimizer
    self.epochs = epochs
    self.batchSize = batchSize
  }

  /// Trains from `initial` and returns initial − final.
  ///
  /// The order of the examples is shuffled anew in every epoch by the stream of (seed, round, client). A client without examples
  /// returns zeros.
  func update(
    from initial: [Float], examples: ExampleSet, model: CompiledModel, seed: UInt64, round: Int, client: Int
  ) throws(FederatedLearningError) -> (update: [Float], metrics: BatchMetrics) {
    var metrics = BatchMetrics()
    guard examples.count > 0 else { return ([Float](repeating: 0, count: initial.count), metrics) }
    let random = RandomSource.simulation(
      seed: seed, purpose: .clientTraining, round: UInt64(clamping: round), client: UInt64(clamping: client))
    var parameters = initial
    var gradient = [Float](repeating: 0, count: initial.count)
    var state = optimizer.initialState(count: initial.count)
    var order = (0..<Int32(clamping: examples.count)).map { $0 }
    for _ in 0..<epochs {
      random.shuffle(&order)
      for start in stride(from: 0, to: order.count, by: batchSize) {
        do throws(NeuralNetworkError) {
          metrics.merge(
            try model.lossAndGradient(
              parameters: parameters, features: examples.features, labels: examples.labels,
              indices: order[start..<min(order.count, start + batchSize)], dropoutSeed: random.nextUInt64(), gradient: &gradient))
        } catch { throw .network(error) }
        optimizer.update(&parameters, gradient: gradient, state: &state)
      }
    }
    return (VectorMath.difference(initial, parameters), metrics)
  }
}
