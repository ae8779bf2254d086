import ParameterVectors

/// Sorts every coordinate of several vectors across the vectors.
///
/// A merge-exchange network (Batcher 1968; Knuth, The Art of Computer Programming 3, algorithm 5.2.2M) compares the same pairs of
/// vectors whatever the values are, so 16 coordinates are sorted at once and no input is slow.
struct CoordinateSort {
  typealias Lanes = SIMD16<Float>

  /// Number of vectors.
  let count: Int
  /// Pairs to compare and exchange, the least first.
  private let pairs: [(Int, Int)]

  /// The network for `count` vectors, of about ¼ count log²(count) exchanges.
  init(count: Int) {
    self.count = count
    var pairs: [(Int, Int)] = []
    var top = 1
    while 2 * top < count { top *= 2 }
    var p = count > 1 ? top : 0
    while p > 0 {
      var q = top
      var remainder = 0
      var distance = p
      while true {
        for index in 0..<max(0, count - distance) where index & p == remainder { pairs.append((index, index + distance)) }
        if q == p { break }
        distance = q - p
        q /= 2
        remainder = p
      }
      p /= 2
    }
    self.pairs = pairs
  }

  /// Calls `body` with the first of 16 coordinates, how many of them exist, and their `count` sorted values, ascending.
  ///
  /// - Parameter vectors: `count` vectors of one length without NaN.
  func forEachBlock(of vectors: [[Float]], _ body: (_ start: Int, _ width: Int, _ sorted: [Lanes]) -> Void) {
    let length = vectors.first?.count ?? 0
    var block = [Lanes](repeating: .zero, count: count)
    for start in stride(from: 0, to: length, by: Lanes.scalarCount) {
      let width = min(Lanes.scalarCount, length - start)
      for (row, vector) in vectors.enumerated() {
        var lanes = Lanes.zero
        for lane in 0..<width { lanes[lane] = vector[start + lane] }
        block[row] = lanes
      }
      for (low, high) in pairs {
        let a = block[low]
        let b = block[high]
        let isOrdered = a .<= b
        block[low] = b.replacing(with: a, where: isOrdered)
        block[high] = a.replacing(with: b, where: isOrdered)
      }
      body(start, width, block)
    }
  }
}

/// The updates that a robust aggregate is taken over.
///
/// - Returns: the updates without those that have a component which is not finite, and the length of all.
/// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` without updates,
///   ``AggregationError/lengthMismatch(expected:found:)``.
func finiteUpdates(_ updates: [[Float]]) throws(AggregationError) -> (finite: [[Float]], length: Int) {
  try require(!updates.isEmpty, "number of updates", 0, "at least 1")
  let length = updates[0].count
  for update in updates where update.count != length { throw .lengthMismatch(expected: length, found: update.count) }
  return (updates.filter { VectorMath.sumOfSquares($0).isFinite }, length)
}
