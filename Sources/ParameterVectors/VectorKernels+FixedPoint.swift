import CVectorKernels

extension VectorKernels {
  /// What a factor is: an integer, or a number in [0, 1] in units of 2⁻³².
  package enum FixedPointFactor: Hashable, Sendable {
    case integer(Int64)
    case fraction(UInt64)
  }

  /// `sum[i] −= factor · x[i]` for the elements of `x` in `range`, rounded to the nearest integer, wrapping around.
  ///
  /// - Parameter sum: as many elements as `range`.
  /// - Returns: the bits, inverted below 0, of these elements together: none of them exceeds the power of two above, in magnitude. A
  ///   fraction of a magnitude above 2⁶² may be wrong.
  package func subtract(
    _ x: [Int64], in range: Range<Int>, times factor: FixedPointFactor, from sum: inout [Int64]
  ) -> Int64 {
    precondition(sum.count == range.count, "\(range.count) values cannot be taken from \(sum.count) sums")
    return sum.withUnsafeMutableBufferPointer { sum in
      x.withUnsafeBufferPointer { x in
        let x = UnsafeBufferPointer(rebasing: x[range])
        switch factor {
        case .integer(let factor): return cvk_subtract_multiple_i64(level.rawValue, factor, x.baseAddress, sum.baseAddress, x.count)
        case .fraction(let factor):
          precondition(factor <= 1 << 32, "\(factor) is above 1")
          return cvk_subtract_fraction_i64(level.rawValue, factor, x.baseAddress, sum.baseAddress, x.count)
        }
      }
    }
  }

  /// `factor · x[i] / 2³² + added[i] · 2^shift`, rounded to the nearest integer and wrapping around, for magnitudes of `x` up to 2⁶² and a
  /// factor of at most 2³².
  package func decayed(_ x: [Int64], by factor: UInt64, plus added: [Int64], shift: Int) -> [Int64] {
    precondition(x.count == added.count, "\(added.count) values cannot be added to \(x.count)")
    precondition(factor <= 1 << 32 && (0..<64).contains(shift), "a factor of \(factor) and a shift by \(shift) have no meaning")
    return VectorMath.makeLarge(x.count) { out in
      x.withUnsafeBufferPointer { x in
        added.withUnsafeBufferPointer { added in
          cvk_decay_i64(level.rawValue, factor, x.baseAddress, added.baseAddress, Int32(shift), out.baseAddress, x.count)
        }
      }
    }
  }
}
