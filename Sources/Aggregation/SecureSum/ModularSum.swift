public import SecureNoise

/// The sum of integers wrapped into a range: every client's value, and the sum again.
///
/// A client sends its values, rounded to integers and wrapped into [lower, upper). The server learns their sum, wrapped. Values of a sum
/// that lies outside the range come back at the wrong end: the range has to be chosen so that this is rare.
///
/// Modulo m it is the sum that a protocol of secure aggregation computes.
public struct ModularSum: EncodingSummation {
  /// Nothing is carried.
  public struct State: Codable, Hashable, Sendable {}

  /// The range.
  public let range: ModularRange
  /// Whether the spread of the sum before wrapping is estimated.
  public let estimatesStandardDeviation: Bool

  /// A sum modulo the width of `range`.
  public init(range: ModularRange, estimatesStandardDeviation: Bool = false) {
    self.range = range
    self.estimatesStandardDeviation = estimatesStandardDeviation
  }

  /// A sum modulo m with representatives in [0, m), or with a symmetric range modulo 2m − 1 in [−(m − 1), m − 1].
  ///
  /// - Parameters:
  ///   - modulus: m, at least 1 and below 2³⁰.
  ///   - isSymmetric: whether negative numbers are kept.
  public init(modulus: Int64, isSymmetric: Bool = false) throws(AggregationError) {
    try require(modulus >= 1 && modulus < 1 << 30, "modulus", Double(modulus), "in 1 ..< 2^30")
    self.init(range: try ModularRange(lower: isSymmetric ? 1 - modulus : 0, upper: modulus))
  }

  public var name: String { "modularSum" }
  public var reportWidth: Int { 0 }
  public func initialState() -> State { State() }

  public func encode(
    _ values: [Double], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> [Int64] {
    values.map { range.wrap(nearestInteger($0)) }
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    let wrapped = sum.map { range.wrap($0) }
    var measurements: [AggregationMeasurement] = []
    if estimatesStandardDeviation, let deviation = range.estimatedStandardDeviation(wrapped) {
      measurements.append(AggregationMeasurement(.estimatedStandardDeviation, deviation, .nonPrivate))
    }
    return (wrapped.map(Double.init), measurements)
  }
}

extension AggregationPipeline {
  /// Sums integers modulo the width of a range.
  public func modularClipping(range: ModularRange, estimatesStandardDeviation: Bool = false) throws(AggregationError) -> AggregationPipeline
  {
    try AggregationPipeline(ModularSum(range: range, estimatesStandardDeviation: estimatesStandardDeviation), under: self)
  }

  /// Sums integers modulo `modulus`.
  public func secureModularSum(modulus: Int64, isSymmetric: Bool = false) throws(AggregationError) -> AggregationPipeline {
    try AggregationPipeline(ModularSum(modulus: modulus, isSymmetric: isSymmetric), under: self)
  }
}
