import Foundation

/// Rényi divergence of a discrete Gaussian that is wide enough to be a sampled version of the continuous one, in the removal direction.
///
/// With g(x) = e^(−x²/(2σ²)) r(x)^α, r = 1 − q + q e^((2x − s)s/(2σ²)), the lattice sum Σ g(x) is a trapezoidal rule of step 1. g is analytic for
/// |Im x| < πσ²/s, where |g(x + ib)| ≤ e^(b²/(2σ²)) g(x). So the sum exceeds the integral by at most η = 2e^(b²/(2σ²))/(e^(2πb) − 1) of it (Trefethen
/// and Weideman 2014, theorem 5.1), and the norm Σ e^(−x²/(2σ²)) is not below σ√(2π) by Poisson's summation formula:
///
///     E r^α on the lattice ≤ (1 + η) E r^α of the continuous pair of noise multiplier σ/s.
struct SmoothDiscreteGaussianRenyi: Sendable {
  private let noiseMultiplier: Double
  private let sampled: SampledGaussianRenyi?
  private let excess: Double

  /// - Returns: nil where η is above 1e-18.
  init?(sigma: Double, shift: Int, samplingRate: Double) {
    guard shift > 0, sigma.isFinite, samplingRate > 0 else { return nil }
    let variance = sigma * sigma
    let height = min(0.99 * Double.pi * variance / Double(shift), 2 * Double.pi * variance)
    excess = 2.1 * exp(height * height / (2 * variance) - 2 * Double.pi * height)
    guard height > 1, excess < 1e-18 else { return nil }
    noiseMultiplier = sigma / Double(shift)
    sampled =
      samplingRate < 1 ? SampledGaussianRenyi(samplingRate: samplingRate, noiseMultiplier: noiseMultiplier, symmetric: false) : nil
  }

  /// R(α), rounded up.
  func divergence(order alpha: Double) throws(AccountingError) -> Double {
    // Unsampled, never more than the continuous one (Canonne, Kamath and Steinke 2020, theorem 4).
    guard let sampled else { return RenyiDivergence.gaussian(noiseMultiplier: noiseMultiplier, order: alpha) * (1 + 1e-15) }
    // The quadrature is within 1e-12 on either side.
    return try sampled.divergence(order: alpha) * (1 + 2e-12) + excess / (alpha - 1)
  }
}
