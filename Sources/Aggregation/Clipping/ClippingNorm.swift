import SecureNoise

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

  /// Whether the bound stays the same.
  var isFixed: Bool { if case .fixed = self { true } else { false } }

  /// Figures that a client reports: whether it was clipped, and its centred bit.
  static let reportWidth = 2

  /// Client side: clips the message to the bound in force and fills the report.
  func clip(_ message: inout ClientMessage, report: inout ArraySlice<Double>, estimate: Double) {
    let bound = bound(estimate)
    let unclipped = message.clip(toNorm: bound)
    let first = report.startIndex
    report[first] = unclipped > bound ? 1 : 0
    if case .adaptive(let estimator) = self { report[first + 1] = estimator.centeredBit(value: unclipped, estimate: estimate) }
  }

  /// Server side: moves the estimate on and returns the figures of the bound.
  ///
  /// - Parameter protection: that of everything derived from the counts of an adaptive bound.
  func advance(
    _ estimate: inout Double, reports: ArraySlice<Double>, participants: Int, protection: AggregationMeasurement.Protection,
    noise: RandomSource
  ) -> [AggregationMeasurement] {
    let first = reports.startIndex
    var measurements = [
      AggregationMeasurement(.clippingNorm, bound(estimate), isFixed ? .released : protection),
      AggregationMeasurement(.clippedCount, reports[first], .nonPrivate),
    ]
    if case .adaptive(let estimator) = self {
      let fraction = estimator.advance(
        &estimate, sumOfCenteredBits: reports[first + 1], participants: participants, noise: noise)
      measurements.append(AggregationMeasurement(.noisedFractionClipped, 1 - fraction, protection))
      measurements.append(AggregationMeasurement(.nextClippingNorm, bound(estimate), protection))
    }
    return measurements
  }
}

extension ClientMessage {
  /// Clips to an L2 norm of at most `bound` and returns the norm before.
  mutating func clip(toNorm bound: Double) -> Double {
    switch self {
    case .real(var vector):
      let unclipped = vector.clip(toNorm: bound)
      self = .real(vector)
      return unclipped
    }
  }
}
