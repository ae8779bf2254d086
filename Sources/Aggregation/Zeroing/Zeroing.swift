import Foundation
public import ParameterVectors
public import SecureNoise

/// Replaces an update whose norm exceeds a bound by zero; its client keeps its weight.
///
/// It takes out updates that are broken or hostile, which a clip would let through at full length. A zeroed update still counts in
/// the mean, which it pulls towards zero. The bound is fixed or follows a high quantile of the clients' norms. Norms are those of the
/// messages as they reach this technique, before anything was zeroed; it belongs outermost, before every clip, so that these are
/// the norms of the updates.
///
/// A client sends its update or zeros, whether it was zeroed, and, for an adaptive bound, one bit of its own norm. The server learns
/// the sum and the two counts. With noised counts the bound is inside the privacy event of the pipeline's mechanism, without noise
/// it is a leak; the exact number of zeroed clients is never released unasked.
public struct Zeroing: AggregationTechnique {
  /// The running estimate of the bound.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force this round.
    public var estimate: Double
  }

  /// Where the bound comes from.
  public let bound: ClippingNorm
  /// The norm that is bounded.
  public let order: VectorNorm

  /// Zeroing of updates whose norm of the given order exceeds `bound`.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``.
  public init(bound: ClippingNorm, order: VectorNorm = .maximum) throws(AggregationError) {
    try bound.validate(name: "zeroing norm")
    self.bound = bound
    self.order = order
  }

  public var name: String { "zeroing" }
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var worstCaseNormGrowth: Double? { 1 }
  public var noisedBitDeviations: [Double] { bound.noisedBitDeviations }
  public var leaks: [String] { bound.leaks(name: "zeroing") }

  public func initialState() -> State { State(estimate: bound.initialEstimate) }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    let norm = message.norm(order)
    // The negation makes a norm that is not a number a reason to zero.
    if !(norm <= bound.bound(state.estimate)) { message.zero() }
    bound.fill(&report, norm: norm, estimate: state.estimate)
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    try bound.advance(
      &state.estimate, reports: reports, participants: round.participants, protection: bound.protection, noise: noise, names: .zeroing)
  }
}

extension AggregationPipeline {
  /// Zeroes every update whose norm of the given order exceeds `norm`.
  public func zeroing(norm: Double, order: VectorNorm = .maximum) throws(AggregationError) -> AggregationPipeline {
    try AggregationPipeline(Zeroing(bound: .fixed(norm), order: order), around: self)
  }

  /// Zeroes every update whose norm exceeds a bound that follows the clients' norms.
  ///
  /// - Parameters:
  ///   - estimator: by default 2C + 1 with C the 98th percentile, from 10, at rate ln 10, by counts without noise: around a private
  ///     mechanism a leak, see ``zeroing(privateWithClientsPerRound:countStandardDeviation:order:)``.
  ///   - order: the norm that is bounded, by default the greatest magnitude.
  public func zeroing(adaptive estimator: QuantileEstimator? = nil, order: VectorNorm = .maximum) throws(AggregationError)
    -> AggregationPipeline
  {
    let chosen: QuantileEstimator
    if let estimator {
      chosen = estimator
    } else {
      chosen = try .unnoised(initialEstimate: 10, targetQuantile: 0.98, learningRate: log(10), multiplier: 2, increment: 1)
    }
    return try AggregationPipeline(Zeroing(bound: .adaptive(chosen), order: order), around: self)
  }

  /// Zeroes every update whose norm exceeds 2C + 1 with C the 98th percentile, from 10, at rate ln 10, by noised counts: inside the
  /// privacy event of the pipeline's mechanism, whose noise is divided over the update and all counts.
  ///
  /// The noised fraction is not clamped before it moves the bound: see ``QuantileEstimator/clampsFraction``.
  ///
  /// - Parameters:
  ///   - clientsPerRound: the expected cohort, finite and above 0.
  ///   - countStandardDeviation: noise of the count; by default 0.05 × the cohort.
  ///   - order: the norm that is bounded, by default the greatest magnitude.
  public func zeroing(
    privateWithClientsPerRound clientsPerRound: Double, countStandardDeviation: Double? = nil, order: VectorNorm = .maximum
  ) throws(AggregationError) -> AggregationPipeline {
    let estimator = try QuantileEstimator.noised(
      initialEstimate: 10, targetQuantile: 0.98, clientsPerRound: clientsPerRound, standardDeviation: countStandardDeviation,
      learningRate: log(10), multiplier: 2, increment: 1, clampsFraction: false)
    return try zeroing(adaptive: estimator, order: order)
  }
}

extension ClientMessage {
  /// The norm of the given order.
  func norm(_ order: VectorNorm) -> Double {
    switch self {
    case .real(let vector): order.of(vector)
    }
  }

  /// Makes every component zero.
  mutating func zero() {
    switch self {
    case .real(var vector):
      vector.scale = 0
      self = .real(vector)
    }
  }
}
