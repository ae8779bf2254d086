import Foundation

/// Mechanisms with countably many outcomes. Every result is at least the divergence; the comment says by how much it is rounded up.
extension RenyiDivergence {
  /// The most lattice points that are summed; wider laws take the closed bound. An order then takes some milliseconds, a search below a second.
  static let maximumPoints = 25_000.0

  /// An exponential mechanism whose loss has the range η (`epsilon`): bounded range of Durfee and Rogers 2019, with
  /// the Rényi divergence of Dong, Durfee and Rogers 2020, "Optimal differential privacy composition for exponential mechanisms".
  ///
  /// The worst pair has losses t and t − η with a = (1 − e^(t−η))/(e^t − e^(t−η)), and
  /// e^((α−1)R) = e^((α−1)t) (A − e^t B)/(1 − e^−η), A = 1 − e^(−αη), B = e^(−η) − e^(−αη). Its logarithm is concave in t with the
  /// maximum at e^t = (α−1)A/(αB). Because A − e^t B = (1 − e^−η) − B(e^t − 1), R = t + log(1 − B(e^t − 1)/(1 − e^−η))/(α−1).
  /// Never more than η, nor than αη²/8 (Cesar and Rogers 2021). Rounded up by less than 1e-13 relative beyond those.
  package static func exponentialMechanism(epsilon eta: Double, order alpha: Double) throws(AccountingError) -> Double {
    try MechanismParameters.nonNegative("epsilon", eta)
    try MechanismParameters.order(alpha)
    if eta == 0 { return 0 }
    let beta = alpha - 1
    let b = -exp(-eta) * expm1(-beta * eta)
    let t = min(eta, max(0, log(beta * -expm1(-alpha * eta) / (alpha * b))))
    let inner = -b * expm1(t) / -expm1(-eta)
    // t itself is rounded, but R is flat there; the logarithm carries the rounding of its argument.
    let error = (4e-16 * abs(inner) / max(1 + inner, 1e-300) + 4e-16 * abs(log1p(inner))) / beta + 4e-16 * t
    let value = (t + log1p(inner) / beta + error) * (1 + 1e-14)
    let cap = min(eta, alpha * eta * eta / 8 * (1 + 1e-15))
    return value.isNaN ? cap : min(cap, max(0, value))
  }

  /// The closed bound on the Skellam mechanism of total variance v and integer order α:
  /// αΔ₂²/(2v) + min(((2α−1)Δ₂² + 6Δ₁)/(4v²), 3Δ₁/(2v)) (Agarwal, Kairouz and Liu 2021, theorem 3.5 and corollary 3.6).
  package static func skellamFormula(variance v: Double, l1 first: Double, l2 second: Double, order alpha: Double) -> Double {
    let square = second * second
    return (alpha * square / (2 * v) + min(((2 * alpha - 1) * square + 6 * first) / (4 * v * v), 3 * first / (2 * v))) * (1 + 1e-15)
  }

  /// A Skellam vector of variance v per coordinate, for an integer vector that changes by at most Δ₁ in the 1-norm and Δ₂ in the 2-norm.
  ///
  /// The paper states its bound for integer orders; in between, (α−1)R is interpolated, which bounds it because it is convex.
  package static func skellam(
    variance v: Double, l1 first: Double, l2 second: Double, order alpha: Double
  ) throws(AccountingError) -> Double {
    try MechanismParameters.positive("variance", v)
    try MechanismParameters.nonNegative("L1 sensitivity", first)
    try MechanismParameters.nonNegative("L2 sensitivity", second)
    try MechanismParameters.order(alpha)
    let low = alpha.rounded(.down)
    let high = alpha.rounded(.up)
    let upper = skellamFormula(variance: v, l1: first, l2: second, order: high)
    if low == high { return upper }
    let lower = low > 1 ? (low - 1) * skellamFormula(variance: v, l1: first, l2: second, order: low) : 0
    return (lower + (alpha - low) * ((high - 1) * upper - lower)) / (alpha - 1) * (1 + 1e-15)
  }

  /// A one-dimensional Skellam law of variance v against itself moved by `shift`, on a random part of the population: see `SkellamRenyi`.
  package static func skellamExact(
    variance v: Double, shift: Int, samplingRate q: Double = 1, direction: NeighborDirection = .removal, order alpha: Double
  ) throws(AccountingError) -> Double {
    try SkellamRenyi(variance: v, shift: shift).divergence(order: alpha, samplingRate: q, direction: direction)
  }

  /// The discrete Gaussian of parameter σ, mass ∝ e^(−x²/(2σ²)) on the integers, against itself moved by `shift`, on a random part
  /// of the population: by summation (Canonne, Kamath and Steinke 2020; never more than αΔ²/(2σ²), their theorem 4).
  ///
  /// φ_α(r) ≤ α + (P/Q)^α and φ_{1−α}(r) ≤ 1 + (P/Q)^(1−α) + (α−1)(1 + P/Q), each a discrete bell times a factor, bounds the
  /// part outside the summed range, which is added. Rounded up by 1e-13 relative.
  package static func discreteGaussian(
    sigma: Double, shift: Int, samplingRate q: Double = 1, direction: NeighborDirection = .removal, order alpha: Double
  ) throws(AccountingError) -> Double {
    try MechanismParameters.positive("sigma", sigma)
    try MechanismParameters.count("shift", shift, atLeast: 0)
    try MechanismParameters.order(alpha)
    try MechanismParameters.probability("sampling rate", q)
    if shift == 0 || q == 0 { return 0 }
    let s = Double(shift)
    let closed = gaussian(noiseMultiplier: sigma / s, order: alpha) * (1 + 1e-15)
    let factor = alpha * (alpha - 1) * s * s / (2 * sigma * sigma)
    var reach = sigma * 11 + 2
    while 2 * reach + alpha * s < maximumPoints {
      let low = direction == .removal ? -reach : -(alpha - 1) * s - reach
      let high = direction == .removal ? alpha * s + reach : s + reach
      var masses = [Double]()
      var ratios = [Double]()
      var norm = LogSum()
      for x in Int(-reach)...Int(reach) { norm.add(-Double(x) * Double(x) / (2 * sigma * sigma)) }
      for index in Int(low.rounded(.down))...Int(high.rounded(.up)) {
        let x = Double(index)
        masses.append(-x * x / (2 * sigma * sigma) - norm.value)
        ratios.append((2 * x - s) * s / (2 * sigma * sigma))
      }
      let sum = DiscretePair(logMass: masses, logRatio: ratios).logConvexSum(order: alpha, samplingRate: q, direction: direction)
      // Two sides of at most three bells each, whose factors are at most 2α and e^factor; the norm is at least 1.
      let bell = -reach * reach / (2 * sigma * sigma) - log(-expm1(-reach / (sigma * sigma)))
      let rest = log(2.0) + logAddExp(log(3 * alpha), factor) + bell
      if rest < sum - 32 {
        return min(closed, DiscretePair.divergence(logConvexSum: logAddExp(sum, rest), order: alpha) * (1 + 1e-13))
      }
      reach *= 1.5
    }
    return sampledRemoval(divergence: closed, rate: q, order: alpha)
  }

  /// Discrete Laplace noise, mass ∝ e^(−a|x|) on the integers, against itself moved by `shift`, on a random part of the population.
  ///
  /// The loss is −a s up to 0, a s from s on and linear between: s + 1 atoms, summed exactly, rounded up by 1e-12. For greater s the bound
  /// of an a·s-differentially private mechanism is returned.
  package static func discreteLaplace(
    parameter a: Double, shift: Int, samplingRate q: Double = 1, direction: NeighborDirection = .removal, order alpha: Double
  ) throws(AccountingError) -> Double {
    try MechanismParameters.positive("parameter of the discrete Laplace law", a)
    try MechanismParameters.count("shift", shift, atLeast: 0)
    try MechanismParameters.order(alpha)
    try MechanismParameters.probability("sampling rate", q)
    if shift == 0 || q == 0 { return 0 }
    let s = Double(shift)
    let closed = pure(epsilon: a * s, order: alpha)
    guard s < maximumPoints else { return sampledRemoval(divergence: closed, rate: q, order: alpha) }
    // Q(X ≤ 0) = Q(X ≥ 0) = 1/(1 + e^−a); Q(x) = e^(−ax) tanh(a/2).
    let logHalf = -log1p(exp(-a))
    var masses = [logHalf, logHalf - a * s]
    var ratios = [-a * s, a * s]
    let logPeak = log(tanh(a / 2))
    if shift > 1 {
      for x in 1..<shift {
        masses.append(logPeak - a * Double(x))
        ratios.append(a * (2 * Double(x) - s))
      }
    }
    return min(
      closed, try DiscretePair(logMass: masses, logRatio: ratios).divergence(order: alpha, samplingRate: q, direction: direction))
  }

  /// Randomised response over k categories: with probability `noise` a uniform category, otherwise the truth.
  ///
  /// Replace-one: two people with different truths, a symmetric pair. Rounded up by 1e-12.
  package static func randomizedResponse(noise f: Double, categories k: Int, order alpha: Double) throws(AccountingError) -> Double {
    guard let (truth, other) = try responseMasses(noise: f, categories: k, order: alpha) else { return f < 1 && k > 1 ? .infinity : 0 }
    var masses = [truth, other]
    var ratios = [other - truth, truth - other]
    if k > 2 {
      masses.append(other + log(Double(k - 2)))
      ratios.append(0)
    }
    return try DiscretePair(logMass: masses, logRatio: ratios).divergence(order: alpha)
  }

  /// Randomised response against a uniform category, which stands for a person who is absent (replace-special, add-or-remove):
  /// the larger of both orders of the pair. Rounded up by 1e-12.
  package static func randomizedResponseAbsent(
    noise f: Double, categories k: Int, order alpha: Double
  ) throws(AccountingError) -> Double {
    guard let (truth, other) = try responseMasses(noise: f, categories: k, order: alpha) else { return f < 1 && k > 1 ? .infinity : 0 }
    let uniform = -log(Double(k))
    let pair = DiscretePair(logMass: [uniform, log(Double(k - 1)) + uniform], logRatio: [truth - uniform, other - uniform])
    return max(try pair.divergence(order: alpha), try pair.divergence(order: alpha, direction: .addition))
  }

  /// Log masses of the truth and of each other category; nil where nothing is hidden or nothing is said.
  private static func responseMasses(
    noise f: Double, categories k: Int, order alpha: Double
  ) throws(AccountingError) -> (truth: Double, other: Double)? {
    try MechanismParameters.probability("noise", f)
    try MechanismParameters.count("categories", k)
    try MechanismParameters.order(alpha)
    guard f > 0, f < 1, k > 1 else { return nil }
    return (log1p(-f * (1 - 1 / Double(k))), log(f / Double(k)))
  }
}
