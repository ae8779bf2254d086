public import SecureNoise

/// The sum of bounded real numbers or integers through a sum of 32-bit integers, as a protocol of secure aggregation carries it.
///
/// A client clips every component to [lower, upper] and sends ⌊(x − lower)·s⌉ with s = (2³² − 1)/(upper − lower), or for integers
/// x − lower, divided by ⌊span/(2³² − 1)⌋ + 1 where the span exceeds 32 bits; beside that, whether it was clipped above and below, and
/// for adaptive bounds one centred bit for each bound. The server learns the sums of these. The bounds are public.
public struct SecureSum: EncodingSummation {
  /// What the components are.
  public enum Components: String, Codable, Hashable, Sendable, CaseIterable {
    /// Real numbers, on 2³² steps between the bounds.
    case real
    /// Whole numbers; what is not is rounded to the nearest.
    case integer
  }

  /// Where the bounds come from.
  public enum Bounds: Codable, Hashable, Sendable {
    /// The same in every round.
    case fixed(lower: Double, upper: Double)
    /// ± a quantile of the clients' greatest magnitudes.
    case symmetric(QuantileEstimator)
    /// Quantiles of the clients' least and greatest components.
    case adaptive(lower: QuantileEstimator, upper: QuantileEstimator)
  }

  /// The running estimates.
  public struct State: Codable, Hashable, Sendable {
    /// Of the upper bound.
    public var upper: Double
    /// Of the lower bound; that of the upper one where bounds are symmetric.
    public var lower: Double
  }

  /// What the components are.
  public let components: Components
  /// Where the bounds come from.
  public let bounds: Bounds

  /// A secure sum.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for bounds that are not finite or of which the lower one is the
  ///   greater, and for integers that are no whole numbers below 2⁵³.
  public init(_ components: Components = .real, bounds: Bounds) throws(AggregationError) {
    if case .fixed(let lower, let upper) = bounds {
      try require(lower.isFinite, "lower bound", lower, "finite")
      try require(upper.isFinite && upper >= lower && (upper - lower).isFinite, "upper bound", upper, "finite and at least the lower bound")
      if components == .integer {
        for bound in [lower, upper] { try require(bound == bound.rounded() && abs(bound) < 0x1p53, "bound", bound, "whole, below 2^53") }
      }
    }
    for estimator in Self.estimators(bounds) {
      if case .noised = estimator.release {
        throw .invalidComposition(
          technique: "secure sum", reason: "its bounds adapt to exact counts; noised ones are not in its privacy event")
      }
    }
    (self.components, self.bounds) = (components, bounds)
  }

  private static func estimators(_ bounds: Bounds) -> [QuantileEstimator] {
    switch bounds {
    case .fixed: []
    case .symmetric(let estimator): [estimator]
    case .adaptive(let lower, let upper): [lower, upper]
    }
  }

  public var name: String { "secureSum" }
  public var reportWidth: Int { 4 }
  public var leaks: [String] {
    if case .fixed = bounds { return [] }
    return ["the bounds of the secure sum adapt to counts of clients that carry no noise"]
  }

  public func initialState() -> State {
    switch bounds {
    case .fixed(let lower, let upper): State(upper: upper, lower: lower)
    case .symmetric(let estimator): State(upper: estimator.initialEstimate, lower: estimator.initialEstimate)
    case .adaptive(let lower, let upper): State(upper: upper.initialEstimate, lower: lower.initialEstimate)
    }
  }

  /// The bounds in force.
  public func range(_ state: State) -> (lower: Double, upper: Double) {
    switch bounds {
    case .fixed(let lower, let upper): return (lower, upper)
    case .symmetric(let estimator):
      let bound = whole(estimator.report(state.upper), .up)
      return (-bound, bound)
    case .adaptive(let lower, let upper):
      let (low, high) = (whole(lower.report(state.lower), .down), whole(upper.report(state.upper), .up))
      // Estimates that crossed leave a single value.
      return (min(low, high), max(low, high))
    }
  }

  private func whole(_ bound: Double, _ rule: FloatingPointRoundingRule) -> Double {
    components == .integer ? min(max(bound.rounded(rule), -0x1p52), 0x1p52) : bound
  }

  private static let steps = 0x1p32 - 1

  /// Steps per unit; nil where the bounds are equal, or so near each other that all values between them are taken as one.
  private static func scale(lower: Double, upper: Double) -> Double? {
    let scale = steps / (upper - lower)
    return upper > lower && scale.isFinite ? scale : nil
  }

  /// Integer that stands for `value`, from 0 to 2³² − 1.
  static func code(_ value: Double, lower: Double, upper: Double, of components: Components) -> Int64 {
    guard let scale = scale(lower: lower, upper: upper) else { return 0 }
    let clipped = min(max(value, lower), upper)
    switch components {
    case .integer: return nearestInteger(clipped.rounded() - lower) / divisor(lower: lower, upper: upper)
    case .real:
      // Both are rounded, so that the offset of n clients is n times one integer.
      return nearestInteger(min(max((clipped * scale).rounded() - (lower * scale).rounded(), 0), steps))
    }
  }

  /// The number that a sum of `clients` codes stands for.
  static func decoded(_ sum: Double, clients: Double, lower: Double, upper: Double, of components: Components) -> Double {
    guard let scale = scale(lower: lower, upper: upper) else { return clients * lower }
    switch components {
    case .integer: return sum * Double(divisor(lower: lower, upper: upper)) + clients * lower
    case .real: return (sum + clients * (lower * scale).rounded()) / scale
    }
  }

  private static func divisor(lower: Double, upper: Double) -> Int64 {
    let span = nearestInteger(upper - lower)
    return span > Int64(UInt32.max) - 1 ? span / Int64(UInt32.max) + 1 : 1
  }

  public func encode(
    _ values: [Double], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> [Int64] {
    let (lower, upper) = range(state)
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
    let first = report.startIndex
    report[first] = greatest > upper ? 1 : 0
    report[first + 1] = least < lower ? 1 : 0
    switch bounds {
    case .fixed: break
    case .symmetric(let estimator):
      report[first + 2] = estimator.centeredBit(value: max(abs(least), abs(greatest)), estimate: state.upper)
    case .adaptive(let low, let high):
      report[first + 2] = high.centeredBit(value: greatest, estimate: state.upper)
      report[first + 3] = low.centeredBit(value: least, estimate: state.lower)
    }
    return values.map { Self.code($0, lower: lower, upper: upper, of: components) }
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    let (lower, upper) = range(state)
    let clients = Double(senders)
    let values = sum.map { Self.decoded(Double($0), clients: clients, lower: lower, upper: upper, of: components) }
    let first = reports.startIndex
    let measurements = [
      AggregationMeasurement(.secureUpperBound, upper, .nonPrivate), AggregationMeasurement(.secureLowerBound, lower, .nonPrivate),
      AggregationMeasurement(.secureUpperClippedCount, reports[first], .nonPrivate),
      AggregationMeasurement(.secureLowerClippedCount, reports[first + 1], .nonPrivate),
    ]
    switch bounds {
    case .fixed: break
    case .symmetric(let estimator):
      _ = try estimator.advance(&state.upper, sumOfCenteredBits: reports[first + 2], participants: senders, noise: noise)
      state.lower = state.upper
    case .adaptive(let low, let high):
      _ = try high.advance(&state.upper, sumOfCenteredBits: reports[first + 2], participants: senders, noise: noise)
      _ = try low.advance(&state.lower, sumOfCenteredBits: reports[first + 3], participants: senders, noise: noise)
    }
    return (values, measurements)
  }
}

extension AggregationPipeline {
  /// Sums through 32-bit integers between the bounds.
  public func secureSum(_ components: SecureSum.Components = .real, bounds: SecureSum.Bounds) throws(AggregationError)
    -> AggregationPipeline
  {
    try AggregationPipeline(SecureSum(components, bounds: bounds), under: self)
  }

  /// Sums through 32-bit integers between ± an adaptive bound of the greatest component: twice the 95th percentile, from 50, at rate 1.
  public func secureSum() throws(AggregationError) -> AggregationPipeline {
    let bound = try QuantileEstimator(initialEstimate: 50, targetQuantile: 0.95, learningRate: 1, multiplier: 2)
    return try secureSum(.real, bounds: .symmetric(bound))
  }
}
