import Foundation

/// Rényi divergences of order α > 1 of single mechanisms, in nats.
///
/// Each is that of the worst pair of neighbours, and exact for it except where a comment says otherwise.
package enum RenyiDivergence {
  /// D_α(N(1, σ²) ‖ N(0, σ²)) = α/(2σ²) (Mironov 2017, proposition 7).
  package static func gaussian(noiseMultiplier sigma: Double, order: Double) -> Double { order / (2 * sigma * sigma) }

  /// The Laplace mechanism of sensitivity 1 and scale b (Mironov 2017, proposition 6).
  package static func laplace(noiseMultiplier scale: Double, order alpha: Double) -> Double {
    let first = log(alpha / (2 * alpha - 1)) + (alpha - 1) / scale
    let second = log((alpha - 1) / (2 * alpha - 1)) - alpha / scale
    return max(0, logAddExp(first, second) / (alpha - 1))
  }

  /// The worst ε-differentially private mechanism, which is randomised response
  /// (Mironov 2017, proposition 5): log((sinh(αε) − sinh((α−1)ε)) / sinh ε) / (α−1).
  package static func pure(epsilon: Double, order alpha: Double) -> Double {
    guard epsilon.isFinite else { return .infinity }
    // The quotient equals cosh((α − ½)ε) / cosh(ε/2).
    func logCosh(_ x: Double) -> Double { abs(x) + log1p(exp(-2 * abs(x))) - log(2) }
    let value = (logCosh((alpha - 0.5) * epsilon) - logCosh(0.5 * epsilon)) / (alpha - 1)
    // For small ε the logarithms cancel; the zero-concentrated bound αε²/2 of a pure mechanism holds too
    // (Bun and Steinke 2016, proposition 3.3), and ε bounds every order.
    return min(value + 4e-16 * logCosh((alpha - 0.5) * epsilon) / (alpha - 1), alpha * epsilon * epsilon / 2, epsilon)
  }

  /// ρ-zero-concentrated: ρα by definition.
  package static func zeroConcentrated(rho: Double, order: Double) -> Double { rho * order }

  /// A bound for any mechanism of divergence R(α), both directions, on a Poisson sample of rate q: log(1 − q + q e^((α−1)R))/(α − 1), because
  /// r^α and r^(1−α) are convex in r = 1 − q + q P/Q. Rounded up.
  package static func sampled(divergence: Double, rate q: Double, order alpha: Double) -> Double {
    min(divergence, logSampled((alpha - 1) * divergence, rate: q) / (alpha - 1) * (1 + 1e-15))
  }

  /// The same for removal alone: α log(1 − q + q e^((α−1)R/α))/(α − 1), by Minkowski's inequality. Rounded up.
  package static func sampledRemoval(divergence: Double, rate q: Double, order alpha: Double) -> Double {
    min(divergence, logSampled((alpha - 1) / alpha * divergence, rate: q) * alpha / (alpha - 1) * (1 + 1e-15))
  }

  /// log(1 − q + q e^x), x ≥ 0, above its rounding; infinite for what is not finite.
  private static func logSampled(_ x: Double, rate q: Double) -> Double {
    guard q > 0 else { return 0 }
    guard x.isFinite else { return .infinity }
    if x < 1 { return log1p(q * expm1(x)) * (1 + 1e-14) }
    return max(0, logAddExp(log1p(-q), log(q) + x)) + 1e-15 * (1 + x - log(q))
  }
}
