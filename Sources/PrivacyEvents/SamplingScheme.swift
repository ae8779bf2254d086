/// How the participants of one release were chosen from the population.
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

  /// Probability with which one given member takes part.
  public var inclusionProbability: Double {
    switch self {
    case .poisson(let rate): rate
    case .fixedSizeWithoutReplacement(let cohort, let population): Double(cohort) / Double(population)
    }
  }
}
