import SecureNoise

/// Where the bound of a clip, or of zeroing, comes from.
public enum ClippingNorm: Codable, Hashable, Sendable {
  /// The same bound in every round.
  case fixed(Double)
  /// A quantile of the clients' norms, followed from round to round.
  case adaptive(QuantileEstimator)

  /// Checks the bound, called `name` in the error.
  public func validate(name: String = "clipping norm") throws(AggregationError) {
    if case .fixed(let norm) = self { try require(norm > 0 && norm.isFinite, name, norm, "finite and above 0") }
  }

  /// Checks the bound of a mechanism, called `name` in the error: one that adapts must do so through noised counts.
  func validate(for mechanism: String, name: String = "clipping norm") throws(AggregationError) {
    try validate(name: name)
    if followsExactCounts { throw .invalidComposition(technique: mechanism, reason: "its adaptive \(name) needs noised counts") }
  }

  /// Whether the bound adapts to counts without noise, outside any guarantee.
  private var followsExactCounts: Bool {
    if case .adaptive(let estimator) = self, case .exact = estimator.release { true } else { false }
  }

  /// What a technique that takes its bound, called `name`, from here releases outside any privacy event.
  func leaks(name: String) -> [String] {
    followsExactCounts ? ["the \(name) norm adapts to counts of clients that carry no noise"] : []
  }

  /// Protection of what follows from the counts where nothing else is noised.
  var protection: AggregationMeasurement.Protection { noisedBitDeviations.isEmpty ? .nonPrivate : .released }

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
    fill(&report, norm: message.clip(toNorm: bound(estimate)), estimate: estimate)
  }

  /// Client side: reports a message whose norm was `norm` before anything was done to it.
  func fill(_ report: inout ArraySlice<Double>, norm: Double, estimate: Double) {
    let first = report.startIndex
    report[first] = norm <= bound(estimate) ? 0 : 1
    if case .adaptive(let estimator) = self { report[first + 1] = estimator.centeredBit(value: norm, estimate: estimate) }
  }

  /// Server side: moves the estimate on and returns the figures of the bound.
  ///
  /// - Parameters:
  ///   - protection: that of everything derived from the counts of an adaptive bound.
  ///   - names: what the figures are called.
  ///   - group: the group of tensors that they belong to.
  func advance(
    _ estimate: inout Double, reports: ArraySlice<Double>, participants: Int, protection: AggregationMeasurement.Protection,
    noise: RandomSource, names: MeasurementNames = .clipping, group: String? = nil
  ) throws(AggregationError) -> [AggregationMeasurement] {
    let first = reports.startIndex
    var measurements = [
      AggregationMeasurement(names.bound, bound(estimate), isFixed ? .released : protection, group: group),
      AggregationMeasurement(names.count, reports[first], .nonPrivate, group: group),
    ]
    if case .adaptive(let estimator) = self {
      let fraction = try estimator.advance(
        &estimate, sumOfCenteredBits: reports[first + 1], participants: participants, noise: noise)
      measurements.append(AggregationMeasurement(names.fraction, 1 - fraction, protection, group: group))
      measurements.append(AggregationMeasurement(names.nextBound, bound(estimate), protection, group: group))
    }
    return measurements
  }

  /// What the figures of a bound are called.
  struct MeasurementNames {
    let bound: AggregationMeasurementName
    let nextBound: AggregationMeasurementName
    let count: AggregationMeasurementName
    let fraction: AggregationMeasurementName

    static let clipping = MeasurementNames(
      bound: .clippingNorm, nextBound: .nextClippingNorm, count: .clippedCount, fraction: .noisedFractionClipped)
    static let zeroing = MeasurementNames(
      bound: .zeroingNorm, nextBound: .nextZeroingNorm, count: .zeroedCount, fraction: .noisedFractionZeroed)
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
