#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Arithmetic coding of codes with unequal frequencies: about as many bits as their entropy.
///
/// The frequencies come first, each plus one in Elias gamma code, then the codes as one number in a mixed radix (a range coder:
/// Martin, Range encoding, 1979) with carries resolved as they appear.
public enum ArithmeticCode {
  /// The size that the theory gives: k log₂(e(d + k)/k) bits for the histogram, d times the entropy for the codes, 66 for two ends of
  /// a range and a scale, where d codes take k different values. FedJAX reports this number; what is really sent is measured.
  public static func estimatedBitCount(of codes: [UInt16]) -> Double {
    var histogram = [Int](repeating: 0, count: 1 << 16)
    for code in codes { histogram[Int(code)] += 1 }
    let different = Double(histogram.count { $0 > 0 })
    guard different > 0 else { return 66 }
    let count = Double(codes.count)
    let entropy = histogram.reduce(0.0) { $1 > 0 ? $0 + Double($1) * log2(count / Double($1)) : $0 }
    return different * log2(M_E * (count + different) / different) + entropy + 66
  }

  /// Writes `codes`, each below `levels`, with their frequencies.
  static func encode(_ codes: [UInt16], levels: Int, to writer: inout ByteWriter) {
    guard !codes.isEmpty else { return }
    let model = Frequencies(of: codes, levels: levels)
    var header = BitWriter()
    for level in 0..<levels { header.writeGamma(UInt64(model.size(level)) + 1) }
    writer.write(header.finished())
    var coder = RangeEncoder(capacity: codes.count)
    for code in codes { coder.encode(start: model.starts[Int(code)], size: model.size(Int(code)), totalBits: model.totalBits) }
    writer.write(coder.finished())
  }

  /// Reads `count` codes and moves over them.
  static func decode(_ reader: inout ByteReader, count: Int, levels: Int) throws(AggregationError) -> [UInt16] {
    guard count > 0 else { return [] }
    let model = try Frequencies(&reader, levels: levels)
    var decoder = RangeDecoder(reader.bytes, from: reader.position)
    var codes: [UInt16] = []
    for _ in 0..<count {
      let level = model.level(at: decoder.target(totalBits: model.totalBits))
      decoder.consume(start: model.starts[level], size: model.size(level))
      guard !decoder.isPastEnd else { throw reader.malformed("it ends in the middle of its codes") }
      codes.append(UInt16(level))
    }
    _ = try reader.skip(decoder.position - reader.position)
    return codes
  }
}

/// Frequencies that add up to a power of two.
private struct Frequencies {
  let totalBits: UInt32
  /// Sum of the frequencies before each level, then the total.
  let starts: [UInt32]

  static func totalBits(levels: Int) -> UInt32 { max(12, UInt32(Int.bitWidth - levels.leadingZeroBitCount) + 3) }

  func size(_ level: Int) -> UInt32 { starts[level + 1] - starts[level] }

  /// In proportion to the histogram of `codes`, at least 1 for every level that occurs.
  init(of codes: [UInt16], levels: Int) {
    totalBits = Self.totalBits(levels: levels)
    var histogram = [Int](repeating: 0, count: levels)
    for code in codes { histogram[Int(code)] += 1 }
    let shared = 1 << Int(totalBits) - histogram.count { $0 > 0 }
    var sizes = histogram.map { $0 > 0 ? 1 + $0 * shared / codes.count : 0 }
    // What rounding down left over goes to the most frequent level.
    if let largest = histogram.indices.max(by: { histogram[$0] < histogram[$1] }) {
      sizes[largest] += 1 << Int(totalBits) - sizes.reduce(0, +)
    }
    starts = sizes.reduce(into: [0]) { $0.append($0[$0.count - 1] + UInt32($1)) }
  }

  init(_ reader: inout ByteReader, levels: Int) throws(AggregationError) {
    totalBits = Self.totalBits(levels: levels)
    let total: UInt64 = 1 << UInt64(totalBits)
    var bits = BitReader(reader.bytes, from: reader.position)
    var starts: [UInt32] = [0]
    var sum: UInt64 = 0
    for _ in 0..<levels {
      guard let size = bits.readGamma(limit: total + 1) else { throw reader.malformed("its frequencies are cut off") }
      sum += size - 1
      guard sum <= total else { throw reader.malformed("its frequencies add up to more than the whole") }
      starts.append(UInt32(sum))
    }
    guard sum == total, bits.paddingIsZero else { throw reader.malformed("its frequencies do not add up to the whole") }
    _ = try reader.skip(bits.endPosition - reader.position)
    self.starts = starts
  }

  /// The level whose share of the total contains `target`, which is below the total.
  func level(at target: UInt32) -> Int {
    var low = 0
    var high = starts.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= target { low = middle } else { high = middle }
    }
    return low
  }
}

/// Writes an interval that shrinks with every code.
private struct RangeEncoder {
  private var low: UInt64 = 0
  private var range = UInt32.max
  /// The last byte that is certain but for a carry, and how many bytes wait with it (all 255 but the first).
  private var cache: UInt8 = 0
  private var waiting = 1
  private var bytes: [UInt8] = []

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  mutating func encode(start: UInt32, size: UInt32, totalBits: UInt32) {
    let unit = range >> totalBits
    low += UInt64(start) * UInt64(unit)
    range = unit * size
    while range < 1 << 24 {
      shift()
      range <<= 8
    }
  }

  private mutating func shift() {
    if low < 0xff00_0000 || low > UInt64(UInt32.max) {
      let carry = UInt8(truncatingIfNeeded: low >> 32)
      bytes.append(cache &+ carry)
      bytes.append(contentsOf: repeatElement(0xff &+ carry, count: waiting - 1))
      waiting = 0
      cache = UInt8(truncatingIfNeeded: low >> 24)
    }
    waiting += 1
    low = (low & 0x00ff_ffff) << 8
  }

  consuming func finished() -> [UInt8] {
    for _ in 0..<5 { shift() }
    return bytes
  }
}

/// Reads what ``RangeEncoder`` wrote: as many bytes as it wrote, if the codes are as many.
private struct RangeDecoder {
  private let bytes: [UInt8]
  private(set) var position: Int
  private(set) var isPastEnd = false
  private var code: UInt32 = 0
  private var range = UInt32.max
  private var unit: UInt32 = 1

  init(_ bytes: [UInt8], from position: Int) {
    self.bytes = bytes
    self.position = position
    for _ in 0..<5 { code = code << 8 | nextByte() }
  }

  private mutating func nextByte() -> UInt32 {
    guard position < bytes.count else {
      isPastEnd = true
      return 0
    }
    defer { position += 1 }
    return UInt32(bytes[position])
  }

  /// Where in the total the next code lies.
  mutating func target(totalBits: UInt32) -> UInt32 {
    unit = range >> totalBits
    return min(code / unit, (1 << totalBits) - 1)
  }

  mutating func consume(start: UInt32, size: UInt32) {
    // A message that nobody wrote can lie beyond its interval; any code does then.
    code = code &- start &* unit
    range = unit * size
    while range < 1 << 24 {
      code = code << 8 | nextByte()
      range <<= 8
    }
  }
}
