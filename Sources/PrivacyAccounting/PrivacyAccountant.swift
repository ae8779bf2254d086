import Foundation
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
  /// Which method to use.
  public enum Choice: String, Codable, Hashable, Sendable, CaseIterable {
    /// The tightest method that is valid for the event.
    case tightest
    /// Rényi differential privacy whatever the event.
    case renyi
  }

  /// Between which populations the guarantee holds.
  public let neighboringRelation: NeighboringRelation
  /// The method asked for; the one used is in each answer.
  public let choice: Choice

  /// An accountant for one relation.
  public init(neighboringRelation: NeighboringRelation = .addOrRemoveOne, choice: Choice = .tightest) {
    self.neighboringRelation = neighboringRelation
    self.choice = choice
  }

  /// Checks that `event` has a bound, without computing it.
  public func checkSupport(of event: PrivacyEvent) throws(AccountingError) {
    _ = try MechanismComposition(event, relation: neighboringRelation)
  }

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

  /// The figures of `event` repeated any number of times; what does not depend on that number is computed once.
  public func curve(of event: PrivacyEvent) throws(AccountingError) -> CompositionCurve {
    CompositionCurve(try MechanismComposition(event, relation: neighboringRelation), choice: choice)
  }
}

/// What one method knows about a composition; how methods are added without changing ``PrivacyAccountant``.
protocol AccountingBackend: Sendable {
  /// ε at δ in [0, 1] of the composition repeated `rounds` ≥ 1 times.
  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound
  /// δ at ε ≥ 0 of the composition repeated `rounds` ≥ 1 times.
  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound
}

/// ε and δ of one event repeated any number of times, in independent rounds.
///
/// Made by ``PrivacyAccountant/curve(of:)``. Asking for every round of a training run costs little more than asking for the last.
public struct CompositionCurve: Sendable {
  private let backend: (any AccountingBackend)?
  private let isNonPrivate: Bool

  init(_ composition: MechanismComposition, choice: PrivacyAccountant.Choice) {
    isNonPrivate = composition.isNonPrivate
    if isNonPrivate || (composition.order.isEmpty && composition.logNoFailure == 0) {
      backend = nil
    } else if choice == .tightest, let noiseMultiplier = composition.combinedGaussian {
      backend = GaussianAccountant(noiseMultiplier: noiseMultiplier)
    } else {
      backend = RenyiAccountant(composition)
    }
  }

  /// ε at `delta` after `rounds` rounds.
  ///
  /// - Parameters:
  ///   - rounds: at least 0.
  ///   - delta: in [0, 1].
  public func epsilon(afterRounds rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    try Parameters.check(delta: delta)
    try check(rounds: rounds)
    if rounds == 0 || delta == 1 { return Self.nothing }
    guard let backend else { return isNonPrivate ? Self.everything : Self.nothing }
    return try backend.epsilon(rounds: rounds, delta: delta)
  }

  /// δ at `epsilon` after `rounds` rounds.
  public func delta(afterRounds rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try Parameters.check(epsilon: epsilon)
    try check(rounds: rounds)
    if rounds == 0 || epsilon == .infinity { return Self.nothing }
    guard let backend else { return isNonPrivate ? PrivacyBound(lower: 1, upper: 1, method: .trivial) : Self.nothing }
    return try backend.delta(rounds: rounds, epsilon: epsilon)
  }

  private func check(rounds: Int) throws(AccountingError) {
    guard rounds >= 0 else { throw .invalidParameter(name: "rounds", value: Double(rounds), allowed: "at least 0") }
  }

  private static let nothing = PrivacyBound(lower: 0, upper: 0, method: .trivial)
  private static let everything = PrivacyBound(lower: .infinity, upper: .infinity, method: .trivial)
}

/// Compositions of Gaussians alone, exactly.
struct GaussianAccountant: AccountingBackend {
  /// (Σ σ_i⁻²)^(−1/2) of one round.
  let noiseMultiplier: Double

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    try AnalyticGaussian.epsilon(noiseMultiplier: noiseMultiplier / Double(rounds).squareRoot(), delta: delta)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try AnalyticGaussian.delta(noiseMultiplier: noiseMultiplier / Double(rounds).squareRoot(), epsilon: epsilon)
  }
}
