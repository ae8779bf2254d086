import ParameterVectors
public import SecureNoise

/// Quantises large tensors to a few bits per element and sends small ones as they are.
///
/// A client sends, for every tensor of more than `threshold` elements, its smallest and largest element as `Float` and 1...16 bits per
/// element, and all others as `Float`. The server learns each client's quantised update: the range of every tensor is exact. Sizes do
/// not depend on the values.
///
/// With a fixed range no ends are sent, elements outside are clipped to it (a bias), and codes of different clients mean the same, so
/// that integer sums of codes could be decoded.
///
/// TensorFlow Federated's `EncodedSumFactory.quantize_above_threshold`; Konečný et al., Federated learning: strategies for improving
/// communication efficiency, 2016.
public struct QuantizeAboveThreshold: UpdateEncoder, Hashable {
  /// Bits of a code, 1...16.
  public let bits: Int
  /// Tensors of at most this many elements are not quantised.
  public let threshold: Int
  /// How elements between two levels are rounded.
  public let rounding: IntegerRounding
  /// The range of all tensors; `nil` for each tensor's own.
  public let fixedRange: ClosedRange<Float>?
  /// The tensors.
  public let tensors: TensorPartition

  /// An encoder for vectors of the given tensors.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for bits outside 1...16, a negative threshold, or a range that
  ///   is empty or infinite.
  public init(
    bits: Int = 8, threshold: Int = 20_000, rounding: IntegerRounding = .stochastic, fixedRange: ClosedRange<Float>? = nil,
    tensors: TensorPartition = .whole
  ) throws(AggregationError) {
    try require((1...16).contains(bits), "number of quantisation bits", Double(bits), "from 1 to 16")
    try require(threshold >= 0, "threshold of quantisation", Double(threshold), "at least 0")
    if let fixedRange {
      let width = Double(fixedRange.upperBound) - Double(fixedRange.lowerBound)
      try require(width > 0 && width.isFinite, "width of the quantisation range", width, "positive and finite")
    }
    self.bits = bits
    self.threshold = threshold
    self.rounding = rounding
    self.fixedRange = fixedRange
    self.tensors = tensors
  }

  public var name: String { "quantisation" }

  public var isUnbiased: Bool { rounding == .stochastic && fixedRange == nil }

  /// 1 + √(2(n − 2))/(2^bits − 1) for the largest tensor of n elements, half the excess when rounding to nearest. With a fixed range
  /// there is none: 0 need not be a level.
  public func worstCaseNormGrowth(count: Int) -> Double? {
    let largest = tensors.largest(count: count)
    if largest <= threshold { return 1 }
    return fixedRange == nil ? UniformGrid.worstCaseNormGrowth(count: largest, levels: 1 << bits, rounding: rounding) : nil
  }

  public func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate {
    let ranges = try tensors.ranges(count: values.count)
    try requireFinite(values, name)
    var writer = ByteWriter(.quantizedAboveThreshold, capacity: encodedSize(ranges))
    var coder = GridCoder(rounding == .stochastic ? RoundingBits(randomness) : nil)
    for range in ranges {
      if range.count <= threshold {
        for value in values[range] { writer.write(value) }
      } else if let fixedRange {
        coder.pack(values, range, grid(fixedRange), to: &writer)
      } else if let ends = VectorKernels.best.range(of: values, in: range) {
        writer.write(ends.minimum)
        writer.write(ends.maximum)
        coder.pack(values, range, grid(ends.minimum...ends.maximum), to: &writer)
      }
    }
    return EncodedUpdate(bytes: writer.bytes)
  }

  public func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float] {
    let ranges = try tensors.ranges(count: count)
    var reader = try ByteReader(encoded, .quantizedAboveThreshold, encoder: name)
    guard reader.remaining == encodedSize(ranges) else {
      throw reader.malformed("\(count) parameters take \(encodedSize(ranges)) bytes, not \(reader.remaining)")
    }
    var values = [Float](repeating: 0, count: count)
    var coder = GridCoder(nil)
    for range in ranges {
      if range.count <= threshold {
        for index in range { values[index] = try reader.readFiniteFloat() }
      } else {
        let grid = if let fixedRange { grid(fixedRange) } else { try reader.readGrid(levels: 1 << bits) }
        try coder.unpack(&reader, grid, to: &values, range)
      }
    }
    try reader.finish()
    return values
  }

  private func grid(_ range: ClosedRange<Float>) -> UniformGrid {
    UniformGrid(minimum: Double(range.lowerBound), maximum: Double(range.upperBound), levels: 1 << bits)
  }

  /// Bytes after the header.
  private func encodedSize(_ ranges: [Range<Int>]) -> Int {
    ranges.reduce(0) { sum, range in
      sum + (range.count <= threshold ? 4 * range.count : (range.count * bits + 7) / 8 + (fixedRange == nil ? 8 : 0))
    }
  }
}
