/// A random orthogonal map of vectors, known to everybody.
///
/// A rotation spreads a vector's mass over all coordinates, which makes quantisation and modular sums cheaper. A client sends rotated
/// coordinates instead of its own; the server, which knows the seed, learns neither more nor less than without. Rotations are linear:
/// sums can be rotated back as one. L2 norms stay; L1 and L∞ norms do not.
public protocol Rotation: Sendable {
  /// Name in measurements and errors.
  var name: String { get }

  /// Number of elements after rotating `count`.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for counts outside 0...2³¹ − 1.
  func paddedCount(_ count: Int) throws(AggregationError) -> Int

  /// Greatest factor by which the rounding of one application can enlarge the L2 norm of `count` elements, apart from underflow.
  func worstCaseNormGrowth(count: Int) -> Double

  /// Replaces `values`, `[parameters]`, by its rotated form, `[paddedCount]`.
  ///
  /// - Throws: ``AggregationError`` if a value is not finite or becomes so.
  func forward(_ values: inout [Float], seed: UInt64) throws(AggregationError)

  /// Replaces rotated coordinates, `[paddedCount]`, by the `count` values that ``forward(_:seed:)`` maps to them; what the padding holds
  /// after rotating back is dropped, so sums of clients and quantised coordinates can be rotated back too.
  ///
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)`` for another number of coordinates.
  func inverse(_ values: inout [Float], count: Int, seed: UInt64) throws(AggregationError)
}
