import CGSL
import Foundation
import Synchronization

/// Random allocation: each person is in exactly one of t rounds, chosen uniformly (one epoch of balls in bins is the same pair).
///
/// The dominating pair is P = (1/t) Σ_i N(e_i, σ²I), Q = N(0, σ²I) in t dimensions (Feldman and Shenfeld 2025, arXiv 2502.08202;
/// Chua et al. 2025, "Balls-and-bins sampling for DP-SGD"). With W_i = e^((2x_i−1)/(2σ²)), independent and log-normal with mean 1
/// under Q, the ratio P/Q is the average W̄ of t of them.
package struct RandomAllocationRenyi: Sendable {
  private let rounds: Int
  private let sigma: Double
  private let transform: LogNormalTransform
  /// (n − 1) R(n) for removal, n = 0...128, rounded up.
  private let cumulants: [Double]

  private static let maximumOrder = 128

  /// - Parameters:
  ///   - rounds: t, at least 1.
  ///   - noiseMultiplier: σ.
  ///
  /// E W^k = e^(k(k−1)/(2σ²)), so E (Σ W)^n is n! times the coefficient of x^n in (Σ_k E W^k x^k/k!)^t. The power is formed by repeated
  /// multiplication of series with positive logarithmic coefficients: nothing cancels.
  package init(rounds: Int, noiseMultiplier sigma: Double) throws(AccountingError) {
    try MechanismParameters.count("rounds", rounds)
    try MechanismParameters.positive("noise multiplier", sigma)
    self.rounds = rounds
    self.sigma = sigma
    transform = LogNormalTransform(noiseMultiplier: sigma)
    let top = Self.maximumOrder
    var logFactorial = [Double](repeating: 0, count: top + 1)
    for n in 1...top { logFactorial[n] = logFactorial[n - 1] + log(Double(n)) }
    func product(_ a: [Double], _ b: [Double]) -> [Double] {
      (0...top).map { n in
        var greatest = -Double.infinity
        for k in 0...n { greatest = max(greatest, a[k] + b[n - k]) }
        guard greatest > -.infinity, greatest < .infinity else { return greatest }
        var sum = 0.0
        for k in 0...n { sum += exp(a[k] + b[n - k] - greatest) }
        return greatest + log(sum)
      }
    }
    let logRounds = log(Double(rounds))
    var square = [Double](repeating: 0, count: top + 1)
    for n in 1...top {
      let logMoment = Double(n) * Double(n - 1) / (2 * sigma * sigma)
      square[n] = logMoment - logFactorial[n] - Double(n) * logRounds
    }
    var result = [0.0] + [Double](repeating: -.infinity, count: top)
    var rest = rounds
    var products = 1.0
    while true {
      if rest & 1 == 1 { result = product(result, square) }
      rest >>= 1
      products += 2
      if rest == 0 { break }
      square = product(square, square)
    }
    // Each product rounds logarithms of the size of its greatest term, and twice as many of its factors' errors meet in a squaring:
    // all coefficients of a factor share the first kind of error only to order n.
    let logSize = logFactorial[top] + Double(top) * logRounds
    var cumulants = [Double](repeating: 0, count: top + 1)
    for n in 2...top {
      let value = result[n] + logFactorial[n]
      let order = Double(n)
      let size = abs(value) + logSize * order / Double(top) + order * order / (2 * sigma * sigma) + 8
      // Rounding of a factor's coefficient k enters once for each of the factors that carry order n in all: at most n of them.
      cumulants[n] = max(0, value) + order * products * size * 2.3e-16
    }
    // Orders 2 and 3 in closed form, where small divergences keep their digits: E W̄² = 1 + a/t and
    // E W̄³ = 1 + (c + 3(t − 1)a)/t² with a = e^(1/σ²) − 1 and c = e^(3/σ²) − 1.
    let t = Double(rounds)
    let (a, c) = (expm1(1 / (sigma * sigma)), expm1(3 / (sigma * sigma)))
    cumulants[2] = min(cumulants[2], log1p(a / t) * (1 + 1e-14))
    cumulants[3] = min(cumulants[3], log1p((c / t + 3 * (1 - 1 / t) * a) / t) * (1 + 1e-14))
    self.cumulants = cumulants
  }

  /// R(α), rounded up.
  ///
  /// Removal: exact at integer orders to 128; in between (α−1)R(α), the logarithm of a moment and so convex, is interpolated;
  /// beyond, α/(2σ²) of the Gaussian (quasi-convexity), which bounds every order. Addition: exact at every real order, by `addition`.
  package func divergence(order alpha: Double, direction: NeighborDirection) throws(AccountingError) -> Double {
    try MechanismParameters.order(alpha)
    let gaussian = RenyiDivergence.gaussian(noiseMultiplier: sigma, order: alpha) * (1 + 1e-15)
    if rounds == 1 { return gaussian }
    switch direction {
    case .addition: return min(gaussian, try addition(alpha))
    case .removal:
      guard alpha <= Double(Self.maximumOrder) else { return gaussian }
      let low = Int(alpha.rounded(.down))
      let high = Int(alpha.rounded(.up))
      let value =
        low == high
        ? cumulants[low] : cumulants[low] + (alpha - Double(low)) * (cumulants[high] - cumulants[low])
      return min(gaussian, value.isNaN ? gaussian : value / (alpha - 1) * (1 + 1e-14))
    }
  }

  /// The greater of both directions, rounded up. Addition takes its integral only where Jensen's bound of it is not below removal.
  package func divergence(order alpha: Double) throws(AccountingError) -> Double {
    let removal = try divergence(order: alpha, direction: .removal)
    if rounds == 1 || geometricAddition(alpha) <= removal { return removal }
    return max(removal, try divergence(order: alpha, direction: .addition))
  }

  /// A bound of addition from W̄ ≥ Π W_i^(1/t): ((α−1)/t + 1)/(2σ²).
  private func geometricAddition(_ alpha: Double) -> Double { ((alpha - 1) / Double(rounds) + 1) / (2 * sigma * sigma) * (1 + 1e-15) }

  /// D_α(Q ‖ P) = log E_Q W̄^−β / β with β = α − 1.
  ///
  /// W^−β is the integral of s^(β−1) e^(−sW)/Γ(β) over s, and E W̄ = 1, so with M(h) = E e^(−hW) of one log-normal W
  ///
  ///     E W̄^−β = 1 + (1/Γ(β)) ∫₀^∞ s^(β−1) (M(s/t)^t − e^−s) ds,
  ///
  /// whose integrand is never negative (Jensen) and needs no t-dimensional law. In log s it is analytic in a strip and dies
  /// out on both sides: the trapezoidal rule, halved until two rules agree; their difference is added. Where that fails,
  /// `geometricAddition` stands.
  private func addition(_ alpha: Double) throws(AccountingError) -> Double {
    let beta = alpha - 1
    let t = Double(rounds)
    let geometric = geometricAddition(alpha)
    guard beta >= 1e-9 else { return min(geometric, try addition(1 + 1e-9)) }
    guard transform.isUsable else { return geometric }
    var logGamma = 0.0
    guard epsilon_gsl_log_gamma(beta, &logGamma) == 0 else { return geometric }
    func logTerm(_ v: Double) -> Double { beta * v + transform.logDifference(v, rounds: t) }
    // The peak lies where s is about β or, for noise that is small, larger; the logarithm is concave enough to walk out from it.
    var best = (v: 0.0, value: -Double.infinity)
    var v = -60.0
    while v < 120 {
      let value = logTerm(v)
      if value > best.value { best = (v, value) }
      v += 0.5
    }
    guard best.value > -.infinity, best.value < .infinity else { return geometric }
    // For large orders the peak is narrower than the scan's step. Points are multiples of powers of 2, so that orders share them.
    var stride = 0.25
    while stride > 1e-7 {
      for candidate in [best.v - stride, best.v + stride] {
        let value = logTerm(candidate)
        if value > best.value { best = (candidate, value) }
      }
      stride *= 0.5
    }
    func end(_ sign: Double) -> Double? {
      var distance = 0x1p-17
      while distance < 500 {
        if logTerm(best.v + sign * distance) < best.value - 46 { return best.v + sign * distance }
        distance *= 2
      }
      return nil
    }
    guard var low = end(-1), let high = end(1), high > low else { return geometric }
    var step = exp2(log2(min(0.25, (high - low) / 24)).rounded(.down))
    low = (low / step).rounded(.down) * step
    var count = Int(((high - low) / step).rounded(.up))
    var sum = 0.0
    for index in 0...count { sum += exp(logTerm(low + Double(index) * step) - best.value) }
    var value = sum * step
    for _ in 0..<8 {
      for index in 0..<count { sum += exp(logTerm(low + (Double(index) + 0.5) * step) - best.value) }
      step *= 0.5
      count *= 2
      let finer = sum * step
      let difference = abs(finer - value)
      value = finer
      if difference <= 1e-12 * value {
        // Tails 46 nats down, at the decay rates of the ends, and the rounding of the transform.
        let logTotal = log(value * (1 + 1e-11) + 2 * difference) + best.value - logGamma
        let divergence = DiscretePair.divergence(logConvexSum: logTotal, order: alpha) * (1 + 1e-11)
        return divergence.isNaN ? geometric : min(geometric, divergence)
      }
    }
    return geometric
  }
}

/// M(h) = E e^(−hW) of a log-normal W with mean 1 and log-variance 1/σ², as log(M(h) e^h) ≥ 0.
struct LogNormalTransform: Sendable {
  /// W, W − 1 (each with all its digits) and the quadrature weight at each node of the trapezoidal rule over the normal law.
  private let ratio: [Double]
  private let excess: [Double]
  private let weight: [Double]

  /// Whether the nodes fit into memory and W into Double.
  var isUsable: Bool { !excess.isEmpty }

  init(noiseMultiplier sigma: Double) {
    // e^(−hW) is bounded where |Im x| < πσ²/2; half of that strip, against growth e^(y²/2σ²) of the density, to 80 nats.
    let reach = 11.0
    let strip = min(Double.pi * sigma / 4, 12)
    let step = 2 * Double.pi * strip / (80 + strip * strip / 2)
    let count = (2 * reach + 1 / sigma) / step
    guard count < 200_000, reach / sigma < 300 else {
      (ratio, excess, weight) = ([], [], [])
      return
    }
    // z = x/σ standard normal under Q, W = e^(z/σ − 1/(2σ²)); its large values matter as far as they weigh.
    let nodes = stride(from: -reach - 1 / sigma, through: reach + 1 / sigma, by: step)
    ratio = nodes.map { exp($0 / sigma - 0.5 / (sigma * sigma)) }
    excess = nodes.map { expm1($0 / sigma - 0.5 / (sigma * sigma)) }
    weight = nodes.map { exp(-0.5 * $0 * $0) * step / (2 * Double.pi).squareRoot() }
  }

  /// Values of `logDifference` for one t, which all orders share.
  private final class Table: Sendable {
    static let greatestCount = 1 << 16
    let known = Mutex<[Double: Double]>([:])
  }
  private let table = Table()

  /// log(M(s/t)^t − e^−s) at s = e^v, which is log(e^g − 1) − s with g = t log(M(s/t) e^(s/t)) ≥ 0. One t per value of this type.
  func logDifference(_ v: Double, rounds t: Double) -> Double {
    if let value = table.known.withLock({ $0[v] }) { return value }
    let value = difference(v, t)
    table.known.withLock { known in
      if known.count < Table.greatestCount { known[v] = value }
    }
    return value
  }

  private func difference(_ v: Double, _ t: Double) -> Double {
    let s = exp(v)
    if s / t > 30 {
      // s and g would cancel: log M itself is used.
      let logPower = t * logDirect(atRate: s / t)
      let g = max(0, logPower + s)
      return logPower + (g > 36 ? 0 : log(-expm1(-g)))
    }
    let g = t * logExcess(s / t)
    guard g > 0 else { return -.infinity }
    return (g > 36 ? g : log(expm1(g))) - s
  }

  /// log E e^(−h(W−1)) = log(1 + E[e^(−h(W−1)) − 1 + h(W−1)]).
  func logExcess(_ h: Double) -> Double {
    guard h <= 30 else { return logDirect(atRate: h) + h }
    var sum = 0.0
    for (z, w) in zip(excess, weight) {
      let y = -h * z
      // e^y − 1 − y without cancellation.
      let part = abs(y) < 0.02 ? y * y * (0.5 + y * (1.0 / 6 + y * (1.0 / 24 + y * (1.0 / 120 + y / 720)))) : expm1(y) - y
      sum += w * part
    }
    return log1p(sum)
  }

  /// log M(h) in log space, for h so large that e^h would lose its digits.
  func logDirect(atRate h: Double) -> Double {
    var sum = LogSum()
    for (r, w) in zip(ratio, weight) { sum.add(log(w) - h * r) }
    return sum.value
  }

  /// log M(h).
  func log(atRate h: Double) -> Double { h > 30 ? logDirect(atRate: h) : logExcess(h) - h }

  private func log(_ x: Double) -> Double { Foundation.log(x) }
}
