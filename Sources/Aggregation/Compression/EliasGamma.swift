/// The Elias gamma code of integers near 0: short for small magnitudes, one bit for 0.
///
/// A signed integer v becomes the positive n = 2v + 1 for v ≥ 0 and −2v for v < 0 (0, −1, 1, −2, … become 1, 2, 3, 4, …); n is written
/// as ⌊log₂ n⌋ zeros and then its binary digits, highest first (Elias, Universal codeword sets and representations of the integers,
/// IEEE Transactions on Information Theory 21, 1975). The last byte is filled up with zeros.
public enum EliasGamma {
  /// The code of `values`.
  public static func encode(_ values: [Int32]) -> [UInt8] {
    var writer = BitWriter(capacity: values.count / 2)
    for value in values { writer.writeGamma(UInt64(zigzag(value)) + 1) }
    return writer.finished()
  }

  /// The `count` integers of which `bytes` is the code.
  ///
  /// - Throws: ``AggregationError/malformedEncoding(encoder:reason:)`` unless `bytes` is exactly what ``encode(_:)`` gives.
  public static func decode(_ bytes: [UInt8], count: Int) throws(AggregationError) -> [Int32] {
    try decode(bytes, from: 0, count: count)
  }

  /// Length in bits of the code of `values`, before the filling.
  public static func bitCount(of values: [Int32]) -> Int {
    values.reduce(0) { $0 + 2 * (63 - (UInt64(zigzag($1)) + 1).leadingZeroBitCount) + 1 }
  }

  static func decode(_ bytes: [UInt8], from start: Int, count: Int) throws(AggregationError) -> [Int32] {
    func malformed(_ reason: String) -> AggregationError { .malformedEncoding(encoder: "Elias gamma code", reason: reason) }
    try requireEncodableCount(count)
    // A code takes a bit at least: no memory is taken for a count that cannot be.
    guard count <= 8 * (bytes.count - start) else { throw malformed("\(bytes.count - start) bytes cannot hold \(count) integers") }
    var reader = BitReader(bytes, from: start)
    var values: [Int32] = []
    values.reserveCapacity(count)
    for _ in 0..<count {
      guard let number = reader.readGamma(limit: 1 << 32) else { throw malformed("a code is cut off or stands for no 32-bit integer") }
      values.append(unzigzag(UInt32(truncatingIfNeeded: number - 1)))
    }
    guard reader.paddingIsZero, reader.endPosition == bytes.count else { throw malformed("more follows the last integer") }
    return values
  }

  private static func zigzag(_ value: Int32) -> UInt32 { UInt32(bitPattern: value << 1 ^ value >> 31) }

  private static func unzigzag(_ value: UInt32) -> Int32 { Int32(bitPattern: value >> 1) ^ -Int32(bitPattern: value & 1) }
}

extension BitWriter {
  /// The gamma code of a number of 1...2³².
  mutating func writeGamma(_ number: UInt64) {
    let zeros = 63 - number.leadingZeroBitCount
    if zeros < 28 {
      write(number, count: 2 * zeros + 1)
    } else {
      write(0, count: zeros)
      write(number, count: zeros + 1)
    }
  }
}

extension BitReader {
  /// A number of 1...`limit`, `limit` at most 2³²; `nil` if there is none.
  mutating func readGamma(limit: UInt64) -> UInt64? {
    guard let zeros = readZeros(limit: 32), let number = read(count: zeros + 1), number <= limit else { return nil }
    return number
  }
}
