import Foundation

/// Rényi divergence of Σ_i w_i N(c_i, σ²) and N(0, σ²), c_i ≥ 0: what a person contributes is itself random, as with sampling with
/// replacement or group-level units (Choquette-Choo et al. 2024, "Privacy amplification for matrix mechanisms", mixture of Gaussians).
///
/// With r(x) = Σ_i w_i e^((2c_i x − c_i²)/(2σ²)) the sums are E_Q[φ(r)] of `ConvexPower`, by adaptive quadrature for every real order; its
/// error estimate is added, and the truncated tails (below e^−50 of the greatest term and of 1) with it. Where there are too many bumps,
/// the farthest component alone and the bounds of the tails give a closed bound.
package struct GaussianMixtureRenyi: Sendable {
  /// r at x in units of σ.
  private let ratio: GaussianMixtureRatio

  /// - Parameters:
  ///   - shifts: c_i, finite and at least 0, in units of the sensitivity.
  ///   - weights: w_i, at least 0, adding up to 1 within 1e-9.
  ///   - noiseMultiplier: σ in the same units.
  package init(shifts: [Double], weights: [Double], noiseMultiplier: Double) throws(AccountingError) {
    try MechanismParameters.positive("noise multiplier", noiseMultiplier)
    guard shifts.count == weights.count, !shifts.isEmpty else {
      throw .invalidParameter(name: "number of weights", value: Double(weights.count), allowed: "\(shifts.count), as shifts, above 0")
    }
    for shift in shifts { try MechanismParameters.nonNegative("shift", shift / noiseMultiplier) }
    for weight in weights { try MechanismParameters.probability("weight", weight) }
    let total = weights.reduce(0, +)
    guard abs(total - 1) <= 1e-9 else { throw .invalidParameter(name: "sum of the weights", value: total, allowed: "1") }
    let kept = zip(shifts, weights).filter { $0 > 0 && $1 > 0 }
    ratio = GaussianMixtureRatio(
      shifts: kept.map { $0.0 / noiseMultiplier }, weights: kept.map { $0.1 / total },
      unchanged: zip(shifts, weights).reduce(0) { $1.0 == 0 ? $0 + $1.1 : $0 } / total)
  }

  /// D_α of the mixture from the plain Gaussian (removal) or the reverse (addition), rounded up by the quadrature's error and 1e-12.
  package func divergence(order alpha: Double, direction: NeighborDirection = .removal) throws(AccountingError) -> Double {
    try MechanismParameters.order(alpha)
    guard let greatestShift = ratio.shifts.last else { return 0 }
    // Quasi-convexity: never more than the farthest component alone.
    let farthest = alpha * greatestShift * greatestShift / 2 * (1 + 1e-14)
    guard farthest < 1e12 else { return farthest }
    let power = direction == .removal ? alpha : 1 - alpha
    // Outside the range φ is at most 3α (1 + P/Q) + r^power. With e_i the ratio of component i, powers above 1 and below 0 are
    // convex, so r^power ≤ Σ w_i e_i^power; also r^α ≤ n^α Σ (w_i e_i)^α over the n components, and r^(1−α) ≤ w_0^(1−α). Bells of
    // these factors, at least `reach` from their centres.
    let growth = 0.5 * alpha * (alpha - 1)
    var convex = LogSum()
    var separate = LogSum()
    separate.add(alpha * ratio.logUnchanged)
    convex.add(ratio.logUnchanged)
    for (shift, logWeight) in zip(ratio.shifts, ratio.logWeights) {
      convex.add(logWeight + growth * shift * shift)
      separate.add(alpha * logWeight + growth * shift * shift)
    }
    let other =
      direction == .removal ? separate.value + alpha * log(Double(ratio.shifts.count + 1)) : (1 - alpha) * ratio.logUnchanged
    let greatestPower = min(convex.value, other)
    let factor = logAddExp(log(3 * alpha), greatestPower)
    let closed = min(farthest, greatestPower / (alpha - 1) * (1 + 1e-12) + 1e-12 / (alpha - 1))
    var reach = 10.0
    while reach < 100 {
      guard let logSum = try logConvexSum(power: power, reach: reach, greatestShift: greatestShift) else { return closed }
      let rest = factor - 0.5 * reach * reach
      if rest < logSum - 30 {
        return min(closed, DiscretePair.divergence(logConvexSum: logAddExp(logSum, rest), order: alpha) * (1 + 1e-12))
      }
      // The sum only grows with the reach, so that this one suffices.
      reach = max(1.01 * reach, (2 * (factor - logSum + 31)).squareRoot())
    }
    return closed
  }

  /// Nanoseconds that the values at the ends of all panels may take.
  private static let greatestWork = 8e5
  /// Nanoseconds that one value in each of the panels that count may take: each needs 61 or more, so that these are some milliseconds.
  private static let greatestPanelWork = 5e4

  /// log of the integral of the normal density times φ(r), with the quadrature's error, over all bumps and `reach` around them; nil beyond
  /// the range of numbers and where it would take too long.
  private func logConvexSum(power: Double, reach: Double, greatestShift: Double) throws(AccountingError) -> Double? {
    // The bumps of the integrand lie between the shifts and power × shift, about one σ wide.
    let low = min(0, power * greatestShift) - reach
    let high = max(1, power) * greatestShift + reach
    let ends = panelEnds(from: low, to: high, power: power, reach: reach)
    guard Double(ends.count) * ratio.work <= Self.greatestWork else { return nil }
    var points = ends.map { Point(x: $0, logConvex: logConvex($0, power: power)) }
    var scale = points.reduce(-Double.infinity) { max($0, $1.logTerm) }
    // Maxima between those, found by a scan and a search around each: no peak may fall between the nodes of the rule.
    var scan: [(x: Double, value: Double)] = []
    for (a, b) in zip(points, points.dropFirst()) {
      scan.append((a.x, a.logTerm))
      guard Point.logBound(a, b) > scale - Self.depth(points.count) else { continue }
      for index in 1..<16 {
        let x = a.x + (b.x - a.x) * Double(index) / 16
        scan.append((x, logConvex(x, power: power) - 0.5 * x * x))
      }
    }
    scale = scan.reduce(scale) { max($0, $1.value) }
    for index in scan.indices.dropFirst().dropLast() {
      let (before, here, after) = (scan[index - 1], scan[index], scan[index + 1])
      guard here.value >= before.value, here.value >= after.value, here.value > scale - 1e4 else { continue }
      var (left, right) = (before.x, after.x)
      // To a ten-millionth of the distance of the points.
      for _ in 0..<40 {
        let (first, second) = (left + (right - left) / 3, right - (right - left) / 3)
        let isRising = logConvex(first, power: power) - 0.5 * first * first < logConvex(second, power: power) - 0.5 * second * second
        if isRising { left = first } else { right = second }
      }
      scale = max(scale, logConvex(left, power: power) - 0.5 * left * left)
      // r^power bends upward for powers above 1, so that no bump is narrower than the normal density.
      let distances: [Double] = power > 1 ? [-10, -4, 0, 4, 10] : [-10, -4, -1, -0.1, 0, 0.1, 1, 4, 10]
      for x in distances.map({ left + $0 }) where x > low && x < high {
        points.append(Point(x: x, logConvex: logConvex(x, power: power)))
      }
    }
    points.sort { $0.x < $1.x }
    guard scale > -.infinity, scale < .infinity else { return nil }
    // The exponent is a sum of terms of this size; digits beyond their rounding cannot be had.
    let greatestRatio = max(abs(ratio.value(at: high).logRatio), abs(ratio.value(at: low).logRatio))
    let tolerance = max(1e-12, 1e-15 * (abs(power) * greatestRatio + max(low * low, high * high)))
    var total = 0.0
    var panels: [(a: Point, b: Point)] = []
    for (a, b) in zip(points, points.dropFirst()) where b.x > a.x {
      let bound = Point.logBound(a, b) - scale
      if bound < -Self.depth(points.count) { total += exp(bound) } else { panels.append((a, b)) }
    }
    guard Double(panels.count) * ratio.work <= Self.greatestPanelWork else { return nil }
    for (a, b) in panels {
      let part = try Numerics.integrate(
        from: a.x, to: b.x, relativeTolerance: tolerance, what: "Rényi divergence of a Gaussian mixture"
      ) { exp(logConvex($0, power: power) - 0.5 * $0 * $0 - scale) }
      total += part.value + part.error
    }
    return log(total * (1 + tolerance)) + scale - 0.5 * log(2 * Double.pi)
  }

  /// A position with log φ(r) there.
  private struct Point {
    let x: Double
    let logConvex: Double

    var logTerm: Double { logConvex - 0.5 * x * x }

    /// log of an upper bound of the integral of φ(r) e^(−x²/2) between two points. φ is convex in r, and r increases with x, so that
    /// φ is greatest at one of the ends.
    static func logBound(_ a: Point, _ b: Point) -> Double {
      let nearest = a.x > 0 ? a.x : b.x < 0 ? b.x : 0
      return max(a.logConvex, b.logConvex) - 0.5 * nearest * nearest + log(b.x - a.x)
    }
  }

  /// Nats below the peak at which a panel's bound stands for its integral, where there are `count` of them.
  private static func depth(_ count: Int) -> Double { 45 + log(Double(count)) }

  /// log φ(r) at x.
  private func logConvex(_ x: Double, power: Double) -> Double {
    let r = ratio.value(at: x)
    return ConvexPower.logValue(power: power, logRatio: r.logRatio, excess: r.excess)
  }

  /// Ends of panels around every possible centre of a bump.
  private func panelEnds(from low: Double, to high: Double, power: Double, reach: Double) -> [Double] {
    let centres = [0.0] + ratio.shifts.flatMap { [$0, power * $0] }
    let cuts = centres.flatMap { [$0 - reach, $0 - 3, $0, $0 + 3, $0 + reach] }.filter { $0 > low && $0 < high }.sorted()
    var ends = [low]
    for cut in cuts + [high] where cut - (ends.last ?? low) > 0.5 { ends.append(cut) }
    if let last = ends.last, last < high { ends.append(high) }
    return ends
  }
}
