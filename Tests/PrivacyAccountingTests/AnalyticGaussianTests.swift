import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Analytic Gaussian mechanism")
struct AnalyticGaussianTests {
  @Test("every golden row to 1e-12 relative, and the interval contains it", arguments: GoldenValues.shared.gaussian.indices)
  func golden(index: Int) throws {
    let row = GoldenValues.shared.gaussian[index]
    let (sigma, epsilon, delta) = (
      try GoldenValues.number(row.sigma), try GoldenValues.number(row.epsilon), try GoldenValues.number(row.delta)
    )
    switch row.given {
    case "sigma,delta":
      let bound = try AnalyticGaussian.epsilon(noiseMultiplier: sigma, delta: delta)
      #expect(relativeDifference(bound.upper, epsilon) <= 1e-12 && relativeDifference(bound.lower, epsilon) <= 1e-12)
      #expect(bound.lower <= epsilon.nextUp && epsilon.nextDown <= bound.upper)
    case "sigma,epsilon" where delta == 0:
      // δ itself is below the range of Double: its logarithm is compared, and the bound still rounds up.
      let parts = row.delta.split(separator: "e")
      let expected = log(try GoldenValues.number(String(parts[0]))) + (try GoldenValues.number(String(parts[1]))) * log(10.0)
      #expect(relativeDifference(try AnalyticGaussian.logDelta(noiseMultiplier: sigma, epsilon: epsilon).value, expected) <= 1e-12)
      #expect(try AnalyticGaussian.delta(noiseMultiplier: sigma, epsilon: epsilon).upper > 0)
    case "sigma,epsilon":
      let bound = try AnalyticGaussian.delta(noiseMultiplier: sigma, epsilon: epsilon)
      #expect(relativeDifference(bound.upper, delta) <= 1e-12 && relativeDifference(bound.lower, delta) <= 1e-12, "\(row) \(bound)")
      #expect(bound.lower <= delta.nextUp && delta.nextDown <= bound.upper)
    case "epsilon,delta":
      let found = try AnalyticGaussian.noiseMultiplier(for: PrivacyTarget(epsilon: epsilon, delta: delta))
      #expect(relativeDifference(found, sigma) <= 1e-12)
      #expect(try AnalyticGaussian.epsilon(noiseMultiplier: found, delta: delta).upper <= epsilon)
    default: Issue.record("unknown row \(row.given)")
    }
  }

  @Test("a composition of Gaussians is one Gaussian with the combined multiplier")
  func composition() throws {
    let accountant = PrivacyAccountant()
    let parts = PrivacyEvent.composed([.gaussian(noiseMultiplier: 10).repeated(50), .gaussian(noiseMultiplier: 5).repeated(50)])
    let whole = PrivacyEvent.gaussian(noiseMultiplier: 1 / (50 / 100.0 + 50 / 25.0).squareRoot())
    let (a, b) = (try accountant.epsilon(of: parts, delta: 1e-6), try accountant.epsilon(of: whole, delta: 1e-6))
    #expect(relativeDifference(a.upper, b.upper) < 1e-13)
    #expect(a.method == .analyticGaussian)
  }

  @Test("replace-one is the mechanism with half the multiplier (peer defect: one peer ignores the factor 2)")
  func replaceOne() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 1)
    let replaced = try PrivacyAccountant(neighboringRelation: .replaceOne).epsilon(of: event, delta: 1e-5)
    #expect(relativeDifference(replaced.upper, 9.99725614643) < 1e-11)
    #expect(relativeDifference(try PrivacyAccountant().epsilon(of: event, delta: 1e-5).upper, 4.37717809568) < 1e-11)
    let renyi = try PrivacyAccountant(neighboringRelation: .replaceOne, choice: .renyi).epsilon(of: event, delta: 1e-5)
    #expect(renyi.upper >= replaced.upper && renyi.upper < 1.15 * replaced.upper)
  }

  @Test("extreme parameters give numbers or errors, never NaN")
  func extremes() throws {
    for sigma in [1e-5, 1e-3, 0.1, 1, 1e3, 1e5, 1e8] {
      for delta in [1e-300, 1e-100, 1e-10, 0.1, 0.5, 0.9, 1 - 1e-12] {
        let bound = try AnalyticGaussian.epsilon(noiseMultiplier: sigma, delta: delta)
        #expect(bound.lower <= bound.upper && bound.lower >= 0 && bound.upper.isFinite, "σ=\(sigma) δ=\(delta)")
        guard bound.upper > 0 else { continue }
        let back = try AnalyticGaussian.delta(noiseMultiplier: sigma, epsilon: bound.upper)
        #expect(back.lower <= delta * (1 + 1e-9), "σ=\(sigma) δ=\(delta)")
        // At σ = 1e-5, ε is 5e9: half an ulp of it moves δ by a relative 1e-6 and more.
        if bound.upper < 1e4 { #expect(relativeDifference(back.upper, delta) < 1e-7, "σ=\(sigma) δ=\(delta)") }
      }
      #expect(try AnalyticGaussian.epsilon(noiseMultiplier: sigma, delta: 0).upper == .infinity)
      #expect(try AnalyticGaussian.epsilon(noiseMultiplier: sigma, delta: 1).upper == 0)
    }
    for bad in [0, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try AnalyticGaussian.epsilon(noiseMultiplier: bad, delta: 1e-5) }
    }
    for bad in [-0.1, 1.1, .nan] {
      #expect(throws: AccountingError.self) { try AnalyticGaussian.epsilon(noiseMultiplier: 1, delta: bad) }
    }
  }
}
