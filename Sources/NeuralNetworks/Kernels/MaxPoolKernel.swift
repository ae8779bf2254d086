import COneDNN

/// Max pooling, which remembers the position of each window's maximum for the way back.
final class MaxPoolKernel: LayerKernel {
  let output: ActivationBuffer
  private let handle: OpaquePointer
  private let source: ActivationBuffer
  private let sourceIsRectified: Bool

  /// With `sourceIsRectified`, also takes the derivative of the max(0, ·) that made the source. A window's maximum is positive exactly
  /// if the gradient passes both, so the mask can be applied here, to the smaller of the two tensors.
  init(engine: KernelEngine, source: ActivationBuffer, size: Int, sourceIsRectified: Bool) throws(NeuralNetworkError) {
    var made: OpaquePointer?
    var output: OpaquePointer?
    let status = eps_pooling_create(engine.handle, source.handle, Int64(size), &output, &made)
    handle = try KernelEngine.unwrap(status, made, "set-up of a pooling layer")
    self.output = ActivationBuffer(handle: try KernelEngine.unwrap(status, output, "set-up of a pooling layer"), engine: engine)
    self.source = source
    self.sourceIsRectified = sourceIsRectified
  }

  deinit { eps_pooling_destroy(handle) }

  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError) {
    try KernelEngine.check(eps_pooling_forward(handle), "max pooling")
  }

  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError) {
    if sourceIsRectified { eps_mask_positive(output.values.baseAddress, output.gradient.baseAddress, output.count) }
    try KernelEngine.check(eps_pooling_backward(handle), "gradient of max pooling")
  }
}
