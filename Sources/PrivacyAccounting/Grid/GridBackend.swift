import Foundation
import Synchronization

/// Compositions on a grid, in both directions: for everything whose loss has a law.
final class GridBackend: AccountingBackend {
  private let composition: MechanismComposition
  private let isSymmetric: Bool
  /// Whether a law is known from above only, so that the width of an interval says nothing.
  private let isOneSided: Bool
  /// Laws, which may be tables, are made once and on first use.
  private let laws = Mutex<[NeighborDirection: [(law: PrivacyLossLaw, count: Int)]]>([:])

  /// Width of ε, and of δ relative to it, that is aimed at and that is accepted.
  static let wantedWidth = 1e-6
  private static let greatestWidth = 1e-2
  private static let wantedRelativeWidth = 1e-4
  /// Work of one answer, both directions together: below a second.
  static let usualWork = 2e8
  private let workLimit: Double

  /// - Parameter workLimit: as ``GridAccountant`` takes it; the default is ``usualWork``.
  /// - Returns: nil where a mechanism is known by its Rényi curve only.
  init?(_ composition: MechanismComposition, workLimit: Double = GridBackend.usualWork) {
    self.workLimit = workLimit
    guard Self.hasLaws(composition) else { return nil }
    self.composition = composition
    isOneSided = Self.isOneSided(composition)
    isSymmetric = composition.order.allSatisfy(\.isSymmetric)
  }

  private static func isOneSided(_ composition: MechanismComposition) -> Bool {
    composition.order.contains { mechanism in
      switch mechanism {
      case .drawnWithReplacement, .randomAllocation: true
      case .sampledComposition(let inner, _): isOneSided(inner)
      default: false
      }
    }
  }

  private static func hasLaws(_ composition: MechanismComposition) -> Bool {
    composition.order.allSatisfy { mechanism in
      switch mechanism {
      case .skellamVector, .zeroConcentrated, .selection: false
      case .sampledComposition(let inner, _): hasLaws(inner)
      default: true
      }
    }
  }

  /// The laws of one round with their counts; nil where one has none.
  static func components(
    _ composition: MechanismComposition, _ direction: NeighborDirection
  ) throws(AccountingError) -> [(law: PrivacyLossLaw, count: Int)]? {
    var result: [(law: PrivacyLossLaw, count: Int)] = []
    for (mechanism, count) in composition.parts {
      guard let law = try mechanism.law(direction) else { return nil }
      result.append((law, count))
    }
    return result
  }

  private func accountant(rounds: Int, _ direction: NeighborDirection) throws(AccountingError) -> GridAccountant {
    let direction = isSymmetric ? .removal : direction
    var known = laws.withLock { $0[direction] }
    if known == nil {
      known = try Self.components(composition, direction)
      laws.withLock { [known] in $0[direction] = known }
    }
    guard let known else { throw .notConverged(what: "grid", reason: "a mechanism has no privacy-loss distribution") }
    var scaled: [(law: PrivacyLossLaw, count: Int)] = []
    for (law, count) in known { scaled.append((law, try MechanismComposition.product(count, rounds))) }
    return try GridAccountant(scaled, workLimit: isSymmetric ? workLimit : 0.5 * workLimit, isOneSided: isOneSided)
  }

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    var answer = try accountant(rounds: rounds, .removal).epsilon(
      delta: delta, width: Self.wantedWidth, limit: isOneSided ? 1e300 : Self.greatestWidth)
    var (lower, upper) = (answer.lower, answer.upper)
    if !isSymmetric {
      answer = try accountant(rounds: rounds, .addition).epsilon(
        delta: delta, width: Self.wantedWidth, limit: isOneSided ? 1e300 : Self.greatestWidth)
      (lower, upper) = (max(lower, answer.lower), max(upper, answer.upper))
    }
    return PrivacyBound(lower: lower, upper: upper, method: .grid)
  }

  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    let answer = try accountant(rounds: rounds, direction).delta(
      epsilon: epsilon, relativeWidth: Self.wantedRelativeWidth, limit: 1)
    return PrivacyBound(lower: answer.lower, upper: answer.upper, method: .grid)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    let removal = try delta(rounds: rounds, epsilon: epsilon, direction: .removal)
    if isSymmetric { return removal }
    let addition = try delta(rounds: rounds, epsilon: epsilon, direction: .addition)
    return PrivacyBound(lower: max(removal.lower, addition.lower), upper: max(removal.upper, addition.upper), method: .grid)
  }
}
