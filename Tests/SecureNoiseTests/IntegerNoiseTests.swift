import SecureNoise
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Exact integer noise")
struct IntegerNoiseTests {
  private static func stream(_ seed: UInt64) -> RandomSource { .simulation(seed: seed, purpose: .testing) }

  private static func sample(_ noise: IntegerNoise, count: Int = 10_000_000, seed: UInt64) throws -> [Int64] {
    var values = [Int64](repeating: 0, count: count)
    try stream(seed).add(noise, to: &values)
    return values
  }

  /// 5 standard deviations: 6e-7.
  @Test(
    "Bernoulli(exp(−x)) happens at its rate",
    arguments: [(0, 1), (1, 1), (1, 2), (2, 3), (7, 3), (1, 1_000_000), (12, 1), (3, UInt64.max), (UInt64.max / 3, .max)]
      as [(UInt64, UInt64)])
  func bernoulliExponential(numerator: UInt64, denominator: UInt64) {
    let source = Self.stream(40)
    let draws = 10_000_000
    let p = exp(-Double(numerator) / Double(denominator))
    let hits = (0..<draws).count { _ in source.bernoulliExponential(numerator: numerator, denominator: denominator) }
    #expect(abs(Double(hits) - Double(draws) * p) <= 5 * (Double(draws) * p * (1 - p)).squareRoot() + 1)
    let wide = (0..<100_000).count { _ in
      source.bernoulliExponential(numerator: Natural(numerator) << 70, denominator: Natural(denominator) << 70)
    }
    #expect(abs(Double(wide) - 1e5 * p) <= 5 * (1e5 * p * (1 - p)).squareRoot() + 1)
  }

  @Test("A fraction of any size is compared with as many bits as it takes, exactly")
  func bernoulliFraction() {
    func happens(_ words: [UInt64], _ numerator: Natural, _ denominator: Natural) -> Bool {
      RandomSource(ScriptedSource(words, seed: 1)).bernoulli(numerator: numerator, denominator: denominator)
    }
    let (one, three) = (Natural(1 as UInt64), Natural(3 as UInt64))
    // 1/3 = 0.010101…: the word decides, or the next one does.
    let third: UInt64 = 0x5555_5555_5555_5555
    #expect(happens([third - 1], one, three) && !happens([third + 1], one, three))
    #expect(happens([third, third - 1], one, three) && !happens([third, third + 1], one, three))
    #expect(happens([third, third, 0], one, three) && !happens([third, third, .max], one, three))
    #expect(happens([.max], one, one) && !happens([0], Natural(0 as UInt64), one))
    // 1/2 + 2⁻¹²⁸.
    let (half, whole) = (Natural.powerOfTwo(127) + one, Natural.powerOfTwo(128))
    #expect(happens([1 << 63, 0], half, whole) && !happens([1 << 63, 1], half, whole))
  }

  /// 1e-6 for each of the two statistics.
  @Test("Geometric and discrete Laplace numbers have their probabilities", arguments: [0.25, 1, 2.5, 17])
  func discreteLaplace(scale: Double) throws {
    let q = exp(-1 / scale)
    let end = Int64(40 * scale) + 1
    let source = Self.stream(41)
    try IntegerCounts(10_000_000) { try source.discreteLaplace(scale: scale) }
      .expect(in: -end...end) { (1 - q) / (1 + q) * pow(q, Double(abs($0))) }
    try IntegerCounts(1_000_000) { try source.geometric(numerator: 4, denominator: UInt64(4 * scale)) }
      .expect(in: 0...end) { (1 - q) * pow(q, Double($0)) }
  }

  /// 1e-6 for each of the two statistics.
  @Test("Single discrete Gaussian numbers have their probabilities", arguments: [0.5, 3, 10.25])
  func singleDiscreteGaussians(sigma: Double) throws {
    let source = Self.stream(42)
    let (range, probability) = discreteGaussianProbabilities(sigma)
    try IntegerCounts(1_000_000) { try source.discreteGaussian(sigma: sigma) }.expect(in: range, probability)
  }

  /// 1e-6 for each of the two statistics.
  @Test("Vectors of discrete Gaussian numbers have their probabilities", arguments: [0x1p-10, 0.4, 1, 3.7, 25, 100, 1000, 1024, 3333.3])
  func discreteGaussians(sigma: Double) throws {
    let (range, probability) = discreteGaussianProbabilities(sigma)
    IntegerCounts(try Self.sample(.discreteGaussian(sigma: sigma), seed: 43)).expect(in: range, probability)
  }

  /// Each within 5 standard deviations of its estimate: 6e-7.
  @Test("Discrete Gaussian numbers of any size have their moments", arguments: [2000, 0x1p30 + 0.5, 0x1p50])
  func largeDiscreteGaussians(sigma: Double) throws {
    let values = try Self.sample(.discreteGaussian(sigma: sigma), count: 1_000_000, seed: 44)
    let n = Double(values.count)
    let moments = SampleMoments(values)
    #expect(abs(moments.mean) < 5 * sigma / n.squareRoot())
    #expect(abs(moments.variance / (sigma * sigma) - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(moments.kurtosis - 3) < 5 * (24 / n).squareRoot())
    #expect(abs(moments.neighbourCorrelation) < 5 / n.squareRoot())
  }

  @Test(
    "The fast path of a large σ gives the numbers of the exact one and uses the same bits",
    arguments: [1024, 0x1p20 + 0.5, 1e9, 1e13, 0x1p50])
  func fastEqualsExact(sigma: Double) throws {
    let (fast, exact) = (Self.stream(51), Self.stream(51))
    var (first, second) = ([Int64](repeating: 5, count: 8000), [Int64](repeating: 5, count: 8000))
    let noise = try IntegerNoise.discreteGaussian(sigma: sigma)
    try fast.add(noise, to: &first)
    try exact.add(noise, to: &second, usingFastPath: false)
    #expect(first == second)
    #expect(fast.nextUInt64() == exact.nextUInt64())
  }

  /// First words whose level is cut by the density at a strip's start: more bits of the level are needed.
  @Test("Points of a large σ that the first bits leave open are decided alike by both paths")
  func openPoints() throws {
    let noise = try IntegerNoise.discreteGaussian(sigma: 4096)
    for index in stride(from: 3, to: 511, by: 4) {
      let strip = GaussianStrips.strips[index]
      // f of the integer that position 2³¹ is rounded up to.
      let x = (Double(strip.start) + Double(strip.width) / 2) * 0x1p-16
      let value = GaussianStrips.halfSquareExponential((x * 4096).rounded(.down) / 4096 + 1.0 / 4096)
      let level = UInt64(value * Double(strip.width) * 0x1p8 / Double(GaussianStrips.area) * 0x1p22)
      let word = UInt64(index) | level << 9 | 1 << 62
      for seed in 1...6 as ClosedRange<UInt64> {
        let (fast, exact) = (RandomSource(ScriptedSource([word], seed: seed)), RandomSource(ScriptedSource([word], seed: seed)))
        var (first, second): ([Int64], [Int64]) = ([0, 0], [0, 0])
        try fast.add(noise, to: &first)
        try exact.add(noise, to: &second, usingFastPath: false)
        #expect(first == second)
        #expect(fast.nextUInt64() == exact.nextUInt64())
      }
    }
  }

  /// 1e-6 for each of the two statistics.
  @Test("Poisson and Skellam numbers drawn one by one have their probabilities", arguments: [0.1, 1, 6.3])
  func singleSkellams(variance: Double) throws {
    let source = Self.stream(45)
    try IntegerCounts(5_000_000) { try source.poisson(mean: variance) }
      .expect(in: 0...60) { poissonProbability($0, mean: variance) }
    try IntegerCounts(5_000_000) { try source.skellam(variance: variance) }
      .expect(in: -60...60) { skellamProbability($0, variance: variance) }
  }

  /// 1e-6 for each of the two statistics.
  @Test("Vectors of Skellam numbers have their probabilities", arguments: [0x1p-10, 0.3, 2, 50, 1234.5])
  func skellams(variance: Double) throws {
    let end = Int64(12 * variance.squareRoot()) + 20
    IntegerCounts(try Self.sample(.skellam(variance: variance), seed: 46)).expect(in: -end...end) {
      skellamProbability($0, variance: variance)
    }
  }

  /// Each within 5 standard deviations of its estimate: 6e-7.
  @Test("Mean, variance and fourth moment of Skellam numbers, also of sums of several", arguments: [(1e5, 2_000_000), (0x1p23, 200_000)])
  func skellamMoments(variance: Double, count: Int) throws {
    let values = try Self.sample(.skellam(variance: variance), count: count, seed: 47)
    let n = Double(count)
    let moments = SampleMoments(values)
    #expect(abs(moments.mean) < 5 * (variance / n).squareRoot())
    #expect(abs(moments.variance / variance - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(moments.kurtosis - 3 - 1 / variance) < 5 * (24 / n).squareRoot())
    #expect(abs(moments.neighbourCorrelation) < 5 / n.squareRoot())
    let others = try Self.sample(.skellam(variance: variance), count: count, seed: 48)
    let product = zip(values, others).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(product) < 5 * n.squareRoot() * variance)
  }

  @Test("The enclosures hold the cumulative probabilities of the closed forms", arguments: [0.25, 1, 7.3, 150.5])
  func cumulativeProbabilities(parameter: Double) {
    func check(_ distribution: LatticeDistribution, _ probability: (Int64) -> Double) {
      let (first, enclosures) = distribution.cumulative(words: 2)
      var sum = 0.0
      for (index, enclosure) in enclosures.enumerated() {
        // 2⁻¹²⁸ wide at most: the leading 53 bits are those of the number.
        #expect(enclosure.upper - enclosure.lower < .powerOfTwo(enclosure.bits - 128))
        let value = Double((enclosure.lower >> (enclosure.bits - 64)).uint64 ?? .max) * 0x1p-64
        #expect(abs(value - sum) < 1e-12)
        sum += probability(first + Int64(index))
      }
    }
    check(.discreteGaussian(sigma: DyadicNumber(parameter)), discreteGaussianProbabilities(parameter).probability)
    check(.poisson(mean: DyadicNumber(parameter))) { poissonProbability($0, mean: parameter) }
  }

  @Test(
    "The table decides a word as the enclosures do, and leaves to them the words beside a boundary",
    arguments: [
      .discreteGaussian(sigma: DyadicNumber(0.7)), .discreteGaussian(sigma: DyadicNumber(5)), .poisson(mean: DyadicNumber(0.01)),
      .poisson(mean: DyadicNumber(40.3)),
    ]
      as [LatticeDistribution])
  func tableEqualsEnclosures(distribution: LatticeDistribution) {
    let table = InversionTable(distribution)
    let (first, probabilities) = distribution.cumulative(words: 2)
    let bits = probabilities[0].bits
    let source = Self.stream(49)
    func check(_ word: UInt64) {
      guard let integer = table.integer(at: word) else { return }
      // All numbers that begin with the word lie between the two cumulative probabilities.
      let index = Int(integer - first)
      let lower = Natural(word) << (bits - 64)
      let upper = (Natural(word) + Natural(1 as UInt64)) << (bits - 64)
      #expect(probabilities[index].upper <= lower && upper <= probabilities[index + 1].lower)
    }
    for _ in 0..<20_000 { check(source.nextUInt64()) }
    var open = 0
    for probability in probabilities {
      guard let cut = (probability.lower >> (bits - 64)).uint64 else { continue }
      for offset in 0..<6 as Range<UInt64> { check(cut &+ offset &- 3) }
      if table.integer(at: cut) == nil { open += 1 }
      // The number that begins like the boundary is the integer below it, or above once the next word says so.
      if let below = distribution.integer(at: [cut, 0]), let above = distribution.integer(at: [cut, .max]) { #expect(below <= above) }
    }
    #expect(open == probabilities.count)
  }

  @Test("A word at the boundary between two integers is decided by the next one, on the right side")
  func boundaries() {
    let distribution = LatticeDistribution.discreteGaussian(sigma: DyadicNumber(1))
    let (first, probabilities) = distribution.cumulative(words: 2)
    let index = Int(-first)
    // P(X < 0) in two words.
    let shifted = probabilities[index].lower >> (probabilities[index].bits - 128)
    let (high, low) = ((shifted >> 64).uint64!, (shifted - ((shifted >> 64) << 64)).uint64!)
    let table = InversionTable(distribution)
    #expect(table.draw(from: RandomSource(ScriptedSource([high, low - 2], seed: 1))) == -1)
    #expect(table.draw(from: RandomSource(ScriptedSource([high, low + 2], seed: 1))) == 0)
    // The lowest and the highest word are beyond the table at first: far tails, not a trap.
    #expect(table.draw(from: RandomSource(ScriptedSource([0], seed: 1))) < -8)
    #expect(table.draw(from: RandomSource(ScriptedSource([.max], seed: 1))) > 8)
  }

  @Test("Noise depends neither on the buffer nor on how a vector is cut")
  func determinism() throws {
    for noise in [try IntegerNoise.discreteGaussian(sigma: 3), try .discreteGaussian(sigma: 5000), try .skellam(variance: 9)] {
      var whole = [Int64](repeating: 0, count: 300)
      try RandomSource(ScriptedSource(seed: 9), bufferByteCount: 8).add(noise, to: &whole)
      let source = RandomSource(ScriptedSource(seed: 9))
      var (head, tail) = ([Int64](repeating: 0, count: 100), [Int64](repeating: 7, count: 200))
      try source.add(noise, to: &head)
      try source.add(noise, to: &tail)
      #expect(head + tail.map { $0 - 7 } == whole)
    }
    var values: [Int64] = [3, 4]
    try Self.stream(1).addSkellam(variance: 0, to: &values)
    try Self.stream(1).addDiscreteGaussian(sigma: 0, to: &values)
    #expect(values == [3, 4])
  }

  @Test("Other parameters are refused, sums beyond 64 bits are errors, and both leave only zeros")
  func refusals() {
    let source = Self.stream(50)
    for parameter in [Double.nan, .infinity, -1, 0x1p-11, 1e300] {
      var values: [Int64] = [1, 2]
      #expect(throws: SecureNoiseError.self) { try source.addDiscreteGaussian(sigma: parameter, to: &values) }
      #expect(values == [0, 0])
      values = [1, 2]
      #expect(throws: SecureNoiseError.self) { try source.addSkellam(variance: parameter, to: &values) }
      #expect(values == [0, 0])
      #expect(throws: SecureNoiseError.self) { try source.discreteGaussian(sigma: parameter) }
      #expect(throws: SecureNoiseError.self) { try source.discreteLaplace(scale: parameter) }
      #expect(throws: SecureNoiseError.self) { try source.skellam(variance: parameter) }
    }
    #expect(throws: SecureNoiseError.self) { try source.poisson(mean: 0x1p-12) }
    for sigma in [100.0, 1e6] {
      var values = [Int64](repeating: .max, count: 100)
      #expect(throws: SecureNoiseError.overflow) { try source.addDiscreteGaussian(sigma: sigma, to: &values) }
      #expect(values.allSatisfy { $0 == 0 })
    }
    #expect(SecureNoiseError.overflow.description.contains("64 bits"))
  }
}
