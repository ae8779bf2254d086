import COneDNN

/// The values between two layers for one batch, and the gradient of the loss with respect to them; memory aligned to 64 bytes.
final class ActivationBuffer {
  let handle: OpaquePointer
  private let engine: KernelEngine

  /// Takes ownership of `handle`.
  init(handle: OpaquePointer, engine: KernelEngine) {
    self.handle = handle
    self.engine = engine
  }

  /// A plain buffer for `examples` of `shape`.
  convenience init(_ shape: LayerShape, examples: Int, engine: KernelEngine) throws(NeuralNetworkError) {
    var made: OpaquePointer?
    let status =
      switch shape {
      case .image(let height, let width, let channels):
        eps_activation_create(engine.handle, Int64(examples), Int64(height), Int64(width), Int64(channels), &made)
      case .flat(let count):
        eps_activation_create(engine.handle, Int64(examples), 1, 1, Int64(count), &made)
      }
    self.init(handle: try KernelEngine.unwrap(status, made, "allocation of a batch"), engine: engine)
  }

  deinit { eps_activation_destroy(handle) }

  /// Whether the values lie channels last and without padding, rather than in a blocked layout of oneDNN.
  var isPlain: Bool { eps_activation_is_plain(handle) }
  /// Stored scalars, padding of blocked layouts included.
  var count: Int { eps_activation_count(handle) }
  var values: UnsafeMutableBufferPointer<Float> { .init(start: eps_activation_values(handle), count: count) }
  var gradient: UnsafeMutableBufferPointer<Float> { .init(start: eps_activation_gradient(handle), count: count) }
}
