import Foundation

/// What a calibration is to reach.
public enum PrivacyGoal: Codable, Hashable, Sendable, CustomStringConvertible {
  /// At most ε at δ.
  case target(PrivacyTarget)
  /// No membership test with a TPR − FPR above this, in (0, 1).
  case advantage(atMost: Double)
  /// No membership test with a true-positive rate above this at the false-positive rate, 0 < FPR < TPR < 1.
  case truePositiveRate(atMost: Double, atFalsePositiveRate: Double)

  /// Checks the numbers.
  ///
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)``.
  public func validate() throws(AccountingError) {
    switch self {
    case .target(let target): try target.validate()
    case .advantage(let greatest):
      guard greatest > 0, greatest < 1 else { throw .invalidParameter(name: "advantage", value: greatest, allowed: "in (0, 1)") }
    case .truePositiveRate(let greatest, let rate):
      guard rate > 0, rate < 1 else { throw .invalidParameter(name: "false-positive rate", value: rate, allowed: "in (0, 1)") }
      guard greatest > rate, greatest < 1 else {
        throw .invalidParameter(
          name: "true-positive rate", value: greatest, allowed: "above the false-positive rate, which guessing reaches, and below 1")
      }
    }
  }

  /// The goal in words.
  public var description: String {
    switch self {
    case .target(let target): "ε ≤ \(target.epsilon) at δ = \(target.delta)"
    case .advantage(let greatest): "a membership advantage of at most \(greatest)"
    case .truePositiveRate(let greatest, let rate): "a true-positive rate of at most \(greatest) at a false-positive rate of \(rate)"
    }
  }

  /// How far `profile` is above the goal: at most 1 where it meets it. Falls as the mechanism gets more private.
  package func excess(of profile: any DirectionalProfile) throws(AccountingError) -> Double {
    switch self {
    case .target(let target):
      var worst = 0.0
      for direction in NeighborDirection.allCases {
        worst = max(worst, try profile.delta(epsilon: target.epsilon, direction: direction).upper)
      }
      return worst / target.delta
    case .advantage(let greatest): return try TradeOffCurve(profile).advantage().upper / greatest
    case .truePositiveRate(let greatest, let rate):
      // Above guessing, so that the ratio tells 1 from nearly 1 where TPR and FPR are close.
      return (try TradeOffCurve(profile).truePositiveRate(atFalsePositiveRate: rate).upper - rate) / (greatest - rate)
    }
  }
}
