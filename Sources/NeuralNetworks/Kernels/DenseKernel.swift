import COneDNN

/// Matrix product with bias, and with max(0, ·) where asked for. Reads weights and writes their gradient in place, without a copy.
final class DenseKernel: LayerKernel {
  let output: ActivationBuffer
  private let handle: OpaquePointer
  private let source: ActivationBuffer
  private let weights: Int
  private let bias: Int

  /// `weights` and `bias` are positions in the flat parameter buffer.
  init(
    engine: KernelEngine, source: ActivationBuffer, units: Int, weights: Int, bias: Int, rectify: Bool, sourceGradient: Bool
  ) throws(NeuralNetworkError) {
    var made: OpaquePointer?
    var output: OpaquePointer?
    let status = eps_dense_create(engine.handle, source.handle, Int64(units), rectify, sourceGradient, &output, &made)
    handle = try KernelEngine.unwrap(status, made, "set-up of a dense layer")
    self.output = ActivationBuffer(handle: try KernelEngine.unwrap(status, output, "set-up of a dense layer"), engine: engine)
    self.source = source
    self.weights = weights
    self.bias = bias
  }

  deinit { eps_dense_destroy(handle) }

  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError) {
    try KernelEngine.check(eps_dense_forward(handle, parameters + weights, parameters + bias), "dense layer")
  }

  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError) {
    try KernelEngine.check(
      eps_dense_backward(handle, parameters + weights, gradient + weights, gradient + bias), "gradient of a dense layer")
  }
}
