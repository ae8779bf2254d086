import Foundation

/// Rényi divergence of running a mechanism a random number K of times and releasing the best result
/// (Papernot and Steinke 2022, "Hyperparameter tuning with Rényi differential privacy").
///
/// The inner mechanism's curve R(λ) must hold for both orders of its neighbours and, at order ∞, give its pure ε or ∞.
/// All results are rounded up by 1e-13 relative to their terms.
package struct RepeatAndSelect: Sendable {
  /// The law of the number of runs.
  package enum Repetitions: Hashable, Sendable {
    /// P[K = k] ∝ (1−γ)^k Π_{l<k} (l+η)/(l+1), k ≥ 1: η = 1 geometric, η = 0 logarithmic; η > −1, 0 < γ < 1.
    case truncatedNegativeBinomial(shape: Double, gamma: Double)
    /// K = 0, which releases something fixed, included.
    case poisson(mean: Double)
  }

  private let repetitions: Repetitions
  private let curve: @Sendable (Double) throws(AccountingError) -> Double
  /// min over λ̂ of (1 − 1/λ̂)R(λ̂) + log(1/γ)/λ̂.
  private let selection: Double

  /// Finds the best λ̂ once; it does not depend on λ.
  package init(
    _ repetitions: Repetitions, of curve: @escaping @Sendable (Double) throws(AccountingError) -> Double
  ) throws(AccountingError) {
    self.repetitions = repetitions
    self.curve = curve
    switch repetitions {
    case .truncatedNegativeBinomial(let shape, let gamma):
      guard shape > -1, shape.isFinite else {
        throw .invalidParameter(name: "shape of the repetitions", value: shape, allowed: "finite and above −1")
      }
      guard gamma > 0, gamma < 1 else {
        throw .invalidParameter(name: "gamma of the repetitions", value: gamma, allowed: "in (0, 1)")
      }
      let logInverse = -log(gamma)
      selection = min(
        try curve(.infinity),
        logInverse,
        try Self.minimum(refining: true) { order throws(AccountingError) in
          let floor = (1 - 1 / order) * (try curve(order))
          return (floor + logInverse / order, floor)
        })
    case .poisson(let mean):
      try MechanismParameters.positive("mean number of repetitions", mean)
      selection = 0
    }
  }

  /// E K of the truncated negative binomial law.
  package static func mean(shape eta: Double, gamma: Double) -> Double {
    let logGamma = log(gamma)
    // η(1−γ)/(γ(1−γ^η)), whose limit at η = 0 is (1/γ − 1)/log(1/γ).
    let factor = abs(eta * logGamma) < 1e-9 ? -1 / logGamma * (1 + 0.5 * abs(eta * logGamma)) : eta / -expm1(eta * logGamma)
    return factor * (1 - gamma) / gamma
  }

  /// The γ whose law has at least the mean E K = `mean` > 1, within 1e-14: smaller γ means more runs and a larger bound.
  package static func gamma(shape eta: Double, mean target: Double) throws(AccountingError) -> Double {
    guard target > 1, target.isFinite else {
      throw .invalidParameter(name: "mean number of repetitions", value: target, allowed: "finite and above 1")
    }
    guard eta > -1, eta.isFinite else {
      throw .invalidParameter(name: "shape of the repetitions", value: eta, allowed: "finite and above −1")
    }
    // The mean falls with γ: bisect log γ.
    var (low, high) = (-700.0, -1e-15)
    guard Self.mean(shape: eta, gamma: exp(low)) >= target, Self.mean(shape: eta, gamma: exp(high)) < target else {
      throw .invalidParameter(name: "mean number of repetitions", value: target, allowed: "reachable with shape \(eta)")
    }
    for _ in 0..<200 {
      let middle = 0.5 * (low + high)
      if Self.mean(shape: eta, gamma: exp(middle)) >= target { low = middle } else { high = middle }
    }
    return exp(low) * (1 - 1e-15)
  }

  /// Upper bound on the Rényi divergence of order λ > 1, or ∞ for the pure ε.
  ///
  /// Negative binomial (theorem 2): R(λ) + (1+η)(1−1/λ̂)R(λ̂) + (1+η) log(1/γ)/λ̂ + log(E K)/(λ−1), at the best λ̂ ≥ 1.
  ///
  /// Poisson (theorem 6): if the inner mechanism is (ε̂, δ̂)-private with e^ε̂ ≤ 1 + 1/(λ−1), every output y of a run has
  /// A(y)^λ A′(y)^(1−λ) ≤ μ e^(μ(λ−1)δ̂) Q(y)^λ Q′(y)^(1−λ). The theorem states R(λ) + μδ̂ + log μ/(λ−1). The release of
  /// nothing adds its mass e^−μ to that sum, and here it does: log(e^−μ + μ e^((λ−1)(R + μδ̂)))/(λ−1), so that means below 1
  /// are covered too. δ̂ is taken from the curve (Canonne, Kamath and Steinke 2020, proposition 12) or given by `delta`.
  package func divergence(
    order lambda: Double, delta: ((Double) throws(AccountingError) -> Double)? = nil
  ) throws(AccountingError) -> Double {
    guard lambda > 1 else { throw .invalidParameter(name: "order", value: lambda, allowed: "above 1") }
    let inner = try curve(lambda)
    guard inner >= 0 else { throw .notConverged(what: "inner Rényi curve at \(lambda)", reason: "\(inner)") }
    switch repetitions {
    case .truncatedNegativeBinomial(let shape, let gamma):
      // log E K ≥ 0 because K ≥ 1.
      let logMean = max(0, log(Self.mean(shape: shape, gamma: gamma)))
      return (inner + (1 + shape) * selection + logMean / (lambda - 1)) * (1 + 1e-13)
    case .poisson(let mean):
      // At order ∞ only ε̂ = 0 would do.
      guard lambda.isFinite, inner.isFinite else { return .infinity }
      let epsilonHat = log1p(1 / (lambda - 1))
      let given = if let delta { try delta(epsilonHat) } else { try convertedDelta(epsilonHat) }
      let deltaHat = min(1, given)
      guard deltaHat >= 0 else { throw .notConverged(what: "inner δ at \(epsilonHat)", reason: "\(deltaHat)") }
      let grown = log(mean) + (lambda - 1) * (inner + mean * deltaHat)
      let value = logAddExp(-mean, grown) / (lambda - 1)
      return max(0, value) * (1 + 1e-13) + 1e-15 / (lambda - 1)
    }
  }

  /// δ(ε) of the inner mechanism from its curve.
  private func convertedDelta(_ epsilon: Double) throws(AccountingError) -> Double {
    let curve = curve
    if try curve(.infinity) <= epsilon { return 0 }
    let best = try Self.minimum { order throws(AccountingError) in
      let gap = try curve(order) - epsilon + log1p(-1 / order)
      // Once the gap is positive and has grown to 50 nats the value only rises.
      return ((order - 1) * gap - log(order), gap > 0 ? (order - 1) * gap - 50 : -.infinity)
    }
    return exp(min(0, best)) * (1 + 1e-12)
  }

  /// The least value found among 641 orders from 1 + 1e-4 to 1e6; every order is valid, so the search affects tightness only.
  ///
  /// The orders are the same in every search, so that a curve that keeps what it computed is evaluated once for each of them, not once for each
  /// λ, and every sixteenth is one of the orders that ``RenyiCurve`` looks at. They lie 4 % apart: the loss against the best order is of the second order in that.
  ///
  /// - Parameters:
  ///   - refining: whether Brent's method goes on from there, for a search that is made once.
  ///   - objective: the value at an order, and a lower bound of it at every greater order.
  private static func minimum(
    refining: Bool = false,
    _ objective: (Double) throws(AccountingError) -> (value: Double, floor: Double)
  ) throws(AccountingError) -> Double {
    let orders = 0...640
    func value(_ index: Int) throws(AccountingError) -> (value: Double, floor: Double) {
      try objective(1 + pow(10, Double(index) / 64 - 4))
    }
    var best = (index: 0, value: Double.infinity)
    for index in stride(from: 0, through: orders.upperBound, by: 16) {
      let found = try value(index)
      if found.value < best.value { best = (index, found.value) }
      if found.floor > best.value { break }
    }
    guard best.value < .infinity else { return .infinity }
    for step in [8, 4, 2, 1] {
      for index in [best.index - step, best.index + step] where orders.contains(index) {
        let found = try value(index).value
        if found < best.value { best = (index, found) }
      }
    }
    guard refining else { return best.value }
    var failure: AccountingError?
    let middle = (Double(best.index) / 64 - 4) * log(10.0)
    let width = log(10.0) / 64
    let refined = Numerics.minimum(from: middle - width, to: middle + width, start: middle, tolerance: 1e-5) { logOrder in
      do throws(AccountingError) { return try objective(1 + exp(logOrder)).value } catch {
        failure = error
        return .infinity
      }
    }
    if let failure { throw failure }
    return min(best.value, refined?.value ?? .infinity)
  }
}
