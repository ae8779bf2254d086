/// How the participants of one release, or of several rounds, were chosen from the population.
///
/// The sampler that draws the participants states its own scheme, so the amplification that an accountant
/// grants is that of the draw that happened. The draw itself must stay secret for amplification to hold.
public enum SamplingScheme: Hashable, Sendable {
  /// Every member takes part independently with probability `rate`, in [0, 1].
  ///
  /// The number of participants is random and may be zero.
  case poisson(rate: Double)

  /// A uniform subset of exactly `cohortSize` out of `populationSize` members, without replacement.
  case fixedSizeWithoutReplacement(cohortSize: Int, populationSize: Int)

  /// `cohortSize` independent uniform draws out of `populationSize` members: a member may be drawn, and then counts, several times
  /// (Balle, Barthe and Gaboardi 2018).
  case fixedSizeWithReplacement(cohortSize: Int, populationSize: Int)

  /// A Poisson draw at `rate` out of `populationSize` members; where it has more than `maximumCohort`, a uniform subset of it of that size
  /// (Chua et al. 2024, truncated Poisson subsampling).
  case truncatedPoisson(rate: Double, maximumCohort: Int, populationSize: Int)

  /// Each member takes part in exactly `participations` out of `rounds` rounds, a uniform subset of them, independently of the others
  /// (Feldman and Shenfeld 2025, random allocation).
  ///
  /// The sampled event is one round; the scheme spans all `rounds` of them, which are not written as `repeated`.
  case randomAllocation(participations: Int, rounds: Int)

  /// Each member takes part in one uniformly chosen round out of the `rounds` of an epoch, independently of the others
  /// (Chua et al. 2025, balls-and-bins sampling).
  ///
  /// The sampled event is one round; the scheme spans the epoch. Repeating the sampled event is another epoch with a fresh draw.
  case ballsInBins(rounds: Int)

  /// The population is split once, independently of the data, into `cycle` fixed parts; in round i, counted from 0, every member of part
  /// i mod `cycle` takes part independently with probability `rate`, and nobody else (Choquette-Choo et al. 2023, amplified banded
  /// matrix factorisation).
  ///
  /// The sampled event holds all rounds: a `repeated` event, a `treeAggregation` or a `matrixMechanism`.
  case cyclicPoisson(rate: Double, cycle: Int)

  /// In every round each member takes part independently with probability `rate`, but one that took part sits out the next
  /// `separation` − 1 rounds (1: plain Poisson rounds).
  ///
  /// The sampled event holds all rounds: a `repeated` event, a `treeAggregation` or a `matrixMechanism`.
  case minimumSeparationPoisson(rate: Double, separation: Int)

  /// Probability with which one given member takes part in one given round.
  ///
  /// - `fixedSizeWithReplacement`: at least once among the draws, 1 − (1 − 1/n)^m.
  /// - `truncatedPoisson`: the upper bound min(rate, maximumCohort/populationSize); truncation makes it slightly less where the two are
  ///   close, by Jensen's inequality for E min(cohort, maximumCohort)/populationSize.
  /// - `cyclicPoisson`: averaged over the population, rate/cycle; a member of the round's part has `rate`, all others 0.
  /// - `minimumSeparationPoisson`: the share of rounds in the long run, rate/(1 + rate(separation − 1)); in the first round it is `rate`.
  ///
  /// An accountant must not take this figure for a sampling rate unless the scheme's rounds are independent.
  public var inclusionProbability: Double {
    switch self {
    case .poisson(let rate): rate
    case .fixedSizeWithoutReplacement(let cohort, let population): Double(cohort) / Double(population)
    case .fixedSizeWithReplacement(let cohort, let population): Self.atLeastOnce(inDraws: cohort, probability: 1 / Double(population))
    case .truncatedPoisson(let rate, let maximum, let population): min(rate, Double(maximum) / Double(population))
    case .randomAllocation(let participations, let rounds): Double(participations) / Double(rounds)
    case .ballsInBins(let rounds): 1 / Double(rounds)
    case .cyclicPoisson(let rate, let cycle): rate / Double(cycle)
    case .minimumSeparationPoisson(let rate, let separation): rate / (1 + rate * (Double(separation) - 1))
    }
  }

  /// Whether the sampled event must hold all rounds of the scheme, each with participants of its own.
  public var spansEvent: Bool {
    switch self {
    case .cyclicPoisson, .minimumSeparationPoisson: true
    case .poisson, .fixedSizeWithoutReplacement, .fixedSizeWithReplacement, .truncatedPoisson, .randomAllocation, .ballsInBins: false
    }
  }

  /// 1 − (1 − p)^n by squaring; p + q − pq joins two independent chances without the cancellation of the direct form.
  private static func atLeastOnce(inDraws draws: Int, probability: Double) -> Double {
    var (remaining, power, result) = (max(0, draws), probability, 0.0)
    while remaining > 0 {
      if remaining & 1 == 1 { result += power * (1 - result) }
      power += power * (1 - power)
      remaining >>= 1
    }
    return min(1, result)
  }
}
