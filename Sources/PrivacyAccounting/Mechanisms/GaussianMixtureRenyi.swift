import Foundation

/// Rényi divergence of Σ_i w_i N(c_i, σ²) and N(0, σ²), c_i ≥ 0: what a person contributes is itself random, as with sampling with
/// replacement or group-level units (Choquette-Choo et al. 2024, "Privacy amplification for matrix mechanisms", mixture of Gaussians).
///
/// With r(x) = Σ_i w_i e^((2c_i x − c_i²)/(2σ²)) the sums are E_Q[φ(r)] of `ConvexPower`, by adaptive quadrature for every real order; its
/// error estimate is added, and the truncated tails (below e^−50 of the greatest term and of 1) with it. Where there are too many bumps,
/// the farthest component alone and the bounds of the tails give a closed bound.
package struct GaussianMixtureRenyi: Sendable {
  /// c_i in units of σ, above 0.
  private let shifts: [Double]
  /// w_i of those shifts.
  private let weights: [Double]
  private let logWeights: [Double]
  /// log of the weight of all shifts that are 0.
  private let logZeroWeight: Double

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
    self.shifts = kept.map { $0.0 / noiseMultiplier }
    self.weights = kept.map { $0.1 / total }
    logWeights = self.weights.map { log($0) }
    logZeroWeight = log(zip(shifts, weights).reduce(0) { $1.0 == 0 ? $0 + $1.1 : $0 } / total)
  }

  /// The components that count somewhere up to `high`: the others are less than the rounding of the heaviest one everywhere there.
  private func components(upTo high: Double) -> [Int] {
    let heaviest = logWeights.max() ?? 0
    return shifts.indices.filter { logWeights[$0] + max(0, shifts[$0] * (high - 0.5 * shifts[$0])) >= heaviest - 60 }
  }

  /// log r and r − 1 at x (in units of σ), where `components` are those that count.
  private func ratio(_ x: Double, _ components: [Int]) -> (logRatio: Double, excess: Double) {
    var high = -Double.infinity
    for index in components { high = max(high, logWeights[index] + max(0, shifts[index] * (x - 0.5 * shifts[index]))) }
    var excess = 0.0
    for index in components {
      let exponent = shifts[index] * (x - 0.5 * shifts[index])
      // Less than the rounding of the others.
      if logWeights[index] + max(0, exponent) < high - 60 { continue }
      excess += weights[index] * expm1(exponent)
    }
    if excess > -0.5 && excess < 1e300 { return (log1p(excess), excess) }
    // Near r = 0 the difference from 1 says too little, and beyond Double's range nothing.
    var sum = LogSum()
    sum.add(logZeroWeight)
    for (shift, logWeight) in zip(shifts, logWeights) { sum.add(logWeight + shift * (x - 0.5 * shift)) }
    return (sum.value, excess)
  }

  /// D_α of the mixture from the plain Gaussian (removal) or the reverse (addition), rounded up by the quadrature's error and 1e-12.
  package func divergence(order alpha: Double, direction: NeighborDirection = .removal) throws(AccountingError) -> Double {
    try MechanismParameters.order(alpha)
    guard let greatestShift = shifts.max() else { return 0 }
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
    separate.add(alpha * logZeroWeight)
    convex.add(logZeroWeight)
    for (shift, logWeight) in zip(shifts, logWeights) {
      convex.add(logWeight + growth * shift * shift)
      separate.add(alpha * logWeight + growth * shift * shift)
    }
    let other =
      direction == .removal ? separate.value + alpha * log(Double(shifts.count + 1)) : (1 - alpha) * logZeroWeight
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

  /// Greatest product of intervals and components that a quadrature takes on: some 20 ms.
  private static let greatestWork = 12_000

  /// log of the integral of the normal density times φ(r), with the quadrature's error, over all bumps and `reach` around them; nil beyond
  /// the range of numbers and where it would take too long.
  private func logConvexSum(power: Double, reach: Double, greatestShift: Double) throws(AccountingError) -> Double? {
    // The bumps of the integrand lie between the shifts and power × shift, about one σ wide.
    let low = min(0, power * greatestShift) - reach
    let high = max(1, power) * greatestShift + reach
    let components = components(upTo: high)
    func logTerm(_ x: Double) -> Double {
      let r = ratio(x, components)
      return ConvexPower.logValue(power: power, logRatio: r.logRatio, excess: r.excess) - 0.5 * x * x
    }
    let centres = [0.0] + shifts.flatMap { [$0, power * $0] }
    let cuts = centres.flatMap { [$0 - reach, $0 - 3, $0, $0 + 3, $0 + reach] }.filter { $0 > low && $0 < high }.sorted()
    var points = [low]
    for cut in cuts + [high] where cut - (points.last ?? low) > 0.5 { points.append(cut) }
    if let last = points.last, last < high { points.append(high) }
    guard points.count * components.count <= Self.greatestWork else { return nil }
    // Maxima between those, found by a scan and a search around each: no peak may fall between the nodes of the rule.
    var scan: [(x: Double, value: Double)] = []
    for (a, b) in zip(points, points.dropFirst()) {
      for index in 0..<16 {
        let x = a + (b - a) * Double(index) / 16
        scan.append((x, logTerm(x)))
      }
    }
    var scale = scan.reduce(-Double.infinity) { max($0, $1.value) }
    for index in scan.indices.dropFirst().dropLast() {
      let (before, here, after) = (scan[index - 1], scan[index], scan[index + 1])
      guard here.value >= before.value, here.value >= after.value, here.value > scale - 1e4 else { continue }
      var (left, right) = (before.x, after.x)
      // To a ten-millionth of the distance of the points.
      for _ in 0..<40 {
        let (first, second) = (left + (right - left) / 3, right - (right - left) / 3)
        if logTerm(first) < logTerm(second) { left = first } else { right = second }
      }
      scale = max(scale, logTerm(left))
      points.append(contentsOf: [-10, -4, -1, -0.1, 0, 0.1, 1, 4, 10].map { left + $0 }.filter { $0 > low && $0 < high })
    }
    points.sort()
    guard scale > -.infinity, scale < .infinity else { return nil }
    // The exponent is a sum of terms of this size; digits beyond their rounding cannot be had.
    let greatestRatio = max(abs(ratio(high, components).logRatio), abs(ratio(low, components).logRatio))
    let tolerance = max(1e-12, 1e-15 * (abs(power) * greatestRatio + max(low * low, high * high)))
    var total = 0.0
    for (a, b) in zip(points, points.dropFirst()) where b > a {
      let part = try Numerics.integrate(
        from: a, to: b, relativeTolerance: tolerance, what: "Rényi divergence of a Gaussian mixture"
      ) { exp(logTerm($0) - scale) }
      total += part.value + part.error
    }
    return log(total * (1 + tolerance)) + scale - 0.5 * log(2 * Double.pi)
  }
}
