public import PrivacyEvents

/// What every round of a pipeline releases, and what a run of any length adds up to.
public enum RoundReleases: Sendable {
  /// Something without protection.
  case nonPrivate
  /// This, with noise of its own in every round, on the round's secret draw of clients.
  case fresh(PrivacyEvent)
  /// This, with noise of its own in every round, to somebody who knows which clients were drawn: sampling amplifies nothing.
  case toKnownCohorts(PrivacyEvent)
  /// Sums with noise that is correlated over the rounds, and beside them counts of centred bits with fresh Gaussian noise of these
  /// standard deviations.
  case correlated(any CorrelatedMechanism, countDeviations: [Double])

  /// What `rounds` rounds release together.
  ///
  /// Correlated noise needs a limit on how often one person takes part, so that only schemes that keep one are allowed with it. A banded
  /// strategy within one cycle of ``SamplingScheme/cyclicPoisson(rate:cycle:)`` is amplified by it (Choquette-Choo et al. 2023, theorem 4),
  /// unless counts stand beside it.
  ///
  /// - Throws: ``AggregationError/invalidComposition(technique:reason:)`` for a scheme that the mechanism cannot be used with.
  public func event(rounds: Int, sampling: SamplingScheme) throws(AggregationError) -> PrivacyEvent {
    switch sampling {
    case .randomAllocation, .ballsInBins:
      throw .invalidComposition(technique: "sampling", reason: "a scheme whose rounds are one epoch states no event for any number of them")
    default: break
    }
    guard rounds > 0 else { return .noOp }
    switch self {
    case .nonPrivate: return .nonPrivate
    case .fresh(let event):
      return sampling.spansEvent ? event.repeated(rounds).sampled(sampling) : event.sampled(sampling).repeated(rounds)
    case .toKnownCohorts(let event):
      return event.repeated(try ParticipationLimit(sampling, rounds: rounds)?.maximumParticipations ?? rounds)
    case .correlated(let mechanism, let deviations):
      guard let limit = try ParticipationLimit(sampling, rounds: rounds) else {
        throw .invalidComposition(
          technique: mechanism.name, reason: "its noise is correlated over the rounds: use cyclic sampling, which keeps people's rounds apart")
      }
      let sums = mechanism.event(rounds: rounds, participation: limit)
      guard deviations.isEmpty else {
        return .composed([sums] + deviations.map { limit.countEvent(standardDeviation: $0, rounds: rounds) })
      }
      if case .cyclicPoisson(_, let cycle) = sampling, let bands = mechanism.bandCount, bands <= cycle { return sums.sampled(sampling) }
      return sums
    }
  }
}

/// A mechanism whose noise in one round depends on that of earlier rounds: only whole runs have an event.
public protocol CorrelatedMechanism: NoiseMechanism {
  /// Over how many rounds a contribution spreads; `nil` where there is no bound.
  var bandCount: Int? { get }

  /// What a whole run of `rounds` rounds releases, by people who keep `participation`.
  func event(rounds: Int, participation: ParticipationLimit) -> PrivacyEvent
}

extension CorrelatedMechanism {
  /// The noise multiplier is that of the sums alone: noised counts beside them are composed with it.
  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(undivided: noiseMultiplier, bitDeviations: bitDeviations)
  }

  /// Releases that only a whole run has an event for.
  public func releases(of split: NoiseSplit) -> RoundReleases { .correlated(self, countDeviations: split.bitDeviations) }
}
