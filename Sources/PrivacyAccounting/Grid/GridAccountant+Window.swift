import Foundation

/// Which losses of the composition and of each law are kept.
extension GridAccountant {
  /// Limits of the composed loss outside which the tilted mass is negligible, with the further tilts whose Chernoff bounds say so.
  struct Window {
    var low: Double
    var high: Double
    var tiltBelow: Double
    var tiltAbove: Double
    /// log of what counts as negligible, as a tilted mass.
    var logNegligible: Double
    /// log of the tilting factor, Σ n K(θ).
    var logMoment: Double
  }

  func window(theta: Double, logDelta: Double, epsilon: Double, truncation: Double) -> Window {
    let here = moments(theta)
    // δ over the untilting factor, the size of the final sum.
    let logSum = min(0, logDelta - here.value + theta * epsilon)
    let logNegligible = logSum + log(truncation)
    func chernoff(_ sign: Double) -> (end: Double, tilt: Double) {
      let s = bisect { s in
        let there = moments(theta + sign * s)
        return logNegligible - (there.value - here.value - sign * s * there.first)
      }
      return (moments(theta + sign * s).first, s)
    }
    var (above, below) = (chernoff(1), chernoff(-1))
    let margin = 0.04 * max(above.end - below.end, 0)
    // Where an end is an atom that counts, no tilt makes what lies beyond it small. On the grid losses lie around it, and a tilt that
    // bounds those beyond the margin is small against the inverse step.
    if margin > 0 {
      if above.tilt > Self.saturated { above.tilt = min(above.tilt, Self.marginDepth / margin) }
      if below.tilt > Self.saturated { below.tilt = min(below.tilt, Self.marginDepth / margin) }
    }
    return Window(
      low: min(below.end - margin, epsilon), high: max(above.end + margin, epsilon), tiltBelow: below.tilt, tiltAbove: above.tilt,
      logNegligible: logNegligible, logMoment: here.value)
  }

  /// Tilts of which the search has found no end.
  private static let saturated = 1e8
  /// Nats by which the mass beyond the margin of an atom falls.
  private static let marginDepth = 80.0

  /// Nodes of one law that are kept: the mass above counts less than the truncation in δ, the mass below less in the tilted sum.
  func range(_ part: Component, theta: Double, spacing h: Double, logDelta: Double, truncation: Double, window: Window) -> (
    first: Int, last: Int
  ) {
    let sketch = part.sketch
    let share = log(Double(part.count) * Double(components.count))
    let moment = sketch.moments(theta).value
    var (above, below) = (0.0, 0.0)
    var (low, high) = (0, sketch.losses.count - 1)
    let budget = exp(max(-690, logDelta + log(truncation) - share))
    while high > 0 {
      above += exp(sketch.logMasses[high])
      if above > budget { break }
      high -= 1
    }
    let tilted = exp(window.logNegligible - share)
    while low < high {
      below += exp(sketch.logMasses[low] + theta * sketch.losses[low] - moment)
      if below > tilted { break }
      low += 1
    }
    // One more point each way, as the sketch's points are the middles of its bins.
    var bottom = sketch.losses[max(0, low - 1)]
    var top = high + 1 < sketch.losses.count ? sketch.losses[high + 1] : sketch.limit ?? sketch.losses[high]
    if let law = part.model.continuous {
      if low <= 1 { bottom = min(bottom, law.extent.lower) }
      if high >= sketch.losses.count - 2 && !sketch.isTruncated { top = max(top, law.extent.upper) }
    }
    let first = Int((bottom / h - 1e-9).rounded(.down))
    return (first, max(first + 1, Int((top / h + 1e-9).rounded(.up))))
  }
}
