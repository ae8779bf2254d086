import SecureNoise
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("The Gaussian that is exactly rounded to a grid")
struct GridGaussianTests {
  static let count = 10_000_000

  static func sample(_ sigma: Double, count: Int = count, seed: UInt64) throws -> [Int64] {
    var values = [Int64](repeating: 0, count: count)
    try RandomSource.simulation(seed: seed, purpose: .testing).addGridGaussian(standardDeviation: sigma, to: &values)
    return values
  }

  static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// exp(−x²/2) for x in units of 2⁻¹⁶, with 128 places.
  static func f(_ x: UInt64) -> Enclosure {
    let z = (Natural(x) * Natural(x)) << (128 - 33)
    return .exponential(minus: Enclosure(lower: z, upper: z, bits: 128))
  }

  @Test("The strips follow each other, and each is at least as high as the density at its start, in integers")
  func staircase() {
    var end: UInt64 = 0
    let area = Natural(GaussianStrips.area)
    for strip in GaussianStrips.strips + (0..<64).map(GaussianStrips.tail) {
      #expect(strip.start == end && strip.width > 0 && strip.width <= 1 << 15)
      // w f(a) <= V 2^−halvings, with w in units of 2⁻¹⁶, f of 2⁻¹²⁸ and V of 2⁻²⁴.
      #expect((Natural(strip.width) * Self.f(strip.start).upper) << strip.halvings <= area << (128 + 16 - 24))
      // The discrete Gaussian's tail has half of the area.
      if strip.halvings > 0 {
        #expect((Natural(strip.width) * Self.f(strip.start).upper) << (strip.halvings + 1) <= area << (128 + 16 - 24))
      }
      end = strip.start + strip.width
    }
    #expect(GaussianStrips.strips.count == 511)
    // From T on, f falls by more than half over a quarter: exp(−T/4) < ½, so the strips after these are high enough too.
    #expect(Double(GaussianStrips.strips[510].start) * 0x1p-16 / 4 > log(2.0))
  }

  @Test("Levels that the fast path accepts unseen lie under the density at the strip's end, and hardly any other does")
  func certainLevels() {
    func check(_ strip: GaussianStrips.Strip, _ fast: GaussianStrips.FastStrip, reach: UInt64) {
      // certain · 2⁻²² · V 2^−halvings <= w f(end), with V in units of 2⁻²⁴, w of 2⁻¹⁶ and f of 2⁻¹²⁸.
      let bound = (Natural(strip.width) * Self.f(strip.start + strip.width + reach).lower) << strip.halvings
      let area = Natural(GaussianStrips.area) << (128 + 16 - 22 - 24)
      #expect(Natural(fast.certain) * area <= bound)
      #expect(bound < Natural(fast.certain + 2) * area)
    }
    for (strip, fast) in zip(GaussianStrips.strips, GaussianStrips.fast) { check(strip, fast, reach: 0) }
    for (strip, fast) in zip(GaussianStrips.strips, GaussianStrips.fastAbove) { check(strip, fast, reach: 1 << 6) }
    for (index, fast) in GaussianStrips.fastTail.enumerated() { check(GaussianStrips.tail(index), fast, reach: 0) }
  }

  @Test("The density of the fast path has a relative error below 2⁻⁴⁰")
  func fastDensity() {
    for x in stride(from: 0 as UInt64, through: 16 << 16, by: 997) {
      let exact = Self.f(x)
      let value = GaussianStrips.halfSquareExponential(Double(x) * 0x1p-16)
      let digits = DyadicNumber(value)
      // Compare at 2⁻³²⁰.
      let found = Natural(digits.mantissa) << (320 + digits.exponent)
      let (lower, upper) = (exact.lower << 192, exact.upper << 192)
      let margin = (upper >> 40) + (upper - lower)
      #expect(found <= upper + margin && lower <= found + margin)
    }
  }

  /// An independent program in Python (fractions, mpmath with 700 bits) followed the same bits.
  @Test("The numbers are those that another program with 700 bits finds from the same bits")
  func reference() throws {
    let cases: [(sigma: Double, seed: UInt64, values: [Int64])] = [
      (1.7, 1, [-1, 0, -2, 1, 3, -1, -1, -2, 2, -2, 2, -5, 3, -1, 2, 0]),
      (
        1e6, 2,
        [
          -531569, -164424, -833582, 814334, 457872, -1_192_161, -1_177_414, 677362, -270249, 132533, 1_122_138, -1_022_649, 1_424_884,
          -2_331_392, 62559, 737104,
        ]
      ),
      (
        0x1p45 + 0.25, 3,
        [
          75_276_185_824_625, -24_020_728_633_646, 44_905_261_587_658, 52_516_021_784_154, 10_820_622_016_032, -18_524_957_041_896,
          22_696_832_599_095, -8_076_778_088_118, 70_481_729_479_677, 15_026_077_781_621, -29_753_694_333_509, -44_307_842_033_116,
          -44_481_316_547_678, 61_494_770_311_983, -19_616_930_541_245, -38_446_058_819_795,
        ]
      ),
      (
        1.2345e17, 4,
        [
          64_463_215_509_947_114, -29_365_387_878_740_347, 58_588_735_902_426_712, -125_089_430_552_284_221, 63_940_719_413_554_068,
          -10_524_729_431_497_836, -59_371_595_787_295_813, -12_695_738_393_133_380, -108_169_676_967_409_183, -147_215_744_745_227_392,
          120_056_725_898_074_997, -35_185_974_716_840_605, -66_284_983_790_378_779, -82_716_796_084_633_990, 122_904_399_898_747_427,
          -117_227_435_308_288_662,
        ]
      ),
      (0.125, 5, [Int64](repeating: 0, count: 16)),
      (
        0x1p57, 6,
        [
          -169_810_947_716_535, 132_050_732_324_207_597, -116_116_412_589_868_381, 182_306_287_625_720_706, 32_644_797_939_609_012,
          147_461_414_085_914_357, 79_157_701_136_993_712, 214_620_060_781_024_504, -163_969_707_800_251_260, -28_134_244_767_320_890,
          -26_037_986_958_383_628, -102_056_307_821_574_348, 13_370_763_110_162_532, -170_207_340_393_217_741, -221_284_965_701_330_995,
          -199_051_295_179_172_253,
        ]
      ),
    ]
    for (sigma, seed, expected) in cases {
      for usingFastPath in [true, false] {
        var values = [Int64](repeating: 0, count: 16)
        try RandomSource(ScriptedSource(seed: seed)).addGridGaussian(standardDeviation: sigma, to: &values, usingFastPath: usingFastPath)
        #expect(values == expected)
      }
    }
  }

  /// First words whose level is cut by the density, so that more bits of the point are needed; the same program in Python.
  @Test("Points that the first bits leave open are decided by further bits as in another program")
  func openPoints() throws {
    let cases: [(words: [UInt64], values: [[Int64]])] = [
      ([0x3c6e_f372_7f4d_b003], [[-1_062_934, 751022, 1_577_898], [-874074, 853891, 480113], [8944, -715873, 1_773_252]]),
      ([0x35f1_82fe_ff3a_e664], [[-1_062_934, 751022, 1_577_898], [-874074, 853891, 480113], [261919, -715873, 1_773_252]]),
      ([0x039d_0f42_fff8_ed2c], [[-1_062_934, 751022, 1_577_898], [-874074, 853891, 480113], [-715873, 1_773_252, 1_338_281]]),
      ([0x1942_3f47_7293_a5fd], [[3_128_252, -1_062_934, 751022], [3_128_252, -874074, 853891], [3_128_252, -715873, 1_773_252]]),
      ([0x0695_75dc_bbbf_6fff, 1], [[3_654_188, -1_062_934, 751022], [3_654_188, -874074, 853891], [3_654_188, -715873, 1_773_252]]),
      ([0x0304_694e_9256_cdff, 16], [[4_695_459, -1_062_934, 751022], [4_695_459, -874074, 853891], [4_695_459, -715873, 1_773_252]]),
      (
        [0x13cf_3b74_0000_01ff, 1 << 39], [[-1_062_934, 751022, 1_577_898], [-874074, 853891, 480113], [-715873, 1_773_252, 1_338_281]]
      ),
      (
        [0x01f9_fcae_0000_01ff, 1 << 59], [[-1_062_934, 751022, 1_577_898], [-874074, 853891, 480113], [-715873, 1_773_252, 1_338_281]]
      ),
    ]
    for (words, expected) in cases {
      for seed in 1...3 as ClosedRange<UInt64> {
        for usingFastPath in [true, false] {
          var values: [Int64] = [0, 0, 0]
          try RandomSource(ScriptedSource(words, seed: seed))
            .addGridGaussian(standardDeviation: 0x1p20, to: &values, usingFastPath: usingFastPath)
          #expect(values == expected[Int(seed) - 1])
        }
      }
    }
  }

  @Test(
    "The fast path gives the numbers of the exact one and uses the same bits",
    arguments: [0x1p-40, 0.4, 33, 0x1p20, 3e9, 0x1p36, 1e13, 0x1p57])
  func fastEqualsExact(sigma: Double) throws {
    let fast = RandomSource.simulation(seed: 30, purpose: .testing)
    let exact = RandomSource.simulation(seed: 30, purpose: .testing)
    var (first, second) = ([Int64](repeating: 5, count: 8000), [Int64](repeating: 5, count: 8000))
    try fast.addGridGaussian(standardDeviation: sigma, to: &first)
    try exact.addGridGaussian(standardDeviation: sigma, to: &second, usingFastPath: false)
    #expect(first == second)
    #expect(fast.nextUInt64() == exact.nextUInt64())
  }

  /// 1e-6 for each of the two statistics.
  @Test("Ten million numbers have the probabilities of a rounded Gaussian", arguments: [0.3, 1, 7.5, 40])
  func probabilities(sigma: Double) throws {
    let end = Int64(12 * sigma) + 4
    IntegerCounts(try Self.sample(sigma, seed: 31)).expect(in: -end...end) { k in
      // On the side of the tail, where a difference keeps its digits.
      let x = Double(abs(k))
      return Self.cumulative((0.5 - x) / sigma) - Self.cumulative((-0.5 - x) / sigma)
    }
  }

  /// √n times the Kolmogorov–Smirnov distance above 2.70: 1e-6. χ² of 1000 cells of equal probability: 1e-6.
  @Test("Ten million numbers on a fine grid are Gaussian", arguments: [0x1p20, 0x1p30, 1e12])
  func fineGrid(sigma: Double) throws {
    let values = try Self.sample(sigma, seed: 32).sorted()
    let n = Double(values.count)
    var cells = [Int](repeating: 0, count: 1000)
    var distance = 0.0
    for (index, value) in values.enumerated() {
      let p = Self.cumulative(Double(value) / sigma)
      distance = max(distance, p - Double(index) / n, Double(index + 1) / n - p)
      cells[min(999, Int(p * 1000))] += 1
    }
    #expect(distance * n.squareRoot() < 2.70)
    let statistic = cells.reduce(0) { $0 + pow(Double($1) - n / 1000, 2) / (n / 1000) }
    #expect(statistic < chiSquareLimit(999))
  }

  /// Each within 5 standard deviations of its estimate: 6e-7.
  @Test("Mean, variance, fourth moment and independence of neighbours, of streams and of low bits")
  func moments() throws {
    let sigma = 0x1p24
    let values = try Self.sample(sigma, seed: 33)
    let n = Double(values.count)
    let moments = SampleMoments(values)
    #expect(abs(moments.mean) < 5 * sigma / n.squareRoot())
    #expect(abs(moments.variance / (sigma * sigma) - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(moments.kurtosis - 3) < 5 * (24 / n).squareRoot())
    #expect(abs(moments.neighbourCorrelation) < 5 / n.squareRoot())
    let others = try Self.sample(sigma, seed: 34)
    let product = zip(values, others).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(product) < 5 * n.squareRoot() * sigma * sigma)
    // The lowest 8 bits of a number far above the grid are uniform.
    var low = [Int](repeating: 0, count: 256)
    for value in values { low[Int(value & 255)] += 1 }
    #expect(low.reduce(0) { $0 + pow(Double($1) - n / 256, 2) / (n / 256) } < chiSquareLimit(255))
  }

  @Test("The numbers depend neither on the size of the buffer nor on how a vector is cut, and shift with the values")
  func determinism() throws {
    var whole = [Int64](repeating: 0, count: 1000)
    try RandomSource(ScriptedSource(seed: 7), bufferByteCount: 8).addGridGaussian(standardDeviation: 1e12, to: &whole)
    let source = RandomSource(ScriptedSource(seed: 7))
    var (head, tail) = ([Int64](repeating: 1000, count: 333), [Int64](repeating: -1000, count: 667))
    try source.addGridGaussian(standardDeviation: 1e12, to: &head)
    try source.addGridGaussian(standardDeviation: 1e12, to: &tail)
    #expect(head.map { $0 - 1000 } + tail.map { $0 + 1000 } == whole)
    var empty: [Int64] = []
    try source.addGridGaussian(standardDeviation: 1, to: &empty)
    var silent: [Int64] = [1, 2]
    let before = RandomSource(ScriptedSource(seed: 8))
    try before.addGridGaussian(standardDeviation: 0, to: &silent)
    #expect(silent == [1, 2] && before.nextUInt64() == RandomSource(ScriptedSource(seed: 8)).nextUInt64())
  }

  @Test(
    "Any other standard deviation is refused and leaves only zeros",
    arguments: [.nan, .infinity, -1, -0x1p-1074, 0x1.0000000000001p57, 1e300])
  func refusals(sigma: Double) throws {
    var values: [Int64] = [1, 2, 3]
    #expect(throws: SecureNoiseError.self) {
      try RandomSource(ScriptedSource(seed: 1)).addGridGaussian(standardDeviation: sigma, to: &values)
    }
    #expect(values == [0, 0, 0])
  }

  @Test("A sum beyond 64 bits is an error and leaves only zeros; tiny deviations are not")
  func limits() throws {
    for edge in [Int64.max, .min] {
      var values = [Int64](repeating: edge, count: 100)
      #expect(throws: SecureNoiseError.overflow) {
        try RandomSource(ScriptedSource(seed: 1)).addGridGaussian(standardDeviation: 1000, to: &values)
      }
      #expect(values.allSatisfy { $0 == 0 })
    }
    var values: [Int64] = [.max, .min]
    try RandomSource(ScriptedSource(seed: 1)).addGridGaussian(standardDeviation: .leastNonzeroMagnitude, to: &values)
    #expect(values == [.max, .min])
  }
}
