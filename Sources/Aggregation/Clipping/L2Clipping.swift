public import SecureNoise

/// Scales an update down to an L2 norm of at most C; shorter updates pass unchanged.
///
/// A client sends its clipped update, whether it was clipped, and, for an adaptive bound, one bit of its own unclipped norm. The
/// server learns the sum and the two counts.
public struct L2Clipping: AggregationTechnique {
  /// The running estimate of the bound.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force this round.
    public var estimate: Double
  }

  /// Where the bound comes from.
  public let norm: ClippingNorm

  /// A clip.
  public init(norm: ClippingNorm) throws(AggregationError) {
    try norm.validate()
    self.norm = norm
  }

  public var name: String { "clipping" }
  public var reportWidth: Int { 2 }
  public var worstCaseNormGrowth: Double? { 1 }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }
  public var leaks: [String] {
    guard case .adaptive(let estimator) = norm, case .exact = estimator.release else { return [] }
    return ["the clipping norm adapts to counts of clients that carry no noise"]
  }

  public func initialState() -> State { State(estimate: norm.initialEstimate) }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    let unclipped = message.clip(toNorm: norm.bound(state.estimate))
    let first = report.startIndex
    report[first] = unclipped > norm.bound(state.estimate) ? 1 : 0
    if case .adaptive(let estimator) = norm { report[first + 1] = estimator.centeredBit(value: unclipped, estimate: state.estimate) }
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    let first = reports.startIndex
    let protection: AggregationMeasurement.Protection = norm.noisedBitDeviations.isEmpty ? .nonPrivate : .released
    var measurements = [AggregationMeasurement(.clippingNorm, norm.bound(state.estimate), norm.isFixed ? .released : protection)]
    measurements.append(AggregationMeasurement(.clippedCount, reports[first], .nonPrivate))
    if case .adaptive(let estimator) = norm {
      let fraction = estimator.advance(
        &state.estimate, sumOfCenteredBits: reports[first + 1], participants: round.participants, noise: noise)
      measurements.append(AggregationMeasurement(.noisedFractionClipped, 1 - fraction, protection))
      measurements.append(AggregationMeasurement(.nextClippingNorm, norm.bound(state.estimate), protection))
    }
    return measurements
  }
}

extension ClippingNorm {
  var isFixed: Bool { if case .fixed = self { true } else { false } }
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

extension AggregationPipeline {
  /// Clips every update to the fixed L2 norm `norm`.
  public func clipping(norm: Double) throws(AggregationError) -> AggregationPipeline {
    try AggregationPipeline(L2Clipping(norm: .fixed(norm)), around: self)
  }

  /// Clips every update to a quantile of the norms (by default the 80th percentile, from 1, at rate 0.2).
  public func clipping(adaptive estimator: QuantileEstimator? = nil) throws(AggregationError) -> AggregationPipeline {
    let chosen: QuantileEstimator
    if let estimator {
      chosen = estimator
    } else {
      chosen = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.8, learningRate: 0.2)
    }
    return try AggregationPipeline(L2Clipping(norm: .adaptive(chosen)), around: self)
  }
}
