import Foundation
import Synchronization

/// Compositions on a grid, in both directions: for everything whose loss has a law.
final class GridBackend: AccountingBackend {
  private let composition: MechanismComposition
  private let isSymmetric: Bool
  /// Whether a law is known from above only, so that the width of an interval says nothing.
  private let isOneSided: Bool
  /// Laws, which may be tables, are made once and on first use.
  private let components = Mutex<[Component]?>(nil)

  /// A mechanism's laws with its count.
  typealias Component = (laws: (removal: PrivacyLossLaw, addition: PrivacyLossLaw), count: Int)

  /// Width of ε, and of δ relative to it, that is aimed at.
  static let wantedWidth = 1e-6
  private static let wantedRelativeWidth = 1e-4
  /// Work of one answer, both directions together: half a second.
  static let usualWork = 1.4e8
  /// How much of it is for laws that are known from above only: the single measure has one core, and finer steps hardly lower its answer.
  private static let oneSidedShare = 0.8
  /// How much of it the first direction may take; it needs more as a rule, because it has the greater losses.
  private static let firstShare = 0.65
  private let workLimit: Double
  private let greatestWidth: Double

  /// - Parameters:
  ///   - workLimit: as ``GridAccountant`` takes it; the default is ``usualWork``.
  ///   - greatestWidth: an ε less certain than this is no answer. By default every interval with a finite upper end is one: both ends hold
  ///     on the coarsest grid too.
  /// - Returns: nil where a mechanism is known by its Rényi curve only.
  init?(
    _ composition: MechanismComposition, workLimit: Double = GridBackend.usualWork, greatestWidth: Double = .greatestFiniteMagnitude
  ) {
    self.greatestWidth = greatestWidth
    guard Self.hasLaws(composition) else { return nil }
    self.composition = composition
    isOneSided = Self.isOneSided(composition)
    self.workLimit = (isOneSided ? Self.oneSidedShare : 1) * workLimit
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
  static func components(_ composition: MechanismComposition) throws(AccountingError) -> [Component]? {
    var result: [Component] = []
    for (mechanism, count) in composition.parts {
      guard let laws = try mechanism.laws() else { return nil }
      result.append((laws, count))
    }
    return result
  }

  private func accountant(
    rounds: Int, _ direction: NeighborDirection, workLimit: Double
  ) throws(AccountingError) -> GridAccountant {
    // Before tables are made.
    for (_, count) in composition.parts { try GridAccountant.check(count: try MechanismComposition.product(count, rounds)) }
    var known = components.withLock { $0 }
    if known == nil {
      known = try Self.components(composition)
      components.withLock { [known] in $0 = known }
    }
    guard let known else { throw .notConverged(what: "grid", reason: "a mechanism has no privacy-loss distribution") }
    var scaled: [(law: PrivacyLossLaw, count: Int)] = []
    for (laws, count) in known {
      let law = isSymmetric || direction == .removal ? laws.removal : laws.addition
      scaled.append((law, try MechanismComposition.product(count, rounds)))
    }
    return try GridAccountant(scaled, workLimit: workLimit, isOneSided: isOneSided)
  }

  /// The greater figure of both directions. The second one, with the work that the first left over, is computed no further than to see
  /// that it is the lesser.
  private func both(
    _ rounds: Int, _ ask: (GridAccountant, _ sufficient: Double) throws(AccountingError) -> GridBound
  ) throws(AccountingError) -> PrivacyBound {
    let removal = try ask(accountant(rounds: rounds, .removal, workLimit: isSymmetric ? workLimit : Self.firstShare * workLimit), 0)
    if isSymmetric { return PrivacyBound(lower: removal.lower, upper: removal.upper, method: .grid) }
    let addition = try ask(accountant(rounds: rounds, .addition, workLimit: workLimit - removal.work), removal.lower)
    return PrivacyBound(lower: max(removal.lower, addition.lower), upper: max(removal.upper, addition.upper), method: .grid)
  }

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    try epsilon(rounds: rounds, delta: delta, lowerDelta: delta)
  }

  func epsilon(rounds: Int, delta: Double, lowerDelta: Double) throws(AccountingError) -> PrivacyBound {
    try both(rounds) { grid, sufficient throws(AccountingError) in
      try grid.epsilon(
        delta: delta, lowerDelta: lowerDelta, width: Self.wantedWidth, limit: isOneSided ? .greatestFiniteMagnitude : greatestWidth,
        sufficient: sufficient)
    }
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try both(rounds) { grid, sufficient throws(AccountingError) in
      try grid.delta(epsilon: epsilon, relativeWidth: Self.wantedRelativeWidth, limit: 1, sufficient: sufficient)
    }
  }

  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    let answer = try accountant(rounds: rounds, direction, workLimit: (isSymmetric ? 1 : Self.firstShare) * workLimit).delta(
      epsilon: epsilon, relativeWidth: Self.wantedRelativeWidth, limit: 1)
    return PrivacyBound(lower: answer.lower, upper: answer.upper, method: .grid)
  }
}
