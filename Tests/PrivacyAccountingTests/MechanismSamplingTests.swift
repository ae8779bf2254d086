import Foundation
import PrivacyAccounting
import Testing

@Suite("Sampling laws and one-step profiles")
struct MechanismSamplingTests {
  @Test("binomial tails in log space: mpmath's regularised beta to 1e-11, never below")
  func binomial() throws {
    let cases: [(Int, Double, Int, Double)] = [
      (1000, 0.01, 25, -11.0690957453576174), (60_000, 0.005, 360, -8.0057292476025626), (10, 0.5, 3, -0.188591169807550022),
      (100, 0.5, 20, -5.57954453018254193e-10),
    ]
    for (trials, probability, k, expected) in cases {
      let value = try BinomialLaw(trials: trials, probability: probability).logUpperTail(k)
      #expect(value >= expected && value - expected < 4e-12 * (1 + abs(expected)), "\(trials) \(probability) \(k): \(value)")
    }
    let law = try BinomialLaw(trials: 40, probability: 0.3)
    #expect(abs((0...40).reduce(0.0) { $0 + exp(law.logMass($1)) } - 1) < 1e-13)
    #expect(law.logUpperTail(40) == -.infinity && law.logUpperTail(-1) == 0)
    // A deep tail: P[X = n] = q^n.
    #expect(abs(try BinomialLaw(trials: 500, probability: 1e-3).logUpperTail(499) - 500 * log(1e-3)) < 1e-7)
    _ = try BinomialLaw(trials: 1 << 53, probability: 0.5).logUpperTail(1 << 52)
  }

  @Test("truncation: δ grows by ψ_P + e^ε ψ_Q, and not at all where the cohort cannot overflow")
  func truncation() throws {
    let sampler = try TruncatedPoisson(population: 999, samplingRate: 0.01, maximumCohort: 25)
    let larger = exp(-11.0690957453576174)
    let single = try sampler.truncationProbability(withPerson: true, rounds: 1)
    #expect(single >= larger && relativeDifference(single, larger) < 1e-10)
    #expect(try sampler.truncationProbability(withPerson: false, rounds: 1) < single)
    let many = try sampler.truncationProbability(withPerson: true, rounds: 1000)
    #expect(many <= 1000 * single && many >= (1 - pow(1 - single, 1000)) * (1 - 1e-10))
    let removal = try sampler.delta(untruncated: 1e-6, epsilon: 2, rounds: 1, direction: .removal)
    let smaller = try sampler.truncationProbability(withPerson: false, rounds: 1)
    #expect(relativeDifference(removal, 1e-6 + single + exp(2) * smaller) < 1e-13)
    let roomy = try TruncatedPoisson(population: 24, samplingRate: 0.5, maximumCohort: 25)
    #expect(try roomy.delta(untruncated: 1e-6, epsilon: .infinity, rounds: 1000, direction: .addition) <= 1e-6 * (1 + 1e-14))
    #expect(throws: AccountingError.self) { try TruncatedPoisson(population: -1, samplingRate: 0.5, maximumCohort: 1) }
    #expect(throws: AccountingError.self) { try TruncatedPoisson(population: 1, samplingRate: .nan, maximumCohort: 1) }
  }

  @Test("with replacement: binomial weights with the tail apart; replace-one as in Balle, Barthe and Gaboardi, theorem 10")
  func withReplacement() throws {
    let law = try WithReplacement(draws: 100, population: 5000, tailMass: 1e-14)
    #expect(abs(law.weights.reduce(0, +) + law.tailMass - 1) < 1e-12 && law.tailMass <= 1e-14 && law.tailMass > 0)
    #expect(relativeDifference(law.weights[1], 100.0 / 5000 * pow(1 - 1.0 / 5000, 99)) < 1e-12)
    #expect(law.shifts == law.weights.indices.map { 2 * Double($0) })
    #expect(relativeDifference(law.inclusionProbability, 1 - pow(1 - 1.0 / 5000, 100)) < 1e-11)
    // One draw of N records is sampling without replacement of one: γ δ_2(ε′).
    let one = try WithReplacement(draws: 1, population: 50, tailMass: 1e-14)
    #expect(one.weights.count == 2 && one.tailMass == 0)
    let amplified = log1p(expm1(0.5) * 50)
    let expected = 0.02 * (try AnalyticGaussian.delta(noiseMultiplier: 0.6, epsilon: amplified).upper)
    #expect(relativeDifference(try one.replaceOneDelta(noiseMultiplier: 1.2, epsilon: 0.5), expected) < 1e-11)
    #expect(throws: AccountingError.self) { try WithReplacement(draws: 1, population: 0, tailMass: 1e-14) }
    #expect(throws: AccountingError.self) { try WithReplacement(draws: 1 << 52, population: 1, tailMass: 1e-14) }
    #expect(throws: AccountingError.self) { try WithReplacement(draws: 1, population: 1, tailMass: 0) }
  }

  @Test("one sampled step: golden rows `one_step`, and both directions against the closed forms")
  func oneStep() throws {
    for (q, sigma, epsilon, expected) in [(0.2, 0.5, 1, 0.057840405997511500682), (0.001, 0.8, 2, 1.35484750494653212e-14)]
      as [(Double, Double, Double, Double)]
    {
      let value = try SampledProfile.sampledGaussianDelta(
        samplingRate: q, noiseMultiplier: sigma, epsilon: epsilon, direction: .removal)
      #expect(relativeDifference(value, expected) < 1e-12)
    }
    // P[S] − e^ε Q[S] and the reverse agree at q = 1, and addition ends at −log(1 − q).
    for epsilon in [-1, 0, 0.3, 2] as [Double] {
      let removal = try SampledProfile.sampledGaussianDelta(samplingRate: 1, noiseMultiplier: 1, epsilon: epsilon, direction: .removal)
      let addition = try SampledProfile.sampledGaussianDelta(samplingRate: 1, noiseMultiplier: 1, epsilon: epsilon, direction: .addition)
      #expect(relativeDifference(removal, addition) < 1e-13)
    }
    #expect(
      try SampledProfile.sampledGaussianDelta(samplingRate: 0.1, noiseMultiplier: 1, epsilon: 0.11, direction: .addition) == 0)
    // δ(−ε) of one order is 1 − e^−ε + e^−ε δ(ε) of the other.
    for epsilon in [0.01, 0.05, 1] as [Double] {
      let below = try SampledProfile.sampledGaussianDelta(samplingRate: 0.1, noiseMultiplier: 1, epsilon: -epsilon, direction: .addition)
      let above = try SampledProfile.sampledGaussianDelta(samplingRate: 0.1, noiseMultiplier: 1, epsilon: epsilon, direction: .removal)
      #expect(relativeDifference(below, 1 - exp(-epsilon) + exp(-epsilon) * above) < 1e-12)
    }
  }

  @Test("two sampled Gaussian steps, q = 0.01, σ = 1, δ = 1e-6: mpmath at 34 digits to 1e-10")
  func twoSteps() throws {
    for (direction, expected) in [(NeighborDirection.removal, 0.42546438752342345218), (.addition, 0.018130299713295795827)] {
      let value = try SampledProfile.twoStepEpsilon(samplingRate: 0.01, noiseMultiplier: 1, delta: 1e-6, direction: direction)
      #expect(relativeDifference(value, expected) < 1e-10, "\(direction): \(value)")
    }
    let far = try SampledProfile.twoStepDelta(samplingRate: 0.01, noiseMultiplier: 1, epsilon: 1, direction: .removal)
    #expect(relativeDifference(far.value, 5.5084113889623453009826e-9) < 1e-10)
    // Unsampled, two steps are one Gaussian with σ/√2.
    let plain = try SampledProfile.twoStepDelta(samplingRate: 1, noiseMultiplier: 2, epsilon: 1, direction: .addition)
    #expect(relativeDifference(plain.value, try AnalyticGaussian.delta(noiseMultiplier: 2.0.squareRoot(), epsilon: 1).upper) < 1e-10)
  }
}
