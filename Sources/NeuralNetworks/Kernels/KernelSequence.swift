import COneDNN

/// The kernels of a compiled model with their buffers: loads a batch, runs it forward and back. Sizes are checked by the caller.
final class KernelSequence {
  private let input: ActivationBuffer
  private let output: ActivationBuffer
  private let kernels: [any LayerKernel]
  private let firstTrained: Int
  private let batchSize: Int
  private let exampleSize: Int
  private let classCount: Int
  private var labels: [Int32]
  private var loaded = 0

  init(_ analysis: GraphAnalysis, batchSize: Int) throws(NeuralNetworkError) {
    let builder = try KernelBuilder(input: analysis.input, batchSize: batchSize)
    var index = 0
    while index < analysis.layers.count {
      let placed = analysis.layers[index]
      // A layer with parameters takes over the relu behind it.
      let takesReLU = !placed.tensors.isEmpty && index + 1 < analysis.layers.count && analysis.layers[index + 1].layer == .relu
      let placement = LayerPlacement(
        index: index, parameterOffset: placed.parameterOffset, tensors: placed.tensors, followedByReLU: takesReLU)
      try placed.layer.definition.append(to: builder, at: placement)
      index += takesReLU ? 2 : 1
    }
    builder.settleDerivative()
    input = builder.input
    output = builder.current
    kernels = builder.kernels
    firstTrained = builder.firstTrained ?? 0
    self.batchSize = batchSize
    exampleSize = analysis.input.count
    classCount = analysis.classCount
    labels = [Int32](repeating: 0, count: batchSize)
  }

  /// Copies the examples at `indices` into the batch and fills the rest of it with zeros.
  func load(features: [Float], labels: [Int32], indices: ArraySlice<Int32>) {
    features.withUnsafeBufferPointer { source in
      let target = input.values
      var slot = 0
      for index in indices {
        let example = UnsafeBufferPointer(rebasing: source[Int(index) * exampleSize..<(Int(index) + 1) * exampleSize])
        _ = UnsafeMutableBufferPointer(rebasing: target[slot * exampleSize..<(slot + 1) * exampleSize]).update(fromContentsOf: example)
        self.labels[slot] = labels[Int(index)]
        slot += 1
      }
    }
    finishLoading(count: indices.count)
  }

  /// Copies consecutive examples into the batch and fills the rest of it with zeros.
  func load(features: [Float], labels: [Int32], examples: Range<Int>) {
    features.withUnsafeBufferPointer { source in
      let block = UnsafeBufferPointer(rebasing: source[examples.lowerBound * exampleSize..<examples.upperBound * exampleSize])
      _ = UnsafeMutableBufferPointer(rebasing: input.values[..<block.count]).update(fromContentsOf: block)
    }
    for (slot, example) in examples.enumerated() { self.labels[slot] = labels[example] }
    finishLoading(count: examples.count)
  }

  private func finishLoading(count: Int) {
    loaded = count
    UnsafeMutableBufferPointer(rebasing: input.values[(count * exampleSize)...]).update(repeating: 0)
  }

  /// Loss and hits of the loaded batch without dropout.
  func evaluate(parameters: [Float]) throws(NeuralNetworkError) -> BatchMetrics {
    try parameters.withUnsafeBufferPointer { (buffer) throws(NeuralNetworkError) in
      guard let start = buffer.baseAddress else { throw .wrongCount(buffer: "parameters", expected: 1, actual: 0) }
      for kernel in kernels { try kernel.forward(start, .evaluation) }
    }
    return loss(gradient: nil)
  }

  /// Loss and hits of the loaded batch, and the gradient of its mean loss, which overwrites `gradient`.
  func train(parameters: [Float], dropoutSeed: UInt64, gradient: inout [Float]) throws(NeuralNetworkError) -> BatchMetrics {
    try parameters.withUnsafeBufferPointer { (buffer) throws(NeuralNetworkError) in
      try gradient.withUnsafeMutableBufferPointer { (gradientBuffer) throws(NeuralNetworkError) in
        guard let start = buffer.baseAddress, let gradientStart = gradientBuffer.baseAddress else {
          throw .wrongCount(buffer: "parameters", expected: 1, actual: 0)
        }
        for kernel in kernels { try kernel.forward(start, .training(dropoutSeed: dropoutSeed)) }
        let metrics = loss(gradient: output.gradient.baseAddress)
        for kernel in kernels[firstTrained...].reversed() { try kernel.backward(start, gradientStart) }
        return metrics
      }
    }
  }

  private func loss(gradient: UnsafeMutablePointer<Float>?) -> BatchMetrics {
    var lossSum = 0.0
    var correct: Int64 = 0
    eps_softmax_cross_entropy(output.values.baseAddress, labels, loaded, batchSize, classCount, gradient, &lossSum, &correct)
    return BatchMetrics(lossSum: lossSum, correct: Int(correct), count: loaded)
  }
}
