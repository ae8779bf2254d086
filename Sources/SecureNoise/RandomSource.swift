import COpenSSL

/// Random numbers drawn from a stream of bytes, through a buffer that makes single draws cheap.
///
/// A class, because a copied value would repeat its noise, and repeated noise is a privacy failure that nobody
/// sees. Not `Sendable`, and not to be used by two threads at once: create one where it is used, from a
/// ``SecureGenerator`` for privacy or from the ``SimulationStream`` of a round and client. The numbers depend on the
/// stream and the order of the draws alone, never on the size of the buffer.
///
/// The buffer is wiped when the source is released. The source should be the only reader of its stream.
public final class RandomSource {
  private let source: any RandomByteSource
  private let buffer: UnsafeMutableRawBufferPointer
  /// End of the bytes in the buffer, and position of the next one.
  private var filled = 0
  private var position = 0
  /// Size of the next refill: small at first, because a client's stream may serve a few draws only.
  private var refillSize: Int
  /// The second of a pair of Gaussian numbers, kept for the next draw.
  var spareGaussian: Double?

  /// Numbers from `source`, read `bufferByteCount` bytes at a time (a multiple of 8, 32 KiB by default).
  public init(_ source: any RandomByteSource, bufferByteCount: Int = 1 << 15) {
    precondition(
      bufferByteCount >= 8 && bufferByteCount.isMultiple(of: 8),
      "a random source's buffer must hold a positive multiple of 8 bytes, not \(bufferByteCount)")
    self.source = source
    buffer = .allocate(byteCount: bufferByteCount, alignment: 64)
    refillSize = min(1024, bufferByteCount)
  }

  /// Numbers for privacy, from a new ``SecureGenerator``.
  ///
  /// - Throws: ``SecureNoiseError`` if the operating system gives no random bytes or OpenSSL no cipher.
  public static func secure() throws(SecureNoiseError) -> RandomSource { RandomSource(try SecureGenerator()) }

  /// Reproducible numbers from the ``SimulationStream`` of the tuple.
  ///
  /// - Warning: reproducible, so never for privacy.
  public static func simulation(
    seed: UInt64, purpose: StreamPurpose, round: UInt64 = 0, client: UInt64 = 0
  ) -> RandomSource {
    RandomSource(SimulationStream(seed: seed, purpose: purpose, round: round, client: client))
  }

  deinit {
    if let start = buffer.baseAddress { copenssl_wipe(start, buffer.count) }
    buffer.deallocate()
  }

  /// 64 uniform bits: the next 8 bytes of the stream, in little-endian order.
  public func nextUInt64() -> UInt64 {
    if position == filled { refill() }
    let word = buffer.load(fromByteOffset: position, as: UInt64.self)
    position += 8
    return UInt64(littleEndian: word)
  }

  /// Hands the next words of the buffer to `body` until it takes none or the buffer is used up. A word for which `body` answers
  /// false stays the next one. The loop over a vector runs here, with the position in a register.
  @inline(__always)
  func takeBufferedWords(_ body: (UInt64) -> Bool) {
    if position == filled { refill() }
    guard let start = UnsafeRawPointer(buffer.baseAddress) else { return }
    var next = start + position
    let end = start + filled
    while next < end && body(UInt64(littleEndian: next.load(as: UInt64.self))) { next += 8 }
    position = next - start
  }

  private func refill() {
    source.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<refillSize]))
    filled = refillSize
    position = 0
    refillSize = min(buffer.count, refillSize * 4)
    // Every refill is a whole number of draws.
    refillSize -= refillSize % 8
  }
}
