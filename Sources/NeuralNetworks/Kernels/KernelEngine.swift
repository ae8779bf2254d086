import COneDNN

/// oneDNN's engine and stream, and the scratch memory that the kernels of one model share. Used by one thread at a time.
final class KernelEngine {
  let handle: OpaquePointer

  init() throws(NeuralNetworkError) {
    var made: OpaquePointer?
    handle = try KernelEngine.unwrap(eps_engine_create(&made), made, "start")
  }

  deinit { eps_engine_destroy(handle) }

  /// Throws when `status` is not success.
  static func check(_ status: Int32, _ operation: String) throws(NeuralNetworkError) {
    guard status == 0 else { throw .engine(operation: operation, status: String(cString: eps_status_name(status))) }
  }

  /// The object that a successful `status` came with.
  static func unwrap(_ status: Int32, _ made: OpaquePointer?, _ operation: String) throws(NeuralNetworkError) -> OpaquePointer {
    try check(status, operation)
    guard let made else { throw .engine(operation: operation, status: "no object") }
    return made
  }
}
