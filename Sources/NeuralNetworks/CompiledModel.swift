public import ParameterVectors

/// A `ModelGraph` made ready to compute batches of up to `batchSize` examples: all memory and all primitives are made once, here.
///
/// Not `Sendable`: each worker has its own. Everything runs on the calling thread, and results are bit-for-bit the same in every run, on
/// every thread and in every instance of equal graph and batch size, on machines with the same `InstructionSet.effective`.
///
/// Features are examples × `inputShape` scalars, row-major, one example after the other; labels are class indices from 0. Non-finite
/// parameters or features are no error: the loss then may be non-finite, the counts stay what they say.
public final class CompiledModel {
  /// The graph that this was compiled from.
  public let graph: ModelGraph
  /// Where each tensor lies in the flat buffers of parameters and gradient.
  public let layout: ParameterLayout
  /// Largest number of examples in one call of `lossAndGradient`.
  public let batchSize: Int
  /// Number of classes.
  public let classCount: Int
  /// Scalars of one example.
  public let exampleSize: Int
  /// Scalars of all parameters.
  public let parameterCount: Int
  private let kernels: KernelSequence

  /// Compiles `graph` for batches of up to `batchSize` examples.
  ///
  /// - Throws: `NeuralNetworkError` when the graph or the batch size is not usable, or the arithmetic engine refuses.
  public init(_ graph: ModelGraph, batchSize: Int) throws(NeuralNetworkError) {
    let analysis = try graph.analysis()
    guard batchSize >= 1 else { throw .invalidBatchSize(batchSize: batchSize, problem: "give at least 1") }
    let largest = analysis.layers.map(\.output.count).reduce(analysis.input.count, max)
    guard batchSize <= LayerShape.largestCount / largest else {
      throw .invalidBatchSize(
        batchSize: batchSize,
        problem: "a layer has \(largest) values for each example, so give at most \(LayerShape.largestCount / largest)")
    }
    ComputeThreads.useOneThread()
    self.graph = graph
    layout = try graph.parameterLayout()
    self.batchSize = batchSize
    classCount = analysis.classCount
    exampleSize = analysis.input.count
    parameterCount = analysis.parameterCount
    kernels = try KernelSequence(analysis, batchSize: batchSize)
  }

  /// Softmax cross-entropy and its gradient for the examples at `indices`.
  ///
  /// - Parameters:
  ///   - parameters: `[parameterCount]`.
  ///   - features: All examples that `indices` may name, not only those of the batch.
  ///   - labels: One class index for each of these.
  ///   - indices: 1 to `batchSize` examples, in any order, repeats allowed.
  ///   - dropoutSeed: What dropout draws from; the same seed drops the same elements.
  ///   - gradient: `[parameterCount]`, overwritten with the gradient of the mean loss over the batch; undefined after the engine failed.
  /// - Returns: Sums over the batch, under the dropout of this pass.
  /// - Throws: `NeuralNetworkError` for wrong sizes, indices or labels out of range, or a failure of the arithmetic engine.
  public func lossAndGradient(
    parameters: [Float], features: [Float], labels: [Int32], indices: ArraySlice<Int32>, dropoutSeed: UInt64, gradient: inout [Float]
  ) throws(NeuralNetworkError) -> BatchMetrics {
    try checkBatch(indices.count)
    try checkBuffers(parameters: parameters, features: features, labels: labels)
    try checkCount(gradient.count, parameterCount, "gradient")
    try checkIndices(indices, labels: labels)
    ComputeThreads.useOneThread()
    kernels.load(features: features, labels: labels, indices: indices)
    return try kernels.train(parameters: parameters, dropoutSeed: dropoutSeed, gradient: &gradient)
  }

  /// Softmax cross-entropy and its gradient for consecutive examples; otherwise as the version with indices.
  public func lossAndGradient(
    parameters: [Float], features: [Float], labels: [Int32], examples: Range<Int>, dropoutSeed: UInt64, gradient: inout [Float]
  ) throws(NeuralNetworkError) -> BatchMetrics {
    try checkBatch(examples.count)
    try checkBuffers(parameters: parameters, features: features, labels: labels)
    try checkCount(gradient.count, parameterCount, "gradient")
    try checkExamples(examples, labels: labels)
    ComputeThreads.useOneThread()
    kernels.load(features: features, labels: labels, examples: examples)
    return try kernels.train(parameters: parameters, dropoutSeed: dropoutSeed, gradient: &gradient)
  }

  /// Softmax cross-entropy and hits for consecutive examples, without dropout.
  ///
  /// `examples` may be longer than `batchSize`: it is then computed batch by batch.
  /// - Throws: As `lossAndGradient`.
  public func evaluate(
    parameters: [Float], features: [Float], labels: [Int32], examples: Range<Int>
  ) throws(NeuralNetworkError) -> BatchMetrics {
    guard !examples.isEmpty else { throw .emptyBatch }
    try checkBuffers(parameters: parameters, features: features, labels: labels)
    try checkExamples(examples, labels: labels)
    ComputeThreads.useOneThread()
    var metrics = BatchMetrics()
    var start = examples.lowerBound
    while start < examples.upperBound {
      let end = min(start + batchSize, examples.upperBound)
      kernels.load(features: features, labels: labels, examples: start..<end)
      metrics.merge(try kernels.evaluate(parameters: parameters))
      start = end
    }
    return metrics
  }

  /// Softmax cross-entropy and hits for the examples at `indices`, at most `batchSize`, without dropout.
  ///
  /// - Throws: As `lossAndGradient`.
  public func evaluate(
    parameters: [Float], features: [Float], labels: [Int32], indices: ArraySlice<Int32>
  ) throws(NeuralNetworkError) -> BatchMetrics {
    try checkBatch(indices.count)
    try checkBuffers(parameters: parameters, features: features, labels: labels)
    try checkIndices(indices, labels: labels)
    ComputeThreads.useOneThread()
    kernels.load(features: features, labels: labels, indices: indices)
    return try kernels.evaluate(parameters: parameters)
  }
}
