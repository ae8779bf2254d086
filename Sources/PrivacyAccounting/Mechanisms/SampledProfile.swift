import Foundation

/// δ(ε) of one step on a Poisson sample, from δ(ε) of the step itself, and of two such steps with Gaussian noise.
///
/// Removal compares (1−q)Q + qP with Q: δ_q(ε) = q δ(log(1 + (e^ε − 1)/q)) (Balle, Barthe and Gaboardi 2018, theorem 2, and Li, Qardaji and
/// Su 2012). Addition compares Q with (1−q)Q + qP: Q − e^ε((1−q)Q + qP) = (1 − e^ε(1−q))(Q − γP) with
/// γ = e^ε q/(1 − e^ε(1−q)), so δ_q(ε) = (1 − e^ε(1−q)) δ′(log γ) where the bracket is positive, and 0 from ε = −log(1−q) on; δ′ is the
/// profile of (Q, P). Both are exact.
package enum SampledProfile {
  /// log(1 + (e^ε − 1)/q).
  static func amplified(epsilon: Double, rate q: Double) -> Double {
    epsilon > 700 ? epsilon - log(q) : log1p(expm1(epsilon) / q)
  }

  /// log(1 + q(e^ε − 1)): the ε of a pure mechanism on a sample, at most ε.
  static func amplifiedPure(epsilon: Double, rate q: Double) -> Double {
    if q == 1 { return epsilon }
    return min(epsilon, epsilon > 700 ? epsilon + log(q) + exp(-epsilon) / q : log1p(q * expm1(epsilon)))
  }

  /// δ_q(ε) for removal; `base` is δ of (P, Q) at any real ε. ε may be negative.
  package static func removal(
    rate q: Double, epsilon: Double, base: (Double) throws(AccountingError) -> Double
  ) throws(AccountingError) -> Double {
    try MechanismParameters.probability("sampling rate", q)
    guard !epsilon.isNaN else { throw .invalidParameter(name: "epsilon", value: epsilon, allowed: "a number") }
    guard q > 0 else { return max(0, -expm1(epsilon)) }
    // Below log(1−q) the mixture exceeds e^ε Q everywhere.
    guard epsilon > log1p(-q) else { return -expm1(epsilon) }
    return q * (try base(amplified(epsilon: epsilon, rate: q)))
  }

  /// δ_q(ε) for addition; `base` is δ of (Q, P) at any real ε. ε may be negative.
  package static func addition(
    rate q: Double, epsilon: Double, base: (Double) throws(AccountingError) -> Double
  ) throws(AccountingError) -> Double {
    try MechanismParameters.probability("sampling rate", q)
    guard !epsilon.isNaN else { throw .invalidParameter(name: "epsilon", value: epsilon, allowed: "a number") }
    guard q > 0 else { return max(0, -expm1(epsilon)) }
    // 1 − e^ε(1−q) = q − (e^ε − 1)(1 − q), without cancellation for small ε.
    let remaining = q - expm1(epsilon) * (1 - q)
    guard remaining > 0 else { return 0 }
    return remaining * (try base(epsilon + log(q) - log(remaining)))
  }

  /// δ of the Gaussian pair at any real ε: below 0, δ(ε) = 1 − e^ε + e^ε δ(−ε), because the pair is symmetric.
  package static func gaussianDelta(noiseMultiplier sigma: Double, epsilon: Double) throws(AccountingError) -> Double {
    if epsilon == .infinity { return 0 }
    if epsilon >= 0 { return exp(try AnalyticGaussian.logDelta(noiseMultiplier: sigma, epsilon: epsilon).value) }
    if epsilon < -700 { return 1 }
    return -expm1(epsilon) + exp(epsilon + (try AnalyticGaussian.logDelta(noiseMultiplier: sigma, epsilon: -epsilon).value))
  }

  /// δ(ε) of one Gaussian release on a Poisson sample, to 1e-12 relative; not rounded. ε may be negative.
  package static func sampledGaussianDelta(
    samplingRate q: Double, noiseMultiplier sigma: Double, epsilon: Double, direction: NeighborDirection
  ) throws(AccountingError) -> Double {
    try MechanismParameters.positive("noise multiplier", sigma)
    let base = { (x: Double) throws(AccountingError) -> Double in try gaussianDelta(noiseMultiplier: sigma, epsilon: x) }
    return direction == .removal
      ? try removal(rate: q, epsilon: epsilon, base: base) : try addition(rate: q, epsilon: epsilon, base: base)
  }

  /// δ(ε) of two such releases: the one-step δ at ε minus the loss of the other, averaged over that loss by quadrature.
  ///
  /// The second value is the quadrature's error. An independent check of the accountants where losses are nearly atomic.
  package static func twoStepDelta(
    samplingRate q: Double, noiseMultiplier sigma: Double, epsilon: Double, direction: NeighborDirection
  ) throws(AccountingError) -> (value: Double, error: Double) {
    try MechanismParameters.positive("noise multiplier", sigma)
    try MechanismParameters.probability("sampling rate", q)
    try Parameters.check(epsilon: epsilon)
    guard q > 0, epsilon < .infinity else { return (0, 0) }
    func logRatio(_ x: Double) -> Double {
      ConvexPower.sampled((2 * x - 1) / (2 * sigma * sigma), rate: q).logRatio
    }
    /// x at which the ratio is e^l, where there is one.
    func point(_ l: Double) -> Double? {
      let inner = 1 + expm1(l) / q
      return inner > 0 ? sigma * sigma * log(inner) + 0.5 : nil
    }
    let reach = sigma * 12
    var failure: AccountingError?
    func integrand(_ x: Double) -> Double {
      let l = logRatio(x)
      let density = exp(-x * x / (2 * sigma * sigma)) / (sigma * (2 * Double.pi).squareRoot())
      let (weight, loss) = direction == .removal ? (density * exp(l), l) : (density, -l)
      guard weight > 0 else { return 0 }
      do throws(AccountingError) {
        return weight * (try sampledGaussianDelta(samplingRate: q, noiseMultiplier: sigma, epsilon: epsilon - loss, direction: direction))
      } catch {
        failure = error
        return .nan
      }
    }
    // Where the remaining ε passes 0 and the ends of the one-step profile, its formula changes.
    let sign = direction == .removal ? 1.0 : -1.0
    let ends = [epsilon, epsilon - log1p(-q), epsilon + log1p(-q)].compactMap { point(sign * $0) }
    let cuts = ([-reach, 1 + reach, 0, 0.5, 1] + ends).filter { $0 >= -reach && $0 <= 1 + reach && $0.isFinite }.sorted()
    var (value, error) = (0.0, 0.0)
    for (low, high) in zip(cuts, cuts.dropFirst()) where high > low {
      let part = try Numerics.integrate(
        from: low, to: high, relativeTolerance: 1e-13, what: "δ of two sampled Gaussian releases", integrand)
      if let failure { throw failure }
      value += part.value
      error += part.error
    }
    return (value, error)
  }

  /// ε at δ of two such releases, to about 1e-12; not rounded.
  package static func twoStepEpsilon(
    samplingRate q: Double, noiseMultiplier sigma: Double, delta: Double, direction: NeighborDirection
  ) throws(AccountingError) -> Double {
    try Parameters.check(delta: delta)
    guard delta > 0 else {
      throw .invalidParameter(name: "delta", value: delta, allowed: "above 0")
    }
    let target = log(delta)
    func gap(_ epsilon: Double) throws(AccountingError) -> Double {
      let value = try twoStepDelta(samplingRate: q, noiseMultiplier: sigma, epsilon: epsilon, direction: direction).value
      return value > 0 ? log(value) - target : -1e3
    }
    if try gap(0) <= 0 { return 0 }
    // Two unsampled releases are one Gaussian with σ/√2.
    let high = try AnalyticGaussian.epsilon(noiseMultiplier: sigma / 2.0.squareRoot(), delta: delta).upper + 1e-9
    var failure: AccountingError?
    let root = try Numerics.rootBracket(from: 0, to: high, relativeTolerance: 1e-14, what: "ε of two sampled Gaussian releases") { x in
      do throws(AccountingError) { return try gap(x) } catch {
        failure = error
        return .nan
      }
    }
    if let failure { throw failure }
    return root.upper
  }
}
