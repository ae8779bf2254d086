import Aggregation
import Foundation
import SecureNoise
import Testing

@Suite("Variants of quantile estimation")
struct QuantileVariantTests {
  private func advance(
    _ estimator: QuantileEstimator, _ estimate: inout Double, values: [Double], noise: RandomSource = testNoise()
  ) throws -> Double {
    let sum = values.reduce(0) { $0 + estimator.centeredBit(value: $1, estimate: estimate) }
    return try estimator.advance(&estimate, sumOfCenteredBits: sum, participants: values.count, noise: noise)
  }

  @Test("golden: twenty copies of 5 with the step 1/√(t + 1) end within ½ of 5, geometric and arithmetic, from 1 and 10")
  func decayingStep() throws {
    for update in QuantileEstimator.Update.allCases {
      for initial in [1.0, 10] {
        var estimate = initial
        for round in 0..<50 {
          let estimator = try QuantileEstimator(
            initialEstimate: initial, targetQuantile: 0.5, learningRate: 1 / Double(round + 1).squareRoot(), update: update)
          _ = try advance(estimator, &estimate, values: [Double](repeating: 5, count: 20))
          if round >= 40 { #expect(abs(estimate - 5) <= 0.5) }
        }
      }
    }
  }

  @Test("golden: estimate 1, multiplier 2 and increment 1 report 3 at first")
  func affine() throws {
    let estimator = try QuantileEstimator.unnoised(
      initialEstimate: 1, targetQuantile: 0.5, learningRate: 1, multiplier: 2, increment: 1)
    #expect(estimator.report(estimator.initialEstimate) == 3)
    #expect(estimator.release == .exact && estimator.update == .geometric)
  }

  @Test("un-noised estimation is the quotient by the participants: closed form e^(−η(b̄ − q)) for 0.5, 1.5, 2.5 over three rounds")
  func unnoised() throws {
    let estimator = try QuantileEstimator.unnoised(initialEstimate: 1, targetQuantile: 0.5, learningRate: 1)
    var estimate = 1.0
    // Fractions 1/3, 1/3, 1/3: 1.18, 1.40 and 1.65 on the way, and 2/3 from 1.5 on.
    for expected in [exp(1.0 / 6), exp(2.0 / 6), exp(3.0 / 6)] {
      #expect(try abs(advance(estimator, &estimate, values: [0.5, 1.5, 2.5]) - 1.0 / 3) < 1e-15)
      #expect(abs(estimate - expected) < 1e-14)
    }
    #expect(try abs(advance(estimator, &estimate, values: [0.5, 1.5, 2.5]) - 2.0 / 3) < 1e-15)
  }

  @Test("noised estimation defaults to the paper's step 0.2 and noise n/20, and divides by the expected clients")
  func noised() throws {
    let estimator = try QuantileEstimator.noised(initialEstimate: 1, targetQuantile: 0.8, clientsPerRound: 100)
    #expect(estimator.release == .noised(standardDeviation: 5, expectedClients: 100))
    #expect(estimator.learningRate == 0.2 && estimator.clampsFraction)
    let silent = try QuantileEstimator.noised(initialEstimate: 1, targetQuantile: 0.8, clientsPerRound: 100, standardDeviation: 0)
    var estimate = 1.0
    // Fifty clients below, of a hundred expected: ½ + 25/100.
    #expect(try advance(silent, &estimate, values: [Double](repeating: 0.5, count: 50)) == 0.75)
  }

  @Test("an unclamped fraction is unbiased where a clamped one is not (40,000 draws, 6σ band: false alarm below 1e-8)")
  func clampBias() throws {
    // The true fraction is 1, the noise of the fraction s = 0.05: clamped its mean is 1 − s/√(2π).
    for (clamps, mean, spread) in [(true, 1 - 0.05 / (2 * Double.pi).squareRoot(), 0.05), (false, 1, 0.05)] {
      let estimator = try QuantileEstimator.noised(
        initialEstimate: 1, targetQuantile: 0, clientsPerRound: 100, learningRate: 1, clampsFraction: clamps)
      let noise = testNoise(77)
      var total = 0.0
      for _ in 0..<40_000 {
        var estimate = 1.0
        let shown = try estimator.advance(&estimate, sumOfCenteredBits: 50, participants: 100, noise: noise)
        #expect(shown >= 0 && shown <= 1)
        // With q = 0 and η = 1 the estimate is e^(−b̄).
        total -= log(estimate)
      }
      #expect(abs(total / 40_000 - mean) < 6 * spread / 200)
    }
  }

  @Test("an unclamped fraction far outside [0, 1] leaves the estimate a positive number")
  func extremes() throws {
    let estimator = try QuantileEstimator.noised(
      initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: 1, standardDeviation: 0x1p50, learningRate: 1e6, clampsFraction: false)
    let noise = testNoise(5)
    var estimate = 1.0
    for _ in 0..<100 {
      let fraction = try estimator.advance(&estimate, sumOfCenteredBits: 0, participants: 0, noise: noise)
      #expect(estimate > 0 && estimate.isFinite && fraction >= 0 && fraction <= 1)
    }
  }

  @Test("parameters out of range are refused")
  func parameters() {
    for rate in [0, -1, .nan, .infinity] {
      #expect(throws: AggregationError.self) {
        try QuantileEstimator.unnoised(initialEstimate: 1, targetQuantile: 0.5, learningRate: rate)
      }
    }
    for (multiplier, increment) in [(0, 0), (-1, 0), (1, -1), (.nan, 0), (1, .infinity)] as [(Double, Double)] {
      #expect(throws: AggregationError.self) {
        try QuantileEstimator.unnoised(
          initialEstimate: 1, targetQuantile: 0.5, learningRate: 1, multiplier: multiplier, increment: increment)
      }
    }
    for cohort in [0, -1, .nan, .infinity] {
      #expect(throws: AggregationError.self) {
        try QuantileEstimator.noised(initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: cohort)
      }
    }
  }
}

/// Clips whose bound moves arithmetically or not at all, as in the reference's vectors.
@Suite("Golden sums under clips")
struct GoldenClipTests {
  @Test("bounds 1, 2, 3 in turn: sums 3, 5, 7 and means 1, 1.75, 2.5, with 2, 2 and 1 clipped clients")
  func bounds() throws {
    let values: [[Float]] = [[1], [3], [5]]
    for (bound, total, mean, clipped) in [(1.0, 3.0, 1.0, 2.0), (2, 5, 1.75, 2), (3, 7, 2.5, 1)] {
      let plain = try aggregate(.mean().clipping(norm: bound), values)
      #expect(isClose(plain.update.map { 3 * $0 }, [total]))
      #expect(plain.value(.clippedCount) == clipped && plain.value(.clippingNorm) == bound)
      let weighted = try aggregate(.mean(weighted: true).clipping(norm: bound), values, weights: [1, 2, 1])
      #expect(isClose(weighted.update, [mean]) && weighted.value(.clippedCount) == clipped)
    }
  }

  @Test("adaptive clips: all rows of the reference's adaptive clip query")
  func adaptive() throws {
    typealias Row = (
      update: QuantileEstimator.Update, initial: Double, quantile: Double, values: [[Float]], sums: [Double], clips: [Double]
    )
    let rows: [Row] = [
      (.geometric, 16, 0, [[5], [-2.5]], [2.5, 2.5, 1.5, 0.32842712474618985, 0], [8, 4, 2.82842712474619, 2, 2]),
      (.arithmetic, 0, 1, [[-1.5], [2.75]], [0, 0, 0.5, 1, 1.25], [1, 2, 2.5, 3, 3]),
      (.arithmetic, 1, 1, [[0.5], [1.5], [2]], [2.5, 3.666666666666667], [1.6666666666666667]),
    ]
    for row in rows {
      let count = Double(row.values.count)
      let estimator = try QuantileEstimator(
        initialEstimate: row.initial, targetQuantile: row.quantile, learningRate: row.update == .geometric ? log(2) : 1,
        update: row.update, release: .noised(standardDeviation: 0, expectedClients: count))
      let pipeline = try AggregationPipeline.mean().clipping(adaptive: estimator)
      var state = pipeline.initialState()
      for (index, sum) in row.sums.enumerated() {
        let result = try aggregate(pipeline, row.values, state: state)
        #expect(abs(result.update[0] * count - sum) <= 1e-6)
        if index < row.clips.count { #expect(isClose([result.value(.nextClippingNorm) ?? -1], [row.clips[index]])) }
        state = result.state
      }
    }
    // Rate 0, bound 5: (−6, 8) becomes (−3, 4), (4, −3) stays.
    let still = try QuantileEstimator(initialEstimate: 5, targetQuantile: 0.5, learningRate: 0)
    let result = try aggregate(.mean().clipping(adaptive: still), [[-6, 8], [4, -3]])
    #expect(isClose(result.update.map { 2 * $0 }, [1, 1]))
  }

  @Test("noise on sums: clip 5 × 0.2 gives deviation 1, and 1 × 3.14159 gives 3.14159 (100,000 draws, 6σ band: false alarm below 1e-8)")
  func noise() throws {
    for (clip, z, deviation) in [(5.0, 0.2, 1.0), (1, 3.14159, 3.14159)] {
      let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: z, clientsPerRound: 1, clippingNorm: clip)
      let result = try aggregate(pipeline, [[Float](repeating: 0, count: 100_000)], noise: testNoise(12))
      let found = (result.update.reduce(0) { $0 + $1 * $1 } / 100_000).squareRoot()
      #expect(abs(found / deviation - 1) < 6 / 200_000.0.squareRoot())
    }
  }
}
