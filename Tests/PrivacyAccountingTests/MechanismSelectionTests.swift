import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Repeat and select")
struct MechanismSelectionTests {
  @Test("pure ε: ε(2 + η) at order ∞, the cases of dp_accounting's tests")
  func pure() throws {
    for (epsilon, mean, shape) in [(1, 1000, 0), (1, 1000, 1), (1, 1000, 0.5), (1, 100, 2), (1, 1000, 5)] as [(Double, Double, Double)] {
      let gamma = try RepeatAndSelect.gamma(shape: shape, mean: mean)
      #expect(relativeDifference(RepeatAndSelect.mean(shape: shape, gamma: gamma), mean) < 1e-12)
      let selection = try RepeatAndSelect(.truncatedNegativeBinomial(shape: shape, gamma: gamma)) { order in
        order == .infinity ? epsilon : RenyiDivergence.pure(epsilon: epsilon, order: order)
      }
      let value = try selection.divergence(order: .infinity)
      #expect(value <= epsilon * (2 + shape) * (1 + 1e-12) && value > epsilon * (2 + shape) - 2e-2 * (1 + shape), "\(value)")
    }
    #expect(relativeDifference(RepeatAndSelect.mean(shape: 1, gamma: 0.01), 100) < 1e-12)
    #expect(relativeDifference(RepeatAndSelect.mean(shape: 0, gamma: 0.01), 99 / log(100.0)) < 1e-12)
    #expect(relativeDifference(RepeatAndSelect.mean(shape: 1e-12, gamma: 0.01), RepeatAndSelect.mean(shape: 0, gamma: 0.01)) < 1e-9)
  }

  /// Divergence of the best of K answers of randomised response with success p or 1 − p, by the generating function of K.
  static func exact(order: Double, success p: Double, generating: (Double) -> Double) -> Double {
    // The best answer is 0 exactly when every one of K ≥ 1 runs gives 0; nothing is a third outcome.
    func law(_ zero: Double) -> [Double] {
      let none = generating(0)
      return [none, generating(zero) - none, 1 - generating(zero)]
    }
    func divergence(_ a: [Double], _ b: [Double]) -> Double {
      var terms: [Double] = []
      for (p, q) in zip(a, b) where p > 0 { terms.append(order * log(p) + (1 - order) * log(q)) }
      let greatest = terms.max() ?? 0
      let sum = terms.reduce(0.0) { $0 + exp($1 - greatest) }
      return (greatest + log(sum)) / (order - 1)
    }
    let (first, second) = (law(p), law(1 - p))
    return max(divergence(first, second), divergence(second, first))
  }

  @Test("never below the exact divergence of selecting among randomised responses, for negative binomial and Poisson runs")
  func enumerated() throws {
    for epsilon in [0.1, 0.5, 1.5] {
      let p = exp(epsilon) / (1 + exp(epsilon))
      let curve: @Sendable (Double) -> Double = { $0 == .infinity ? epsilon : RenyiDivergence.pure(epsilon: epsilon, order: $0) }
      for order in [1.2, 2, 5, 30] {
        for gamma in [0.5, 0.1, 0.001] {
          for shape in [-0.5, 0, 0.5, 1, 3] {
            let generating: (Double) -> Double = { x in
              shape == 0 ? log(1 - (1 - gamma) * x) / log(gamma) : (pow(1 - (1 - gamma) * x, -shape) - 1) / (pow(gamma, -shape) - 1)
            }
            let bound = try RepeatAndSelect(.truncatedNegativeBinomial(shape: shape, gamma: gamma), of: curve).divergence(order: order)
            let exact = Self.exact(order: order, success: p, generating: generating)
            #expect(bound >= exact, "ε=\(epsilon) λ=\(order) γ=\(gamma) η=\(shape): \(bound) \(exact)")
          }
        }
        for mean in [0.1, 1, 4, 50] as [Double] {
          let exact = Self.exact(order: order, success: p) { exp(mean * ($0 - 1)) }
          let bound = try RepeatAndSelect(.poisson(mean: mean), of: curve).divergence(order: order)
          #expect(bound >= exact, "ε=\(epsilon) λ=\(order) μ=\(mean): \(bound) \(exact)")
        }
      }
    }
  }

  @Test("Gaussian inner mechanism: the formulas of theorems 2 and 6, recomputed")
  func gaussian() throws {
    let sigma = 5.0
    let curve: @Sendable (Double) -> Double = { $0 == .infinity ? .infinity : $0 / (2 * sigma * sigma) }
    let gamma = try RepeatAndSelect.gamma(shape: 1, mean: 100)
    // λ̂ minimises (1 − 1/λ̂)λ̂/(2σ²) + log(1/γ)/λ̂: λ̂ = σ√(2 log(1/γ)).
    let best = sigma * (-2 * log(gamma)).squareRoot()
    let order = 8.0
    let expected = order / 50 + 2 * ((best - 1) / 50 - log(gamma) / best) + log(100.0) / (order - 1)
    let value = try RepeatAndSelect(.truncatedNegativeBinomial(shape: 1, gamma: gamma), of: curve).divergence(order: order)
    #expect(relativeDifference(value, expected) < 1e-9)
    let poisson = try RepeatAndSelect(.poisson(mean: 100), of: curve)
    let delta = try AnalyticGaussian.delta(noiseMultiplier: sigma, epsilon: log1p(1 / (order - 1))).upper
    let tight = try poisson.divergence(order: order) { _ in delta }
    #expect(relativeDifference(tight, order / 50 + 100 * delta + log(100.0) / (order - 1)) < 1e-12)
    #expect(try poisson.divergence(order: order) >= tight)
  }

  @Test("hostile input is an error")
  func hostile() throws {
    for gamma in [0, 1, .nan, -1] as [Double] {
      #expect(throws: AccountingError.self) { try RepeatAndSelect(.truncatedNegativeBinomial(shape: 1, gamma: gamma)) { _ in 1 } }
    }
    #expect(throws: AccountingError.self) { try RepeatAndSelect(.truncatedNegativeBinomial(shape: -1, gamma: 0.1)) { _ in 1 } }
    #expect(throws: AccountingError.self) { try RepeatAndSelect(.poisson(mean: .nan)) { _ in 1 } }
    #expect(throws: AccountingError.self) { try RepeatAndSelect.gamma(shape: 1, mean: 1) }
    #expect(throws: AccountingError.self) { try RepeatAndSelect(.poisson(mean: 1)) { _ in .nan }.divergence(order: 2) }
    #expect(throws: AccountingError.self) { try RepeatAndSelect(.poisson(mean: 1)) { _ in 1 }.divergence(order: 1) }
  }

  @Test("selections among costly mechanisms have a bound, above one run of theirs and near a finer search")
  func costlyCurves() throws {
    // The third figure is that of the search by Brent's method at every order, which took minutes.
    let cases: [(PrivacyEvent, Double)] = [
      (.discreteGaussian(sigma: 30, sensitivity: 8).sampled(.poisson(rate: 0.01)).repeated(100), 0.34772211361994393),
      (.skellam(variance: 10_000, l1Sensitivity: 50, l2Sensitivity: 50, dimension: 1).repeated(100), 58.089662911920364),
      (
        .gaussian(noiseMultiplier: 1).sampled(.fixedSizeWithoutReplacement(cohortSize: 10, populationSize: 1000)).repeated(100),
        15.106495793312693
      ),
      (.gaussian(noiseMultiplier: 1).sampled(.ballsInBins(rounds: 1191)), 1.141275072002879),
    ]
    for (event, finer) in cases {
      let accountant = PrivacyAccountant(choice: .renyi)
      let bound = try accountant.epsilon(of: .repeatAndSelect(event: event, runs: .poisson(mean: 20)), delta: 1e-5)
      let single = try accountant.epsilon(of: event, delta: 1e-5)
      #expect(bound.upper >= single.upper && bound.upper <= finer * (1 + 2e-3), "\(bound) \(finer)")
    }
    let small = PrivacyEvent.gaussian(noiseMultiplier: 0.06).sampled(.ballsInBins(rounds: 1191))
    let bound = try PrivacyAccountant().epsilon(of: .repeatAndSelect(event: small, runs: .poisson(mean: 20)), delta: 1e-5)
    #expect(bound.upper > 216 && bound.upper < 250)
  }
}
