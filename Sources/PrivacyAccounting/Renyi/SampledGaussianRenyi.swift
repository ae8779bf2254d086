import Foundation

/// Rényi divergence of one Gaussian release on a random part of the population.
///
/// With r(x) = 1 − q + q e^((2x−1)/(2σ²)), the ratio of the mixture (1−q)N(0,σ²) + qN(1,σ²) to N(0,σ²), and x drawn from N(0, σ²),
///
///     (α−1) R(α) = log E r(x)^α = log(1 + E[r^α − 1 − α(r−1)]),
///
/// because E r = 1. The term in brackets is never negative, so the sum has no cancellation, and the trapezoidal rule converges
/// geometrically (the integrand is analytic in a strip of half-width πσ²). The mirrored pair has the smaller divergence
/// (Mironov, Talwar and Zhang 2019, theorem 5), so this covers adding and removing a person.
///
/// Symmetric neighbours (replace-one): both orders of the pair have a hockey-stick profile below that of the pair above for e^ε ≥ 1
/// (Balle, Barthe and Gaboardi 2018, theorem 9: advanced joint convexity). Writing the divergence as an integral of
/// hockey-sticks over γ ≥ 1 in both directions gives
///
///     exp((α−1) R(α)) ≤ 1 + E[(r^α + r^(1−α) − r − 1) 1{r ≥ 1}],
///
/// which holds for every real order; no recurrence over integer orders is needed.
package struct SampledGaussianRenyi: Sendable {
  package let samplingRate: Double
  package let noiseMultiplier: Double
  package let symmetric: Bool
  /// The points of the trapezoidal rule do not depend on the order: one table serves all of a search.
  private let nodes: SampledGaussianNodes

  package init(samplingRate: Double, noiseMultiplier: Double, symmetric: Bool) {
    self.samplingRate = samplingRate
    self.noiseMultiplier = noiseMultiplier
    self.symmetric = symmetric
    nodes = SampledGaussianNodes(samplingRate: samplingRate, noiseMultiplier: noiseMultiplier, depth: Self.depth)
  }

  /// Nats by which a neglected part of the sum lies below its greatest term.
  private static let depth = 42.0
  /// Beyond this many points a closed bound is used.
  private static let maximumPoints = 100_000.0

  /// R(α) for α > 1. Relative error below 1e-12 (tested against 34-digit quadrature).
  package func divergence(order alpha: Double) throws(AccountingError) -> Double {
    let unsampled = RenyiDivergence.gaussian(noiseMultiplier: noiseMultiplier, order: alpha)
    guard let logMoment = symmetric ? try symmetricLogMoment(alpha) : try oneSidedLogMoment(alpha) else {
      return RenyiDivergence.sampledRemoval(divergence: unsampled, rate: samplingRate, order: alpha)
    }
    // Sampling never increases the divergence (quasi-convexity), so the smaller of the two stands.
    return min(max(0, logMoment) / (alpha - 1), unsampled)
  }

  private func logRatio(_ x: Double) -> Double { nodes.logRatio(x) }

  private func excess(_ x: Double) -> Double { nodes.excess(x) }

  /// log E r^α, or nil where it would take too many points.
  private func oneSidedLogMoment(_ alpha: Double) throws(AccountingError) -> Double? {
    let reach = nodes.reach
    let count = ((max(1, alpha) + 2 * reach) / nodes.step).rounded(.up)
    guard count < Self.maximumPoints else { return nil }
    let beta = alpha - 1
    // r^α stays far from overflow: sum the bracket directly, which keeps every digit of a tiny divergence.
    if alpha * logRatio(alpha + reach) < 600 {
      var sum = 0.0
      nodes.forEach(through: Int(count)) { sum += $0.weight * $0.convexPart(beta) }
      return log1p(sum)
    }
    // Otherwise in log space, relative to the greatest term.
    var greatest = -Double.infinity
    var sum = 0.0
    nodes.forEach(through: Int(count)) { node in
      // log of the bracket: φ = r^α (1 − (1 + α u) r^−α), formed so that it never overflows.
      let logTerm: Double
      let logPower = alpha * node.logRatio
      if logPower > 30 {
        // 1 + αu is α r to the last digit once r is huge, where u itself may overflow.
        let logLinear = node.logRatio > 50 ? log(alpha) + node.logRatio : log1p(alpha * node.excess)
        logTerm = node.logWeight + logPower + log1p(-exp(logLinear - logPower))
      } else {
        let part = node.convexPart(beta)
        guard part > 0 else { return }
        logTerm = node.logWeight + log(part)
      }
      if logTerm > greatest {
        sum = sum * exp(greatest - logTerm) + 1
        greatest = logTerm
      } else {
        sum += exp(logTerm - greatest)
      }
    }
    guard sum > 0, greatest.isFinite else { throw .notConverged(what: "Rényi divergence of order \(alpha)", reason: "empty sum") }
    let logSum = greatest + log(sum)
    return logSum > 0 ? logSum + log1p(exp(-logSum)) : log1p(exp(logSum))
  }

  /// log(1 + E[(r^α + r^(1−α) − r − 1) 1{r ≥ 1}]).
  private func symmetricLogMoment(_ alpha: Double) throws(AccountingError) -> Double {
    let sigma = noiseMultiplier
    let reach = nodes.reach
    let upper = max(1, alpha) + reach
    let shift = max(0, greatestExponent(alpha, upTo: upper))
    let logWeight = -log(sigma) - 0.5 * log(2 * Double.pi) - shift
    var total = 0.0
    var error = 0.0
    // The exponent is a difference of terms of this size: digits beyond their rounding cannot be had, nor are they needed,
    // because the logarithm of the sum is of that size too.
    let tolerance = max(1e-12, 4e-16 * alpha * logRatio(upper))
    // r ≥ 1 from x = ½ on. The integrand has at most two bumps, near ½ and near α, each about σ wide.
    let breaks = [0.5, 0.5 + 2 * sigma, 0.5 + reach, alpha - reach, alpha, upper].filter { $0 >= 0.5 && $0 <= upper }.sorted()
    for (low, high) in zip(breaks, breaks.dropFirst()) where high > low {
      let values = try Numerics.integrate(
        from: low, to: high, relativeTolerance: tolerance, what: "Rényi divergence of order \(alpha) under replace-one"
      ) { x in
        let base = logWeight - x * x / (2 * sigma * sigma)
        let u = excess(x)
        let logR = u < 1 ? log1p(u) : logRatio(x)
        // r^α + r^(1−α) − r − 1 = r^α (1 − r^(1−α)) (1 − r^−α)
        return exp(base + alpha * logR) * expm1(-(alpha - 1) * logR) * expm1(-alpha * logR)
      }
      total += values.value
      error += values.error
    }
    let logTotal = log(total + error) + shift
    return logTotal > 0 ? logTotal + log1p(exp(-logTotal)) : log1p(exp(logTotal))
  }

  /// Greatest exponent of the integrand −x²/(2σ²) + α log r(x), to scale the sum by.
  private func greatestExponent(_ alpha: Double, upTo upper: Double) -> Double {
    var greatest = 0.0
    for index in 0...256 {
      let x = 0.5 + (upper - 0.5) * Double(index) / 256
      greatest = max(greatest, alpha * logRatio(x) - x * x / (2 * noiseMultiplier * noiseMultiplier))
    }
    let x = alpha
    return max(greatest, alpha * logRatio(x) - x * x / (2 * noiseMultiplier * noiseMultiplier))
  }
}
