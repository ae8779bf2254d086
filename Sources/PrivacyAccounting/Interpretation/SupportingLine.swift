import Foundation
import Synchronization

/// One line under the trade-off curve of a direction: FNR ≥ h − γ·FPR with h = 1 − δ(log γ), for every γ > 0.
///
/// For γ < 1, h = γ(1 − δ′) with δ′ of the mirrored direction at −log γ. As a function of γ, h is concave and rises from 0, with
/// h ≤ min(1, γ), because δ is convex in e^ε.
struct SupportingLine: Sendable {
  /// log γ.
  let logSlope: Double
  /// γ.
  let slope: Double
  /// δ at |log γ| of the direction, or of the mirrored one where log γ < 0.
  let delta: PrivacyBound

  /// A lower bound of h.
  var interceptLower: Double {
    logSlope >= 0 ? max(0, (1 - delta.upper).nextDown) : max(0, slope * (1 - delta.upper) * (1 - 1e-15))
  }

  /// An upper bound of h.
  var interceptUpper: Double {
    logSlope >= 0 ? min(1, (1 - delta.lower).nextUp) : min(1, slope * (1 - delta.lower) * (1 + 1e-15))
  }

  /// A lower bound of the false-negative rate at `rate`; may be negative.
  func lowerValue(at rate: Double) -> Double {
    if logSlope >= 0 { return 1 - delta.upper - slope * rate - 1e-15 }
    let rest = 1 - delta.upper - rate - 4e-16
    return slope * rest * (rest > 0 ? 1 - 2e-15 : 1 + 2e-15)
  }

  /// An upper bound of the true-positive rate at `rate`, with full relative precision near 0; may exceed 1.
  func truePositiveUpper(at rate: Double) -> Double {
    logSlope >= 0 ? (delta.upper + slope * rate) * (1 + 1e-15) : (1 - lowerValue(at: rate)).nextUp
  }

  /// The false-positive rate at which this line and a steeper one cross.
  func crossing(_ steeper: SupportingLine) -> Double {
    let rise =
      logSlope >= 0 ? delta.upper - steeper.delta.upper : steeper.interceptLower - interceptLower
    return rise / (steeper.slope - slope)
  }

  /// The lines that are highest somewhere in (0, 1), from flat to steep, each with the lower end of its range of false-positive rates.
  ///
  /// The ranges only say which line to use where; any other choice would be valid too, because every line bounds the curve everywhere.
  static func envelope(_ lines: [SupportingLine]) -> [(line: SupportingLine, from: Double)] {
    var hull: [(line: SupportingLine, from: Double)] = []
    for line in lines.sorted(by: { $0.logSlope < $1.logSlope }) {
      var isNeeded = true
      while let last = hull.last {
        guard line.slope > last.line.slope else {
          isNeeded = false
          break
        }
        let rate = last.line.crossing(line)
        if !(rate > 0) {
          isNeeded = false
          break
        }
        // The range of the last line ends where the one before it takes over.
        let end = hull.count > 1 ? hull[hull.count - 2].from : 1
        if rate < end {
          hull[hull.count - 1].from = rate
          break
        }
        hull.removeLast()
      }
      if isNeeded { hull.append((line, 0)) }
    }
    return hull
  }
}

/// A profile whose answers are kept: each may cost a millisecond, and the curves ask for the same ones again.
final class MemoizedProfile: Sendable {
  private struct Key: Hashable {
    let epsilon: Double
    let direction: NeighborDirection
  }

  private let profile: any DirectionalProfile
  private let known = Mutex<[Key: PrivacyBound]>([:])

  init(_ profile: any DirectionalProfile) { self.profile = profile }

  /// δ at `epsilon` ≥ 0, checked to be a number and clamped to [0, 1].
  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    let key = Key(epsilon: epsilon, direction: direction)
    if let bound = known.withLock({ $0[key] }) { return bound }
    let found = try profile.delta(epsilon: epsilon, direction: direction)
    guard !found.upper.isNaN, !found.lower.isNaN else { throw .notConverged(what: "δ at ε = \(epsilon)", reason: "not a number") }
    let bound = PrivacyBound(lower: min(found.lower, 1), upper: min(found.upper, 1), method: found.method)
    known.withLock { $0[key] = bound }
    return bound
  }

  /// The line of slope e^`logSlope` under the curve of `direction`.
  func line(logSlope: Double, direction: NeighborDirection) throws(AccountingError) -> SupportingLine {
    SupportingLine(
      logSlope: logSlope, slope: exp(logSlope),
      delta: try delta(epsilon: abs(logSlope), direction: logSlope >= 0 ? direction : direction.mirrored))
  }

  /// ε of the coarse scan: 0, then from 1e-3 by half as much again to 700, where e^ε still is a `Double`.
  static let scan: [Double] = [0] + (0..<33).map { 1e-3 * pow(1.5, Double($0)) } + [700]
}
