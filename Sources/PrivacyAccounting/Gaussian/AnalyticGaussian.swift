import Foundation

/// Exact figures of the Gaussian mechanism of sensitivity 1 and noise standard deviation σ (Balle and Wang 2018, theorem 8),
///
///     δ(ε) = Φ(1/(2σ) − εσ) − e^ε Φ(−1/(2σ) − εσ).
///
/// With a = εσ − 1/(2σ), b = εσ + 1/(2σ), the density φ and the Mills ratio m, this is φ(a)(m(a) − m(b)), because
/// e^ε φ(b) = φ(a); and m(a) − m(b) = ∫₀^∞ exp(−u²/2 − au)(1 − e^(−u/σ)) du has a positive integrand, so that no digit is lost
/// however small δ or 1/σ are. A composition of Gaussians is one Gaussian with σ = (Σ σ_i⁻²)^(−1/2).
public enum AnalyticGaussian {
  /// log δ and what the caller needs to bound its error.
  package struct LogDelta {
    /// log δ(ε).
    package var value: Double
    /// Absolute error of `value`: rounding of the exponent and of the integral.
    var error: Double
    /// −d log δ / dε.
    var decay: Double
  }

  /// log δ(ε) for σ > 0 and ε ≥ 0.
  package static func logDelta(noiseMultiplier sigma: Double, epsilon: Double) throws(AccountingError) -> LogDelta {
    let a = epsilon * sigma - 0.5 / sigma
    let b = epsilon * sigma + 0.5 / sigma
    let logDensity = -0.5 * a * a - 0.5 * log(2 * Double.pi)
    let upperMills = 1 / (try Numerics.normalHazard(b))
    if a < -5 {
      // δ is near 1: both terms that are taken from it are small.
      let missing = Numerics.normalUpperTail(-a) + exp(logDensity) * upperMills
      let value = log1p(-missing)
      return LogDelta(value: value, error: 8e-16 + abs(value) * 4e-14, decay: exp(logDensity - value) * upperMills)
    }
    // The integrand is below e^−45 of its start beyond this point.
    let end = 90 / (a + (a * a + 90).squareRoot())
    let integral = try Numerics.integrate(from: 0, to: end, relativeTolerance: 2e-14, what: "δ of the Gaussian mechanism") { u in
      exp(-u * (0.5 * u + a)) * -expm1(-u / sigma)
    }
    // Rounding of a moves the exponent by a·δa; a itself carries the rounding of two products.
    let exponentError = (abs(a) * (epsilon * sigma + 0.5 / sigma) + 0.5 * a * a) * 2.3e-16
    return LogDelta(
      value: logDensity + log(integral.value), error: exponentError + integral.error / integral.value + 4e-15,
      decay: upperMills / integral.value)
  }

  /// δ at `epsilon`.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: σ, finite and above 0.
  ///   - epsilon: at least 0.
  public static func delta(noiseMultiplier: Double, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try check(noiseMultiplier: noiseMultiplier)
    try Parameters.check(epsilon: epsilon)
    if epsilon == .infinity { return PrivacyBound(lower: 0, upper: 0, method: .analyticGaussian) }
    let logDelta = try logDelta(noiseMultiplier: noiseMultiplier, epsilon: epsilon)
    return PrivacyBound(
      lower: exp(logDelta.value - logDelta.error), upper: min(1, exp(logDelta.value + logDelta.error).nextUp), method: .analyticGaussian)
  }

  /// ε at `delta`.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: σ, finite and above 0.
  ///   - delta: in [0, 1]; at 0 the answer is infinite.
  public static func epsilon(noiseMultiplier sigma: Double, delta: Double) throws(AccountingError) -> PrivacyBound {
    try check(noiseMultiplier: sigma)
    try Parameters.check(delta: delta)
    if delta == 0 { return PrivacyBound(lower: .infinity, upper: .infinity, method: .analyticGaussian) }
    if delta == 1 { return PrivacyBound(lower: 0, upper: 0, method: .analyticGaussian) }
    let target = log(delta)
    let start = try logDelta(noiseMultiplier: sigma, epsilon: 0)
    if start.value + start.error <= target { return PrivacyBound(lower: 0, upper: 0, method: .analyticGaussian) }
    // Zero-concentrated conversion (Bun and Steinke 2016, proposition 1.3) gives an upper end of the bracket.
    let end = 0.5 / (sigma * sigma) + (-2 * target).squareRoot() / sigma
    let root = try solve(from: 0, to: end, what: "ε of the Gaussian mechanism") { epsilon throws(AccountingError) in
      try logDelta(noiseMultiplier: sigma, epsilon: epsilon).value - target
    }
    let at = try logDelta(noiseMultiplier: sigma, epsilon: root.upper)
    let slack = (abs(at.value - target) + at.error + abs(target) * 2.3e-16) / at.decay + root.upper.ulp * 4
    return PrivacyBound(lower: root.upper - slack, upper: root.upper + slack, method: .analyticGaussian)
  }

  /// The least σ whose mechanism is (`epsilon`, `delta`)-differentially private, rounded up.
  public static func noiseMultiplier(for target: PrivacyTarget) throws(AccountingError) -> Double {
    try target.validate()
    let logDelta = log(target.delta)
    // σ is at most that of the zero-concentrated conversion solved for σ, and δ falls with σ.
    let root = (-2 * logDelta).squareRoot()
    let high = 2 / ((root * root + 2 * target.epsilon).squareRoot() - root)
    var low = high
    repeat { low *= 0.5 } while try Self.logDelta(noiseMultiplier: low, epsilon: target.epsilon).value < logDelta
    // Search in log σ: the bracket spans octaves when δ is near 1.
    let bracket = try solve(from: low, to: high * (1 + 1e-12), what: "noise multiplier of the Gaussian mechanism") {
      sigma throws(AccountingError) in
      try Self.logDelta(noiseMultiplier: sigma, epsilon: target.epsilon).value - logDelta
    }
    var sigma = bracket.upper
    while try Self.epsilon(noiseMultiplier: sigma, delta: target.delta).upper > target.epsilon { sigma += sigma * 1e-14 }
    return sigma
  }

  private static func solve(
    from low: Double, to high: Double, what: String, _ function: (Double) throws(AccountingError) -> Double
  ) throws(AccountingError) -> (lower: Double, upper: Double) {
    var failure: AccountingError?
    let bracket = try Numerics.rootBracket(from: low, to: high, relativeTolerance: 4e-16, what: what) { x in
      do throws(AccountingError) { return try function(x) } catch {
        failure = error
        return .nan
      }
    }
    if let failure { throw failure }
    return bracket
  }

  private static func check(noiseMultiplier: Double) throws(AccountingError) {
    guard noiseMultiplier > 0, noiseMultiplier.isFinite else {
      throw .invalidParameter(name: "noise multiplier", value: noiseMultiplier, allowed: "finite and above 0")
    }
  }
}

/// Range checks of the two figures that every accountant is asked about.
enum Parameters {
  static func check(epsilon: Double) throws(AccountingError) {
    guard epsilon >= 0 else { throw .invalidParameter(name: "epsilon", value: epsilon, allowed: "at least 0") }
  }

  static func check(delta: Double) throws(AccountingError) {
    guard delta >= 0, delta <= 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in [0, 1]") }
  }
}
