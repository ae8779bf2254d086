extension VectorMath {
  /// Adds `sign · trunc(factor · x)` to `sum`, if the integer vector's squared norm is at most `greatestSquaredNorm`.
  ///
  /// The products are truncated toward zero, so that rounding never lengthens the vector, and the squared norm is that of the integers
  /// themselves, exactly. Where it is too great the sum is left as it was.
  ///
  /// - Parameters:
  ///   - x: fewer than 2³² values; one that is NaN or whose product exceeds 2³¹ − 1 makes the norm too great.
  ///   - factor: grid units per unit of `x`.
  ///   - greatestSquaredNorm: at most 2⁶¹.
  /// - Returns: whether the vector was added.
  public static func accumulateOnGrid(
    _ x: [Float], scaledBy factor: Double, greatestSquaredNorm: UInt64, into sum: inout [Int64]
  ) -> Bool {
    precondition(greatestSquaredNorm <= 1 << 61, "a squared norm of \(greatestSquaredNorm) lets single values leave their range")
    let kernels = VectorKernels.best
    let squares = kernels.accumulateOnGrid(x, scaledBy: factor, subtracting: false, into: &sum)
    let high = squares.high + squares.low >> 32
    let total: UInt64? = high < 1 << 31 ? high << 32 | squares.low & 0xffff_ffff : nil
    if let total, total <= greatestSquaredNorm { return true }
    // Sums of integers come back exactly, whatever was added.
    _ = kernels.accumulateOnGrid(x, scaledBy: factor, subtracting: true, into: &sum)
    return false
  }

  /// Adds `factor · x`, a vector of norm 1 at most, to `sum` in steps of 2^−`bits`, so that the integers' own norm is at most 2^`bits`.
  ///
  /// - Parameters:
  ///   - factor: what brings `x` to a norm of at most 1, up to the rounding of norms.
  ///   - bits: at most 30.
  /// - Returns: whether the vector was added; else the sum is as it was.
  public static func accumulateUnitVector(_ x: [Float], scaledBy factor: Double, bits: Int, into sum: inout [Int64]) -> Bool {
    precondition((0...30).contains(bits), "a grid of \(bits) bits lets single values leave their range")
    let steps = factor * Double(sign: .plus, exponent: bits, significand: 1)
    // The first factor leaves room for its own rounding; the others for that of a norm of many values, which is a little below the true one.
    for room in [0x1p-50, 1e-9, 1e-6]
    where accumulateOnGrid(x, scaledBy: steps * (1 - room), greatestSquaredNorm: 1 << UInt64(2 * bits), into: &sum) { return true }
    return false
  }

  /// `sum[i] += x[i]`; false where a sum left the range of 64 bits, and then the sums are of no use.
  public static func add(_ x: [Int64], into sum: inout [Int64]) -> Bool { VectorKernels.best.add(x, into: &sum) }
}
