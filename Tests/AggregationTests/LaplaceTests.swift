import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Central Laplace mechanism")
struct LaplaceTests {
  @Test("clips in L1 norm, divides by the expected cohort, and states its event")
  func definition() throws {
    let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: 0, clientsPerRound: 4, clippingNorm: 2)
    let result = try aggregate(pipeline, [[3, -1], [0.5, 0.25], [0, 0]], weights: [1, 9, 1])
    #expect(isClose(result.update, [(1.5 + 0.5) / 4, (-0.5 + 0.25) / 4], relative: 1e-8))
    #expect(result.value(.clippingNorm) == 2 && result.value(.clippedCount) == 1)
    let private1 = try AggregationPipeline.mean().laplace(noiseMultiplier: 3, clientsPerRound: 4, clippingNorm: 2)
    #expect(private1.privacyEvent == .laplace(noiseMultiplier: 3) && private1.leaks.isEmpty)
    let assumptions = try #require(private1.mechanism).assumptions.joined()
    #expect(assumptions.contains("Laplace number rounded exactly") && !assumptions.contains("Gaussian"))
  }

  @Test("noise is Laplace of scale zC over the cohort: deviation, mean magnitude and tail (200,000 draws, 6σ: false alarm below 1e-8)")
  func noise() throws {
    let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: 1.5, clientsPerRound: 10, clippingNorm: 4)
    let draws = 200_000
    let result = try aggregate(pipeline, [[Float](repeating: 0, count: draws)], noise: testNoise(3))
    let n = Double(draws)
    let scale = 0.6
    #expect(abs((result.value(.noiseStandardDeviation) ?? 0) - 2.0.squareRoot() * scale) < 1e-15)
    // Magnitudes are exponential: mean and deviation are the scale.
    let magnitude = result.update.reduce(0) { $0 + abs($1) } / n
    #expect(abs(magnitude - scale) < 6 * scale / n.squareRoot())
    #expect(abs(result.update.reduce(0, +) / n) < 6 * 2.0.squareRoot() * scale / n.squareRoot())
    let beyond = Double(result.update.count { abs($0) > 3 * scale })
    let expected = n * exp(-3.0)
    #expect(abs(beyond - expected) < 6 * expected.squareRoot())
  }

  @Test("one client moves the released mean by at most C over the cohort in L1 norm, whatever it sends and weighs")
  func sensitivity() throws {
    let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: 0, clientsPerRound: 10, clippingNorm: 0.5)
    let others: [[Float]] = [[1, 2, 3], [-0.1, 0, 0.2]]
    let without = try aggregate(pipeline, others).update
    for update in [[1e30, -1e30, 1], [.nan, 0, 0], [0, 0, 0], [Float.leastNonzeroMagnitude, 0, 0], [3e38, 3e38, -3e38]] as [[Float]] {
      let with = try aggregate(pipeline, others + [update], weights: [1, 1, 1e9]).update
      #expect(zip(with, without).reduce(0) { $0 + abs($1.0 - $1.1) } <= 0.05 * (1 + 1e-12))
    }
    // From a sum of zero there is no other rounding, and the bound holds exactly.
    let single = try AggregationPipeline.mean().laplace(noiseMultiplier: 0, clientsPerRound: 1, clippingNorm: 0.3)
    let noise = testNoise(9)
    for count in [2, 7, 100, 3_000] {
      let update = (0..<count).map { _ in Float(noise.gaussian()) }
      var sum = 0.0
      var lost = 0.0
      for value in try aggregate(single, [update]).update.map(abs) {
        let next = sum + value
        lost += sum >= value ? (sum - next) + value : (value - next) + sum
        sum = next
      }
      #expect((sum + lost).nextUp <= 0.3)
    }
  }

  @Test("an adaptive bound follows the L1 norms through noised counts, composed with the update; the counts leave z alone")
  func adaptive() throws {
    let estimator = try QuantileEstimator.noised(initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: 3, standardDeviation: 2)
    let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: 2, clientsPerRound: 3, adaptive: estimator)
    #expect(pipeline.privacyEvent == .composed([.laplace(noiseMultiplier: 2), .gaussian(noiseMultiplier: 4)]))
    #expect(pipeline.noiseSplit?.updateNoiseMultiplier == 2)
    // Without noise: norms 7, 2, 0.5 in L1; the fraction below 1 is 1/3.
    let silent = try QuantileEstimator.noised(initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: 3, standardDeviation: 0)
    let exact = try AggregationPipeline.mean().laplace(noiseMultiplier: 0, clientsPerRound: 3, adaptive: silent)
    let result = try aggregate(exact, [[3, -4], [1, 1], [0.5, 0]])
    #expect(isClose([result.value(.nextClippingNorm) ?? 0], [exp(0.2 / 6)], relative: 1e-12))
    // Private zeroing outside is composed in the same way.
    let zeroed = try AggregationPipeline.mean().laplace(noiseMultiplier: 2, clientsPerRound: 100, clippingNorm: 1)
      .zeroing(privateWithClientsPerRound: 100)
    #expect(zeroed.privacyEvent == .composed([.laplace(noiseMultiplier: 2), .gaussian(noiseMultiplier: 10)]))
    #expect(zeroed.noiseSplit?.warning == nil)
  }

  @Test("an empty draw is noised and released like any other")
  func emptyDraw() throws {
    let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1)
    #expect(try aggregate(pipeline, [], noise: testNoise(8)).update.allSatisfy { $0 != 0 })
  }

  @Test(
    "it sums what everything else leaves, outer clips included; weights, other mechanisms, un-noised counts and bad numbers are refused")
  func refusals() throws {
    let mean = AggregationPipeline.mean()
    // Around the mechanism its client side comes before the clip, so that nothing stands between the clip and the noise.
    let outside = try mean.laplace(noiseMultiplier: 0, clientsPerRound: 1, clippingNorm: 1).clipping(norm: 10.0.squareRoot())
    #expect(isClose(try aggregate(outside, [[3, 1]]).update, [0.75, 0.25], relative: 1e-8))
    #expect(throws: AggregationError.self) { try mean.clipping(norm: 1).laplace(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1) }
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.mean(weighted: true).laplace(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1)
    }
    #expect(throws: AggregationError.self) {
      try mean.gaussianFixed(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1)
        .laplace(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1)
    }
    let exact = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2)
    #expect(throws: AggregationError.self) { try mean.laplace(noiseMultiplier: 1, clientsPerRound: 10, adaptive: exact) }
    for (z, n, c) in [
      (-1, 10, 1), (.nan, 10, 1), (.infinity, 10, 1), (0x1p21, 10, 1), (0x1p-41, 10, 1), (1, 0, 1), (1, .nan, 1), (1, 10, 0), (1, 10, .nan),
      (1, 10, .infinity),
    ] as [(Double, Double, Double)] {
      #expect(throws: AggregationError.self) { try mean.laplace(noiseMultiplier: z, clientsPerRound: n, clippingNorm: c) }
    }
    let huge = try mean.laplace(noiseMultiplier: 1e6, clientsPerRound: 1, clippingNorm: 1e305)
    #expect(throws: AggregationError.self) { try aggregate(huge, [[1, 1]]) }
  }
}
