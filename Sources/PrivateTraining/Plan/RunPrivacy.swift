public import Aggregation
public import PrivacyAccounting
public import PrivacyEvents

/// What a run releases after any number of its rounds, and what that costs.
///
/// Rounds with noise of their own on draws of their own add up one by one. Where rounds belong together, because noise is correlated
/// over them or people take part in turns, there is an event for all rounds so far and none for a single one.
public struct RunPrivacy: Sendable {
  /// What the rounds release.
  public let releases: RoundReleases
  /// How clients are drawn.
  public let sampling: SamplingScheme
  /// Who bounds ε.
  public let accountant: PrivacyAccountant
  /// δ of the guarantee.
  public let delta: Double
  /// What every round releases, its draw included; `nil` where only all rounds together have an event.
  public let roundEvent: PrivacyEvent?
  private let curve: CompositionCurve?

  init(releases: RoundReleases, sampling: SamplingScheme, accountant: PrivacyAccountant, delta: Double) throws {
    (self.releases, self.sampling, self.accountant, self.delta) = (releases, sampling, accountant, delta)
    if !sampling.spansEvent, case .repeated(let event, 2) = try releases.event(rounds: 2, sampling: sampling) {
      roundEvent = event
      curve = try accountant.curve(of: event)
    } else {
      roundEvent = nil
      curve = nil
      try accountant.checkSupport(of: releases.event(rounds: 1, sampling: sampling))
    }
  }

  /// What the first `rounds` rounds release together.
  public func event(rounds: Int) throws(AggregationError) -> PrivacyEvent { try releases.event(rounds: rounds, sampling: sampling) }

  /// ε of the first `rounds` rounds, had their number been fixed ahead.
  public func epsilon(afterRounds rounds: Int) throws(TrainingError) -> PrivacyBound {
    do {
      if let curve { return try curve.epsilon(afterRounds: rounds, delta: delta) }
      return try accountant.epsilon(of: event(rounds: rounds), delta: delta)
    } catch { throw TrainingError(error) }
  }

  /// The greatest number of rounds, at most `maximum`, that `epsilon` lasts for.
  func rounds(within epsilon: Double, maximum: Int) throws(TrainingError) -> Int {
    func meets(_ rounds: Int) throws(TrainingError) -> Bool { try self.epsilon(afterRounds: rounds).upper <= epsilon }
    return try meets(maximum) ? maximum : Calibration.greatest(from: 0, below: maximum, meets)
  }

  /// What the ledger is charged before round `round` is released.
  func charge(round: Int) throws(AggregationError) -> (event: PrivacyEvent, scope: LedgerCharge.Scope) {
    if let roundEvent { return (roundEvent, .round) }
    return (try event(rounds: round), .run)
  }
}
