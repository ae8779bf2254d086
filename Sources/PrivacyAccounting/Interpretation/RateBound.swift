/// A certified interval around a rate or probability in [0, 1].
public struct RateBound: Codable, Hashable, Sendable {
  /// The true value is at least this.
  public let lower: Double
  /// The true value is at most this.
  public let upper: Double
  /// Whether both ends come from the accountant. Where it knows only upper bounds of δ, one end is the trivial value that guessing gives.
  public let isTwoSided: Bool

  package init(lower: Double, upper: Double, isTwoSided: Bool) {
    self.upper = min(max(upper, 0), 1)
    self.lower = min(max(lower, 0), self.upper)
    self.isTwoSided = isTwoSided
  }

  /// The interval of 1 − x.
  var complement: RateBound {
    RateBound(
      lower: upper == 1 ? 0 : (1 - upper).nextDown, upper: lower == 0 ? 1 : (1 - lower).nextUp, isTwoSided: isTwoSided)
  }
}
