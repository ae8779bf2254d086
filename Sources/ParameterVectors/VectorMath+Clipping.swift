extension VectorMath {
  /// The factor by which a vector of norm `norm` is multiplied so that its norm is at most `bound`.
  ///
  /// - Parameters:
  ///   - norm: norm of the vector, at least 0.
  ///   - bound: largest norm allowed, at least 0; infinity clips nothing.
  /// - Returns: 1 if `norm <= bound`; otherwise the largest `Double` whose exact product with `norm` does not
  ///   exceed `bound`, so that rounding never lets a clipped vector out of its bound. 0 if `norm` is NaN, or is
  ///   infinite and the bound is not: such a vector has no clipped form, and 0 times infinity is NaN, so discard
  ///   it before it is added.
  public static func clippingScale(norm: Double, bound: Double) -> Double {
    precondition(bound >= 0, "a clipping bound must be at least 0, not \(bound)")
    if norm <= bound { return 1 }
    guard norm.isFinite else { return 0 }
    return quotientRoundedDown(bound, norm)
  }

  /// The largest `Double` not above the exact `a / b`, for finite `a >= 0`, `b > 0` and a quotient in range.
  static func quotientRoundedDown(_ a: Double, _ b: Double) -> Double {
    guard a > 0 else { return 0 }
    // On significands in [1, 2) the quotient lies in (½, 2), where one fused operation finds the exact sign of the
    // remainder; on the numbers themselves the remainder could underflow.
    var quotient = a.significand / b.significand
    if (-a.significand).addingProduct(quotient, b.significand) > 0 { quotient = quotient.nextDown }
    let exponent = a.exponent - b.exponent
    let scaled = Double(sign: .plus, exponent: exponent, significand: quotient)
    // A subnormal result was rounded once more; undo a rounding upwards.
    if scaled.isSubnormal || scaled == .leastNormalMagnitude || scaled == 0 {
      let back = Double(sign: .plus, exponent: -exponent, significand: scaled)
      return back > quotient ? scaled.nextDown : scaled
    }
    return scaled
  }
}
