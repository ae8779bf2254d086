public import PrivacyEvents

/// Turns a privacy event into ε and δ.
///
/// ```swift
/// let event = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.poisson(rate: 0.01)).repeated(1_000)
/// let bound = try PrivacyAccountant().epsilon(of: event, delta: 1e-5)
/// ```
///
/// An accountant is a value without state: what was spent is an event, kept by whoever spent it. The relation between neighbours is
/// fixed at construction. An event without a valid bound is refused by name.
public struct PrivacyAccountant: Hashable, Sendable {
  /// Between which populations the guarantee holds.
  public let neighboringRelation: NeighboringRelation
  /// The method asked for; the one used is in each answer.
  public let choice: Choice

  /// An accountant for one relation.
  public init(neighboringRelation: NeighboringRelation = .addOrRemoveOne, choice: Choice = .tightest) {
    self.neighboringRelation = neighboringRelation
    self.choice = choice
  }

  /// Checks that `event` has a bound by the method asked for, without computing it.
  ///
  /// - Throws: ``AccountingError/unsuitableAccountant(name:reason:remedy:)`` where only another ``choice`` has one.
  public func checkSupport(of event: PrivacyEvent) throws(AccountingError) { _ = try curve(of: event) }

  /// ε of `event` at `delta`.
  ///
  /// - Parameters:
  ///   - event: everything that was released.
  ///   - delta: in [0, 1].
  /// - Returns: an interval whose upper end is the guarantee; infinite where there is none.
  public func epsilon(of event: PrivacyEvent, delta: Double) throws(AccountingError) -> PrivacyBound {
    try curve(of: event).epsilon(afterRounds: 1, delta: delta)
  }

  /// δ of `event` at `epsilon`.
  public func delta(of event: PrivacyEvent, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try curve(of: event).delta(afterRounds: 1, epsilon: epsilon)
  }

  /// The Rényi divergence R(α) of `event`, the greater of both directions, rounded up; α > 1.
  public func renyiDivergence(of event: PrivacyEvent, order: Double) throws(AccountingError) -> Double {
    guard order > 1, order.isFinite else {
      throw .invalidParameter(name: "order", value: order, allowed: "finite and above 1")
    }
    let composition = try MechanismComposition(event, relation: neighboringRelation)
    if composition.isNonPrivate || composition.logNoFailure != 0 || composition.logUnchanged != (0, 0) { return .infinity }
    return try RenyiCurve(composition).divergence(order: order)
  }

  /// The figures of `event` repeated any number of times; what does not depend on that number is computed once.
  public func curve(of event: PrivacyEvent) throws(AccountingError) -> CompositionCurve {
    if case .monteCarlo = choice, neighboringRelation != .addOrRemoveOne {
      throw .unsuitableAccountant(
        name: choice.name, reason: "it draws from the pair of addOrRemoveOne, not of \(neighboringRelation.rawValue)",
        remedy: "use the relation addOrRemoveOne or the accountant “tightest”")
    }
    return try CompositionCurve(try MechanismComposition(event, relation: neighboringRelation), choice: choice)
  }
}
