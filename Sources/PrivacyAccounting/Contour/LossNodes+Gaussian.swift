import Foundation

extension LossNodes {
  /// Nats by which quadrature errors lie below the value of the integral.
  static let depth = 40.0
  /// More nodes than this take longer than a grid.
  static let maximumCount = 400_000.0

  /// log(1 − q + q e^ℓ), the loss ℓ after Poisson sampling at rate q.
  static func sampledLoss(_ loss: Double, rate: Double) -> Double {
    if rate == 1 { return loss }
    if loss < 700 { return log1p(rate * expm1(loss)) }
    return logAddExp(log1p(-rate), log(rate) + loss)
  }

  /// Nodes of the Poisson-sampled Gaussian, by a ``SampledGaussianRule``.
  static func sampledGaussian(
    rate: Double, sigma: Double, direction: NeighborDirection, greatest c: Double, height: Double, cut: TailCut? = nil
  ) throws(AccountingError) -> LossNodes {
    let rule = try SampledGaussianRule(sigma: sigma, rate: rate, direction: direction, greatest: c, height: height, cut: cut)
    let variance = sigma * sigma
    let isRemoval = direction == .removal
    let (lower, upper, step) = (rule.lower, rule.upper, rule.step)
    var nodes = LossNodes()
    nodes.reserve(rule.count)
    let logStep = log(step / (sigma * (2 * Double.pi).squareRoot()))
    let logSlopeScale = log(rate) - log(variance) + log(step)
    // Increasing loss is increasing x for removal, decreasing x for addition.
    for index in 0..<rule.count {
      let x = isRemoval ? lower + Double(index) * step : upper - Double(index) * step
      let exponent = (2 * x - 1) / (2 * variance)
      let loss = sampledLoss(exponent, rate: rate)
      let logQ = logStep - x * x / (2 * variance)
      // dL/dx is s/σ² with the posterior s = q e^t / r.
      let logSlope = logSlopeScale + exponent - loss
      let logMass = isRemoval ? logQ + loss : logQ
      nodes.append(loss: isRemoval ? loss : -loss, logMass: logMass, logDensity: logMass - logSlope)
      if let cut { nodes.tailShares.append(cut.tailShare(at: x)) }
    }
    nodes.relativeError = 3 * exp(-depth)
    nodes.cutError = 3 * exp(-depth - 6)
    nodes.linearError = 3 * exp(-depth)
    return nodes
  }

  /// Nodes of the symmetric pair: for x > ½, losses ±log r(x) of masses r and 1, and an atom at 0 of mass (1−q)(1 − 2Φ(−1/(2σ))).
  ///
  /// The profile equals that of removal for e^ε ≥ 1, and is that of the swapped pair below; it is convex at 1 because
  /// P(L>0) + Q(L>0) = 1 − (1−q)(1 − 2Φ(−1/(2σ))) ≤ 1, so that it is the profile of a pair (Zhu, Dong and Wang 2022, theorem 10).
  static func symmetricSampledGaussian(
    rate: Double, sigma: Double, greatest c: Double, height: Double
  ) throws(AccountingError) -> LossNodes {
    let variance = sigma * sigma
    let panels = try symmetricPanels(sigma: sigma, greatest: c, height: height)
    let points = panels.points
    let logNorm = -log(sigma * (2 * Double.pi).squareRoot())
    let logSlopeScale = log(rate) - log(variance)
    var nodes = LossNodes()
    nodes.reserve(2 * points.count + 1)
    // The losses below 0 in increasing order, then their mirror images.
    for isPositive in [false, true] {
      for index in points.indices {
        let (x, weight) = isPositive ? points[index] : points[points.count - 1 - index]
        let exponent = (2 * x - 1) / (2 * variance)
        let loss = sampledLoss(exponent, rate: rate)
        let logQ = logNorm - x * x / (2 * variance)
        let logDensity = isPositive ? logQ + loss : logQ
        nodes.append(
          loss: isPositive ? loss : -loss, logMass: log(weight) + logDensity, logDensity: logDensity - (logSlopeScale + exponent - loss))
      }
    }
    nodes.losses.append(0)
    nodes.logMasses.append(log1p(-rate) + log(1 - 2 * Numerics.normalUpperTail(0.5 / sigma)))
    nodes.relativeError = panels.relativeError
    nodes.linearError = panels.relativeError
    return nodes
  }

  /// The panels of x > ½ for the symmetric pair.
  static func symmetricPanels(sigma: Double, greatest c: Double, height: Double) throws(AccountingError) -> GaussPanels {
    let variance = sigma * sigma
    let reach = sigma * (2 * (depth + 6)).squareRoot()
    // On an ellipse of height b the integrand grows by e^{b²/(2σ²) + b|y|/σ²}, and by cos(b/(2σ²))^{−c} where r has the power −z.
    return try GaussPanels(
      from: 0.5, to: 1 + c + reach, greatestHalfWidth: min(0.9 * Double.pi * variance, 4 * sigma), what: "symmetric loss"
    ) { half in
      half * half / (2 * variance) + half / variance * height - c * log(max(1e-300, cos(min(half / variance, 3.1) / 2)))
    }
  }

  mutating func reserve(_ count: Int) {
    losses.reserveCapacity(count)
    logMasses.reserveCapacity(count)
    logDensities.reserveCapacity(count)
  }

  mutating func append(loss: Double, logMass: Double, logDensity: Double) {
    losses.append(loss)
    logMasses.append(logMass)
    logDensities.append(logDensity)
  }
}

/// Trapezoidal rule for the cumulant of the Poisson-sampled Gaussian.
///
/// With r(x) = 1 − q + q e^((2x−1)/(2σ²)) and x from N(0, σ²), E_P e^{zL} is E r^{1+z} for removal and E r^{−z} for addition.
/// The integrand is analytic for |Im x| < πσ². On Im x = ±b, with θ = b/σ², |r| ≤ r(Re x), |r| ≥ r(Re x) cos(θ/2) and |arg r| ≤ θ, so
/// the rule of step s errs by at most 2e^{b²/(2σ²) + θ|y|} cos(θ/2)^{−c} / (e^{2πb/s} − 1) of the value at Re z, where the
/// cosine stands for addition only (Trefethen and Weideman 2014, theorem 5.1). The share of a cut of width s adds b²/(2s²).
struct SampledGaussianRule {
  let lower: Double
  let upper: Double
  let step: Double
  let count: Int

  /// The rule for the strip 0 ≤ Re z ≤ `c`, |Im z| ≤ `height`.
  init(
    sigma: Double, rate: Double, direction: NeighborDirection, greatest c: Double, height: Double, cut: TailCut?
  ) throws(AccountingError) {
    let depth = LossNodes.depth
    let variance = sigma * sigma
    let isRemoval = direction == .removal
    var half = 0.9 * Double.pi * variance
    if !isRemoval { half = min(half, 2 * variance / (1 + c).squareRoot() + 0.2 * variance) }
    // What the modulus of normal densities and shares grows by is e^{precision × b²/2}.
    let precision = 1 / variance + (cut.map { 1 / ($0.width * $0.width) } ?? 0)
    half = min(half, (2 * depth / precision).squareRoot())
    let theta = half / variance
    let growth = half * half * precision / 2 + theta * height - (isRemoval ? 0 : c * log(cos(theta / 2)))
    step = 2 * Double.pi * half / (depth + growth)
    // Below the range r is between 1−q and 1, above it the tilted density is at most that of N(1+c, σ²).
    let reach = sigma * (2 * (depth + 6)).squareRoot()
    lower = isRemoval ? -reach : -sigma * (2 * (depth + 6 - c * log1p(-rate))).squareRoot()
    upper = (isRemoval ? 1 + c : 1) + reach
    let steps = ((upper - lower) / step).rounded(.up)
    guard steps < LossNodes.maximumCount else {
      throw .notConverged(what: "contour integral", reason: "the loss needs \(steps) quadrature points")
    }
    count = Int(steps) + 1
  }
}
