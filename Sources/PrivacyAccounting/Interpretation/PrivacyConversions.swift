import Foundation
import PrivacyEvents

/// All that one (ε, δ) guarantee says about tests (Kairouz, Oh and Viswanath 2015, section 2).
///
/// The figures are those of the worst mechanism that meets the guarantee, rounded to the safe side. A profile says more: prefer
/// ``TradeOffCurve`` where the mechanism is known.
public struct ApproximateGuarantee: Codable, Hashable, Sendable {
  /// ε, at least 0; may be infinite.
  public let epsilon: Double
  /// δ, in [0, 1].
  public let delta: Double

  /// The guarantee (`epsilon`, `delta`).
  ///
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)``.
  public init(epsilon: Double, delta: Double) throws(AccountingError) {
    try Parameters.check(epsilon: epsilon)
    try Parameters.check(delta: delta)
    self.epsilon = epsilon
    self.delta = delta
  }

  private enum CodingKeys: CodingKey { case epsilon, delta }

  /// Decodes and checks both numbers.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(epsilon: values.decode(Double.self, forKey: .epsilon), delta: values.decode(Double.self, forKey: .delta))
  }

  /// The least false-negative rate that the guarantee leaves to any test: max(0, 1 − δ − e^ε α, e^−ε (1 − δ − α)), rounded down.
  public func falseNegativeRate(atFalsePositiveRate rate: Double) throws(AccountingError) -> Double {
    try TradeOffCurve.check(falsePositiveRate: rate)
    let rest = 1 - delta - rate - 4e-16
    // e^∞ · 0 is 0 here: without false positives the first line is at 1 − δ whatever ε is.
    let steep = rate == 0 ? 1 - delta : 1 - delta - exp(epsilon) * rate * (1 + 1e-15)
    return max(0, min(1 - rate, max(steep - 4e-16, exp(-epsilon) * rest * (1 - 2e-15))))
  }

  /// The greatest true-positive rate of any test, rounded up.
  public func truePositiveRate(atFalsePositiveRate rate: Double) throws(AccountingError) -> Double {
    min(1, (1 - (try falseNegativeRate(atFalsePositiveRate: rate))).nextUp)
  }

  /// The greatest TPR − FPR of any test: δ + (1 − δ) tanh(ε/2), rounded up.
  public var advantage: Double { min(1, (delta + (1 - delta) * tanh(epsilon / 2)) * (1 + 1e-15)) }
}

/// The worst mechanism that meets the guarantee: with probability δ it shows everything, else it is randomised response.
extension ApproximateGuarantee: DirectionalProfile {
  package func delta(epsilon other: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    try Parameters.check(epsilon: other)
    if other >= epsilon { return PrivacyBound(lower: delta, upper: delta, method: .trivial) }
    // δ + (1 − δ)(e^ε − e^x)/(e^ε + 1), without overflow.
    let excess = -expm1(other - epsilon) / (1 + exp(-epsilon))
    let value = delta + (1 - delta) * excess
    return PrivacyBound(lower: value * (1 - 1e-15), upper: min(1, value * (1 + 1e-15)), method: .trivial)
  }
}

/// The guarantee of μ-Gaussian differential privacy: as private as one Gaussian release with μ = sensitivity/σ
/// (Dong, Roth and Su 2022, section 2.2).
public struct GaussianGuarantee: Codable, Hashable, Sendable {
  /// μ, finite and above 0.
  public let parameter: Double

  /// The guarantee with this μ.
  ///
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)``.
  public init(parameter: Double) throws(AccountingError) {
    guard parameter > 0, parameter.isFinite, (1 / parameter).isFinite else {
      throw .invalidParameter(name: "Gaussian-DP parameter", value: parameter, allowed: "finite and above 0")
    }
    self.parameter = parameter
  }

  /// The greatest μ whose guarantee includes (ε, δ), rounded down: the inverse of ``delta(epsilon:)``.
  ///
  /// It does not mean that an (ε, δ) mechanism is μ-Gaussian-differentially private: one point of a profile does not imply a curve.
  public init(meeting target: PrivacyTarget) throws(AccountingError) {
    try self.init(parameter: (1 / (try AnalyticGaussian.noiseMultiplier(for: target))).nextDown)
  }

  /// The greatest μ whose advantage is at most `advantage`, 2 Φ⁻¹((1 + advantage)/2), rounded down.
  ///
  /// - Parameter advantage: in (0, 1).
  public init(advantage: Double) throws(AccountingError) {
    guard advantage > 0, advantage < 1 else {
      throw .invalidParameter(name: "advantage", value: advantage, allowed: "in (0, 1)")
    }
    // From the quantile, then down until the rounded-up advantage obeys the limit: near 0 the quantile loses digits.
    var parameter =
      advantage < 1e-3 ? advantage * (2 * Double.pi).squareRoot() : 2 * NormalDistribution.upperQuantile(0.5 * (1 - advantage))
    for _ in 0..<3 {
      let density = exp(-0.125 * parameter * parameter) / (2 * Double.pi).squareRoot()
      if density > 0 { parameter -= (erf(parameter / 8.0.squareRoot()) - advantage) / density }
    }
    var step = 1e-16
    while Self.advantage(parameter) > advantage, step < 1 {
      parameter *= 1 - step
      step *= 2
    }
    try self.init(parameter: parameter)
  }

  private enum CodingKeys: CodingKey { case parameter }

  /// Decodes and checks μ.
  public init(from decoder: any Decoder) throws {
    try self.init(parameter: decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .parameter))
  }

  /// G_μ(α) = Φ(Φ⁻¹(1 − α) − μ), rounded down.
  public func falseNegativeRate(atFalsePositiveRate rate: Double) throws(AccountingError) -> Double {
    try TradeOffCurve.check(falsePositiveRate: rate)
    if rate == 0 { return 1 }
    if rate == 1 { return 0 }
    let quantile = NormalDistribution.upperQuantile(rate)
    // Φ(x) is the upper tail at −x.
    let point = parameter - quantile + 1e-15 + NormalDistribution.relativeError * (abs(quantile) + parameter)
    return max(0, min(1 - rate, NormalDistribution.upperTail(point) * (1 - NormalDistribution.relativeError)))
  }

  /// The greatest TPR − FPR of any test, 2Φ(μ/2) − 1, rounded up.
  public var advantage: Double { Self.advantage(parameter) }

  /// δ at `epsilon` ≥ 0, rounded up.
  public func delta(epsilon: Double) throws(AccountingError) -> Double {
    try AnalyticGaussian.delta(noiseMultiplier: (1 / parameter).nextDown, epsilon: epsilon).upper
  }

  /// ε at `delta`, rounded up.
  public func epsilon(delta: Double) throws(AccountingError) -> Double {
    try AnalyticGaussian.epsilon(noiseMultiplier: (1 / parameter).nextDown, delta: delta).upper
  }

  private static func advantage(_ parameter: Double) -> Double { min(1, erf(parameter / 8.0.squareRoot()) * (1 + 1e-15)) }
}

extension GaussianGuarantee: DirectionalProfile {
  package func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    let upper = try AnalyticGaussian.delta(noiseMultiplier: (1 / parameter).nextDown, epsilon: epsilon)
    let lower = try AnalyticGaussian.delta(noiseMultiplier: (1 / parameter).nextUp, epsilon: epsilon)
    return PrivacyBound(lower: lower.lower, upper: upper.upper, method: upper.method)
  }
}

/// The guarantee of ρ-zero-concentrated differential privacy: D_α ≤ ρα for every order (Bun and Steinke 2016, definition 1.1).
public struct ZeroConcentratedGuarantee: Codable, Hashable, Sendable {
  /// ρ, finite and at least 0.
  public let rho: Double

  /// The guarantee with this ρ.
  ///
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)``.
  public init(rho: Double) throws(AccountingError) {
    guard rho >= 0, rho.isFinite else { throw .invalidParameter(name: "rho", value: rho, allowed: "finite and at least 0") }
    self.rho = rho
  }

  private enum CodingKeys: CodingKey { case rho }

  /// Decodes and checks ρ.
  public init(from decoder: any Decoder) throws {
    try self.init(rho: decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .rho))
  }

  /// ε at `delta` by the whole Rényi curve (Canonne, Kamath and Steinke 2020, proposition 12), rounded up.
  public func epsilon(delta: Double) throws(AccountingError) -> Double {
    try PrivacyAccountant(choice: .renyi).epsilon(of: .zeroConcentratedDP(rho: rho), delta: delta).upper
  }

  /// δ at `epsilon`, by the same conversion, rounded up.
  public func delta(epsilon: Double) throws(AccountingError) -> Double {
    try PrivacyAccountant(choice: .renyi).delta(of: .zeroConcentratedDP(rho: rho), epsilon: epsilon).upper
  }
}
