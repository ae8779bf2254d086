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
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var worstCaseNormGrowth: Double? { 1 }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }
  public var leaks: [String] { norm.leaks(name: "clipping") }

  public func initialState() -> State { State(estimate: norm.initialEstimate) }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    norm.clip(&message, report: &report, estimate: state.estimate)
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    try norm.advance(
      &state.estimate, reports: reports, participants: round.participants, protection: norm.protection, noise: noise)
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

  /// Clips every update to a quantile of the norms that is followed through noised counts, inside the privacy event of the pipeline's
  /// mechanism.
  ///
  /// - Parameters:
  ///   - clientsPerRound: the expected cohort, finite and above 0.
  ///   - countStandardDeviation: noise of the count; by default 0.05 × the cohort.
  ///   - targetQuantile: the fraction of clients that should pass unclipped.
  public func clipping(
    privateWithClientsPerRound clientsPerRound: Double, countStandardDeviation: Double? = nil, targetQuantile: Double = 0.8
  ) throws(AggregationError) -> AggregationPipeline {
    let estimator = try QuantileEstimator.noised(
      initialEstimate: 1, targetQuantile: targetQuantile, clientsPerRound: clientsPerRound, standardDeviation: countStandardDeviation)
    return try clipping(adaptive: estimator)
  }
}
