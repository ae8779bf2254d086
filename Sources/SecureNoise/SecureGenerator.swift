import COpenSSL

/// The cryptographic generator for privacy noise and for the secret draw of clients.
///
/// AES-128 in counter mode, keyed by the operating system. After 2³² blocks (64 GiB), far below the birthday bound
/// of the cipher, it takes a new key from its own stream and the operating system together. Key and counter never
/// leave the object and are wiped with it.
///
/// After a `fork`, the child's generator takes a new key from the operating system before it gives any byte. Bytes
/// that a ``RandomSource`` had buffered before the fork would still appear in both processes: a process that forks
/// must make new random sources in the child.
public final class SecureGenerator: RandomByteSource {
  static let bytesPerKey: UInt64 = 1 << 36

  private var keystream: Keystream
  private var remainingBytes: UInt64
  private var processID: Int64
  private let keyLifetime: UInt64

  /// A generator with a fresh key.
  ///
  /// - Throws: ``SecureNoiseError`` if the operating system gives no random bytes or OpenSSL no cipher.
  public convenience init() throws(SecureNoiseError) {
    try self.init(bytesPerKey: Self.bytesPerKey)
  }

  /// A generator that changes its key after `bytesPerKey` bytes, so that a test can see it happen.
  package init(bytesPerKey: UInt64) throws(SecureNoiseError) {
    precondition(bytesPerKey > 0, "a key must last for at least one byte")
    keystream = try Self.freshKeystream(mixing: nil)
    remainingBytes = bytesPerKey
    keyLifetime = bytesPerKey
    processID = copenssl_process_id()
  }

  public func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    // Unlike a change of key, a fork needs entropy: the old stream is known to the other process.
    if processID != copenssl_process_id() {
      renewKey(mixing: nil)
      processID = copenssl_process_id()
    }
    var rest = bytes[...]
    while !rest.isEmpty {
      if remainingBytes == 0 { renewKey(mixing: keystream) }
      let count = Int(min(UInt64(rest.count), remainingBytes))
      keystream.fill(UnsafeMutableRawBufferPointer(rebasing: rest.prefix(count)))
      remainingBytes -= UInt64(count)
      rest = rest.dropFirst(count)
    }
  }

  private func renewKey(mixing old: Keystream?) {
    do {
      keystream = try Self.freshKeystream(mixing: old)
      remainingBytes = keyLifetime
    } catch {
      // `fill` cannot fail, and bytes from a worn or shared key must not be used as noise.
      preconditionFailure("\(error)")
    }
  }

  /// A keystream keyed by the operating system, and by `old` where there is one.
  private static func freshKeystream(mixing old: Keystream?) throws(SecureNoiseError) -> Keystream {
    var seed = [UInt8](repeating: 0, count: 32)
    defer { seed.withUnsafeMutableBytes { copenssl_wipe($0.baseAddress, $0.count) } }
    let code = seed.withUnsafeMutableBufferPointer { copenssl_entropy($0.baseAddress, $0.count) }
    if code != 0 { throw .entropyUnavailable(code: code) }
    if let old {
      var mask = [UInt8](repeating: 0, count: 32)
      defer { mask.withUnsafeMutableBytes { copenssl_wipe($0.baseAddress, $0.count) } }
      mask.withUnsafeMutableBytes { old.fill($0) }
      for index in seed.indices { seed[index] ^= mask[index] }
    }
    var key = Array(seed[..<16])
    var counter = Array(seed[16...])
    defer {
      key.withUnsafeMutableBytes { copenssl_wipe($0.baseAddress, $0.count) }
      counter.withUnsafeMutableBytes { copenssl_wipe($0.baseAddress, $0.count) }
    }
    return try Keystream(key: key, counter: counter)
  }
}
