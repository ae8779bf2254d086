import ParameterVectors
public import SecureNoise

/// TernGrad: every element becomes −s, 0 or s, where s is the largest magnitude of its tensor.
///
/// A client sends s as `Float` per tensor and five elements per byte. The server learns the ternary update; s is exact unless clipped.
/// The sign stays with probability |x|/s, else the element becomes 0, so that the mean is x. Clipping to 2.5 standard deviations of
/// the tensor first (the paper's gradient clipping and FedJAX's only form, here the default) shrinks s and so the variance, but biases what
/// is clipped: elements come out as ±2.5σ on average. For Gaussian elements that takes 1.2 % off ‖x‖ in the direction of x; for heavier
/// tails much more.
///
/// Wen, Xu, Yan, Wu, Wang, Chen and Li, TernGrad: ternary gradients to reduce communication in distributed deep learning, NIPS 2017.
public struct TernGrad: UpdateEncoder, Hashable {
  /// Number of standard deviations that elements are clipped to; `nil` for none.
  public let clippingDeviations: Double?
  /// The tensors.
  public let tensors: TensorPartition

  /// An encoder for vectors of the given tensors.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless `clippingDeviations` is positive and finite or `nil`.
  public init(clippingDeviations: Double? = 2.5, tensors: TensorPartition = .whole) throws(AggregationError) {
    if let clippingDeviations {
      try require(
        clippingDeviations > 0 && clippingDeviations.isFinite, "standard deviations to clip to", clippingDeviations, "positive and finite")
    }
    self.clippingDeviations = clippingDeviations
    self.tensors = tensors
  }

  public var name: String { "TernGrad" }

  public var isUnbiased: Bool { clippingDeviations == nil }

  /// √n for the largest tensor of n elements; no more than the number of standard deviations when clipped, because s√n ≤ 2.5σ√n ≤ 2.5‖x‖.
  public func worstCaseNormGrowth(count: Int) -> Double? {
    let root = max(1, Double(tensors.largest(count: count)).squareRoot())
    return min(root, max(1, clippingDeviations ?? root)) * (1 + 4 * floatRoundoff)
  }

  public func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate {
    let ranges = try tensors.ranges(count: values.count)
    try requireFinite(values, name)
    var writer = ByteWriter(.ternary, capacity: values.count / 5 + 1 + 4 * ranges.count)
    var words = RoundingWords(randomness)
    for range in ranges where !range.isEmpty {
      let largest = scale(values[range])
      writer.write(largest)
      // 32 random bits below |x|/s · 2³², rounded up: 0 never stays, s always does.
      let factor = largest > 0 ? 0x1p32 / Double(largest) : 0
      writer.write(count: (range.count + 4) / 5) { bytes, start in
        for index in range {
          let value = values[index]
          guard Double(words.next()) < Double(value.magnitude) * factor else { continue }
          let offset = index - range.lowerBound
          bytes[start + offset / 5] += (value < 0 ? 2 : 1) * Self.powers[offset % 5]
        }
      }
    }
    return EncodedUpdate(bytes: writer.bytes)
  }

  public func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float] {
    let ranges = try tensors.ranges(count: count)
    var reader = try ByteReader(encoded, .ternary, encoder: name)
    let size = ranges.reduce(0) { $0 + ($1.isEmpty ? 0 : 4 + ($1.count + 4) / 5) }
    guard reader.remaining == size else { throw reader.malformed("\(count) parameters take \(size) bytes, not \(reader.remaining)") }
    var values = [Float](repeating: 0, count: count)
    for range in ranges where !range.isEmpty {
      let scale = try reader.readFiniteFloat()
      guard scale >= 0 else { throw reader.malformed("its scale is negative") }
      let levels = [0, scale, -scale]
      let start = try reader.skip((range.count + 4) / 5)
      for first in stride(from: 0, to: range.count, by: 5) {
        var byte = reader.bytes[start + first / 5]
        for index in first..<min(first + 5, range.count) {
          values[range.lowerBound + index] = levels[Int(byte % 3)]
          byte /= 3
        }
        guard byte == 0 else { throw reader.malformed("a byte stands for no elements") }
      }
    }
    try reader.finish()
    return values
  }

  private static let powers: [UInt8] = [1, 3, 9, 27, 81]

  /// The largest magnitude after clipping, as it is sent.
  private func scale(_ tensor: ArraySlice<Float>) -> Float {
    let values = Array(tensor)
    let largest = VectorMath.maximumMagnitude(values)
    guard let clippingDeviations else { return largest }
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    // No larger than the magnitude that is there, so within `Float`.
    return Float(min(Double(largest), clippingDeviations * variance.squareRoot()))
  }
}
