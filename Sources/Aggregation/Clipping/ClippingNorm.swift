/// Where the bound of a clip comes from.
public enum ClippingNorm: Codable, Hashable, Sendable {
  /// The same bound in every round.
  case fixed(Double)
  /// A quantile of the clients' norms, followed from round to round.
  case adaptive(QuantileEstimator)

  /// Checks the bound.
  public func validate() throws(AggregationError) {
    if case .fixed(let norm) = self { try require(norm > 0 && norm.isFinite, "clipping norm", norm, "finite and above 0") }
  }

  /// The estimate before the first round, or the fixed bound.
  var initialEstimate: Double {
    switch self {
    case .fixed(let norm): norm
    case .adaptive(let estimator): estimator.initialEstimate
    }
  }

  /// The bound in force for `estimate`.
  func bound(_ estimate: Double) -> Double {
    switch self {
    case .fixed(let norm): norm
    case .adaptive(let estimator): estimator.report(estimate)
    }
  }

  /// Standard deviation of the noised count, if there is one.
  var noisedBitDeviations: [Double] {
    guard case .adaptive(let estimator) = self, case .noised(let deviation, _) = estimator.release else { return [] }
    return [deviation]
  }
}
