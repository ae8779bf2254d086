import Foundation

/// A bound of |φ_t| on the line Re z = c of the tail of a sampled Gaussian by removal, which falls with Im z.
///
/// With the path of x moved up by b < πσ², φ_t(c + iy) is an integral whose modulus is at most
///
///     ∫ e^{b²/(2σ²) + b²/(2s²)} Φ((x − x₀)/s) p(x) r(x)^{1+c} e^{−y arg r(x+ib)} dx,
///
/// r(x) = 1 − q + q e^((2x−1)/(2σ²)), as |r(x + ib)| ≤ r(x). The argument of r is positive there and rises with x, so that the bound falls
/// with y. Every factor but p is monotone, and p is so on either side of 0: an upper sum over cells bounds the integral.
struct TailModulus: Sendable {
  /// log of each cell's part at y = 0, and arg r at its lower end; one list for each height b.
  private var cells: [[(logPart: Double, angle: Double)]] = []

  init(rate: Double, sigma: Double, cut: TailCut, at c: Double) {
    let variance = sigma * sigma
    let precision = 1 / variance + 1 / (cut.width * cut.width)
    let upper = max(cut.centre, 1 + c) + 10 * sigma
    // At −12 widths the tail's share is e^{−75}.
    let lower = cut.centre - 12 * cut.width
    let count = min(600, ((upper - lower) / (0.15 * cut.width)).rounded(.up))
    let width = (upper - lower) / count
    let logNorm = -0.5 * log(2 * Double.pi * variance)
    func loss(_ x: Double) -> Double { LossNodes.sampledLoss((2 * x - 1) / (2 * variance), rate: rate) }
    var parts: [(logPart: Double, x: Double)] = []
    // Everything below the first cell, which does not fall with y.
    parts.append((log(cut.tailShare(at: lower)) + (1 + c) * loss(lower), -.infinity))
    for index in 0..<Int(count) {
      let x = lower + Double(index) * width
      let end = x + width
      let nearest = x > 0 ? x : min(0, end)
      parts.append((logNorm - nearest * nearest / (2 * variance) + log(cut.tailShare(at: end)) + (1 + c) * loss(end) + log(width), x))
    }
    // Above the last cell r e^{−t} falls, so that p r^{1+c} is at most a multiple of the density of N(1 + c, σ²).
    let last = (2 * upper - 1) / (2 * variance)
    let above = Numerics.normalUpperTail((upper - 1 - c) / sigma)
    parts.append((c * (c + 1) / (2 * variance) + (1 + c) * (loss(upper) - last) + log(above), upper))
    for factor in [0.15, 0.3, 0.5, 0.7, 1, 1.4, 2] {
      let half = min(factor * 4 / precision.squareRoot(), 0.95 * Double.pi * variance)
      let growth = 0.5 * half * half * precision
      let turn = half / variance
      cells.append(
        parts.map { part in
          guard part.x.isFinite else { return (part.logPart + growth, 0) }
          let t = (2 * part.x - 1) / (2 * variance)
          // arg(1 − q + q e^{t + iθ}), both terms divided by e^t where that is large.
          let (rest, grown) = t > 0 ? ((1 - rate) * exp(-t), rate) : (1 - rate, rate * exp(t))
          return (part.logPart + growth, atan2(grown * sin(turn), rest + grown * cos(turn)))
        })
    }
  }

  /// log of the bound at Im z = y and above.
  func logBound(at y: Double) -> Double {
    var best = Double.infinity
    for list in cells {
      var greatest = -Double.infinity
      for cell in list { greatest = max(greatest, cell.logPart - y * cell.angle) }
      guard greatest.isFinite else { return greatest == -.infinity ? greatest : .infinity }
      var sum = 0.0
      for cell in list { sum += exp(cell.logPart - y * cell.angle - greatest) }
      best = min(best, greatest + log(sum))
    }
    // The parts and the sum are rounded; their exponents are below 1e6.
    return best + 1e-6
  }
}
