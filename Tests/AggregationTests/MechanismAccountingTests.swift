import Aggregation
import Foundation
import ParameterVectors
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Accounting of Laplace and grouped noise")
struct MechanismAccountingTests {
  private func epsilon(_ event: PrivacyEvent, delta: Double = 1e-5) throws -> PrivacyBound {
    try PrivacyAccountant().epsilon(of: event, delta: delta)
  }

  /// Whether two certified intervals can hold one number, and are narrow.
  private func agree(_ a: PrivacyBound, _ b: PrivacyBound) -> Bool {
    a.lower <= b.upper && b.lower <= a.upper && abs(a.upper - b.upper) <= 1e-6 * b.upper
  }

  @Test("groups, adaptive bounds and private zeroing cost what one Gaussian of the multiplier asked for costs, sampled and repeated too")
  func grouped() throws {
    let layout = ParameterLayout([.init(name: "a", shape: [4]), .init(name: "b", shape: [3]), .init(name: "c", shape: [2])])
    let adaptive = ClippingNorm.adaptive(try .noised(initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: 100))
    let groups = [
      TensorGroup(name: "outer", tensors: ["a", "c"], norm: adaptive), TensorGroup(name: "inner", tensors: ["b"], norm: .fixed(2)),
    ]
    let mechanism = try GroupedGaussian(
      noiseMultiplier: 1.3, clientsPerRound: 100, layout: layout, groups: groups, division: .leastNoise)
    let pipeline = try AggregationPipeline.mean().gaussian(grouped: mechanism).zeroing(privateWithClientsPerRound: 100)
    let plain = PrivacyEvent.gaussian(noiseMultiplier: 1.3)
    #expect(try agree(epsilon(pipeline.privacyEvent), epsilon(plain)))
    func run(_ event: PrivacyEvent) -> PrivacyEvent { event.sampled(.poisson(rate: 0.01)).repeated(100) }
    #expect(try agree(epsilon(run(pipeline.privacyEvent)), epsilon(run(plain))))
  }

  @Test("one round of Laplace noise of multiplier z is 1/z-DP with δ = 0, and (1/z + 2 log(1 − δ))-DP for a δ")
  func laplace() throws {
    for z in [0.5, 1, 4] {
      let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: z, clientsPerRound: 10, clippingNorm: 3)
      let pure = try epsilon(pipeline.privacyEvent, delta: 0)
      #expect(pure.upper >= 1 / z * (1 - 1e-12) && pure.upper <= 1 / z * (1 + 1e-6))
      // δ(ε) = 1 − e^((ε − 1/z)/2) for ε in [0, 1/z].
      let delta = 0.01
      let closed = 1 / z + 2 * log(1 - delta)
      let bound = try epsilon(pipeline.privacyEvent, delta: delta)
      #expect(bound.upper >= closed * (1 - 1e-9) && bound.upper <= closed * (1 + 1e-4))
    }
  }
}
