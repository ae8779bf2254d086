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

  /// ε, or nil where the method says that it does not converge.
  private func answer(_ accountant: PrivacyAccountant, _ event: PrivacyEvent, _ delta: Double) throws -> PrivacyBound? {
    let result = Result { try accountant.epsilon(of: event, delta: delta) }
    if case .failure(let error) = result, case .notConverged? = error as? AccountingError { return nil }
    return try result.get()
  }

  /// One property of one random case: monotone in δ, noise, rate and rounds, or whole and parts, or exact against Rényi.
  private func check(
    _ accountant: PrivacyAccountant, property: Int, q: Double, sigma: Double, rounds: Int, delta: Double
  ) throws -> Bool {
    guard let bound = try answer(accountant, event(q, sigma, rounds), delta) else { return false }
    let base = bound.upper
    #expect(bound.lower >= 0 && bound.lower <= base && base.isFinite)
    let slack = (bound.isTwoSided ? 2 * (base - bound.lower) : 0) + base * 1e-9 + 1e-12
    let label: Comment = "q=\(q) σ=\(sigma) T=\(rounds) δ=\(delta) property \(property)"
    if property == 5 {
      let renyi = try PrivacyAccountant(choice: .renyi).epsilon(of: event(q, sigma, rounds), delta: delta)
      #expect(bound.lower <= renyi.upper * (1 + 1e-9) + 1e-12, label)
      return true
    }
    let first = rounds / 3
    let other: (event: PrivacyEvent, delta: Double) =
      switch property {
      case 0: (event(q, sigma, rounds), delta * 1.7)
      case 1: (event(q, sigma * 1.3, rounds), delta)
      case 2: (event(q * 0.6, sigma, rounds), delta)
      case 3: (event(q, sigma, rounds + 1 + rounds / 3), delta)
      default: (.composed([event(q, sigma, first), event(q, sigma, rounds - first)]), delta)
      }
    guard let second = try answer(accountant, other.event, other.delta) else { return false }
    let otherValue = second.isTwoSided ? second.lower : second.upper
    switch property {
    case 0, 1, 2: #expect(otherValue <= base + slack, label)
    case 3: #expect(second.upper >= base - slack, label)
    default: #expect(abs(second.upper - base) <= slack + (second.upper - otherValue), label)
    }
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

  @Test("tightest: every random case has an answer or an error that says why, near the corner too (40 random cases)")
  func tightest() throws {
    let accountant = PrivacyAccountant()
    var stream = ParameterStream(state: 11)
    for index in 0..<40 {
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
