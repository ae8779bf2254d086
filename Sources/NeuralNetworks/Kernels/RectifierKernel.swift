import COneDNN

/// max(0, ·) in place, whatever the layout; its derivative is read off the result.
final class RectifierKernel: LayerKernel {
  private let target: ActivationBuffer
  private let derivativeOnly: Bool

  /// With `derivativeOnly` the values are already rectified by the kernel that made them.
  init(target: ActivationBuffer, derivativeOnly: Bool) {
    self.target = target
    self.derivativeOnly = derivativeOnly
  }

  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError) {
    if !derivativeOnly { eps_rectify(target.values.baseAddress, target.count) }
  }

  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError) {
    eps_mask_positive(target.values.baseAddress, target.gradient.baseAddress, target.count)
  }
}
