import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Calibration to goals")
struct CalibrationGoalTests {
  private let target = PrivacyTarget(epsilon: 2, delta: 1e-5)

  @Test("advantage: the closed form σ = 1/(2Φ⁻¹((1 + a)/2)) of a Gaussian, rounded up", arguments: [0.001, 0.05, 0.3, 0.9])
  func advantage(greatest: Double) throws {
    let sigma = try Calibration.noiseMultiplier(for: .advantage(atMost: greatest)) { .gaussian(noiseMultiplier: $0) }
    let exact = 0.5 / NormalDistribution.upperQuantile((1 - greatest) / 2)
    #expect(relativeDifference(sigma, exact) < 1e-9)
    #expect(try PrivacyAccountant().delta(of: .gaussian(noiseMultiplier: sigma), epsilon: 0).upper <= greatest)
  }

  @Test("true-positive rate: σ = 1/(Φ⁻¹(1 − FPR) − Φ⁻¹(1 − TPR)) of a Gaussian, rounded up")
  func truePositiveRate() throws {
    for (power, rate) in [(0.05, 0.01), (0.011, 0.01), (0.5, 1e-3), (0.9, 0.1)] {
      let goal = PrivacyGoal.truePositiveRate(atMost: power, atFalsePositiveRate: rate)
      let exact = 1 / (NormalDistribution.upperQuantile(rate) - NormalDistribution.upperQuantile(power))
      let sigma = try Calibration.noiseMultiplier(for: goal) { .gaussian(noiseMultiplier: $0) }
      #expect(sigma >= exact * (1 - 1e-12) && relativeDifference(sigma, exact) < 1e-6, "\(sigma) against \(exact)")
      let directional = try Calibration.noiseMultiplier(for: goal) { GaussianProfile(parameter: 1 / $0) }
      #expect(relativeDifference(directional, sigma) < 1e-6)
      #expect(try TradeOffCurve(GaussianProfile(parameter: 1 / directional)).truePositiveRate(atFalsePositiveRate: rate).upper <= power)
    }
  }

  @Test("a directional profile needs no more noise than the worse direction at both ends")
  func directional() throws {
    let goal = PrivacyGoal.truePositiveRate(atMost: 0.02, atFalsePositiveRate: 0.01)
    let sigma = try Calibration.noiseMultiplier(for: goal) { SampledGaussianProfile(rate: 0.1, sigma: $0) }
    let power = 0.9 * 0.01 + 0.1 * NormalDistribution.upperTail(NormalDistribution.upperQuantile(0.01) - 1 / sigma)
    #expect(power <= 0.02 && power > 0.02 * (1 - 1e-6))
  }

  @Test("a target as a goal is the calibration to the target")
  func targetGoal() throws {
    func event(_ sigma: Double) -> PrivacyEvent { .gaussian(noiseMultiplier: sigma).repeated(10) }
    let sigma = try Calibration.noiseMultiplier(for: .target(target), event: event)
    #expect(sigma == (try Calibration.noiseMultiplier(for: target, event: event)))
    let directional = try Calibration.noiseMultiplier(for: .target(target)) { GaussianProfile(parameter: 10.0.squareRoot() / $0) }
    #expect(relativeDifference(sigma, directional) < 1e-9)
  }

  @Test("cohort: the greatest integer that is safe, the population where all may take part, 0 where none may")
  func cohort() throws {
    func event(_ scheme: SamplingScheme) -> PrivacyEvent { .gaussian(noiseMultiplier: 1).sampled(scheme).repeated(500) }
    let cohort = try Calibration.cohort(for: target, population: 10_000, event: event)
    func epsilon(_ cohort: Int) throws -> Double {
      try PrivacyAccountant().epsilon(of: event(.poisson(rate: Double(cohort) / 10_000)), delta: 1e-5).upper
    }
    #expect(try epsilon(cohort) <= 2 && epsilon(cohort + 1) > 2)
    let rate = try Calibration.samplingRate(for: target) { event(.poisson(rate: $0)) }
    #expect(cohort == Int(rate * 10_000))
    #expect(
      try Calibration.cohort(for: PrivacyTarget(epsilon: 10, delta: 1e-5), population: 77) { .gaussian(noiseMultiplier: 1).sampled($0) }
        == 77)
    #expect(try Calibration.cohort(for: target, population: 3, event: event) == 0)
    // The least noise for a cohort, and back.
    let sigma = try Calibration.noiseMultiplier(for: target, cohort: 100, population: 10_000) {
      .gaussian(noiseMultiplier: $0).sampled($1).repeated(500)
    }
    let back = try Calibration.cohort(for: target, population: 10_000) { .gaussian(noiseMultiplier: sigma).sampled($0).repeated(500) }
    #expect(back == 100)
  }

  @Test("the update's share: z = 1 with a count noise of 5 leaves 1.0050378, and all parts together are z again")
  func valueNoise() throws {
    let value = try Calibration.valueNoiseMultiplier(total: 1, countDeviations: [5])
    #expect(abs(value - 1.0050378) < 5e-8)
    for (total, deviations) in [(1, [5]), (0.3, [1, 2, 40]), (2.5, [1.3]), (1e-3, [1]), (7, [])] as [(Double, [Double])] {
      let value = try Calibration.valueNoiseMultiplier(total: total, countDeviations: deviations)
      let precision = deviations.reduce(1 / (value * value)) { $0 + 1 / (4 * $1 * $1) }
      #expect(relativeDifference(1 / precision.squareRoot(), total) < 1e-13 && value >= total)
      let event = PrivacyEvent.composed([.gaussian(noiseMultiplier: value)] + deviations.map { .gaussian(noiseMultiplier: 2 * $0) })
      let whole = try PrivacyAccountant().epsilon(of: .gaussian(noiseMultiplier: total), delta: 1e-5).upper
      #expect(relativeDifference(try PrivacyAccountant().epsilon(of: event, delta: 1e-5).upper, whole) < 1e-12)
    }
    for deviations in [[0.5], [0.4], [0], [-1], [.nan], [1, 0.6, 0.9]] as [[Double]] {
      #expect(throws: AccountingError.self) { try Calibration.valueNoiseMultiplier(total: 1, countDeviations: deviations) }
    }
    for total in [0, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try Calibration.valueNoiseMultiplier(total: total, countDeviations: [5]) }
    }
  }

  @Test("count noise for a given update noise inverts the share, and is safe")
  func countNoise() throws {
    func event(_ release: PrivacyEvent) -> PrivacyEvent { release.sampled(.poisson(rate: 0.02)).repeated(300) }
    let total = try Calibration.noiseMultiplier(for: target) { event(.gaussian(noiseMultiplier: $0)) }
    let value = total * 1.01
    let deviation = try Calibration.clippingCountNoise(for: target, valueNoiseMultiplier: value, event: event)
    #expect(relativeDifference(try Calibration.valueNoiseMultiplier(total: total, countDeviations: [deviation]), value) < 1e-8)
    let whole = event(.composed([.gaussian(noiseMultiplier: value), .gaussian(noiseMultiplier: 2 * deviation)]))
    #expect(try PrivacyAccountant().epsilon(of: whole, delta: 1e-5).upper <= 2)
    #expect { try Calibration.clippingCountNoise(for: target, valueNoiseMultiplier: 0.99 * total, event: event) } throws: {
      if case .targetUnreachable = $0 as? AccountingError { true } else { false }
    }
    for bad in [0, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try Calibration.clippingCountNoise(for: target, valueNoiseMultiplier: bad, event: event) }
    }
  }

  @Test("a verified value is feasible where δ is not monotone, and a scan without one is an error")
  func verified() throws {
    // A stand-in with teeth: every other step of the noise needs a tenth more.
    func toothed(_ sigma: Double) -> PrivacyEvent {
      .gaussian(noiseMultiplier: Int(sigma * 100) % 2 == 0 ? sigma : sigma / 1.1)
    }
    let found = try Calibration.verifiedNoise(for: target, continuous: { .gaussian(noiseMultiplier: $0) }, event: toothed)
    let epsilon = try PrivacyAccountant().epsilon(of: toothed(found.value), delta: 1e-5)
    #expect(epsilon.upper <= 2 && epsilon == found.epsilon && found.candidates >= 1)
    let list = try Calibration.verified(candidates: [0.1, 1, 7, 3, 50], for: target) { .gaussian(noiseMultiplier: $0) }
    #expect(list.value == 7 && list.candidates == 3)
    #expect {
      try Calibration.verified(candidates: [0.1, 0.2], for: target) { .gaussian(noiseMultiplier: $0) }
    } throws: { String(describing: $0).contains("2 candidates") }
    for (step, factor) in [(0, 4), (.nan, 4), (1e-3, 1), (1e-3, .infinity)] as [(Double, Double)] {
      #expect(throws: AccountingError.self) {
        try Calibration.verifiedNoise(
          for: target, continuous: { .gaussian(noiseMultiplier: $0) }, step: step, factor: factor, event: { .gaussian(noiseMultiplier: $0) }
        )
      }
    }
  }

  @Test("goals without meaning or out of reach are errors that say which goal")
  func errors() throws {
    let goals: [PrivacyGoal] = [
      .advantage(atMost: 0), .advantage(atMost: 1), .advantage(atMost: .nan), .truePositiveRate(atMost: 0.01, atFalsePositiveRate: 0.01),
      .truePositiveRate(atMost: 1, atFalsePositiveRate: 0.1), .truePositiveRate(atMost: 0.5, atFalsePositiveRate: 0),
      .truePositiveRate(atMost: .nan, atFalsePositiveRate: 0.1), .target(PrivacyTarget(epsilon: -1, delta: 0.1)),
    ]
    for goal in goals {
      #expect(throws: AccountingError.self) { try Calibration.noiseMultiplier(for: goal) { .gaussian(noiseMultiplier: $0) } }
    }
    #expect {
      try Calibration.noiseMultiplier(for: .advantage(atMost: 0.1)) { .composed([.gaussian(noiseMultiplier: $0), .pureDP(epsilon: 3)]) }
    } throws: { String(describing: $0).contains("advantage of at most 0.1") }
    for population in [0, -5] {
      #expect(throws: AccountingError.self) {
        try Calibration.cohort(for: target, population: population) { .gaussian(noiseMultiplier: 1).sampled($0) }
      }
    }
    #expect(throws: AccountingError.self) {
      try Calibration.noiseMultiplier(for: target, cohort: 11, population: 10) { .gaussian(noiseMultiplier: $0).sampled($1) }
    }
    let goal = PrivacyGoal.truePositiveRate(atMost: 0.2, atFalsePositiveRate: 0.1)
    #expect(try JSONDecoder().decode(PrivacyGoal.self, from: JSONEncoder().encode(goal)) == goal)
  }
}
