import SecureNoise
import Testing

@Suite("Numbers in fixed point plus a Gaussian, exactly rounded")
struct FixedPointGaussianTests {
  /// Numbers of about `bits` bits from the script.
  private func numbers(_ count: Int, bits: Int, seed: UInt64) -> [Int64] {
    let source = RandomSource(ScriptedSource(seed: seed))
    return (0..<count).map { _ in Int64(bitPattern: source.nextUInt64()) >> Int64(64 - bits) }
  }

  @Test("Integers get the numbers of the grid Gaussian from the same bits", arguments: [0.4, 33, 0x1p30, 1e13, 0x1p57])
  func integers(sigma: Double) throws {
    for (bits, usingFastPath) in [(1, true), (24, true), (40, true), (24, false)] {
      let (first, second) = (RandomSource(ScriptedSource(seed: 3)), RandomSource(ScriptedSource(seed: 3)))
      var plain = numbers(1500, bits: 20, seed: 4)
      var fixed = plain.map { $0 << Int64(bits) }
      try first.addGridGaussian(standardDeviation: sigma, to: &plain)
      try second.roundWithGaussian(standardDeviation: sigma, fixedPoint: &fixed, fractionBits: bits, usingFastPath: usingFastPath)
      #expect(plain == fixed)
      #expect(first.nextUInt64() == second.nextUInt64())
    }
  }

  @Test(
    "The fast path gives the numbers of the exact one and uses the same bits",
    arguments: [0x1p-40, 0.4, 33, 0x1p20, 3e9, 0x1p36, 1e13, 0x1p57])
  func fastEqualsExact(sigma: Double) throws {
    for bits in [1, 7, 24, 40] {
      let (fast, exact) = (RandomSource(ScriptedSource(seed: 30)), RandomSource(ScriptedSource(seed: 30)))
      var first = numbers(3000, bits: 60, seed: 31)
      var second = first
      try fast.roundWithGaussian(standardDeviation: sigma, fixedPoint: &first, fractionBits: bits)
      try exact.roundWithGaussian(standardDeviation: sigma, fixedPoint: &second, fractionBits: bits, usingFastPath: false)
      #expect(first == second)
      #expect(fast.nextUInt64() == exact.nextUInt64())
    }
  }

  /// The same first bits give the same real number on both grids.
  @Test("A number is that of the fine grid, rounded afterwards, within what the fine grid rounds", arguments: [0.2, 5, 1e4, 0x1p25])
  func fineGrid(sigma: Double) throws {
    let bits = 24
    for (index, value) in numbers(4000, bits: 40, seed: 40).enumerated() {
      var (coarse, fine) = ([value], [Int64(0)])
      try RandomSource(ScriptedSource(seed: UInt64(index))).roundWithGaussian(
        standardDeviation: sigma, fixedPoint: &coarse, fractionBits: bits)
      try RandomSource(ScriptedSource(seed: UInt64(index))).addGridGaussian(standardDeviation: sigma * 0x1p24, to: &fine)
      let sum = value + fine[0] + 1 << 23
      #expect(((sum - 1) >> 24...(sum + 1) >> 24).contains(coarse[0]))
    }
  }

  /// 1e-6 for each of the two statistics.
  @Test("Four million numbers have the probabilities of V + σX rounded", arguments: [(0.3, 0.25), (1, -0.4375), (7.5, 0.5), (3, 0.9375)])
  func probabilities(sigma: Double, value: Double) throws {
    var values = [Int64](repeating: Int64(value * 0x1p24), count: 4_000_000)
    try RandomSource.simulation(seed: 35, purpose: .testing).roundWithGaussian(
      standardDeviation: sigma, fixedPoint: &values, fractionBits: 24)
    let end = Int64(12 * sigma) + 4
    IntegerCounts(values).expect(in: -end...end) { k in
      // On the side of the tail, where a difference keeps its digits.
      let x = abs(Double(k) - value)
      return GridGaussianTests.cumulative((0.5 - x) / sigma) - GridGaussianTests.cumulative((-0.5 - x) / sigma)
    }
  }

  @Test("Without noise numbers are rounded to the nearest, and nothing is drawn")
  func silent() throws {
    let source = RandomSource(ScriptedSource(seed: 8))
    var values: [Int64] = [0, 1, 2, 3, -1, -2, -3, .max, .min]
    try source.roundWithGaussian(standardDeviation: 0, fixedPoint: &values, fractionBits: 2)
    #expect(values == [0, 0, 1, 1, 0, 0, -1, 1 << 61, -1 << 61])
    #expect(source.nextUInt64() == RandomSource(ScriptedSource(seed: 8)).nextUInt64())
    var empty: [Int64] = []
    try source.roundWithGaussian(standardDeviation: 3, fixedPoint: &empty, fractionBits: 2)
  }

  @Test("Any other number of places or standard deviation is refused and leaves only zeros, and so does a result beyond 64 bits")
  func refusals() throws {
    for (sigma, bits) in [(1, 0), (1, 41), (1, -3), (1, .max), (.nan, 3), (-1, 3), (.infinity, 3), (0x1.0000000000001p57, 3)]
      as [(Double, Int)]
    {
      var values: [Int64] = [1, 2, 3]
      #expect(throws: SecureNoiseError.self) {
        try RandomSource(ScriptedSource(seed: 1)).roundWithGaussian(standardDeviation: sigma, fixedPoint: &values, fractionBits: bits)
      }
      #expect(values == [0, 0, 0])
    }
    // ⌊2⁶² + 2⁵⁷ X⌋ leaves 64 bits for X above 32, which nothing in reach draws: what is checked is that the largest numbers do not trap.
    var values: [Int64] = [.max, .min, .max - 1, .min + 1]
    try RandomSource(ScriptedSource(seed: 1)).roundWithGaussian(standardDeviation: 0x1p57, fixedPoint: &values, fractionBits: 1)
    #expect(values[0] > 0 && values[1] < 0)
  }
}
