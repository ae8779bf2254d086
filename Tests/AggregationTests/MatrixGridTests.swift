import Aggregation
import Foundation
import ParameterVectors
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Matrix mechanisms on the integer grid")
struct MatrixGridTests {
  private let facts = RoundFacts(participants: 0, noiseSplit: nil)
  private static let buffered: [ToeplitzStrategy] = [
    .buffered(outputScales: [0.3], decays: [0.9]), .buffered(outputScales: [0.25, 0.1, 0.15], decays: [0.2, 0.99, 0.7]),
    .buffered(outputScales: [0.5], decays: [0]), .buffered(outputScales: [0.02, 1], decays: [0.9999, 0.5]),
  ]

  /// Integers of `bits` bits and a sign.
  private func integers(_ count: Int, bits: Int, seed: UInt64) -> [Int64] {
    let source = testNoise(seed)
    return (0..<count).map { _ in Int64(bitPattern: source.nextUInt64()) >> Int64(63 - bits) }
  }

  /// The stream's noise for fresh noise that is given in steps of 2^−24.
  private func next(_ stream: inout CorrelatedStream, fresh: [Int64]) throws -> [Int64] {
    try stream.next(count: fresh.count) { block, range in
      for (place, i) in range.enumerated() { block[place] = (block[place] + fresh[i] + 1 << 23) >> 24 }
    }
  }

  @Test("banded: the releases are, number for number, the function of C X + Z that the argument names")
  func postProcessing() throws {
    for (index, strategy) in [
      try ToeplitzStrategy.optimizedBanded(rounds: 40, bands: 7), try .squareRoot(bands: 12), .banded(coefficients: [1]),
      .banded(coefficients: [1, -0.4, 0.2]), .banded(coefficients: [1, 0.4, -0.3, 0.2]),
    ].enumerated() {
      var stream = try CorrelatedStream(strategy: strategy)
      guard case .banded(let values) = stream.strategy else { return }
      let c = values.map { Int64($0 * 0x1p24) }
      #expect(zip(c, values).allSatisfy { Double($0) * 0x1p-24 == $1 } && c[0] == 1 << 24)
      let (n, d) = (40, 5)
      let x = (0..<n).map { integers(d, bits: 31, seed: UInt64(100 * index + $0)) }
      let z = (0..<n).map { integers(d, bits: 54, seed: UInt64(1000 + 100 * index + $0)) }
      var estimates: [[Int64]] = []
      for t in 0..<n {
        // From y alone; all numbers below 2^63.
        let y = (0..<d).map { i in (0..<min(c.count, t + 1)).reduce(z[t][i]) { $0 + c[$1] * x[t - $1][i] } }
        estimates.append(
          (0..<d).map { i in
            let earlier = (1..<max(1, min(c.count, t + 1))).reduce(0) { $0 + c[$1] * estimates[t - $1][i] }
            return (y[i] - earlier + 1 << 23) >> 24
          })
        let noise = try next(&stream, fresh: z[t])
        #expect(zip(x[t], noise).map { $0 + $1 } == estimates[t])
      }
    }
  }

  /// e = 2^−25 Σ (1 + ω/(1 − θ)), in steps.
  private func error(_ strategy: ToeplitzStrategy) -> Double {
    guard case .buffered(let scales, let decays) = strategy else { return 0 }
    return zip(scales, decays).reduce(0) { $0 + 1 + $1.0 / (1 - $1.1) } * 0x1p-25
  }

  /// What earlier noise takes from each round, in steps, where the noise is `noise`, rounds by parameters.
  private func shares(_ strategy: ToeplitzStrategy, _ noise: [[Int64]]) throws -> [[Double]] {
    var stream = try CorrelatedStream(strategy: strategy)
    return try noise.map { values in
      var share: [Double] = []
      _ = try stream.next(count: values.count) { block, range in
        share += block.map { -Double($0) * 0x1p-24 }
        block = Array(values[range])
      }
      return share
    }
  }

  @Test("buffered: earlier noise's share of a round is the exact one within e, which it comes near", arguments: buffered)
  func roundingError(strategy: ToeplitzStrategy) throws {
    let n = 400
    let rounded = strategy.inFixedPoint
    let c = rounded.coefficients(count: n)
    var greatest = 0.0
    // Small numbers, so that Double errs by far less than 2^−24.
    for noise in [(0..<n).map { integers(8, bits: 9, seed: UInt64($0)) }, (0..<n).map { t in (0..<8).map { t == 0 ? $0 : 0 } }] {
      for (t, share) in try shares(strategy, noise).enumerated() {
        for i in share.indices {
          let exact = (1..<max(1, t + 1)).reduce(0.0) { $0 + c[$1] * Double(noise[t - $1][i]) }
          greatest = max(greatest, abs(share[i] - exact))
        }
      }
    }
    #expect(greatest <= error(rounded) + 1e-10)
    // Without decay products are exact, and a slow one takes longer to get there.
    guard case .buffered(_, let decays) = rounded, decays.allSatisfy({ $0 > 0 && $0 < 0.995 }) else { return }
    #expect(greatest > 0.1 * error(rounded))
  }

  @Test("buffered: for the same releases the means of neighbours differ by ‖C(X − X′)‖ + 2e√M at most", arguments: buffered)
  func distance(strategy: ToeplitzStrategy) throws {
    let (n, d) = (60, 6)
    let c = strategy.inFixedPoint.coefficients(count: n)
    for seed in 0..<5 as Range<UInt64> {
      let releases = (0..<n).map { integers(d, bits: 12, seed: 100 * seed + UInt64($0)) }
      let x = (0..<n).map { integers(d, bits: 9, seed: 7000 + 100 * seed + UInt64($0)) }
      var other = x
      for t in [3, 20, 41] { other[t] = zip(x[t], integers(d, bits: 8, seed: 9000 + seed + UInt64(t))).map { $0 + $1 } }
      func means(_ x: [[Int64]]) throws -> [[Double]] {
        let shares = try shares(strategy, zip(releases, x).map { zip($0, $1).map { $0 - $1 } })
        return zip(x, shares).map { zip($0, $1).map { Double($0) - $1 } }
      }
      let (first, second) = try (means(x), means(other))
      var (found, exact) = (0.0, 0.0)
      for t in 0..<n {
        for i in 0..<d {
          let distance = first[t][i] - second[t][i]
          let row = (0...t).reduce(0.0) { $0 + c[$1] * Double(x[t - $1][i] - other[t - $1][i]) }
          #expect(abs(distance - row) <= 2 * error(strategy.inFixedPoint) + 1e-10)
          (found, exact) = (found + distance * distance, exact + row * row)
        }
      }
      let allowed = 2 * error(strategy.inFixedPoint) * Double(n * d).squareRoot()
      #expect(found.squareRoot() <= exact.squareRoot() + allowed + 1e-9 && exact > 0)
    }
  }

  @Test("the noise is widened by at least 2e√M over a unit of the grid, M = 2^44; by nothing where banded; more than 0.001 is refused")
  func allowance() throws {
    for rounds in [20, 2000, 50_000] {
      let technique = try MatrixGaussian(
        noiseMultiplier: 1.5, clientsPerRound: 10, clippingNorm: 1, strategy: .optimizedBuffered(rounds: rounds, buffers: 3),
        plannedRounds: rounds)
      let needed = 2 * error(technique.strategy) * 0x1p22 / Double(1 << technique.gridBits)
      #expect(technique.roundingAllowance >= needed && technique.roundingAllowance < 1.001 * needed && needed < 1e-4)
      // What is drawn.
      var state = technique.initialState()
      let figures = try technique.decode(
        [0], senders: 0, count: 1, reports: [0], round: facts, state: &state, noise: testNoise()
      ).measurements
      let drawn = try #require(figures.first { $0.name == .noiseStandardDeviation }).value * 10 / technique.freshNoiseMultiplier
      #expect(drawn - 1 >= needed - 1e-15 && drawn - 1 <= 1.001 * needed + 1e-15)
    }
    let banded = try MatrixGaussian(
      noiseMultiplier: 1.5, clientsPerRound: 10, clippingNorm: 1, strategy: .squareRoot(bands: 30), plannedRounds: 100)
    #expect(banded.roundingAllowance == 0)
    #expect(throws: AggregationError.self) {
      try MatrixGaussian(
        noiseMultiplier: 1e6, clientsPerRound: 10, clippingNorm: 1, strategy: .optimizedBuffered(rounds: 2000, buffers: 3),
        plannedRounds: 2000)
    }
    #expect(throws: AggregationError.self) {
      try MatrixGaussian(
        noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1, strategy: .buffered(outputScales: [0.9], decays: [1 - 1e-9]),
        plannedRounds: 20)
    }
    // Rounds times parameters.
    let buffered = try MatrixGaussian(
      noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1, strategy: .buffered(outputScales: [0.5], decays: [0.5]), plannedRounds: 20)
    try buffered.checkCapacity(rounds: 1 << 24, parameters: 1 << 20)
    try banded.checkCapacity(rounds: .max, parameters: .max)
    for (rounds, parameters) in [(1 << 24 + 1, 1 << 20), (.max, 1), (2, .max)] {
      #expect(throws: AggregationError.self) { try buffered.checkCapacity(rounds: rounds, parameters: parameters) }
    }
  }

  @Test("strategies in fixed point are multiples of 2^−24 or 2^−32, stay so, and have the optimal error within a millionth")
  func fixedPoint() throws {
    for n in [10, 100, 1000] {
      for strategy in [try ToeplitzStrategy.optimizedBanded(rounds: n, bands: min(n, 64)), try .optimizedBuffered(rounds: n, buffers: 4)] {
        let rounded = strategy.inFixedPoint
        #expect(rounded.inFixedPoint == rounded)
        let ratio = rounded.prefixError(rounds: n, participation: .once) / strategy.prefixError(rounds: n, participation: .once)
        #expect(abs(ratio - 1) < 1e-6)
        let c = rounded.coefficients(count: n)
        #expect(c[0] == 1 && zip(c, c.dropFirst()).allSatisfy { $0 >= $1 && $1 >= 0 })
      }
    }
    #expect(ToeplitzStrategy.buffered(outputScales: [0.1], decays: [1 - 0x1p-50]).inFixedPoint.coefficients(count: 2)[1] < 1)
    guard case .buffered(_, let decays) = ToeplitzStrategy.buffered(outputScales: [0.1], decays: [1 - 0x1p-50]).inFixedPoint else { return }
    #expect(decays[0] < 1)
  }

  @Test("without noise every round of any strategy gives the exact sums back, and one client's integers have a norm of at most 2^k")
  func silent() throws {
    for strategy in [try ToeplitzStrategy.squareRoot(bands: 4)] + Self.buffered {
      let technique = try MatrixGaussian(noiseMultiplier: 0, clientsPerRound: 1, clippingNorm: 3, strategy: strategy, plannedRounds: 20)
      var state = technique.initialState()
      for round in 0..<9 {
        let sum = integers(20, bits: 40, seed: UInt64(round))
        let values = try technique.decode(
          sum, senders: 0, count: 20, reports: [0], round: facts, state: &state, noise: testNoise()
        ).values
        #expect(values == sum.map { Double($0) * 3 * 0x1p-30 })
      }
      #expect(technique.gridBits == 30)
      var (report, sum): (ArraySlice<Double>, [Int64]) = ([0], [0, 0, 0])
      let vector = ScaledVector(values: [5, -3, 0.7])
      #expect(try technique.add(vector, to: &sum, report: &report, state: technique.initialState(), randomness: nil))
      let square = sum.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(square <= 0x1p60 && square > 0.999 * 0x1p60 && report == [1])
    }
  }

  @Test("numbers that leave the range are an error, and nothing changes")
  func overflow() throws {
    func give(_ stream: inout CorrelatedStream, _ value: Int64) throws -> [Int64] {
      try stream.next(count: 2) { block, _ in block = [value, 0] }
    }
    for (strategy, value) in [
      (.banded(coefficients: [1, 0.5]), 1 << 40), (.banded(coefficients: [1, -1e6]), 1 << 20), (.banded(coefficients: [1, 1]), .min),
    ] as [(ToeplitzStrategy, Int64)] {
      var stream = try CorrelatedStream(strategy: strategy)
      _ = try give(&stream, value)
      let before = stream
      #expect(throws: AggregationError.sumOverflow) { try give(&stream, 0) }
      #expect(stream == before)
    }
    for value in [1 << 38, .max, .min] as [Int64] {
      var stream = try CorrelatedStream(strategy: .buffered(outputScales: [0.5], decays: [0.5]))
      let before = stream
      #expect(throws: AggregationError.sumOverflow) { try give(&stream, value) }
      #expect(stream == before)
    }
    // A buffer that grows round by round.
    var stream = try CorrelatedStream(strategy: .buffered(outputScales: [0.5], decays: [0.9999]))
    #expect(throws: AggregationError.sumOverflow) { for _ in 0..<100 { _ = try give(&stream, 1 << 36) } }
    #expect(stream.rounds > 2 && stream.rounds < 40)
    // The noised sum.
    let technique = try MatrixGaussian(
      noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 1, strategy: .banded(coefficients: [1, 0.5]), plannedRounds: 20)
    var state = technique.initialState()
    let before = state
    #expect(throws: AggregationError.sumOverflow) {
      try technique.decode(
        [Int64](repeating: .max, count: 50), senders: 0, count: 50, reports: [0], round: facts, state: &state, noise: testNoise())
    }
    #expect(state == before)
  }

  @Test("what a report says of the noise: exact, and how much wider a buffered strategy's is")
  func report() throws {
    for strategy in [try ToeplitzStrategy.squareRoot(bands: 4), Self.buffered[0]] {
      let technique = try MatrixGaussian(noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 3, strategy: strategy, plannedRounds: 20)
      #expect(technique.assumptions.contains { $0.contains("no floating-point hole") })
      #expect(technique.assumptions.contains { $0.contains("keeps past noise secret") })
      let title = try technique.titles(of: technique.noiseSplit(bitDeviations: []))[0]
      #expect(title.contains("rounding") == (technique.roundingAllowance > 0))
    }
  }
}
