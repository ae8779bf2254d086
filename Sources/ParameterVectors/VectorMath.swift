/// Arithmetic on flat vectors of parameters.
///
/// Sums and norms are taken in `Double`: a norm summed in `Float` over a million values comes out low, and an
/// update "clipped" by it exceeds its sensitivity. Every function gives the same bits on every x86-64 machine,
/// whatever instruction set is used, because the order of each reduction is fixed and products are never fused with
/// sums. Vectors that are combined must have the same number of values; anything else is a programmer error.
public enum VectorMath {
  /// Sum of the squares of `x`, in `Double`.
  ///
  /// The square of a `Float` is exact in `Double`, so only the additions round. The result is NaN or infinite
  /// if an element of `x` is NaN or infinite, and finite otherwise: this is how a non-finite update is found.
  public static func sumOfSquares(_ x: [Float]) -> Double { VectorKernels.best.sumOfSquares(x) }

  /// Sum of the squares of `x`. Overflows to infinity when a value exceeds about 1.3e154.
  public static func sumOfSquares(_ x: [Double]) -> Double { VectorKernels.best.sumOfSquares(x) }

  /// Euclidean norm of `x`. NaN or infinite if an element is.
  public static func norm(_ x: [Float]) -> Double { sumOfSquares(x).squareRoot() }

  /// Euclidean norm of `x`. NaN or infinite if an element is.
  public static func norm(_ x: [Double]) -> Double { sumOfSquares(x).squareRoot() }

  /// A number that is certainly not below the true Euclidean norm of `x`, and above it by less than
  /// `(count / 32 + 16) · 2⁻⁵³` relatively.
  ///
  /// Each of the 32 partial sums takes at most `count / 32 + 1` rounded additions of non-negative numbers, and
  /// combining them takes five more (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2);
  /// halving that for the root leaves room for the root's own rounding.
  public static func normUpperBound(_ x: [Float]) -> Double {
    let additions = Double(x.count / 32 + 16)
    return (norm(x) * (1 + additions * 0x1p-53)).nextUp
  }

  /// Largest magnitude of an element of `x`: 0 if `x` is empty, NaN if an element is NaN.
  public static func maximumMagnitude(_ x: [Float]) -> Float { VectorKernels.best.maximumMagnitude(x) }

  /// Sum of the magnitudes of `x`, in `Double`. NaN or infinite if an element is.
  public static func l1Norm(_ x: [Float]) -> Double { VectorKernels.best.l1Norm(x) }

  /// `sum[i] += scale · x[i]`, in `Double`.
  public static func accumulate(_ x: [Float], scaledBy scale: Double, into sum: inout [Double]) {
    VectorKernels.best.accumulate(x, scaledBy: scale, into: &sum)
  }

  /// `sum[i] += x[i]`: merges two partial sums.
  public static func add(_ x: [Double], into sum: inout [Double]) { VectorKernels.best.add(x, into: &sum) }

  /// `y[i] += scale · x[i]`, in `Float`.
  public static func add(_ x: [Float], scaledBy scale: Float, into y: inout [Float]) {
    VectorKernels.best.add(x, scaledBy: scale, into: &y)
  }

  /// `x[i] *= factor`, in `Float`.
  public static func scale(_ x: inout [Float], by factor: Float) { VectorKernels.best.scale(&x, by: factor) }

  /// `a[i] − b[i]`. A client's update is `difference(initial, final)`.
  public static func difference(_ a: [Float], _ b: [Float]) -> [Float] { VectorKernels.best.difference(a, b) }
}
