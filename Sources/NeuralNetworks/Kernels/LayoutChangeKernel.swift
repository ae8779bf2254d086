import COneDNN

/// Copies an activation out of a blocked layout into the plain one, and its gradient back.
final class LayoutChangeKernel: LayerKernel {
  let output: ActivationBuffer
  private let handle: OpaquePointer
  private let source: ActivationBuffer

  init(engine: KernelEngine, source: ActivationBuffer) throws(NeuralNetworkError) {
    var made: OpaquePointer?
    var output: OpaquePointer?
    let status = eps_layout_change_create(engine.handle, source.handle, &output, &made)
    handle = try KernelEngine.unwrap(status, made, "set-up of a change of layout")
    self.output = ActivationBuffer(handle: try KernelEngine.unwrap(status, output, "set-up of a change of layout"), engine: engine)
    self.source = source
  }

  deinit { eps_layout_change_destroy(handle) }

  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError) {
    try KernelEngine.check(eps_layout_change_forward(handle), "change of layout")
  }

  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError) {
    try KernelEngine.check(eps_layout_change_backward(handle), "change of layout")
  }
}
