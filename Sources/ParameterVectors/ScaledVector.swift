/// A vector of `Float` with a factor that has not been applied yet: it stands for `scale · values`.
///
/// Clipping a client's update changes the factor and writes no value. The factor is applied in `Double` while the
/// vector is added to a partial sum, so the norm of what is added exceeds a clipping bound by roundings of `Double`
/// at most, never by those of `Float`.
public struct ScaledVector: Sendable {
  /// The values before scaling, one per parameter.
  public var values: [Float] { didSet { knownSumOfSquares = nil } }

  /// Sum of the squares of `values`, kept because the check for numbers and every clip ask for it.
  private var knownSumOfSquares: Double?

  /// The factor that every value is multiplied by.
  public var scale: Double

  /// The vector `scale · values`.
  public init(values: [Float], scale: Double = 1) {
    self.values = values
    self.scale = scale
  }

  /// Number of values.
  public var count: Int { values.count }

  /// Computes the sum of squares once for everything that asks for it until a value changes. Complexity: O(count), then O(1).
  public mutating func prepareNorm() {
    if knownSumOfSquares == nil { knownSumOfSquares = VectorMath.sumOfSquares(values) }
  }

  private var sumOfSquares: Double { knownSumOfSquares ?? VectorMath.sumOfSquares(values) }

  /// Squared Euclidean norm of `scale · values`. NaN or infinite if a value is.
  public var squaredNorm: Double { scale * scale * sumOfSquares }

  /// Euclidean norm of `scale · values`. NaN or infinite if a value is. Complexity: O(count), or O(1) after ``prepareNorm()``.
  public var norm: Double { scale.magnitude * sumOfSquares.squareRoot() }

  /// Whether the scale and all values are numbers. Complexity: O(count), or O(1) after ``prepareNorm()``.
  public var isFinite: Bool { scale.isFinite && sumOfSquares.isFinite }

  /// Shrinks the vector to the norm `bound` if it is longer, without touching a value.
  ///
  /// - Parameter bound: largest norm allowed, at least 0; infinity clips nothing.
  /// - Returns: the norm before clipping. If it is NaN or infinite the scale becomes 0 and the vector must be
  ///   discarded: see ``VectorMath/clippingScale(norm:bound:)``.
  @discardableResult
  public mutating func clip(toNorm bound: Double) -> Double {
    precondition(bound >= 0, "a clipping bound must be at least 0, not \(bound)")
    let unscaled = sumOfSquares.squareRoot()
    let norm = scale.magnitude * unscaled
    guard norm.isFinite else {
      scale = 0
      return norm
    }
    // The new factor is computed from the bound alone: multiplying the old one would round once more.
    if norm > bound {
      let magnitude = VectorMath.quotientRoundedDown(bound, unscaled)
      scale = scale < 0 ? -magnitude : magnitude
    }
    return norm
  }

  /// This vector, shrunk to the norm `bound` if it is longer. See ``clip(toNorm:)``.
  public func clipped(toNorm bound: Double) -> ScaledVector {
    var result = self
    result.clip(toNorm: bound)
    return result
  }

  /// Adds `scale · values` to `sum`, in `Double`.
  public func accumulate(into sum: inout [Double]) {
    VectorMath.accumulate(values, scaledBy: scale, into: &sum)
  }
}
