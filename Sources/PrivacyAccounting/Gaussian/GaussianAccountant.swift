import Foundation

/// Compositions of Gaussians alone, exactly.
struct GaussianAccountant: AccountingBackend {
  /// (Σ σ_i⁻²)^(−1/2) of one round.
  let noiseMultiplier: Double

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    try AnalyticGaussian.epsilon(noiseMultiplier: noiseMultiplier / Double(rounds).squareRoot(), delta: delta)
  }

  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    try AnalyticGaussian.delta(noiseMultiplier: noiseMultiplier / Double(rounds).squareRoot(), epsilon: epsilon)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try delta(rounds: rounds, epsilon: epsilon, direction: .removal)
  }
}

/// One release of a Gaussian on a sample, in closed form; it knows no repetitions.
struct SingleSampledGaussian: AccountingBackend {
  private let rate: Double
  private let noiseMultiplier: Double
  private let symmetric: Bool

  /// Nil for anything but one such release.
  init?(_ composition: MechanismComposition) {
    guard composition.parts.count == 1, composition.parts[0].count == 1,
      case .sampledGaussian(let rate, let noiseMultiplier, let symmetric) = composition.parts[0].mechanism
    else { return nil }
    self.rate = rate
    self.noiseMultiplier = noiseMultiplier
    self.symmetric = symmetric
  }

  private func checkSingle(_ rounds: Int) throws(AccountingError) {
    guard rounds == 1 else { throw .notConverged(what: "closed form", reason: "it is known for one round only") }
  }

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    try checkSingle(rounds)
    // δ = q δ′(ε′) with ε′ = log(1 + (e^ε − 1)/q).
    guard delta < rate else { return PrivacyBound(lower: 0, upper: 0, method: .sampledClosedForm) }
    let inner = try AnalyticGaussian.epsilon(noiseMultiplier: noiseMultiplier, delta: delta / rate)
    let upper = SampledProfile.amplifiedPure(epsilon: inner.upper, rate: rate) * (1 + 1e-14) + 1e-300
    let lower = SampledProfile.amplifiedPure(epsilon: inner.lower, rate: rate) * (1 - 1e-14)
    // Removal has the greater δ for every ε ≥ 0; this says so for the figure at hand.
    let mirrored = symmetric ? 0 : try self.delta(rounds: 1, epsilon: upper, direction: .addition).upper
    guard mirrored <= delta * (1 + 1e-12) else {
      throw .notConverged(what: "closed form", reason: "the addition direction is the greater one")
    }
    return PrivacyBound(lower: lower, upper: upper, method: .sampledClosedForm)
  }

  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    try checkSingle(rounds)
    if direction == .removal || symmetric {
      return try bound(factor: rate, at: SampledProfile.amplified(epsilon: epsilon, rate: rate))
    }
    // 1 − e^ε(1−q), without cancellation for small ε.
    let remaining = rate - expm1(epsilon) * (1 - rate)
    guard remaining > 0 else { return PrivacyBound(lower: 0, upper: 0, method: .sampledClosedForm) }
    return try bound(factor: remaining, at: epsilon + log(rate / remaining))
  }

  /// factor × δ of the Gaussian at `epsilon`, both of which carry a few roundings.
  private func bound(factor: Double, at epsilon: Double) throws(AccountingError) -> PrivacyBound {
    let shift = 8 * max(epsilon, 1e-300).ulp + 1e-15
    let low = try AnalyticGaussian.delta(noiseMultiplier: noiseMultiplier, epsilon: max(0, epsilon + shift))
    let high = try AnalyticGaussian.delta(noiseMultiplier: noiseMultiplier, epsilon: max(0, epsilon - shift))
    return PrivacyBound(
      lower: factor * low.lower * (1 - 1e-14), upper: min(1, factor * high.upper * (1 + 1e-14)), method: .sampledClosedForm)
  }
}
