import SecureNoise

/// A client's private random bits for rounding, many at a time.
///
/// 32 bytes of the client's source key an AES-128-CTR stream: as hard to predict as the source, at the speed of the cipher.
final class RoundingBits {
  private let stream: Keystream

  init(_ randomness: RandomSource) {
    var bytes: [UInt8] = []
    for _ in 0..<4 { withUnsafeBytes(of: randomness.nextUInt64().littleEndian) { bytes.append(contentsOf: $0) } }
    do {
      stream = try Keystream(key: Array(bytes[..<16]), counter: Array(bytes[16...]))
    } catch {
      // Every random source rests on the same cipher: without it the installation is broken, no input is wrong.
      preconditionFailure("\(error)")
    }
  }

  /// Overwrites the first `count` words with uniform bits.
  func fill(_ words: inout [UInt32], count: Int) {
    words.withUnsafeMutableBytes { stream.fill(UnsafeMutableRawBufferPointer(rebasing: $0[..<(4 * count)])) }
  }
}

/// Words of uniform bits, one at a time.
struct RoundingWords {
  private let bits: RoundingBits
  private var block = [UInt32](repeating: 0, count: 1024)
  private var position = 1024

  init(_ randomness: RandomSource) { bits = RoundingBits(randomness) }

  /// 32 uniform bits.
  mutating func next() -> UInt32 {
    if position == block.count {
      bits.fill(&block, count: block.count)
      position = 0
    }
    defer { position += 1 }
    return block[position]
  }

  /// `value` rounded up with probability frac(value), else down; multiples of 2⁻³² are realised exactly, others to 2⁻³².
  mutating func round(_ value: Double) -> Double {
    let floor = value.rounded(.down)
    return Double(next()) * 0x1p-32 < value - floor ? floor + 1 : floor
  }
}

/// How a real number becomes an integer.
public enum IntegerRounding: String, Codable, Hashable, Sendable, CaseIterable {
  /// Up with the probability of the fraction, else down: right on average.
  case stochastic
  /// To the nearest integer: half the largest error, but biased.
  case nearest
}
