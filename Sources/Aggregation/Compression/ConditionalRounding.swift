import ParameterVectors
public import SecureNoise
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Rounds a vector of bounded norm to integers of bounded norm.
///
/// `values · scale` is rounded to integers. Stochastic rounding enlarges the norm by √n at worst but by far less with high probability:
/// it is repeated until the norm is at most `scale` times ``bound(dimension:)``. The bound is checked on the integers themselves,
/// in integers, so it holds for whatever is returned. At most 1/(1 − β) tries are expected, 2.6 for the usual β = e^(−1/2).
///
/// Nothing is sent here: the integers get noise and travel in a secure sum. Choosing among roundings makes them biased (β > 0); the
/// measured bias is below the statistical error of 10⁵ roundings.
///
/// Kairouz, Liu and Steinke, The distributed discrete Gaussian mechanism for federated learning with secure aggregation, ICML 2021,
/// conditional randomised rounding; TensorFlow Federated's `DiscretizationFactory`.
public struct ConditionalRounding: Hashable, Sendable {
  /// How many roundings are tried.
  public static let largestAttemptCount = 1000

  /// Integers per unit of the values, 1/γ.
  public let scale: Double
  /// How a value becomes an integer.
  public let rounding: IntegerRounding
  /// The probability, β, that a try may fail by the bound's derivation; 0 for the bound that never fails.
  public let beta: Double
  /// A bound c that the values' norm is known to have; `nil` uses each vector's own norm, which then must not matter for privacy.
  public let priorNormBound: Double?

  /// - Parameters:
  ///   - scale: positive and finite.
  ///   - beta: at least 0 and below 1; 0 unless the rounding is stochastic.
  ///   - priorNormBound: at least 0 and finite.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``.
  public init(
    scale: Double = 1, rounding: IntegerRounding = .nearest, beta: Double = 0, priorNormBound: Double? = nil
  ) throws(AggregationError) {
    try require(scale > 0 && scale.isFinite && (1 / scale).isFinite, "scale of rounding", scale, "positive and finite")
    try require(beta >= 0 && beta < 1, "β of conditional rounding", beta, "at least 0 and below 1")
    try require(beta == 0 || rounding == .stochastic, "β of conditional rounding", beta, "0 when rounding to nearest")
    if let priorNormBound {
      try require(priorNormBound >= 0 && priorNormBound.isFinite, "norm bound of rounding", priorNormBound, "at least 0 and finite")
    }
    self.scale = scale
    self.rounding = rounding
    self.beta = beta
    self.priorNormBound = priorNormBound
  }

  /// Whether the mean of the integers is `values · scale`.
  public var isUnbiased: Bool { rounding == .stochastic && beta == 0 }

  /// The norm, in units of the values, that rounded vectors have at most, for vectors of norm `norm`:
  /// min(c + γ√d, √(c² + γ²d/4 + √(2 ln(1/β)) γ (c + γ√d/2))), the first alone for β = 0.
  public func bound(dimension: Int, norm: Double) -> Double {
    let gamma = 1 / scale
    let root = Double(max(dimension, 0)).squareRoot()
    let certain = norm + gamma * root
    guard beta > 0 else { return certain }
    let deviation = (-2 * log(beta)).squareRoot() * gamma * (norm + gamma * root / 2)
    return min(certain, (norm * norm + gamma * gamma * root * root / 4 + deviation).squareRoot())
  }

  /// The same for the prior norm bound; `nil` without one.
  public func bound(dimension: Int) -> Double? { priorNormBound.map { bound(dimension: dimension, norm: $0) } }

  /// The largest squared norm of the integers that a vector of norm `norm` becomes: (scale · bound)² rounded down.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` if it is 2⁶² or more.
  public func squaredIntegerBound(dimension: Int, norm: Double) throws(AggregationError) -> UInt64 {
    let bound = (scale * bound(dimension: dimension, norm: norm)).nextDown
    let squared = (bound * bound).nextDown
    try require(squared < 0x1p62, "squared norm bound of rounded vectors", squared, "below 2⁶²: lower the scale")
    return UInt64(max(squared, 0))
  }

  /// The rounded vector.
  ///
  /// - Parameters:
  ///   - values: finite, `[parameters]`, usually clipped to the prior norm bound.
  ///   - randomness: the client's private source.
  /// - Throws: ``AggregationError/roundingFailed(attempts:)`` if no try stays within the bound, as for vectors longer than the prior
  ///   bound; ``AggregationError`` for values that are not finite.
  public func round(_ values: [Float], randomness: RandomSource) throws(AggregationError) -> [Int64] {
    try requireFinite(values, "conditional rounding")
    let limit = try squaredIntegerBound(dimension: values.count, norm: priorNormBound ?? VectorMath.normUpperBound(values))
    let largest = Double(VectorMath.maximumMagnitude(values)) * scale
    // Beyond this one element alone exceeds any limit, and its square could overflow.
    guard largest < 0x1p31 - 1 else { throw .roundingFailed(attempts: 0) }
    var words = RoundingWords(randomness)
    var integers = [Int64](repeating: 0, count: values.count)
    let attempts = beta > 0 ? Self.largestAttemptCount : 1
    for _ in 0..<attempts {
      var squaredNorm: UInt64 = 0
      for (index, value) in values.enumerated() {
        let scaled = Double(value) * scale
        let integer = Int64(rounding == .stochastic ? words.round(scaled) : scaled.rounded())
        integers[index] = integer
        squaredNorm += integer.magnitude * integer.magnitude
        if squaredNorm > limit { break }
      }
      if squaredNorm <= limit { return integers }
    }
    throw .roundingFailed(attempts: attempts)
  }
}
