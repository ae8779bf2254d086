/// Which pairs of populations a guarantee makes hard to tell apart.
///
/// A mechanism's noise multiplier is always the noise standard deviation (or Laplace scale) over the clipping
/// norm C. What that means for one person depends on the relation: between replace-one neighbours the sum moves by
/// up to 2C, so the same multiplier protects half as well. (One well-known accountant ignores this factor.)
public enum NeighboringRelation: String, Codable, Hashable, Sendable, CaseIterable {
  /// One person is added or removed; a sum of clipped updates moves by at most C.
  case addOrRemoveOne
  /// One person is exchanged for another; a sum of clipped updates moves by at most 2C.
  case replaceOne
  /// One person's contribution is replaced by zero; a sum of clipped updates moves by at most C.
  case zeroOut

  /// Sensitivity of a sum of contributions of norm at most 1.
  public var sensitivityOfSum: Double { self == .replaceOne ? 2 : 1 }
}
