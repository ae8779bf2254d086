import Foundation

/// Real cumulants of one loss, K(c) = log E_P e^{cL} and its first two derivatives.
struct LossMoments: Sendable {
  var value: Double
  var slope: Double
  var curvature: Double

  static func += (sum: inout LossMoments, next: (count: Double, moments: LossMoments)) {
    sum.value += next.count * next.moments.value
    sum.slope += next.count * next.moments.slope
    sum.curvature += next.count * next.moments.curvature
  }

  /// K(c) = c(c+1)/(2σ²).
  static func gaussian(noiseMultiplier sigma: Double, at c: Double) -> LossMoments {
    let scale = 0.5 / (sigma * sigma)
    return LossMoments(value: c * (c + 1) * scale, slope: (2 * c + 1) * scale, curvature: 2 * scale)
  }

  /// From nodes, without cancellation: because E_P(1 − e^{−L}) = 0,
  ///
  ///     E_P e^{cL} − 1 = E_P[(e^{cL} − 1 − cL) + c (L − 1 + e^{−L})],
  ///
  /// where both brackets are never negative.
  init(nodes: RealNodes, at c: Double) {
    // Weights relative to the greatest exponent, so that nothing overflows where the moment is large.
    let shift = nodes.greatestExponent(at: c)
    var excess = 0.0
    var first = 0.0
    var second = 0.0
    for (index, loss) in nodes.losses.enumerated() {
      let v = c * loss
      if shift == 0 {
        let mass = nodes.masses[index]
        // e^v alone may overflow where the mass makes up for it.
        let grown = v > 1 ? exp(nodes.logMasses[index] + v) - mass : mass * expm1(v)
        excess += (abs(v) < 1e-5 ? mass * v * v * (0.5 + v / 6) : grown - mass * v) + c * nodes.curved[index]
        first += grown * loss + nodes.curved[index]
        second += (grown + mass) * loss * loss
      } else {
        let tilted = exp(nodes.logMasses[index] + v - shift)
        excess += tilted
        first += tilted * loss
        second += tilted * loss * loss
      }
    }
    if shift == 0 {
      value = log1p(excess)
      let total = 1 + excess
      slope = first / total
      curvature = second / total - slope * slope
    } else {
      value = shift + log(excess)
      slope = first / excess
      curvature = second / excess - slope * slope
    }
  }

  init(value: Double, slope: Double, curvature: Double) {
    self.value = value
    self.slope = slope
    self.curvature = curvature
  }
}

/// Nodes with what real moments at many tilts have in common.
struct RealNodes: Sendable {
  let losses: [Double]
  let logMasses: [Double]
  /// P-masses.
  let masses: [Double]
  /// mass × (L − 1 + e^{−L}).
  let curved: [Double]

  init(_ nodes: LossNodes) {
    losses = nodes.losses
    logMasses = nodes.logMasses
    masses = logMasses.map { exp($0) }
    curved = zip(losses, logMasses).map { exp($1) * $0 - LossNodes.difference(loss: $0, logMass: $1) }
  }

  /// Greatest log mass + cL, or 0 if that is greater.
  func greatestExponent(at c: Double) -> Double {
    var greatest = 0.0
    for (index, loss) in losses.enumerated() { greatest = max(greatest, logMasses[index] + c * loss) }
    return greatest
  }
}

/// A bound of |E e^{zL}| / E e^{cL} on the line Re z = c that falls with |Im z|.
///
/// On a stretch of the real line where the tilted density of the loss is at least t, the law contains the uniform law of that stretch
/// with mass t × width. Between two turning points of the density such stretches, one for each level t, nest; what they do not cover
/// is bounded by its mass. The transform of a uniform law of width w is sin(u)/u with u = yw/2, and |sin(v)/v| ≤ envelope(u) for
/// every v ≥ u, which makes the bound valid for all greater |Im z| at once.
struct ModulusBound: Sendable {
  private var layers: [(mass: Double, halfWidth: Double)] = []
  private var gaussianPrecision = 0.0

  /// |E e^{zL}| = e^{−y²/(2σ²)} E e^{cL}.
  init(gaussianNoiseMultiplier sigma: Double) { gaussianPrecision = 1 / (sigma * sigma) }

  init(nodes: LossNodes, at c: Double) {
    let count = nodes.logDensities.count
    guard count > 2 else { return }
    var shift = -Double.infinity
    for (loss, logMass) in zip(nodes.losses, nodes.logMasses) { shift = max(shift, logMass + c * loss) }
    let total = zip(nodes.losses, nodes.logMasses).reduce(0) { $0 + exp($1.1 + c * $1.0 - shift) }
    // One part in 1e6 covers the error of the nodes' total and of the densities.
    let density = (0..<count).map { exp(nodes.logDensities[$0] + c * nodes.losses[$0] - shift) / total * (1 - 1e-6) }
    var index = 0
    while index < count - 1 {
      // One basin: up to a peak, then down to the next turning point.
      var peak = index
      while peak + 1 < count && density[peak + 1] >= density[peak] { peak += 1 }
      var end = peak
      while end + 1 < count && density[end + 1] < density[end] { end += 1 }
      addLayers(losses: nodes.losses, density: density, from: index, peak: peak, to: end)
      index = max(end, index + 1)
    }
  }

  private mutating func addLayers(losses: [Double], density: [Double], from first: Int, peak: Int, to last: Int) {
    let top = density[peak]
    guard top > 0, last - first > 2 else { return }
    var level = 0.0
    // Levels from deep in the flanks to the peak; the last interval on each side may hide a turning point and is left out.
    for next in Self.levels.map({ $0 * top }) {
      var low = peak
      while low > first + 1 && density[low - 1] >= next { low -= 1 }
      var high = peak
      while high < last - 1 && density[high + 1] >= next { high += 1 }
      let width = losses[high] - losses[low]
      if width > 0 { layers.append(((next - level) * width, width / 2)) }
      level = next
    }
  }

  private static let levels = [0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.27, 0.34, 0.42, 0.5, 0.58, 0.66, 0.74, 0.81, 0.88, 0.94, 0.98]

  /// log of the bound at Im z = y, for all greater |Im z| too.
  func logBound(at y: Double) -> Double {
    var lost = 0.0
    for layer in layers { lost += layer.mass * Self.deficit(y * layer.halfWidth) }
    return log1p(-min(lost, 1 - 1e-12)) - 0.5 * gaussianPrecision * y * y
  }

  /// 1 − sup over v ≥ u of |sin(v)/v|.
  private static func deficit(_ u: Double) -> Double {
    // sin(v)/v falls up to 2.5, where it is 0.2394; from there on |sin(v)/v| ≤ 0.2394, because its next extremum is 0.2172.
    if u < 0.02 { return u * u / 6 * (1 - u * u / 20) }
    if u <= 2.5 { return 1 - sin(u) / u }
    return 1 - min(0.2394, 1 / u)
  }
}
