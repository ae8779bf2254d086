import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

/// Deterministic random parameters, so that a failure can be repeated.
struct ParameterStream {
  var state: UInt64
  mutating func uniform() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double((state >> 11) ^ (state >> 40)).truncatingRemainder(dividingBy: 9_007_199_254_740_992) / 9_007_199_254_740_992
  }
  mutating func logUniform(_ range: ClosedRange<Double>) -> Double {
    exp(log(range.lowerBound) + uniform() * log(range.upperBound / range.lowerBound))
  }
}

@Suite("Properties of the accountants")
struct AccountingPropertyTests {
  private func event(_ q: Double, _ sigma: Double, _ rounds: Int) -> PrivacyEvent {
    .gaussian(noiseMultiplier: sigma).sampled(.poisson(rate: q)).repeated(rounds)
  }

  @Test("monotone in δ, rate, noise and rounds; never NaN (1,000 random cases)")
  func monotone() throws {
    let accountant = PrivacyAccountant()
    var stream = ParameterStream(state: 20_261_121)
    for _ in 0..<1_000 {
      let (q, sigma) = (stream.logUniform(1e-6...1), stream.logUniform(0.1...200))
      let rounds = Int(stream.logUniform(1...1e6))
      let delta = stream.logUniform(1e-30...0.5)
      let base = try accountant.epsilon(of: event(q, sigma, rounds), delta: delta).upper
      let slack = base * 1e-6 + 1e-12
      #expect(base >= 0 && !base.isNaN)
      let label: Comment = "q=\(q) σ=\(sigma) T=\(rounds) δ=\(delta)"
      #expect(try accountant.epsilon(of: event(q, sigma, rounds), delta: delta * 1.7).upper <= base + slack, label)
      #expect(try accountant.epsilon(of: event(q, sigma * 1.3, rounds), delta: delta).upper <= base + slack, label)
      #expect(try accountant.epsilon(of: event(q * 0.6, sigma, rounds), delta: delta).upper <= base + slack, label)
      #expect(try accountant.epsilon(of: event(q, sigma, rounds + 1 + rounds / 3), delta: delta).upper >= base - slack, label)
    }
  }

  @Test("parts and whole agree: T = T₁ + T₂ (200 random cases)")
  func additive() throws {
    let accountant = PrivacyAccountant()
    var stream = ParameterStream(state: 7)
    for _ in 0..<200 {
      let (q, sigma) = (stream.logUniform(1e-4...1), stream.logUniform(0.4...20))
      let (first, second) = (Int(stream.logUniform(1...1e4)), Int(stream.logUniform(1...1e4)))
      let whole = try accountant.epsilon(of: event(q, sigma, first + second), delta: 1e-6).upper
      let parts = try accountant.epsilon(of: .composed([event(q, sigma, first), event(q, sigma, second)]), delta: 1e-6).upper
      #expect(relativeDifference(whole, parts) < 1e-10)
    }
  }

  @Test("exact Gaussian is never above its Rényi bound (300 random cases)")
  func exactBelowRenyi() throws {
    var stream = ParameterStream(state: 99)
    for _ in 0..<300 {
      let gaussian = PrivacyEvent.gaussian(noiseMultiplier: stream.logUniform(0.05...500)).repeated(Int(stream.logUniform(1...1e5)))
      let delta = stream.logUniform(1e-50...0.3)
      let exact = try PrivacyAccountant().epsilon(of: gaussian, delta: delta)
      let renyi = try PrivacyAccountant(choice: .renyi).epsilon(of: gaussian, delta: delta)
      #expect(exact.lower <= exact.upper && exact.upper <= renyi.upper * (1 + 1e-9) + 1e-12)
    }
  }
}
