public import PrivacyEvents

extension SamplingScheme {
  /// The scheme in words.
  public var title: String {
    switch self {
    case .poisson(let rate): "Poisson sampling at rate \(Figure.plain(rate))"
    case .fixedSizeWithoutReplacement(let cohort, let population): "cohorts of \(cohort) out of \(population), without replacement"
    case .fixedSizeWithReplacement(let cohort, let population): "cohorts of \(cohort) out of \(population), with replacement"
    case .truncatedPoisson(let rate, let maximum, let population):
      "Poisson sampling at rate \(Figure.plain(rate)) out of \(population), at most \(maximum) of them"
    case .randomAllocation(let participations, let rounds): "each member in \(participations) random rounds out of \(rounds)"
    case .ballsInBins(let rounds): "each member in one random round of an epoch of \(rounds)"
    case .cyclicPoisson(1, let cycle): "everybody of one of \(cycle) fixed parts in turn"
    case .cyclicPoisson(let rate, let cycle): "Poisson sampling at rate \(Figure.plain(rate)) from one of \(cycle) fixed parts in turn"
    case .minimumSeparationPoisson(let rate, let separation):
      "Poisson sampling at rate \(Figure.plain(rate)), a member's participations at least \(separation) rounds apart"
    }
  }
}
