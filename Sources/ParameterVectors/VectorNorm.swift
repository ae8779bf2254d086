/// A norm of the whole of an update.
///
/// All are taken in `Double` over the `Float` values. A vector with a component that is NaN has the norm NaN, one with an infinite
/// component and none that is NaN has the norm infinity, and the empty vector has norm 0.
public enum VectorNorm: String, Codable, Hashable, Sendable, CaseIterable {
  /// Sum of magnitudes.
  case l1
  /// Root of the sum of squares.
  case l2
  /// Greatest magnitude, the norm of order infinity.
  case maximum

  /// The norm of `x`, rounded as the sum of its terms is. Complexity: O(count).
  public func of(_ x: [Float]) -> Double {
    switch self {
    case .l1: VectorMath.l1Norm(x)
    case .l2: VectorMath.norm(x)
    case .maximum: Double(VectorMath.maximumMagnitude(x))
    }
  }

  /// The norm of `scale · values`; NaN where `scale` or a value is NaN. Complexity: O(count).
  public func of(_ vector: ScaledVector) -> Double { self == .l2 ? vector.norm : vector.scale.magnitude * of(vector.values) }
}

extension VectorMath {
  /// A number that is certainly not below the true sum of the magnitudes of `x`, and above it by less than
  /// `(count / 32 + 16) · 2⁻⁵²` relatively. NaN or infinite if an element is.
  ///
  /// As ``normUpperBound(_:)``: magnitudes are exact in `Double`, each of 32 partial sums takes `count / 32 + 1` rounded additions of
  /// non-negative numbers at most, and combining them takes five more.
  public static func l1NormUpperBound(_ x: [Float]) -> Double {
    let additions = Double(x.count / 32 + 16)
    return (l1Norm(x) * (1 + additions * 0x1p-53)).nextUp
  }
}

extension ScaledVector {
  /// Shrinks the vector until the sum of its magnitudes is at most `bound`, without touching a value.
  ///
  /// The factor is the bound over a certified upper bound of the sum, rounded down and with room for the rounding of each product:
  /// the magnitudes of what is added to a sum never add up to more than `bound`, as long as no product underflows
  /// (`bound` above 1e-250). A vector whose sum equals the bound within `(count / 32 + 20) · 2⁻⁵²` is shrunk by as much.
  ///
  /// - Parameter bound: largest sum of magnitudes allowed, at least 0; infinity clips nothing.
  /// - Returns: the sum before clipping. If it is NaN or infinite the scale becomes 0 and the vector must be discarded.
  @discardableResult
  public mutating func clip(toL1Norm bound: Double) -> Double {
    precondition(bound >= 0, "a clipping bound must be at least 0, not \(bound)")
    let norm = scale.magnitude * VectorMath.l1Norm(values)
    // 2⁻⁵² for the rounding of the products that are added to a sum.
    let unscaled = (VectorMath.l1NormUpperBound(values) * (1 + 0x1p-52)).nextUp
    guard norm.isFinite, unscaled.isFinite else {
      scale = 0
      return norm
    }
    if (scale.magnitude * unscaled).nextUp > bound {
      let magnitude = min(scale.magnitude, VectorMath.quotientRoundedDown(bound, unscaled))
      scale = scale < 0 ? -magnitude : magnitude
    }
    return norm
  }
}
