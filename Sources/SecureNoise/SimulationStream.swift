/// A reproducible stream of bytes, the same on every machine, keyed by (seed, purpose, round, client).
///
/// AES-128 in counter mode; key and first counter block are the two halves of the SHA-256 of the tuple. Streams of
/// different tuples are computationally independent, so clients can be simulated in any order, on any thread.
///
/// - Warning: reproducible, so never for privacy. Noise from here protects nobody who shares the seed; use
///   ``SecureGenerator``.
public final class SimulationStream: RandomByteSource {
  private let keystream: Keystream

  /// The stream of the given tuple.
  ///
  /// - Parameters:
  ///   - seed: seed of the run.
  ///   - purpose: what the numbers are for.
  ///   - round: round of training, 0 where there is none.
  ///   - client: index of the client, 0 where there is none.
  public init(seed: UInt64, purpose: StreamPurpose, round: UInt64 = 0, client: UInt64 = 0) {
    // The purpose comes last: it is the only part of variable length, so no two tuples give the same text.
    var text = Array("Epsilon simulation stream 1\0".utf8)
    for number in [seed, round, client] {
      withUnsafeBytes(of: number.littleEndian) { text.append(contentsOf: $0) }
    }
    text.append(contentsOf: purpose.rawValue.utf8)
    let digest = SHA256.digest(of: text)
    do {
      keystream = try Keystream(key: Array(digest[..<16]), counter: Array(digest[16...]))
    } catch {
      // SHA-256 has just worked: libcrypto without AES-128-CTR is a broken installation, not an input.
      preconditionFailure("\(error)")
    }
  }

  public func fill(_ bytes: UnsafeMutableRawBufferPointer) { keystream.fill(bytes) }
}
