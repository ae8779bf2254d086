/// Which of two neighbours an observer tests for.
///
/// P is the distribution of what is released with the person, Q that without.
public enum NeighborDirection: String, Codable, Hashable, Sendable, CaseIterable {
  /// δ of (P, Q): the observer tests "with the person" against "without"; a false positive takes an absent person for present.
  case removal
  /// δ of (Q, P): the roles are swapped; a false positive takes a present person for absent.
  case addition

  /// The other direction.
  public var mirrored: NeighborDirection { self == .removal ? .addition : .removal }
}

/// A privacy profile δ(ε) that keeps the two orders of a pair of neighbours apart.
///
/// Only ε ≥ 0 is asked of it: δ of (P, Q) at −ε is 1 − e^−ε (1 − δ of (Q, P) at ε).
package protocol DirectionalProfile: Sendable {
  /// Certified interval of the hockey-stick divergence of one order of the pair at `epsilon` ≥ 0.
  ///
  /// `lower` must be a lower bound for this very direction, or 0.
  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound
}

/// The profile of a number of rounds of a curve.
package struct RoundsProfile: DirectionalProfile {
  private let curve: CompositionCurve
  private let rounds: Int

  /// The profile of `curve` after `rounds` rounds.
  package init(curve: CompositionCurve, rounds: Int) {
    self.curve = curve
    self.rounds = rounds
  }

  package func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    try curve.delta(afterRounds: rounds, epsilon: epsilon, direction: direction)
  }
}
