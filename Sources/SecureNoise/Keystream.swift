import COpenSSL

/// An AES-128-CTR keystream. Key and counter are wiped with the object.
package final class Keystream {
  private let stream: OpaquePointer

  /// The keystream under `key` from the counter block `counter` on, 16 bytes each.
  package init(key: [UInt8], counter: [UInt8]) throws(SecureNoiseError) {
    precondition(key.count == Int(COPENSSL_KEY_BYTES), "an AES-128 key has 16 bytes, not \(key.count)")
    precondition(counter.count == Int(COPENSSL_COUNTER_BYTES), "a counter block has 16 bytes, not \(counter.count)")
    guard let stream = copenssl_keystream_create(key, counter) else { throw .cipherUnavailable }
    self.stream = stream
  }

  deinit { copenssl_keystream_free(stream) }

  /// Writes the next bytes of the keystream.
  package func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    guard bytes.count > 0, let start = bytes.baseAddress else { return }
    let status = copenssl_keystream_fill(stream, start.assumingMemoryBound(to: UInt8.self), bytes.count)
    // Going on would mean noise that is all zero: stopping is the only private answer.
    precondition(status == 1, "libcrypto failed in the middle of a keystream")
  }
}
