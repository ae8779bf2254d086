import COneDNN

/// Convolution with bias, and with max(0, ·) where asked for, as one primitive.
final class ConvolutionKernel: LayerKernel {
  let output: ActivationBuffer
  private let handle: OpaquePointer
  private let source: ActivationBuffer
  private let weights: Int
  private let bias: Int

  /// `weights` and `bias` are positions in the flat parameter buffer.
  init(
    engine: KernelEngine, source: ActivationBuffer, filters: Int, kernel: Int, weights: Int, bias: Int, rectify: Bool, sourceGradient: Bool
  ) throws(NeuralNetworkError) {
    var made: OpaquePointer?
    var output: OpaquePointer?
    let status = eps_convolution_create(
      engine.handle, source.handle, Int64(filters), Int64(kernel), rectify, sourceGradient, &output, &made)
    handle = try KernelEngine.unwrap(status, made, "set-up of a convolution")
    self.output = ActivationBuffer(handle: try KernelEngine.unwrap(status, output, "set-up of a convolution"), engine: engine)
    self.source = source
    self.weights = weights
    self.bias = bias
  }

  deinit { eps_convolution_destroy(handle) }

  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError) {
    try KernelEngine.check(eps_convolution_forward(handle, parameters + weights, parameters + bias), "convolution")
  }

  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError) {
    try KernelEngine.check(eps_convolution_backward(handle, gradient + weights, gradient + bias), "gradient of a convolution")
  }
}
