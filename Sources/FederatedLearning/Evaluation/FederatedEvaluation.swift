public import FederatedDatasets
public import NeuralNetworks

/// Evaluates a model on clients: each client's loss and hits are summed, and only the sums are finalised.
public struct FederatedEvaluation: Sendable {
  private let clients: any ClientData
  private let executor: ComputeExecutor
  private let pool: ModelPool

  /// An evaluation on `clients`; checks that model and data fit together.
  ///
  /// - Parameter batchSize: examples computed at once; it changes speed and memory only.
  public init(
    graph: ModelGraph, clients: any ClientData, batchSize: Int = 100, executor: ComputeExecutor = ComputeExecutor()
  ) throws(FederatedLearningError) {
    try checkFit(of: graph, with: clients)
    guard batchSize >= 1 else { throw .invalidParameter(name: "batchSize", value: batchSize, allowed: "at least 1") }
    self.clients = clients
    self.executor = executor
    pool = try ModelPool(graph: graph, batchSize: batchSize)
  }

  /// Sums over all clients, without dropout.
  public func metrics(of parameters: [Float]) async throws(FederatedLearningError) -> BatchMetrics {
    try await BlockSchedule(count: clients.clientCount).fold(into: BatchMetrics(), on: executor) { block in
      try evaluateBlock(block, parameters)
    } merge: { total, part in
      total.merge(part)
    }
  }

  private func evaluateBlock(_ block: Range<Int>, _ parameters: [Float]) throws -> BatchMetrics {
    let model = try pool.take()
    defer { pool.putBack(model) }
    var sum = BatchMetrics()
    for client in block {
      let examples = try clients.examples(ofClient: client)
      guard examples.count > 0 else { continue }
      sum.merge(
        try model.evaluate(parameters: parameters, features: examples.features, labels: examples.labels, examples: 0..<examples.count))
    }
    return sum
  }
}
