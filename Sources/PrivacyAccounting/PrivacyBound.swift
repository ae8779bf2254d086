/// How a bound was computed.
public enum AccountingMethod: String, Codable, Hashable, Sendable, CaseIterable {
  /// Nothing was released, or everything: no computation.
  case trivial
  /// Exact δ(ε) of the Gaussian mechanism and its compositions (Balle and Wang 2018, theorem 8).
  case analyticGaussian
  /// Exact δ(ε) of one Gaussian release on a random sample (Balle, Barthe and Gaboardi 2018, theorem 2).
  case sampledClosedForm
  /// The contour integral of the exact δ(ε) (Alghamdi et al. 2023), with the errors of its evaluation.
  case contour
  /// Privacy-loss distributions on a grid, rounded to both sides (Doroshenko et al. 2022).
  case grid
  /// Sum of the ε of pure mechanisms (basic composition), exact at δ = 0.
  case pureComposition
  /// Rényi differential privacy, minimised over all orders, with the tight conversion.
  case renyi
  /// An upper confidence bound from random draws (Hoeffding 1963, theorem 1), which may fail: see ``PrivacyBound/failureProbability``.
  case monteCarlo
}

/// A certified interval around a privacy figure, ε or δ.
///
/// `upper` is what is promised: it holds for what was described, including the rounding of the computation. `lower` says how
/// tight that is. Where a method gives only an upper bound, `lower` is 0.
public struct PrivacyBound: Hashable, Sendable, Codable {
  /// The guarantee; infinite where there is none.
  public let upper: Double
  /// The true value is at least this; 0 where the method knows no lower bound.
  public let lower: Double
  /// How the interval was computed.
  public let method: AccountingMethod
  /// Probability, over the draws of a Monte Carlo bound, with which `upper` is below the true value; nil for a bound that always holds.
  public let failureProbability: Double?

  package init(lower: Double, upper: Double, method: AccountingMethod, failureProbability: Double? = nil) {
    self.failureProbability = failureProbability
    self.upper = max(upper, 0)
    self.lower = min(max(lower, 0), self.upper)
    self.method = method
  }

  /// Whether `lower` is informative.
  public var isTwoSided: Bool { lower > 0 || upper == 0 }
}
