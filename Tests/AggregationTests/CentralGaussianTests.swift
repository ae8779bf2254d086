import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Central Gaussian mechanism")
struct CentralGaussianTests {
  /// Computed with TensorFlow Federated 0.87.0: z, n, given σ_b, resulting z_v and σ_b.
  @Test("noise split of the reference")
  func noiseSplit() throws {
    let cases: [(Double, Double, Double?, Double, Double)] = [
      (1, 100, nil, 1.005037815259212, 5), (2, 100, nil, 2.041241452319315, 5), (1, 20, nil, 1.1547005383792515, 1),
      (1, 100, 1, 1.1547005383792515, 1), (0, 100, nil, 0, 0), (0.01, 10, nil, 0.010000500037503125, 0.5),
    ]
    for (z, n, given, value, deviation) in cases {
      let pipeline = try AggregationPipeline.mean().gaussianAdaptive(
        noiseMultiplier: z, clientsPerRound: n, clippedCountStandardDeviation: given)
      let split = try #require(pipeline.noiseSplit)
      #expect(abs(split.updateNoiseMultiplier - value) <= 1e-9 * value && split.bitDeviations == [deviation])
      #expect(
        pipeline.privacyEvent
          == .composed([.gaussian(noiseMultiplier: split.updateNoiseMultiplier), .gaussian(noiseMultiplier: 2 * deviation)]))
    }
    // z ≥ 2σ_b leaves nothing for the update.
    #expect(throws: AggregationError.self) { try AggregationPipeline.mean().gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: 10) }
    #expect(try NoiseSplit(noiseMultiplier: 1, bitDeviations: [0.55]).warning != nil)
    #expect(try NoiseSplit(noiseMultiplier: 1, bitDeviations: [5]).warning == nil)
  }

  @Test("everything released together has exactly the multiplier asked for, with any number of counts")
  func total() throws {
    for deviations in [[], [5.0], [2, 3, 8], [0.9, 0.9]] {
      let split = try NoiseSplit(noiseMultiplier: 1, bitDeviations: deviations)
      let precision = deviations.reduce(1 / (split.updateNoiseMultiplier * split.updateNoiseMultiplier)) { $0 + 1 / (4 * $1 * $1) }
      #expect(abs(precision - 1) < 1e-14)
    }
    #expect(throws: AggregationError.self) { try NoiseSplit(noiseMultiplier: 1, bitDeviations: [0.7, 0.7]) }
    // A second noised count in an outer technique takes its share as well.
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 0.9, learningRate: 0.2, release: .noised(standardDeviation: 4, expectedClients: 100))
    let pipeline = try AggregationPipeline.mean().gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: 100).clipping(adaptive: estimator)
    #expect(pipeline.noiseSplit?.bitDeviations == [4, 5])
    #expect(pipeline.leaks.isEmpty)
  }

  /// The reference's adaptive clip, geometric, initial 16, target 0, factor 2: sums 2.5, 2.5, 1.5, 0.328…, 0.
  @Test("sums and norms of the reference's adaptive clip, round by round")
  func adaptiveTrajectory() throws {
    let pipeline = try AggregationPipeline.mean().gaussianAdaptive(
      noiseMultiplier: 0, clientsPerRound: 2, initialClippingNorm: 16, targetUnclippedQuantile: 0, learningRate: log(2))
    var state = pipeline.initialState()
    for (sum, next) in zip([2.5, 2.5, 1.5, 0.32842712474618985, 0], [8, 4, 2.82842712474619, 2, 2]) {
      let result = try aggregate(pipeline, [[5], [-2.5]], state: state)
      #expect(abs(2 * result.update[0] - sum) <= 1e-6 * max(sum, 1e-3))
      #expect(abs((result.value(.nextClippingNorm) ?? 0) - next) <= 1e-6 * next)
      state = result.state
    }
  }

  @Test("the reference's unnoised adaptive round of four clients")
  func fourClients() throws {
    let pipeline = try AggregationPipeline.mean().gaussianAdaptive(noiseMultiplier: 0, clientsPerRound: 4)
    let values: [[Float]] = [[0.03, 0.04], [0.3, 0.4], [3, 4], [0, 0.01]]
    let result = try aggregate(pipeline, values)
    #expect(isClose(result.update, [0.0375, 0.0525]) && result.value(.nextClippingNorm) == 0.1)
  }

  @Test("a fixed clip of 1 without noise gives the reference's sums")
  func fixed() throws {
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 0, clientsPerRound: 1, clippingNorm: 1)
    #expect(isClose(try aggregate(pipeline, [[0.5], [1], [1.5]]).update, [2.5]))
    let plane: [[Float]] = [[0.1, 0.2], [0.38461538, 0.9230769], [3, 4]]
    #expect(isClose(try aggregate(pipeline, plane).update, [1.0846153846153848, 1.9230769230769231]))
  }

  @Test("noise has standard deviation z_v C / n in every coordinate (50,000 draws, 6σ band: false alarm below 1e-8)")
  func noiseScale() throws {
    let pipeline = try AggregationPipeline.mean().gaussianAdaptive(
      noiseMultiplier: 1.5, clientsPerRound: 20, initialClippingNorm: 3,
      clippedCountStandardDeviation: 2)
    let zeros = [Float](repeating: 0, count: 50_000)
    let result = try aggregate(pipeline, [zeros], noise: testNoise(2))
    let expected = try #require(pipeline.noiseSplit).updateNoiseMultiplier * 3 / 20
    let deviation = (result.update.reduce(0) { $0 + $1 * $1 } / 50_000).squareRoot()
    #expect(abs(deviation / expected - 1) < 6 / 100_000.0.squareRoot())
    #expect(abs(result.update.reduce(0, +) / 50_000) < 6 * expected / 50_000.0.squareRoot())
    #expect(abs((result.value(.noiseStandardDeviation) ?? 0) - expected) < 1e-12)
    // All of it is noise: the estimated signal is small against it.
    #expect((result.value(.signalToNoiseRatio) ?? 1) < 0.2)
  }

  @Test("an empty draw is noised and released like any other")
  func emptyDraw() throws {
    let pipeline = try AggregationPipeline.mean().gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: 100)
    let result = try aggregate(pipeline, [], noise: testNoise(8))
    #expect(result.update.allSatisfy { $0 != 0 })
    #expect(result.value(.nextClippingNorm) != result.value(.clippingNorm))
  }

  @Test("one client moves the released mean by at most C over the cohort, whatever it sends and weighs")
  func sensitivity() throws {
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 0, clientsPerRound: 10, clippingNorm: 0.5)
    let others: [[Float]] = [[1, 2, 3], [-0.1, 0, 0.2]]
    let without = try aggregate(pipeline, others).update
    for update in [[1e30, -1e30, 1], [.nan, 0, 0], [0, 0, 0], [Float.leastNonzeroMagnitude, 0, 0], [3e38, 3e38, -3e38]] as [[Float]] {
      let with = try aggregate(pipeline, others + [update], weights: [1, 1, 1e9]).update
      let distance = zip(with, without).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      #expect(distance <= 0.05 * (1 + 1e-12))
    }
  }

  @Test("the generator asked for is the one used: seeded noise repeats, secure noise does not")
  func generators() throws {
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 1)
    let a = try aggregate(pipeline, [[0, 0]], noise: testNoise(4)).update
    #expect(try aggregate(pipeline, [[0, 0]], noise: testNoise(4)).update == a)
    #expect(
      try aggregate(pipeline, [[0, 0]], noise: RandomSource.secure()).update
        != aggregate(pipeline, [[0, 0]], noise: RandomSource.secure()).update)
  }

  @Test("un-noised counts cannot stand inside the mechanism, and bad parameters are refused")
  func errors() throws {
    let exact = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2)
    #expect(throws: AggregationError.self) { try CentralGaussian(noiseMultiplier: 1, clientsPerRound: 10, norm: .adaptive(exact)) }
    for (z, n, c) in [(-1, 10, 1), (.nan, 10, 1), (1, 0, 1), (1, 10, 0), (1, .infinity, 1), (1, 10, .nan)] as [(Double, Double, Double)] {
      #expect(throws: AggregationError.self) {
        try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: z, clientsPerRound: n, clippingNorm: c)
      }
    }
  }
}
