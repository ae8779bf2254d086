import ParameterVectors
public import SecureNoise

/// An update as the bytes that travel from a client to the server.
public struct EncodedUpdate: Hashable, Sendable {
  /// The whole message: its first byte names the format, its second the version.
  public var bytes: [UInt8]

  /// A message of `bytes`, which may be anything: decoding checks them.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// Size in bits.
  public var bitCount: Int { 8 * bytes.count }
}

/// A way to turn a vector of parameters into bytes and back.
///
/// What the server learns is exactly what ``decode(_:count:shared:)`` returns, and the length of the bytes, which can depend on the
/// values where a format says so. No encoder is a privacy mechanism.
public protocol UpdateEncoder: Sendable {
  /// Name in measurements and errors.
  var name: String { get }

  /// Whether the mean, over the random choices of both kinds, of what is decoded is what was encoded, up to the rounding of `Float`.
  var isUnbiased: Bool { get }

  /// The greatest factor by which encoding and decoding can enlarge the L2 norm of any vector of `count` elements, whatever the random
  /// choices are; `nil` where there is none. It covers the rounding of `Float` except underflow (results below 2⁻¹²⁶ can be off by 2⁻¹⁴⁹).
  func worstCaseNormGrowth(count: Int) -> Double?

  /// Client side.
  ///
  /// - Parameters:
  ///   - values: the update, `[parameters]`, finite.
  ///   - randomness: the client's private source, for stochastic rounding.
  ///   - shared: a public number that both sides know, for rotations. Fresh for every round and client, or errors of clients add up.
  /// - Throws: ``AggregationError`` if a value is not finite or cannot be represented.
  func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate

  /// Server side: the update that `encoded` stands for, all elements finite.
  ///
  /// - Parameters:
  ///   - encoded: bytes of unknown origin.
  ///   - count: number of parameters, which the server knows and the bytes do not tell.
  ///   - shared: as when encoding.
  /// - Throws: ``AggregationError/malformedEncoding(encoder:reason:)`` for anything that no encoding of `count` values gives.
  func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float]
}

/// An encoded update with the error that encoding made.
public struct MeasuredEncoding: Sendable {
  /// What the client sends.
  public let encoded: EncodedUpdate
  /// Mean over the elements of the squared difference between what was encoded and what is decoded; 0 for no elements.
  public let distortion: Double
}

extension UpdateEncoder {
  /// Encodes, and measures the distortion by decoding at once.
  ///
  /// The distortion of one client is an exact function of its update: releasing it is a leak.
  public func encodeMeasuring(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> MeasuredEncoding {
    let encoded = try encode(values, randomness: randomness, shared: shared)
    let decoded = try decode(encoded, count: values.count, shared: shared)
    return MeasuredEncoding(encoded: encoded, distortion: meanSquaredError(decoded, of: values))
  }
}

/// Mean over the elements of the squared difference; 0 for no elements.
func meanSquaredError(_ decoded: [Float], of values: [Float]) -> Double {
  var sum = 0.0
  for (value, result) in zip(values, decoded) {
    let difference = Double(value) - Double(result)
    sum += difference * difference
  }
  return values.isEmpty ? 0 : sum / Double(values.count)
}

/// First byte of every message.
enum EncodingFormat: UInt8 {
  case quantizedAboveThreshold = 1
  case discretized, uniform, rotated, drive, ternary

  static let version: UInt8 = 1
}

/// Half the distance from 1 to the next `Float`: relative error of one rounding.
let floatRoundoff = 0x1p-24

/// The largest vector that is encoded: sizes in bits then stay far from the limits of `Int`.
let largestEncodedCount = Int(Int32.max)

/// Checks the number of parameters that a decoder is told.
func requireEncodableCount(_ count: Int) throws(AggregationError) {
  try require(count >= 0 && count <= largestEncodedCount, "number of parameters", Double(count), "from 0 to \(largestEncodedCount)")
}

/// Checks that all elements are finite.
func requireFinite(_ values: [Float], _ technique: String) throws(AggregationError) {
  guard VectorMath.sumOfSquares(values).isFinite else { throw .nonFiniteUpdate(technique: technique) }
}
