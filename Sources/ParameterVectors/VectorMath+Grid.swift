extension VectorMath {
  /// Adds `trunc(factor · x)` of every vector `x` to `sum` whose integers have a squared norm of at most `greatestSquaredNorm`.
  ///
  /// The products are truncated toward zero, so that rounding never lengthens a vector, and the squared norm is that of the integers
  /// themselves, exactly. What a vector with too great a norm has added is taken back: the sum is as if it had not been there.
  ///
  /// - Parameters:
  ///   - vectors: as many values each as `sum`; one that is NaN or whose product exceeds 2³¹ − 1 makes the norm too great. As many
  ///     as 32 at once are the fastest, as the sum is then read and written once for all of them.
  ///   - factors: grid units per unit of each vector.
  ///   - greatestSquaredNorm: below 2⁶².
  /// - Returns: whether each vector was added.
  public static func accumulateOnGrid(
    _ vectors: [[Float]], scaledBy factors: [Double], greatestSquaredNorm: UInt64, into sum: inout [Int64]
  ) -> [Bool] {
    VectorKernels.best.addOnGrid(vectors, scaledBy: factors, greatestSquaredNorm: greatestSquaredNorm, into: &sum)
  }

  /// Adds `factor · x` of every vector `x`, which has a norm of 1 at most, to `sum` in steps of 2^−`bits`, so that the integers' own norm is at
  /// most 2^`bits`.
  ///
  /// - Parameters:
  ///   - factors: what brings each vector to a norm of at most 1, up to the rounding of norms.
  ///   - bits: at most 30.
  /// - Returns: whether each vector was added; one that was not has left no trace in the sum.
  public static func accumulateUnitVectors(
    _ vectors: [[Float]], scaledBy factors: [Double], bits: Int, into sum: inout [Int64]
  ) -> [Bool] {
    precondition((0...30).contains(bits), "a grid of \(bits) bits lets single values leave their range")
    let unit = Double(sign: .plus, exponent: bits, significand: 1)
    var isAdded = [Bool](repeating: false, count: vectors.count)
    // The first factor leaves room for its own rounding; the others for that of a norm of many values, which is a little below the true one.
    for room in [0x1p-50, 1e-9, 1e-6] {
      let left = vectors.indices.filter { !isAdded[$0] }
      if left.isEmpty { break }
      let outcome = accumulateOnGrid(
        left.map { vectors[$0] }, scaledBy: left.map { factors[$0] * unit * (1 - room) }, greatestSquaredNorm: 1 << UInt64(2 * bits),
        into: &sum)
      for (index, wasAdded) in zip(left, outcome) { isAdded[index] = wasAdded }
    }
    return isAdded
  }

  /// The same for one vector.
  public static func accumulateUnitVector(_ x: [Float], scaledBy factor: Double, bits: Int, into sum: inout [Int64]) -> Bool {
    accumulateUnitVectors([x], scaledBy: [factor], bits: bits, into: &sum)[0]
  }

  /// `sum[i] += x[i]`; false where a sum left the range of 64 bits, and then the sums are of no use.
  public static func add(_ x: [Int64], into sum: inout [Int64]) -> Bool { VectorKernels.best.add(x, into: &sum) }
}
