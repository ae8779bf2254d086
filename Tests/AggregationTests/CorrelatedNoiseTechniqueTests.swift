import Aggregation
import Foundation
import ParameterVectors
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Techniques with correlated noise")
struct CorrelatedNoiseTechniqueTests {
  private func adaptive(
    noise: Double, deviation: Double, clients: Double = 2, restarts: TreeRestarts, rate: Double = 0.2, quantile: Double = 0.5
  ) throws -> TreeGaussian {
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: quantile, learningRate: rate,
      release: .noised(standardDeviation: deviation, expectedClients: clients))
    return try TreeGaussian(noiseMultiplier: noise, clientsPerRound: clients, norm: .adaptive(estimator), restarts: restarts)
  }

  private let facts = RoundFacts(participants: 0, noiseSplit: nil)

  /// One round of a tree on the sum `sum`, in steps.
  private func advance(
    _ technique: TreeGaussian, _ sum: [Int64], _ reports: ArraySlice<Double>, _ state: inout TreeGaussian.State,
    _ noise: RandomSource = testNoise()
  ) throws -> (values: [Double], measurements: [AggregationMeasurement]) {
    try technique.decode(sum, senders: 0, count: sum.count, reports: reports, round: facts, state: &state, noise: noise)
  }

  @Test("without noise a tree is the clipped sum over the expected cohort")
  func unnoised() throws {
    let pipeline = try AggregationPipeline.mean().treeGaussian(noiseMultiplier: 0, clientsPerRound: 4, clippingNorm: 1)
    let result = try aggregate(pipeline, [[3, 4], [0.3, 0.4]])
    #expect(isClose(result.update, [0.225, 0.3]))
    #expect(result.value(.clippedCount) == 1 && result.value(.clippingNorm) == 1 && result.value(.nextClippingNorm) == nil)
  }

  @Test("noise of the summed releases after t rounds has the tree's variance times (zC/n)², 50,000 draws (6.5σ: false alarm below 1e-8)")
  func treeNoise() throws {
    for isEfficient in [false, true] {
      let pipeline = try AggregationPipeline.mean().treeGaussian(
        noiseMultiplier: 1.5, clientsPerRound: 20, clippingNorm: 3, isEfficient: isEfficient)
      var state = pipeline.initialState()
      var total = [Double](repeating: 0, count: 50_000)
      let zeros = [Float](repeating: 0, count: 50_000)
      for t in 1...12 {
        let result = try aggregate(pipeline, [zeros], state: state, noise: testNoise(UInt64(40 + t)))
        state = result.state
        for i in total.indices { total[i] += result.update[i] }
        let unit = 1.5 * 3 / 20
        var variance = 0.0
        for level in 0..<5 where t >> level & 1 == 1 { variance += isEfficient ? 1 / (2 - pow(2, -Double(level))) : 1 }
        let band = 6.5 * (2.0 / 50_000).squareRoot()
        #expect(abs(meanProduct(total, total) / (unit * unit * variance) - 1) < band)
        let deviation = try #require(result.value(.noiseStandardDeviation))
        #expect(abs(meanProduct(result.update, result.update) / (deviation * deviation) - 1) < band)
      }
    }
  }

  @Test("an adaptive tree's estimate moves every round, the clip only when the trees start anew: after rounds 2, 5, 8 for 2 and 3")
  func adaptiveClip() throws {
    let technique = try adaptive(noise: 0, deviation: 0, restarts: TreeRestarts(warmup: 2, frequency: 3), rate: log(2), quantile: 0)
    var state = technique.initialState()
    var clips: [Double] = []
    for _ in 0..<9 {
      clips.append(state.clippingNorm)
      // Both clients below the estimate: b̄ = 1, the estimate halves.
      _ = try advance(technique, [0], [0, 1], &state)
      #expect(state.quantile.map { abs($0.estimate - pow(0.5, Double(state.rounds))) < 1e-15 } == true)
    }
    let expected: [Double] = [1, 1, 0.25, 0.25, 0.25, 0.03125, 0.03125, 0.03125, 0.00390625]
    #expect(isClose(clips, expected, relative: 1e-14))
  }

  @Test("the reference's defaults: initial clip 0.1, restarts at 128 and every 1,024, σ_b = n/20, and z split with the counts")
  func defaults() throws {
    let pipeline = try AggregationPipeline.mean().treeAdaptive(noiseMultiplier: 1, clientsPerRound: 100)
    let technique = try #require(pipeline.summation as? TreeGaussian)
    #expect(technique.restarts == (try TreeRestarts(warmup: 128, frequency: 1024)))
    #expect(technique.split.bitDeviations == [5] && abs(technique.split.updateNoiseMultiplier - 1.005037815259212) < 1e-12)
    #expect(technique.initialState().clippingNorm == 0.1)
    #expect(pipeline.denominator == .expectedCohort(100))
    #expect(throws: AggregationError.self) { try AggregationPipeline.mean().treeAdaptive(noiseMultiplier: 1, clientsPerRound: 10) }
    #expect(try AggregationPipeline.mean().treeAdaptive(noiseMultiplier: 0, clientsPerRound: 10).summation?.name == "tree")
  }

  @Test("clients are clipped to the tree's norm, and their bit compares with the moving estimate")
  func clientSide() throws {
    let technique = try adaptive(noise: 0, deviation: 0, restarts: TreeRestarts(warmup: 5, frequency: 5), rate: log(2), quantile: 0)
    var state = technique.initialState()
    _ = try advance(technique, [0], [0, 1], &state)
    // The estimate is ½ now, the clip still 1.
    for (value, clipped, isClipped, bit) in [(0.4, 0.4, 0, 0.5), (0.7, 0.7, 0, -0.5), (2, 1, 1, -0.5)] as [(Float, Double, Double, Double)]
    {
      var report: ArraySlice<Double> = [0, 0]
      var sum: [Int64] = [0]
      #expect(try technique.add(ScaledVector(values: [value]), to: &sum, report: &report, state: state, randomness: nil))
      #expect(report == [isClipped, bit] && abs(Double(sum[0]) / 0x1p30 - clipped) < 1e-6)
      #expect(sum[0] <= 1 << 30)
    }
  }

  @Test("a damaged state with a negative clip is refused by the server and by a client")
  func damaged() throws {
    let technique = try adaptive(noise: 0, deviation: 0, restarts: TreeRestarts(warmup: 5, frequency: 5))
    let text = String(decoding: try JSONEncoder().encode(technique.initialState()), as: UTF8.self)
    for clip in ["-5", "-1e300"] {
      let damaged = text.replacingOccurrences(of: "\"clippingNorm\":1", with: "\"clippingNorm\":\(clip)")
      #expect(damaged != text)
      var state = try JSONDecoder().decode(TreeGaussian.State.self, from: Data(damaged.utf8))
      var report: ArraySlice<Double> = [0, 0]
      var sum: [Int64] = [0, 0]
      let expected = AggregationError.stateMismatch(technique: "tree")
      #expect(throws: expected) {
        try technique.add(ScaledVector(values: [1, 2]), to: &sum, report: &report, state: state, randomness: nil)
      }
      #expect(throws: expected) { try advance(technique, [0, 0], [0, 0], &state) }
    }
  }

  /// golden/federated.json, quantile_estimator.tree_variant: σ_b 0.1 and n 2 give 0.05.
  @Test("a tree quantile restarted at each step moves by σ_b/n (20,000 draws, 6.5σ: false alarm below 1e-10)")
  func quantileNoise() throws {
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 0.5, learningRate: 1, update: .arithmetic,
      release: .noised(standardDeviation: 0.1, expectedClients: 2))
    let quantile = try TreeQuantile(estimator)
    let noise = testNoise(12)
    var squares = 0.0
    for _ in 0..<20_000 {
      var state = quantile.initialState()
      _ = try quantile.advance(&state, sumOfCenteredBits: 0, noise: noise)
      squares += (state.estimate - 1) * (state.estimate - 1)
    }
    #expect(abs(squares / 20_000 / 0.0025 - 1) < 6.5 * (2.0 / 20_000).squareRoot())
  }

  @Test("a matrix mechanism's noise is that of its event: covariance m²C² (C⁻¹C⁻ᵀ)/n², 60,000 draws (45 figures, 6.5σ: below 1e-8)")
  func eventAndNoise() throws {
    let draws = 60_000
    let zeros = [Float](repeating: 0, count: draws)
    for strategy in [
      try ToeplitzStrategy.optimizedBanded(rounds: 20, bands: 4), try .optimizedBuffered(rounds: 20, buffers: 2),
      .banded(coefficients: [1]),
    ] {
      let pipeline = try AggregationPipeline.mean().matrixGaussian(
        noiseMultiplier: 0.8, clientsPerRound: 5, clippingNorm: 2, strategy: strategy, plannedRounds: 20)
      let technique = try #require(pipeline.summation as? MatrixGaussian)
      guard case .matrixMechanism(let multiplier, let matrix, 1, 1) = technique.event(rounds: 5, participation: .once) else {
        Issue.record("another event")
        return
      }
      var c: [Double]
      switch matrix {
      case .toeplitz(let coefficients, 5): c = coefficients + [0, 0, 0, 0]
      case .bufferedToeplitz(let scales, let decays, 5):
        c = [1]
        for t in 1..<5 {
          var value = 0.0
          for (scale, decay) in zip(scales, decays) { value += scale * pow(decay, Double(t - 1)) }
          c.append(value)
        }
      default:
        Issue.record("another matrix")
        return
      }
      var inverse = [1.0]
      for t in 1..<5 { inverse.append(-(1...t).reduce(0) { $0 + c[$1] * inverse[t - $1] }) }
      var state = pipeline.initialState()
      var releases: [[Double]] = []
      for round in 0..<5 {
        let result = try aggregate(pipeline, [zeros], state: state, noise: testNoise(UInt64(70 + round)))
        state = result.state
        releases.append(result.update)
      }
      let unit = multiplier * 2 / 5
      func exact(_ s: Int, _ t: Int) -> Double { (0...min(s, t)).reduce(0) { $0 + inverse[s - $1] * inverse[t - $1] } * unit * unit }
      for s in 0..<5 {
        for t in 0...s {
          let band = ((exact(s, s) * exact(t, t) + exact(s, t) * exact(s, t)) / Double(draws)).squareRoot()
          #expect(abs(meanProduct(releases[s], releases[t]) - exact(s, t)) < 6.5 * band)
        }
      }
    }
  }

  @Test("a matrix mechanism clips, divides by the cohort, and states each round's noise")
  func matrixRound() throws {
    let silent = try AggregationPipeline.mean().matrixGaussian(
      noiseMultiplier: 0, clientsPerRound: 4, clippingNorm: 1, strategy: .squareRoot(bands: 3), plannedRounds: 3)
    let plain = try aggregate(silent, [[3, 4], [0.3, 0.4]])
    #expect(isClose(plain.update, [0.225, 0.3]) && plain.value(.clippedCount) == 1)
    let pipeline = try AggregationPipeline.mean().matrixGaussian(
      noiseMultiplier: 1, clientsPerRound: 4, clippingNorm: 2, strategy: .banded(coefficients: [1, 0.5]), plannedRounds: 3)
    var state = pipeline.initialState()
    var power = 0.0
    for t in 0..<4 {
      let result = try aggregate(pipeline, [[0, 0]], state: state)
      state = result.state
      power += pow(0.25, Double(t))
      #expect(abs((result.value(.noiseStandardDeviation) ?? 0) - 0.5 * (1.25 * power).squareRoot()) < 1e-12)
    }
  }

  @Test("every state read back from JSON continues bit by bit: releases, figures and states")
  func resume() throws {
    func check<State: Codable & Equatable>(
      _ initial: State, round: (Int, inout State, RandomSource) throws -> ([Double], [AggregationMeasurement])
    ) throws {
      for stop in [0, 1, 4, 5, 11] {
        var whole = initial
        func run(_ state: inout State, _ rounds: Range<Int>) throws -> [[Double]] {
          try rounds.map {
            let (values, figures) = try round($0, &state, testNoise(UInt64(500 + $0)))
            return values + figures.map(\.value)
          }
        }
        _ = try run(&whole, 0..<stop)
        var resumed = try reread(whole)
        #expect(try run(&resumed, stop..<20) == run(&whole, stop..<20))
        #expect(resumed == whole)
      }
    }
    for isEfficient in [false, true] {
      let tree = try TreeGaussian(noiseMultiplier: 1, clientsPerRound: 3, norm: .fixed(0.7), isEfficient: isEfficient)
      try check(tree.initialState()) { try advance(tree, [1500, -25, Int64($0)], [1, 0], &$1, $2) }
    }
    let following = try adaptive(noise: 1, deviation: 3, clients: 60, restarts: TreeRestarts(warmup: 3, frequency: 4))
    try check(following.initialState()) { try advance(following, [1500, -25, Int64($0)], [1, 0.5], &$1, $2) }
    for strategy in [try ToeplitzStrategy.optimizedBanded(rounds: 20, bands: 5), try .optimizedBuffered(rounds: 20, buffers: 3)] {
      let matrix = try MatrixGaussian(
        noiseMultiplier: 1, clientsPerRound: 3, clippingNorm: 0.7, strategy: strategy, plannedRounds: 20)
      try check(matrix.initialState()) { round, state, noise in
        let sum = [1500, -25, Int64(round)]
        return try matrix.decode(sum, senders: 0, count: 3, reports: [1], round: facts, state: &state, noise: noise)
      }
    }
  }

  @Test("states of another configuration, bad numbers and impossible compositions are refused")
  func errors() throws {
    let one = try TreeGaussian(noiseMultiplier: 1, clientsPerRound: 3, norm: .fixed(1))
    for other in [
      try TreeGaussian(noiseMultiplier: 0.5, clientsPerRound: 3, norm: .fixed(1)),
      try TreeGaussian(noiseMultiplier: 1, clientsPerRound: 3, norm: .fixed(2)),
      try TreeGaussian(noiseMultiplier: 1, clientsPerRound: 3, norm: .fixed(1), isEfficient: false),
      try adaptive(noise: 1, deviation: 3, clients: 60, restarts: .standard),
    ] {
      var state = other.initialState()
      #expect(throws: AggregationError.stateMismatch(technique: "tree")) { try advance(one, [0], [0, 0], &state) }
    }
    let matrix = try MatrixGaussian(
      noiseMultiplier: 1, clientsPerRound: 3, clippingNorm: 1, strategy: .banded(coefficients: [1, 0.5]), plannedRounds: 9)
    var state = try MatrixGaussian(
      noiseMultiplier: 1, clientsPerRound: 3, clippingNorm: 1, strategy: .banded(coefficients: [1, 0.4]), plannedRounds: 9
    ).initialState()
    #expect(throws: AggregationError.stateMismatch(technique: "matrix")) {
      try matrix.decode([0], senders: 0, count: 1, reports: [0], round: facts, state: &state, noise: testNoise())
    }
    var own = matrix.initialState()
    for (reports, count) in [([0, 0], 1), ([0], 2)] as [(ArraySlice<Double>, Int)] {
      #expect(throws: AggregationError.self) {
        try matrix.decode([0], senders: 0, count: count, reports: reports, round: facts, state: &own, noise: testNoise())
      }
    }
    for (z, n, c) in [(-1, 10, 1), (.nan, 10, 1), (1, 0, 1), (1, 10, 0), (1, .infinity, 1), (1, 10, .nan), (1e200, 1, 1)]
      as [(Double, Double, Double)]
    {
      #expect(throws: AggregationError.self) {
        try AggregationPipeline.mean().treeGaussian(noiseMultiplier: z, clientsPerRound: n, clippingNorm: c)
      }
      #expect(throws: AggregationError.self) {
        try AggregationPipeline.mean().matrixGaussian(
          noiseMultiplier: z, clientsPerRound: n, clippingNorm: c, strategy: .banded(coefficients: [1]), plannedRounds: 5)
      }
    }
    // A strategy whose inverse explodes.
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.mean().matrixGaussian(
        noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 1, strategy: .banded(coefficients: [1, 5]), plannedRounds: 2000)
    }
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.mean(weighted: true).treeGaussian(noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 1)
    }
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 0.5, learningRate: 1, release: .noised(standardDeviation: 5, expectedClients: 10))
    #expect(throws: AggregationError.self) { try TreeGaussian(noiseMultiplier: 1, clientsPerRound: 3, norm: .adaptive(estimator)) }
    let exact = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: 1)
    #expect(throws: AggregationError.self) { try TreeQuantile(exact) }
    let central = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1)
    #expect(throws: AggregationError.self) { try central.treeGaussian(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1) }
    #expect(throws: AggregationError.self) {
      try central.matrixGaussian(
        noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1, strategy: .banded(coefficients: [1]), plannedRounds: 5)
    }
    for text in [#"{"warmup":0,"frequency":0}"#, #"{"warmup":3,"frequency":2}"#, #"{"warmup":3}"#] {
      #expect(throws: (any Error).self) { try JSONDecoder().decode(TreeRestarts.self, from: Data(text.utf8)) }
    }
    for text in [#"{"maximumParticipations":1,"minimumSeparation":0}"#, #"{"maximumParticipations":0,"minimumSeparation":1}"#] {
      #expect(throws: (any Error).self) { try JSONDecoder().decode(ParticipationLimit.self, from: Data(text.utf8)) }
    }
    #expect(try reread(TreeRestarts.standard) == .standard && reread(ParticipationLimit.once) == .once)
    for (warmup, frequency) in [(0, 5), (6, 5), (-1, -1)] {
      #expect(throws: AggregationError.self) { try TreeRestarts(warmup: warmup, frequency: frequency) }
    }
    for (k, b) in [(0, 1), (1, 0), (-3, 2)] {
      #expect(throws: AggregationError.self) { try ParticipationLimit(maximumParticipations: k, minimumSeparation: b) }
    }
  }
}
