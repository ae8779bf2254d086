import Foundation

/// Tail and quantile of the standard normal distribution.
package enum NormalDistribution {
  /// Relative error that `upperTail` stays below for x ≤ 37, and `upperQuantile` up to an absolute 1e-15 near 0 (tested against 40-digit
  /// values).
  package static let relativeError = 1e-13

  /// P(Z > x); 0 beyond the range of `Double`.
  package static func upperTail(_ x: Double) -> Double { 0.5 * erfc(x / 2.0.squareRoot()) }

  /// The x with P(Z > x) = `probability`; ±infinity at 0 and 1.
  package static func upperQuantile(_ probability: Double) -> Double {
    guard probability > 0 else { return .infinity }
    guard probability < 1 else { return -.infinity }
    // 1 − p is exact for p in [½, 1] (Sterbenz).
    guard probability <= 0.5 else { return -upperQuantile(1 - probability) }
    guard probability < 0.5 else { return 0 }
    // Newton's method on log P(Z > x), which is concave: from the right of the root it converges without overshoot.
    let target = log(max(probability, .leastNormalMagnitude))
    var x = min((-2 * target).squareRoot(), 37.5)
    for _ in 0..<60 {
      let tail = upperTail(x)
      let step = (log(tail) - target) * tail / (exp(-0.5 * x * x) / (2 * Double.pi).squareRoot())
      x += step
      if abs(step) <= 1e-15 * abs(x) { break }
    }
    return x
  }

  /// The μ of the Gaussian trade-off curve through a false-positive and a false-negative rate, Φ⁻¹(1 − FPR) − Φ⁻¹(FNR), rounded up or
  /// down.
  static func separation(falsePositiveRate: Double, falseNegativeRate: Double, up: Bool) -> Double {
    let (a, b) = (upperQuantile(falsePositiveRate), upperQuantile(falseNegativeRate))
    guard a.isFinite, b.isFinite else { return a + b }
    let slack = 1e-15 + relativeError * (abs(a) + abs(b))
    return up ? a + b + slack : a + b - slack
  }
}
