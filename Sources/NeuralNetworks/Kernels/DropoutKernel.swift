import COneDNN

/// Dropout in place on a plain activation: which elements are kept is a function of the pass's seed, the layer and the element's position
/// in the batch, so neither the blocked layout nor the thread has a say.
final class DropoutKernel: LayerKernel {
  private let target: ActivationBuffer
  private let rate: Double
  private let stream: UInt64
  private var kept: [UInt8]

  init(target: ActivationBuffer, rate: Double, stream: UInt64) {
    self.target = target
    self.rate = rate
    self.stream = stream
    kept = [UInt8](repeating: 1, count: target.count)
  }

  func forward(_ parameters: UnsafePointer<Float>, _ pass: ForwardPass) throws(NeuralNetworkError) {
    guard case .training(let seed) = pass else { return }
    eps_dropout_forward(target.values.baseAddress, &kept, target.count, rate, BitMixer.key(seed, stream))
  }

  func backward(_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) throws(NeuralNetworkError) {
    eps_dropout_backward(target.gradient.baseAddress, kept, target.count, rate)
  }
}
