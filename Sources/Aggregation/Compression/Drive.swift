import ParameterVectors
public import SecureNoise

/// DRIVE: one bit per coordinate, the sign after a random rotation, and one scale.
///
/// A client sends the scale S as `Float` and the signs of the rotated vector Rx, one bit for every element padded to a power of two n (up
/// to two per parameter). The server learns S R⁻¹ sign(Rx), with either scale of the paper. With L = ‖Rx‖₁²/(n‖x‖²), in [1/n, 1]:
/// - `.unbiased`, S = ‖x‖₂²/‖Rx‖₁: the projection of what is decoded on x is exactly x for
///   every rotation, the squared error ‖x‖²(1/L − 1). Under a uniformly random rotation the rest averages to 0, and the error is
///   about (π/2 − 1)‖x‖² = 0.57‖x‖². Under the randomised Hadamard transform
///   used here the rest need not average out: measured, the mean of (3, 1, 0, 0) is off by a third of its norm, that of (1, 2, 3, 4) by
///   16 %, of Gaussian elements by 5 % for 16, 1.4 % for 64, too little to see for 1024.
/// - `.leastSquares`, S = ‖Rx‖₁/n, the least squared error that signs and one scale allow, ‖x‖²(1 − L): (1 − 2/π)(1 − 1/n)‖x‖² on
///   average over uniform rotations, 0.36‖x‖². But everything comes out short by L, about 2/π: the error of a mean over many clients does
///   not go to 0. For m clients with the same update it is 0.13 + 0.23/m against 0.57/m: from three on the other scale is better.
///
/// So neither claims to be unbiased, and the default is the first. FedJAX's `structured_drive_quantizer` takes the second, with one
/// rotation for all clients of a round. Use a number of its own for each client as the shared one, or errors do not average out.
///
/// Vargaftik, Ben Basat, Portnoy, Mendelson, Ben-Itzhak and Mitzenmacher, DRIVE: one-bit distributed mean estimation, NeurIPS 2021.
public struct Drive: UpdateEncoder, Hashable {
  /// How the scale follows from the rotated vector.
  public enum Scale: String, Codable, Hashable, Sendable, CaseIterable {
    /// ‖x‖₂²/‖Rx‖₁.
    case unbiased
    /// ‖Rx‖₁/n.
    case leastSquares
  }

  /// How the scale follows from the rotated vector.
  public let scale: Scale
  private let rotation = HadamardRotation.once

  /// An encoder with the given scale.
  public init(scale: Scale = .unbiased) { self.scale = scale }

  public var name: String { "DRIVE" }

  public var isUnbiased: Bool { false }

  /// √n of the padded length with the unbiased scale (a vector that the rotation turns into one coordinate), 1 with the other.
  public func worstCaseNormGrowth(count: Int) -> Double? {
    guard let padded = try? rotation.paddedCount(count) else { return nil }
    let rounding = rotation.worstCaseNormGrowth(count: count)
    return (scale == .unbiased ? Double(padded).squareRoot() : 1) * rounding * rounding * (1 + 4 * floatRoundoff)
  }

  /// The size that FedJAX reports, one bit per element and 64 per tensor (67 for a tensor of three): it leaves out the padding and counts a
  /// scale as two numbers.
  ///
  /// - Parameter tensors: the tensors that FedJAX rotates one by one; here the vector is rotated as a whole.
  public func nominalBitCount(count: Int, tensors: TensorPartition = .whole) throws(AggregationError) -> Double {
    Double(count) + 64 * Double(try tensors.ranges(count: count).count)
  }

  public func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate {
    try requireFinite(values, name)
    var rotated = values
    try rotation.forward(&rotated, seed: shared)
    let sum = VectorMath.l1Norm(rotated)
    let factor = Float(
      sum > 0 ? (scale == .unbiased ? VectorMath.sumOfSquares(rotated) / sum : sum / Double(rotated.count)) : 0)
    guard factor.isFinite else { throw .nonFiniteUpdate(technique: name) }
    var writer = ByteWriter(.drive, capacity: 4 + rotated.count / 8 + 1)
    writer.write(factor)
    writer.write(count: (rotated.count + 7) / 8) { bytes, start in
      for first in stride(from: 0, to: rotated.count, by: 8) {
        var signs: UInt8 = 0
        for index in first..<min(first + 8, rotated.count) { signs |= (rotated[index] < 0 ? 1 : 0) << UInt8(index - first) }
        bytes[start + first / 8] = signs
      }
    }
    return EncodedUpdate(bytes: writer.bytes)
  }

  public func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float] {
    let padded = try rotation.paddedCount(count)
    var reader = try ByteReader(encoded, .drive, encoder: name)
    let factor = try reader.readFiniteFloat()
    guard factor >= 0 else { throw reader.malformed("its scale is negative") }
    let start = try reader.skip((padded + 7) / 8)
    try reader.finish()
    let signs = Array(reader.bytes[start...])
    if padded % 8 > 0, let last = signs.last, last >> UInt8(padded % 8) > 0 { throw reader.malformed("signs follow the last coordinate") }
    var values = [Float](repeating: factor, count: padded)
    VectorKernels.best.scale(&values, by: 1, signs: signs)
    try rotation.inverse(&values, count: count, seed: shared)
    guard VectorMath.sumOfSquares(values).isFinite else { throw reader.malformed("its scale is too large") }
    return values
  }
}
