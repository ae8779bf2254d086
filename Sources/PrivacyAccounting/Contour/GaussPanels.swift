import Foundation

/// Gauss–Legendre quadrature on equal panels, fine enough for an integrand of known growth off the real line.
struct GaussPanels {
  private let lower: Double
  private let half: Double
  private let count: Int
  /// Bound of the error, relative to the integral of the modulus.
  let relativeError: Double

  private static let order = 16
  private static let rule: [(x: Double, weight: Double)] = Numerics.gaussLegendre(order)

  /// Panels from `lower` to `upper`.
  ///
  /// The rule of m points on a panel of half-width w errs by at most (64/15) M ρ^{−2m}/(1 − ρ^{−2}) × w, where M bounds the integrand
  /// on the ellipse of parameter ρ, whose half-height is w(ρ − 1/ρ)/2 (Trefethen 2008, theorem 4.5).
  ///
  /// - Parameters:
  ///   - greatestHalfWidth: distance of the nearest singularity from the real line.
  ///   - growth: log of how much the modulus can exceed that on the panel, at this height off the line.
  init(
    from lower: Double, to upper: Double, greatestHalfWidth: Double, what: String, growth: (Double) -> Double
  ) throws(AccountingError) {
    let ratio = 6.0
    let height = (ratio - 1 / ratio) / 2
    // ρ^{−2m} is e^{−57}: the growth may use 15 of these nats.
    var half = min((upper - lower) / 2, greatestHalfWidth / height)
    while !(growth(half * height) <= 15) {
      half *= 0.8
      guard half > 1e-12 * (upper - lower) else {
        throw .notConverged(what: what, reason: "the quadrature would need more than 1e12 panels")
      }
    }
    let count = ((upper - lower) / (2 * half)).rounded(.up)
    guard count * Double(Self.order) < LossNodes.maximumCount else {
      throw .notConverged(what: "contour integral", reason: "the \(what) needs \(count) quadrature panels")
    }
    self.lower = lower
    self.half = (upper - lower) / (2 * count)
    self.count = Int(count)
    relativeError = 64 / 15 * exp(15 - 2 * Double(Self.order) * log(ratio)) / (1 - 1 / (ratio * ratio)) * 4
  }

  /// How many points there are.
  var pointCount: Int { count * Self.order }

  /// Abscissae in increasing order with their weights.
  var points: [(x: Double, weight: Double)] {
    var points: [(x: Double, weight: Double)] = []
    points.reserveCapacity(pointCount)
    for panel in 0..<count {
      let centre = lower + (2 * Double(panel) + 1) * half
      for (x, weight) in Self.rule { points.append((centre + half * x, half * weight)) }
    }
    return points
  }
}
