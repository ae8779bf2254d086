import ParameterVectors
public import SecureNoise

/// Rounds every element to a multiple of a step and sends the integers in Elias gamma code.
///
/// A client sends one gamma code per element: one bit for those that round to 0. The server learns the rounded update, and the length
/// of the message tells roughly how large it is. `encodeMeasuring` gives the distortion, at most step² per element when stochastic
/// (step²/4 on average at worst) and step²/4 to nearest.
///
/// TensorFlow Federated's `StochasticDiscretizationFactory` and `DeterministicDiscretizationFactory` around `EliasGammaEncodedSumFactory`.
public struct StochasticDiscretization: UpdateEncoder, Hashable {
  /// Distance of neighbouring values.
  public let stepSize: Double
  /// How elements between two multiples are rounded.
  public let rounding: IntegerRounding

  /// An encoder with the step `stepSize`, positive and finite.
  public init(stepSize: Double, rounding: IntegerRounding = .stochastic) throws(AggregationError) {
    try require(stepSize > 0 && stepSize.isFinite, "step size of discretisation", stepSize, "positive and finite")
    self.stepSize = stepSize
    self.rounding = rounding
  }

  public var name: String { "discretisation" }

  public var isUnbiased: Bool { rounding == .stochastic }

  /// 2 to nearest (half a step becomes a step). Stochastic rounding turns the smallest element into a step: none.
  public func worstCaseNormGrowth(count: Int) -> Double? { rounding == .nearest ? 2 * (1 + 4 * floatRoundoff) : nil }

  public func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate {
    let codes = EliasGamma.encode(try discretize(values, randomness: randomness))
    var writer = ByteWriter(.discretized, capacity: codes.count)
    writer.write(codes)
    return EncodedUpdate(bytes: writer.bytes)
  }

  public func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float] {
    let reader = try ByteReader(encoded, .discretized, encoder: name)
    let integers = try EliasGamma.decode(reader.bytes, from: reader.position, count: count)
    let values = integers.map { Float(Double($0) * stepSize) }
    guard VectorMath.sumOfSquares(values).isFinite else { throw reader.malformed("an integer in it stands for no finite number") }
    return values
  }

  /// The integers that are sent.
  ///
  /// - Throws: ``AggregationError`` if a value is not finite or needs more than 32 bits.
  public func discretize(_ values: [Float], randomness: RandomSource) throws(AggregationError) -> [Int32] {
    try requireEncodableCount(values.count)
    try requireFinite(values, name)
    let largest = Double(VectorMath.maximumMagnitude(values)) / stepSize
    try require(largest < 0x1p31 - 1, "largest element over the step size", largest, "below 2³¹ − 1: use a larger step or clip first")
    var words = RoundingWords(randomness)
    return values.map {
      let quotient = Double($0) / stepSize
      // Both are below 2³¹ in magnitude.
      return Int32(rounding == .stochastic ? words.round(quotient) : quotient.rounded())
    }
  }
}
