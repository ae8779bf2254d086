public import ParameterVectors

/// How a vector is cut into the tensors that an encoder treats one by one, each with a range or scale of its own.
public struct TensorPartition: Hashable, Sendable {
  private let counts: [Int]?

  private init(_ counts: [Int]?) { self.counts = counts }

  /// One tensor, of whatever size the vector has.
  public static let whole = TensorPartition(nil)

  /// The tensors of a model.
  public init(_ layout: ParameterLayout) { counts = layout.tensors.map(\.count) }

  /// Tensors of these numbers of elements, each at least 0, at most 2³¹ − 1 together.
  public init(counts: [Int]) throws(AggregationError) {
    var total = 0
    for count in counts {
      try require(count >= 0 && count <= largestEncodedCount, "number of elements of a tensor", Double(count), "at least 0, below 2³¹")
      total += count
      try require(total <= largestEncodedCount, "number of elements of all tensors", Double(total), "below 2³¹")
    }
    self.counts = counts
  }

  /// The tensors of a vector of `count` elements, in order.
  func ranges(count: Int) throws(AggregationError) -> [Range<Int>] {
    try requireEncodableCount(count)
    guard let counts else { return [0..<count] }
    var start = 0
    var ranges: [Range<Int>] = []
    for tensor in counts {
      guard tensor >= 0, tensor <= count - start else { throw .lengthMismatch(expected: counts.reduce(0, &+), found: count) }
      ranges.append(start..<(start + tensor))
      start += tensor
    }
    guard start == count else { throw .lengthMismatch(expected: start, found: count) }
    return ranges
  }

  /// Number of elements of the largest tensor of a vector of `count` elements.
  func largest(count: Int) -> Int { counts?.max() ?? count }
}
