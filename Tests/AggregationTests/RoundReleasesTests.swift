import Aggregation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("What the rounds release")
struct RoundReleasesTests {
  private let cyclic = SamplingScheme.cyclicPoisson(rate: 0.25, cycle: 5)

  @Test("fresh noise adds up by round: inside the draw that spans the run, else draw by draw")
  func fresh() throws {
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 2, clientsPerRound: 10, clippingNorm: 1)
    let gaussian = PrivacyEvent.gaussian(noiseMultiplier: 2)
    let poisson = SamplingScheme.poisson(rate: 0.1)
    #expect(try pipeline.releases.event(rounds: 7, sampling: poisson) == gaussian.sampled(poisson).repeated(7))
    #expect(try pipeline.releases.event(rounds: 7, sampling: cyclic) == gaussian.repeated(7).sampled(cyclic))
    #expect(try pipeline.releases.event(rounds: 0, sampling: poisson) == .noOp)
    for scheme in [SamplingScheme.ballsInBins(rounds: 5), .randomAllocation(participations: 2, rounds: 5)] {
      #expect(throws: AggregationError.self) { try pipeline.releases.event(rounds: 7, sampling: scheme) }
    }
    #expect(try AggregationPipeline.mean().releases.event(rounds: 3, sampling: poisson) == .nonPrivate)
  }

  @Test("correlated noise needs people's rounds apart, is amplified only within a cycle, and has no event of one round")
  func correlated() throws {
    func banded(_ bands: Int) throws -> AggregationPipeline {
      try AggregationPipeline.mean().matrixGaussian(
        noiseMultiplier: 3, clientsPerRound: 10, clippingNorm: 1, strategy: .squareRoot(bands: bands), plannedRounds: 20)
    }
    guard case .sampled(.matrixMechanism(_, _, 4, 5), cyclic) = try banded(5).releases.event(rounds: 20, sampling: cyclic) else {
      Issue.record("five bands within a cycle of five rounds")
      return
    }
    guard case .matrixMechanism(_, _, 4, 5) = try banded(6).releases.event(rounds: 20, sampling: cyclic) else {
      Issue.record("six bands reach into the next cycle")
      return
    }
    let tree = try AggregationPipeline.mean().treeGaussian(noiseMultiplier: 3, clientsPerRound: 10, clippingNorm: 1)
    // ⌈11/5⌉ = 3 turns.
    #expect(
      try tree.releases.event(rounds: 11, sampling: cyclic)
        == .treeAggregation(noiseMultiplier: 3, steps: 11, maximumParticipations: 3, minimumSeparation: 5))
    for pipeline in [try banded(2), tree] {
      #expect(throws: AggregationError.self) { try pipeline.releases.event(rounds: 5, sampling: .poisson(rate: 0.1)) }
      #expect(throws: AccountingError.self) { try PrivacyAccountant().epsilon(of: pipeline.privacyEvent, delta: 1e-5) }
      #expect(pipeline.noiseSplit?.noiseMultiplier == 3)
    }
    // The leak of a technique beside correlated noise shows.
    let leaky = try AggregationPipeline.mean().matrixGaussian(
      noiseMultiplier: 3, clientsPerRound: 10, clippingNorm: 1, strategy: .squareRoot(bands: 2), plannedRounds: 20
    ).zeroing(adaptive: nil)
    #expect(!leaky.leaks.isEmpty)
  }

  @Test("noised counts beside correlated noise are composed with it, unamplified")
  func counts() throws {
    let zeroed = try AggregationPipeline.mean().matrixGaussian(
      noiseMultiplier: 3, clientsPerRound: 10, clippingNorm: 1, strategy: .squareRoot(bands: 2), plannedRounds: 20
    ).zeroing(privateWithClientsPerRound: 40)
    guard case .composed(let parts) = try zeroed.releases.event(rounds: 20, sampling: cyclic) else {
      Issue.record("one event only")
      return
    }
    #expect(parts.count == 2)
    // Identity strategy: 4 participations of a Gaussian of multiplier 2σ = 4, σ = 40/20.
    let count = try PrivacyAccountant().epsilon(of: parts[1], delta: 1e-5).upper
    let expected = try PrivacyAccountant().epsilon(of: .gaussian(noiseMultiplier: 4 / 2), delta: 1e-5).upper
    #expect(abs(count / expected - 1) < 1e-9)
  }
}
