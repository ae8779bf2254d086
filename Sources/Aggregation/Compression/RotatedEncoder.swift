import ParameterVectors
public import SecureNoise

/// Encodes after a random rotation and rotates back after decoding.
///
/// A rotation spreads every element over all coordinates, so that the range that a quantiser must span shrinks from the largest element
/// to about √(log n / n) of the norm. A client sends what the inner encoder sends for the padded, rotated vector; the server learns the
/// decoded update. The rotation is public and hides nothing.
///
/// Suresh, Yu, Kumar and McMahan, Distributed mean estimation with limited communication, ICML 2017, section 3; with
/// ``UniformQuantization`` and ``HadamardRotation`` FedJAX's rotated uniform quantiser.
public struct RotatedEncoder: UpdateEncoder {
  /// The rotation, seeded with the shared number.
  public let rotation: any Rotation
  /// What encodes the rotated vector; it sees the padded length.
  public let encoder: any UpdateEncoder

  /// `encoder` behind `rotation`.
  public init(_ encoder: any UpdateEncoder, rotation: any Rotation = HadamardRotation.once) {
    self.encoder = encoder
    self.rotation = rotation
  }

  public var name: String { "rotated \(encoder.name)" }

  public var isUnbiased: Bool { encoder.isUnbiased }

  /// That of the inner encoder at the padded length, but for rounding.
  public func worstCaseNormGrowth(count: Int) -> Double? {
    guard let padded = try? rotation.paddedCount(count), let inner = encoder.worstCaseNormGrowth(count: padded) else { return nil }
    let rounding = rotation.worstCaseNormGrowth(count: count)
    return inner * rounding * rounding
  }

  public func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate {
    try requireFinite(values, name)
    var rotated = values
    try rotation.forward(&rotated, seed: shared)
    let inner = try encoder.encode(rotated, randomness: randomness, shared: shared)
    var writer = ByteWriter(.rotated, capacity: inner.bytes.count)
    writer.write(inner.bytes)
    return EncodedUpdate(bytes: writer.bytes)
  }

  public func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float] {
    let padded = try rotation.paddedCount(count)
    let reader = try ByteReader(encoded, .rotated, encoder: name)
    let inner = EncodedUpdate(bytes: Array(reader.bytes[reader.position...]))
    var values = try encoder.decode(inner, count: padded, shared: shared)
    try rotation.inverse(&values, count: count, seed: shared)
    guard VectorMath.sumOfSquares(values).isFinite else { throw reader.malformed("it stands for numbers too large") }
    return values
  }
}
