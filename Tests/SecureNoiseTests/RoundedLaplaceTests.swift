import Foundation
import SecureNoise
import Testing

@Suite("Laplace numbers rounded exactly to integers")
struct RoundedLaplaceTests {
  private static func sample(_ scale: Double, count: Int = 10_000_000, seed: UInt64) throws -> [Int64] {
    var values = [Int64](repeating: 0, count: count)
    try RandomSource.simulation(seed: seed, purpose: .testing).add(.roundedLaplace(scale: scale), to: &values)
    return values
  }

  /// P(round(L) = k).
  private static func probability(_ k: Int64, scale: Double) -> Double {
    if k == 0 { return -expm1(-0.5 / scale) }
    return -0.5 * exp(-(Double(k.magnitude) - 0.5) / scale) * expm1(-1 / scale)
  }

  /// 1e-6 for each of the two statistics. The scales have 0, 1 and 2 digits.
  @Test("Ten million numbers have the probabilities of the rounded real number", arguments: [0x1p-10, 0.05, 0.3, 1, 3.7, 8, 40.1, 1000])
  func probabilities(scale: Double) throws {
    let end = Int64(40 * scale) + 2
    IntegerCounts(try Self.sample(scale, seed: 60)).expect(in: -end...end) { Self.probability($0, scale: scale) }
  }

  /// Kolmogorov–Smirnov: 2.70 has the tail 1e-6 (Dvoretzky, Kiefer, Wolfowitz and Massart); χ² over 1,000 equal shares: 1e-6.
  @Test("Ten million numbers of a large scale follow the real distribution function", arguments: [1.5 * 0x1p29, 0x1p30, 12_345_678.9])
  func largeScales(scale: Double) throws {
    var values = try Self.sample(scale, seed: 61)
    values.sort()
    let n = Double(values.count)
    // A rounded number is at most k where the real one is below k + ½.
    func cumulative(_ k: Int64) -> Double {
      let x = (Double(k) + 0.5) / scale
      return x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x)
    }
    var distance = 0.0
    var counts = [Int](repeating: 0, count: 1000)
    for (index, value) in values.enumerated() {
      let p = cumulative(value)
      distance = max(distance, abs(p - Double(index) / n), abs(p - Double(index + 1) / n))
      counts[min(999, Int(p * 1000))] += 1
    }
    #expect(distance * n.squareRoot() < 2.70)
    let expected = n / 1000
    let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    #expect(statistic < chiSquareLimit(999))
  }

  /// The lowest bits come from the last digit alone: 5e-7 for each.
  @Test("The lowest digits are used: residues of 16 are uniform at a large scale (χ², 1e-6)")
  func lowDigits() throws {
    var counts = [Int](repeating: 0, count: 16)
    for value in try Self.sample(0x1p30, count: 1_000_000, seed: 62) { counts[Int(value & 15)] += 1 }
    let statistic = counts.reduce(0) { $0 + pow(Double($1) - 62_500, 2) / 62_500 }
    #expect(statistic < chiSquareLimit(15))
  }

  /// Each within 6 standard deviations of its estimate: 2e-9.
  @Test("Moments, tails and independence of neighbours and of streams at any scale", arguments: [100, 0x1p30, 3e12, 0x1p50])
  func moments(scale: Double) throws {
    let values = try Self.sample(scale, count: 1_000_000, seed: 63).map { Double($0) / scale }
    let others = try Self.sample(scale, count: 1_000_000, seed: 64).map { Double($0) / scale }
    let n = Double(values.count)
    // E xᵏ = k! for even k, and rounding adds 1/12 of a squared step to the variance.
    let variance = 2 + 1 / (12 * scale * scale)
    #expect(abs(values.reduce(0, +) / n) < 6 * (variance / n).squareRoot())
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / n - variance) < 6 * (20 / n).squareRoot())
    #expect(abs(values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n - 24) < 6 * (39_744 / n).squareRoot() + 1e-3)
    #expect(abs(zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }) < 6 * variance * n.squareRoot())
    #expect(abs(zip(values, others).reduce(0) { $0 + $1.0 * $1.1 }) < 6 * variance * n.squareRoot())
    let beyond = Double(values.count { abs($0) > 10 })
    #expect(abs(beyond - n * exp(-10)) < 6 * (n * exp(-10)).squareRoot())
  }

  /// Of the table of the top digit and its sign, and of a digit.
  @Test("The enclosures of both kinds of digits hold their closed forms, at most 2⁻¹²⁸ wide", arguments: [0.01, 0.7, 5.3, 15.9])
  func enclosures(scale: Double) {
    func check(_ distribution: LatticeDistribution, _ cumulative: (Int64) -> Double) {
      let (first, enclosures) = distribution.cumulative(words: 2)
      for (index, enclosure) in enclosures.enumerated() {
        #expect(enclosure.lower <= enclosure.upper && enclosure.upper - enclosure.lower < .powerOfTwo(enclosure.bits - 128))
        let value = (enclosure.lower >> (enclosure.bits - 64)).uint64.map { Double($0) * 0x1p-64 } ?? 1
        #expect(abs(value - cumulative(first + Int64(index))) < 1e-13)
      }
    }
    // P(floor(L) < k) = P(L < k), a real Laplace number's.
    check(.laplaceFloor(scale: DyadicNumber(scale))) { k in
      let x = Double(k) / scale
      return x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x)
    }
    for count in [1, 2, 64] {
      check(.geometricDigit(scale: DyadicNumber(scale), count: count)) { expm1(-Double($0) / scale) / expm1(-Double(count) / scale) }
    }
  }

  @Test(
    "A digit's table decides a word as the enclosures do",
    arguments: [.laplaceFloor(scale: DyadicNumber(3.3)), .geometricDigit(scale: DyadicNumber(1e4), count: 1024)] as [LatticeDistribution])
  func tables(distribution: LatticeDistribution) {
    let table = InversionTable(distribution)
    let (first, probabilities) = distribution.cumulative(words: 2)
    let bits = probabilities[0].bits
    for probability in probabilities {
      guard let cut = (probability.lower >> (bits - 64)).uint64 else { continue }
      for word in [cut &- 3, cut, cut &+ 2, cut &+ 1 << 20] {
        guard let integer = table.integer(at: word) else { continue }
        let index = Int(integer - first)
        #expect(probabilities[index].upper <= Natural(word) << (bits - 64))
        #expect((Natural(word) + Natural(1 as UInt64)) << (bits - 64) <= probabilities[index + 1].lower)
      }
    }
    // Words at the ends, beyond what 64 bits decide, end as well.
    for word in [0, 1, .max] as [UInt64] { _ = table.draw(from: RandomSource(ScriptedSource([word], seed: 1))) }
  }

  @Test("Noise depends neither on the buffer nor on how a vector is cut; at scale 0 nothing is drawn")
  func determinism() throws {
    let noise = try IntegerNoise.roundedLaplace(scale: 1e6)
    var whole = [Int64](repeating: 0, count: 300)
    try RandomSource(ScriptedSource(seed: 9), bufferByteCount: 8).add(noise, to: &whole)
    let source = RandomSource(ScriptedSource(seed: 9))
    var (head, tail) = ([Int64](repeating: 0, count: 100), [Int64](repeating: 7, count: 200))
    try source.add(noise, to: &head)
    try source.add(noise, to: &tail)
    #expect(head + tail.map { $0 - 7 } == whole)
    let fresh = RandomSource(ScriptedSource(seed: 3))
    var values: [Int64] = [3, 4]
    try fresh.add(.roundedLaplace(scale: 0), to: &values)
    #expect(values == [3, 4] && fresh.nextUInt64() == RandomSource(ScriptedSource(seed: 3)).nextUInt64())
  }

  @Test("Other scales are refused; a sum beyond 64 bits is an error that leaves only zeros")
  func refusals() throws {
    for scale in [Double.nan, .infinity, -1, 0x1p-11, 0x1p51, 1e300] {
      #expect(throws: SecureNoiseError.self) { try IntegerNoise.roundedLaplace(scale: scale) }
    }
    var values = [Int64](repeating: .max, count: 100)
    #expect(throws: SecureNoiseError.overflow) {
      try RandomSource.simulation(seed: 1, purpose: .testing).add(.roundedLaplace(scale: 1e6), to: &values)
    }
    #expect(values.allSatisfy { $0 == 0 })
  }
}
