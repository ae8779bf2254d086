import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

/// Rows of the collected reference figures that no other suite reads.
///
/// Left out on purpose: optimisers, which are no aggregators; the error of an event asked of an initial state (a pipeline has its event
/// before any state) and the reference's missing event of trees (ours has one); the message with which the reference's secure composite
/// fails.
@Suite("Further rows of the reference")
struct GoldenRowTests {
  /// Initial clip 1, target 1, rate 1, values 0.5, 1.5, 2, one coordinate a client: the sum is 2.5, one of three is below, and the norm
  /// and the scale move by e^(2/3) = 1.9477340410546757. The reference runs it without noise; here the noise is 10⁻⁵ of the norm.
  @Test("distributed DP with an automatic clip: the sum of round 1, the clip of round 2, and the ratio of the scales")
  func distributedAutomaticClip() throws {
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 1, learningRate: 1, release: .noised(standardDeviation: 4e-5, expectedClients: 3))
    let sum = try DistributedSum(
      noiseMultiplier: 1e-5, expectedClients: 3, minimumClients: 3, parameterCount: 3, norm: .adaptive(estimator), bits: 22)
    let pipeline = try AggregationPipeline.mean().distributed(sum)
    let updates: [[Float]] = [[0.5, 0, 0], [0, 1.5, 0], [0, 0, 2]]
    func run(_ state: AggregationState, _ seed: UInt64) throws -> AggregationResult {
      let round = try pipeline.round(count: 3, state: state, roundSeed: seed)
      var partial = round.emptySum()
      for (client, update) in updates.enumerated() {
        try round.add(update, weight: 1, to: &partial, own: .simulation(seed: seed, purpose: .rounding, client: UInt64(client)))
      }
      return try round.finish(partial, noise: .simulation(seed: seed, purpose: .noise))
    }
    let first = try run(pipeline.initialState(), 1)
    #expect(abs(3 * first.update.reduce(0, +) - 2.5) < 5e-4)
    #expect(first.value(.clippingNorm) == 1)
    #expect(abs((first.value(.nextClippingNorm) ?? 0) - 1.9477340410546757) < 1e-4)
    let second = try run(first.state, 2)
    #expect(abs((second.value(.clippingNorm) ?? 0) - 1.9477340410546757) < 1e-4)
    let scales = try (#require(first.value(.integerScale)), #require(second.value(.integerScale)))
    #expect(abs(scales.0 / scales.1 - 1.9477340410546757) < 1e-4)
    // Of the second round: 0.5 + 1.5 + 1.9477 clipped.
    #expect(abs(3 * second.update.reduce(0, +) - 3.9477340410546757) < 1e-3)
  }

  @Test("deviations of a wrap probability, and the heuristic scale at 1.2 million parameters")
  func distributedParameters() throws {
    for (probability, deviations) in [(0.01, 2.5758292605028195), (1e-6, 4.891638090977317), (1e-4, 3.890592)] {
      #expect(abs(try DistributedNoiseParameters.deviations(wrapProbability: probability) - deviations) < 1e-6)
    }
    let scale = DistributedNoiseParameters.scale(
      localDeviation: 0.01, clippingNorm: 0.1, bits: 20, clients: 100, dimension: 2_097_152, deviations: 3.890592)
    #expect(abs(scale / 1344377.5412337251 - 1) < 1e-6)
    let small = DistributedNoiseParameters.scale(
      localDeviation: 0.1, clippingNorm: 1, bits: 16, clients: 100, dimension: 1024, deviations: 3.890592)
    #expect(abs(small / 2566.9330014335333 - 1) < 1e-6)
  }

  /// pfl-research joins an indicator of ±1 × 0.75 with an update of norm 1 into a vector of norm 1.25, noised with 0.6 × 1.25 = 0.75: in
  /// our terms a count of centred bits with deviation ½ takes its part of z = 0.6, and 0.75 is left for the update.
  @Test("pfl's joint release of update and indicator is the same division of the noise")
  func jointIndicator() throws {
    let split = try NoiseSplit(noiseMultiplier: 0.6, bitDeviations: [0.5])
    #expect(abs(split.updateNoiseMultiplier - 0.75) < 1e-12)
  }

  /// Where Flower 1.41.0 runs away to 4.5e-6 and 2.2e5 in 100 rounds.
  @Test("an adaptive clip finds the median norm of 1 from 0.1 and from 10", arguments: [0.1, 10])
  func noRunaway(initial: Double) throws {
    let pipeline = try AggregationPipeline.mean().gaussianAdaptive(
      noiseMultiplier: 0, clientsPerRound: 100, initialClippingNorm: initial)
    var state = pipeline.initialState()
    let updates = (0..<100).map { [Float(0.505 + 0.01 * Double($0))] }
    var norm: Double?
    for _ in 0..<100 {
      let result = try aggregate(pipeline, updates, state: state)
      (state, norm) = (result.state, result.value(.nextClippingNorm))
    }
    #expect(abs((norm ?? 0) - 1) < 0.05)
  }

  @Test("a fixed clip is one Gaussian event of its multiplier")
  func fixedEvent() throws {
    let fixed = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1.5, clientsPerRound: 10, clippingNorm: 1)
    #expect(fixed.privacyEvent == .gaussian(noiseMultiplier: 1.5))
  }
}
