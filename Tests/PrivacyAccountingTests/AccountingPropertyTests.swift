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

  /// One property of one random case: monotone in δ, noise, rate and rounds, or whole and parts, or exact against Rényi.
  private func check(
    _ accountant: PrivacyAccountant, property: Int, q: Double, sigma: Double, rounds: Int, delta: Double
  ) throws -> Bool {
    let bound: PrivacyBound
    do { bound = try accountant.epsilon(of: event(q, sigma, rounds), delta: delta) } catch AccountingError.notConverged { return false }
    let base = bound.upper
    #expect(bound.lower >= 0 && bound.lower <= base && base.isFinite)
    let slack = (bound.isTwoSided ? 2 * (base - bound.lower) : 0) + base * 1e-9 + 1e-12
    let label: Comment = "q=\(q) σ=\(sigma) T=\(rounds) δ=\(delta)"
    do {
      switch property {
      case 0: #expect(try accountant.epsilon(of: event(q, sigma, rounds), delta: delta * 1.7).lower <= base + slack, label)
      case 1: #expect(try accountant.epsilon(of: event(q, sigma * 1.3, rounds), delta: delta).lower <= base + slack, label)
      case 2: #expect(try accountant.epsilon(of: event(q * 0.6, sigma, rounds), delta: delta).lower <= base + slack, label)
      case 3: #expect(try accountant.epsilon(of: event(q, sigma, rounds + 1 + rounds / 3), delta: delta).upper >= base - slack, label)
      case 4:
        let first = rounds / 3
        let parts = PrivacyEvent.composed([event(q, sigma, first), event(q, sigma, rounds - first)])
        #expect(abs(try accountant.epsilon(of: parts, delta: delta).upper - base) <= slack, label)
      default:
        let renyi = try PrivacyAccountant(choice: .renyi).epsilon(of: event(q, sigma, rounds), delta: delta)
        #expect(bound.lower <= renyi.upper * (1 + 1e-9) + 1e-12, label)
        let atBound = try accountant.delta(of: event(q, sigma, rounds), epsilon: base)
        #expect(atBound.lower <= delta * (1 + 1e-9), label)
      }
    } catch AccountingError.notConverged { return false }
    return true
  }

  @Test("contour: monotone in δ, rate, noise and rounds, parts equal the whole, never above Rényi (10,000 random cases)")
  func contour() throws {
    let accountant = PrivacyAccountant(choice: .contour)
    var stream = ParameterStream(state: 20_261_121)
    var done = 0
    for index in 0..<12_000 where done < 10_000 {
      // Rare releases (q T ≪ 1) belong to the grid; here the contour must answer nearly always.
      let rounds = Int(stream.logUniform(200...1e7))
      let q = stream.logUniform(min(0.9, max(1e-5, 10 / Double(rounds)))...1)
      let sigma = stream.logUniform(0.6...200)
      if try check(accountant, property: index % 6, q: q, sigma: sigma, rounds: rounds, delta: stream.logUniform(1e-60...0.1)) { done += 1 }
    }
    #expect(done == 10_000)
  }

  @Test("Rényi: monotone in δ, rate, noise and rounds, parts equal the whole (10,000 random cases)")
  func renyi() throws {
    let accountant = PrivacyAccountant(choice: .renyi)
    var stream = ParameterStream(state: 7)
    var done = 0
    for index in 0..<10_000 {
      let (q, sigma) = (stream.logUniform(1e-6...1), stream.logUniform(0.1...200))
      let rounds = Int(stream.logUniform(1...1e6))
      if try check(accountant, property: index % 5, q: q, sigma: sigma, rounds: rounds, delta: stream.logUniform(1e-30...0.5)) { done += 1 }
    }
    #expect(done == 10_000)
  }

  @Test("tightest: every random case has an answer or an error that says why, near the corner too (150 random cases)")
  func tightest() throws {
    let accountant = PrivacyAccountant()
    var stream = ParameterStream(state: 11)
    for index in 0..<150 {
      let (q, sigma) = (stream.logUniform(1e-6...1), stream.logUniform(0.3...50))
      let rounds = Int(stream.logUniform(1...1e5))
      let done = try check(accountant, property: index % 4, q: q, sigma: sigma, rounds: rounds, delta: stream.logUniform(1e-20...0.5))
      #expect(done, "q=\(q) σ=\(sigma) T=\(rounds)")
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
