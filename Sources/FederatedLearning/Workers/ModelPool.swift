import NeuralNetworks
import Synchronization

/// Compiled models that idle between blocks of clients, so that each worker compiles only once.
final class ModelPool: Sendable {
  /// A compiled model on its way between tasks. Unchecked because a model is held by the pool or by one task, never by two.
  private struct Parked: @unchecked Sendable { let model: CompiledModel }

  private let graph: ModelGraph
  private let batchSize: Int
  private let idle = Mutex<[Parked]>([])

  /// A pool with one model in it, so that what cannot be compiled fails here and not in the first round.
  init(graph: ModelGraph, batchSize: Int) throws(FederatedLearningError) {
    self.graph = graph
    self.batchSize = batchSize
    putBack(try take())
  }

  /// A model that nobody else uses until it is put back.
  func take() throws(FederatedLearningError) -> CompiledModel {
    if let waiting = idle.withLock({ $0.popLast() }) { return waiting.model }
    do throws(NeuralNetworkError) { return try CompiledModel(graph, batchSize: batchSize) } catch { throw .network(error) }
  }

  /// Puts a model back; the caller must not use it afterwards.
  func putBack(_ model: CompiledModel) {
    let parked = Parked(model: model)
    idle.withLock { $0.append(parked) }
  }
}
