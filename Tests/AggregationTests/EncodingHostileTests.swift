import Aggregation
import Foundation
import SecureNoise
import Testing

@Suite("Hostile byte streams")
struct EncodingHostileTests {
  /// Decodes anything to an `AggregationError` or to `count` finite numbers.
  private func survives(_ encoder: any UpdateEncoder, _ bytes: [UInt8], count: Int) -> Bool {
    do throws(AggregationError) {
      let values = try encoder.decode(EncodedUpdate(bytes: bytes), count: count, shared: 9)
      return values.count == count && values.allSatisfy(\.isFinite)
    } catch { return !error.description.isEmpty }
  }

  private func fails(_ encoder: any UpdateEncoder, _ bytes: [UInt8], count: Int) -> Bool {
    (try? encoder.decode(EncodedUpdate(bytes: bytes), count: count, shared: 9)) == nil
  }

  private func bytes(_ encoder: any UpdateEncoder, _ values: [Float]) throws -> [UInt8] {
    try encoder.encode(values, randomness: testNoise(), shared: 9).bytes
  }

  @Test("every truncation and every longer stream is refused")
  func lengths() throws {
    for encoder in try EncodingCases.all() {
      let whole = try bytes(encoder, EncodingCases.gaussian(37))
      for length in 0..<whole.count { #expect(fails(encoder, Array(whole[..<length]), count: 37), "\(encoder.name) cut to \(length)") }
      #expect(fails(encoder, whole + [0], count: 37) && fails(encoder, whole + [1, 2, 3], count: 37), "\(encoder.name)")
      #expect(!fails(encoder, whole, count: 37))
    }
  }

  @Test("another format, another version and other counts are refused")
  func headers() throws {
    for encoder in try EncodingCases.all() {
      let whole = try bytes(encoder, EncodingCases.gaussian(200))
      #expect(fails(encoder, [whole[0] ^ 64] + whole[1...], count: 200) && fails(encoder, [whole[0], 2] + whole[2...], count: 200))
      for count in [-1, Int.min, Int.max, 1 << 40, 0, 100, 399, 4000] {
        #expect(fails(encoder, whole, count: count), "\(encoder.name), \(count) parameters")
      }
    }
  }

  @Test("3,000 random changes and 3,000 random streams per encoder give an error or finite numbers")
  func fuzz() throws {
    let source = RandomSource.simulation(seed: 21, purpose: .testing)
    for encoder in try EncodingCases.all() {
      let whole = try bytes(encoder, EncodingCases.gaussian(61))
      for _ in 0..<3000 {
        var changed = whole
        for _ in 0...source.uniformInteger(below: 4) {
          changed[source.uniformInteger(below: changed.count)] = UInt8(truncatingIfNeeded: source.nextUInt64())
        }
        #expect(survives(encoder, changed, count: 61))
        var random = (0..<source.uniformInteger(below: 2 * whole.count)).map { _ in UInt8(truncatingIfNeeded: source.nextUInt64()) }
        for index in random.indices.prefix(2) { random[index] = whole[index] }
        // A rotated stream holds another one.
        if whole[0] == 4 { for index in random.indices.prefix(4) { random[index] = whole[index] } }
        #expect(survives(encoder, random, count: 61))
      }
    }
  }

  @Test("ranges and scales that are NaN, infinite, reversed or negative are refused")
  func ranges() throws {
    let values = EncodingCases.gaussian(37)
    func put(_ value: Float, at position: Int, in bytes: [UInt8]) -> [UInt8] {
      var changed = bytes
      for byte in 0..<4 { changed[position + byte] = UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(byte))) }
      return changed
    }
    let encoders: [any UpdateEncoder] = [
      try QuantizeAboveThreshold(threshold: 0), try UniformQuantization(levels: 3), UniformQuantization.binary(), Drive(), try TernGrad(),
    ]
    for encoder in encoders {
      let whole = try bytes(encoder, values)
      for value in [Float.nan, .infinity, -.infinity] {
        #expect(fails(encoder, put(value, at: 2, in: whole), count: 37), "\(encoder.name)")
      }
      // A negative scale, or a least element above the greatest.
      let wrong: Float = encoder is Drive || encoder is TernGrad ? -1 : 1e9
      #expect(fails(encoder, put(wrong, at: 2, in: whole), count: 37), "\(encoder.name)")
    }
    // Scales that rotate back to infinity.
    let drive = try bytes(Drive(), [1, 0, 0, 0, 0, 0, 0, 0])
    #expect(fails(Drive(), put(.greatestFiniteMagnitude, at: 2, in: drive), count: 8))
    // Raw elements.
    let raw = try bytes(QuantizeAboveThreshold(), values)
    #expect(fails(try QuantizeAboveThreshold(), put(.nan, at: 42, in: raw), count: 37))
  }

  @Test("codes above the last level, trits above 2 and bits after the end are refused; gamma codes stay within 32 bits")
  func contents() throws {
    let three = try UniformQuantization(levels: 3)
    var bytes = try bytes(three, [0, 1, 2, 0])
    bytes[10] |= 0b11
    #expect(fails(three, bytes, count: 4))
    var trits = try self.bytes(TernGrad(), [1, -1, 1, 1, 1])
    trits[6] = 243
    #expect(fails(try TernGrad(), trits, count: 5))
    #expect(throws: AggregationError.self) { try EliasGamma.decode([0b1000_0001], count: 1) }
    #expect(throws: AggregationError.self) { try EliasGamma.decode([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], count: 1) }
    // 2³² + 1: 32 zeros, a one, 31 zeros, a one.
    #expect(throws: AggregationError.self) { try EliasGamma.decode([0, 0, 0, 0, 0b1000_0000, 0, 0, 0, 0b1000_0000], count: 1) }
    #expect(try EliasGamma.decode([0, 0, 0, 0, 0b1000_0000, 0, 0, 0, 0], count: 1) == [.min])
    #expect(throws: AggregationError.self) { try EliasGamma.decode([255], count: 9) }
    #expect(throws: AggregationError.self) { try EliasGamma.decode([255], count: 7) }
  }
}
