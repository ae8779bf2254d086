import Foundation

/// φ_a(r) = r^a − 1 − a(r − 1) ≥ 0 for a > 1 or a < 0.
///
/// With E_Q r = 1 it gives E_Q r^a = 1 + E_Q φ_a(r), a sum of terms that are never negative: a tiny divergence keeps its digits.
enum ConvexPower {
  /// log φ_a(r) from log r and r − 1, both given so that neither loses digits near r = 1; −∞ at r = 1.
  static func logValue(power a: Double, logRatio l: Double, excess u: Double) -> Double {
    if l == 0 || u == 0 { return -.infinity }
    if abs(u) <= 0.1 && abs(a * u) <= 1 {
      // Binomial series from the second power on.
      var term = 0.5 * a * (a - 1) * u * u
      var sum = 0.0
      var k = 2.0
      while abs(term) > 1e-18 * abs(sum) && k < 60 {
        sum += term
        term *= (a - k) / (k + 1) * u
        k += 1
      }
      return log(sum)
    }
    if a > 1 {
      let b = a - 1
      // r (expm1(b l) − b + b/r), which neither overflows nor cancels; beyond 700 nats only r^a counts.
      if b * l > 700 { return a * l }
      if l >= 1 { return l + log(expm1(b * l) - b + b * exp(-l)) }
      return log((1 + u) * expm1(b * l) - b * u)
    }
    if a * l > 700 { return a * l }
    if l > 700 { return log(-a) + l }
    return log(expm1(a * l) - a * u)
  }

  /// log r and r − 1 of r = 1 − q + q e^`logRatio`.
  static func sampled(_ logRatio: Double, rate q: Double) -> (logRatio: Double, excess: Double) {
    let excess = q * expm1(logRatio)
    if q == 1 { return (logRatio, excess) }
    return (excess < 1 ? log1p(excess) : logAddExp(log(q) + logRatio, log1p(-q)), excess)
  }
}

/// A running log Σ e^x.
struct LogSum {
  private var greatest = -Double.infinity
  private var sum = 0.0

  /// Adds e^`logTerm`.
  mutating func add(_ logTerm: Double) {
    guard logTerm > -.infinity else { return }
    if logTerm > greatest {
      sum = greatest > -.infinity ? sum * exp(greatest - logTerm) + 1 : 1
      greatest = logTerm
    } else {
      sum += exp(logTerm - greatest)
    }
  }

  /// log of the sum so far.
  var value: Double { sum > 0 ? (greatest == .infinity ? .infinity : greatest + log(sum)) : -.infinity }
}

/// A pair of laws on countably many outcomes, as the mass of Q and the ratio P/Q, whatever lies outside being bounded by the caller.
package struct DiscretePair: Sendable {
  /// log Q(x).
  package let logMass: [Double]
  /// log P(x)/Q(x); −∞ where P has no mass.
  package let logRatio: [Double]

  /// Arrays of one length.
  package init(logMass: [Double], logRatio: [Double]) {
    self.logMass = logMass
    self.logRatio = logRatio
  }

  /// log Σ_x Q(x) φ_a(1 − q + q P(x)/Q(x)), a = α for removal and 1 − α for addition.
  func logConvexSum(order alpha: Double, samplingRate q: Double, direction: NeighborDirection) -> Double {
    let power = direction == .removal ? alpha : 1 - alpha
    var sum = LogSum()
    for (mass, ratio) in zip(logMass, logRatio) {
      let r = ConvexPower.sampled(ratio, rate: q)
      sum.add(mass + ConvexPower.logValue(power: power, logRatio: r.logRatio, excess: r.excess))
    }
    return sum.value
  }

  /// log(1 + e^s)/(α − 1): the divergence that belongs to s = `logConvexSum`.
  static func divergence(logConvexSum s: Double, order alpha: Double) -> Double {
    (s > 40 ? s : log1p(exp(s))) / (alpha - 1) * (s > 40 ? 1 + 1e-17 : 1)
  }

  /// D_α of the pair (1 − q)Q + qP and Q in one direction, for laws without further outcomes: rounded up by 1e-12.
  package func divergence(
    order alpha: Double, samplingRate q: Double = 1, direction: NeighborDirection = .removal
  ) throws(AccountingError) -> Double {
    try MechanismParameters.order(alpha)
    try MechanismParameters.probability("sampling rate", q)
    if q == 0 { return 0 }
    let value = Self.divergence(logConvexSum: logConvexSum(order: alpha, samplingRate: q, direction: direction), order: alpha)
    guard !value.isNaN else { throw .notConverged(what: "Rényi divergence of order \(alpha)", reason: "not a number") }
    return value * (1 + 1e-12)
  }
}
