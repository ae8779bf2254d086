/// One step of a compiled model. Kernels know the activations that they read and write from construction on.
protocol LayerKernel: AnyObject {
  /// Computes the output's values; `parameters` is the whole flat buffer.
  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError)

  /// From the gradient of the output: the gradients of the kernel's parameters, into its part of the whole flat buffer `gradient`, and,
  /// where an earlier kernel needs it, the gradient of the source. Values are those of the last forward pass.
  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError)
}

/// How a forward pass is meant.
enum ForwardPass {
  case evaluation
  case training(dropoutSeed: UInt64)
}
