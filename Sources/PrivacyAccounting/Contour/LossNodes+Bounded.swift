import Foundation

extension LossNodes {
  /// Laplace noise of scale b, sensitivity 1, on a Poisson sample of rate q.
  ///
  /// The unsampled loss is 1/b for x ≥ 1, −1/b for x ≤ 0 and (2x−1)/b between, where Q has density e^{−x/b}/(2b).
  static func laplace(
    rate: Double, scale: Double, direction: NeighborDirection, greatest c: Double, height: Double
  ) throws(AccountingError) -> LossNodes {
    let peak = 1 / scale
    let panels = try laplacePanels(scale: scale, greatest: c, height: height)
    let isRemoval = direction == .removal
    var nodes = LossNodes()
    for (t, weight) in isRemoval ? panels.points : panels.points.reversed() {
      let loss = sampledLoss(t, rate: rate)
      let logQ = -(t + peak) / 2 - log(4.0)
      let logP = isRemoval ? logQ + loss : logQ
      let logSlope = log(rate) + t - loss
      nodes.append(loss: isRemoval ? loss : -loss, logMass: log(weight) + logP, logDensity: logP - logSlope)
    }
    // Q(x ≥ 1) = e^{−1/b}/2, Q(x ≤ 0) = 1/2.
    for (t, logQ) in [(-peak, -log(2.0)), (peak, -peak - log(2.0))] {
      let loss = sampledLoss(t, rate: rate)
      nodes.losses.append(isRemoval ? loss : -loss)
      nodes.logMasses.append(isRemoval ? logQ + loss : logQ)
    }
    nodes.relativeError = panels.relativeError
    nodes.linearError = panels.relativeError
    return nodes
  }

  /// Panels in t = (2x−1)/b, from −1/b to 1/b: Q has density e^{−(t + 1/b)/2}/4 there and r = 1 − q + q e^t, analytic for |Im t| < π.
  static func laplacePanels(scale: Double, greatest c: Double, height: Double) throws(AccountingError) -> GaussPanels {
    try GaussPanels(from: -1 / scale, to: 1 / scale, greatestHalfWidth: 2.5, what: "loss of Laplace noise") { half in
      0.5 * half + half * height + (1 + c) * half - c * log(max(1e-300, cos(min(half, 3.1) / 2)))
    }
  }

  /// The exponential mechanism as a bounded-range mechanism of range η.
  ///
  /// The largest hockey-stick over all pairs of range η (Dong, Durfee and Rogers 2020) is (1 − √γ e^{−η/2})² / (1 − e^{−η}),
  /// attained where the upper loss is (ε + η)/2. As a supremum of convex profiles it is a profile, of a pair whose loss has density
  /// e^{(ℓ−η)/2} / (2(1 − e^{−η})) on [−η, η].
  static func boundedRange(epsilon eta: Double, greatest c: Double, height: Double) throws(AccountingError) -> LossNodes {
    let panels = try boundedRangePanels(epsilon: eta, greatest: c, height: height)
    var nodes = LossNodes()
    let logNorm = -log(-2 * expm1(-eta))
    for (loss, weight) in panels.points {
      let logDensity = (loss - eta) / 2 + logNorm
      nodes.append(loss: loss, logMass: logDensity + log(weight), logDensity: logDensity)
    }
    nodes.relativeError = panels.relativeError
    nodes.linearError = panels.relativeError
    return nodes
  }
  /// The panels of the losses from −η to η.
  static func boundedRangePanels(epsilon eta: Double, greatest c: Double, height: Double) throws(AccountingError) -> GaussPanels {
    try GaussPanels(from: -eta, to: eta, greatestHalfWidth: .infinity, what: "loss of the exponential mechanism") { half in
      (0.5 + c + height) * half
    }
  }
}
