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

  package init(samplingRate: Double, noiseMultiplier: Double, symmetric: Bool) {
    self.samplingRate = samplingRate
    self.noiseMultiplier = noiseMultiplier
    self.symmetric = symmetric
  }

  /// Nats by which a neglected part of the sum lies below its greatest term.
  private static let depth = 42.0
  /// Beyond this many points the unsampled divergence, a valid upper bound, is used.
  private static let maximumPoints = 1_000_000.0

  /// R(α) for α > 1. Relative error below 1e-12 (tested against 34-digit quadrature).
  package func divergence(order alpha: Double) throws(AccountingError) -> Double {
    let unsampled = RenyiDivergence.gaussian(noiseMultiplier: noiseMultiplier, order: alpha)
    guard let logMoment = symmetric ? try symmetricLogMoment(alpha) : try oneSidedLogMoment(alpha) else { return unsampled }
    // Sampling never increases the divergence (quasi-convexity), so the smaller of the two stands.
    return min(max(0, logMoment) / (alpha - 1), unsampled)
  }

  /// log r(x).
  @inline(__always) private func logRatio(_ x: Double) -> Double {
    let exponent = (2 * x - 1) / (2 * noiseMultiplier * noiseMultiplier)
    let grown = log(samplingRate) + exponent
    let stay = log1p(-samplingRate)
    return grown > stay ? grown + log1p(exp(stay - grown)) : stay + log1p(exp(grown - stay))
  }

  /// r(x) − 1, without cancellation.
  @inline(__always) private func excess(_ x: Double) -> Double {
    samplingRate * expm1((2 * x - 1) / (2 * noiseMultiplier * noiseMultiplier))
  }

  /// φ_a(1 + u) = (1+u)^a − 1 − au, by the binomial series where it is small.
  @inline(__always) private static func convexPart(_ power: Double, _ u: Double) -> Double {
    if abs(u) <= 0.1 && abs(power * u) <= 1 {
      var term = 0.5 * power * (power - 1) * u * u
      var sum = 0.0
      var k = 2.0
      while abs(term) > 1e-18 * abs(sum) && k < 60 {
        sum += term
        term *= (power - k) / (k + 1) * u
        k += 1
      }
      return sum
    }
    // (1+u)^a − 1 − au = (1+u) expm1((a−1) log(1+u)) − (a−1)u, which keeps the digits when a is near 1.
    let beta = power - 1
    return (1 + u) * expm1(beta * log1p(u)) - beta * u
  }

  /// Step of the trapezoidal rule: exp(−2π·halfWidth/h) against growth exp(halfWidth²/2σ²) on the shifted line.
  private var step: Double {
    let sigma = noiseMultiplier
    let depth = Self.depth
    let strip = min(Double.pi * sigma * sigma, sigma * (2 * depth).squareRoot())
    return 2 * Double.pi * strip / (depth + strip * strip / (2 * sigma * sigma))
  }

  /// log E r^α, or nil where it would take too many points.
  private func oneSidedLogMoment(_ alpha: Double) throws(AccountingError) -> Double? {
    let sigma = noiseMultiplier
    let reach = sigma * (2 * (Self.depth + 4)).squareRoot()
    let lower = -reach
    let upper = max(1, alpha) + reach
    let step = self.step
    guard (upper - lower) / step < Self.maximumPoints else { return nil }
    let logWeight = log(step) - log(sigma) - 0.5 * log(2 * Double.pi)
    let count = Int(((upper - lower) / step).rounded(.up))
    // r^α stays far from overflow: sum the bracket directly, which keeps every digit of a tiny divergence.
    let peak = alpha * logRatio(alpha + reach)
    if peak < 600 {
      var sum = 0.0
      for index in 0...count {
        let x = lower + Double(index) * step
        sum += exp(logWeight - x * x / (2 * sigma * sigma)) * Self.convexPart(alpha, excess(x))
      }
      return log1p(sum)
    }
    // Otherwise in log space, relative to the greatest term.
    var greatest = -Double.infinity
    var sum = 0.0
    for index in 0...count {
      let x = lower + Double(index) * step
      let logR = logRatio(x)
      let base = logWeight - x * x / (2 * sigma * sigma)
      // log of the bracket: φ = r^α (1 − (1 + α u) r^−α), formed so that it never overflows.
      let logTerm: Double
      if alpha * logR > 30 {
        // 1 + αu is α r to the last digit once r is huge, where u itself may overflow.
        let logLinear = logR > 50 ? log(alpha) + logR : log1p(alpha * excess(x))
        logTerm = base + alpha * logR + log1p(-exp(logLinear - alpha * logR))
      } else {
        let part = Self.convexPart(alpha, excess(x))
        guard part > 0 else { continue }
        logTerm = base + log(part)
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
    let reach = sigma * (2 * (Self.depth + 4)).squareRoot()
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
