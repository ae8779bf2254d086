public import PrivacyEvents
public import SecureNoise

/// A way to choose the clients of each round of a run, which says itself what its choice is.
///
/// An accountant takes the scheme from the sampler, so that no draw can be accounted as one that did not happen.
public protocol ClientSampler: Sendable {
  /// The sampling scheme that ``sample(round:populationSize:using:)`` realises on a population of this size.
  func scheme(populationSize: Int) -> SamplingScheme
  /// Expected number of clients of a round, over the whole run.
  func expectedCohortSize(populationSize: Int) -> Double
  /// Chooses the clients of one round, with chance of its own.
  ///
  /// - Parameters:
  ///   - round: the round's number, from 1.
  ///   - populationSize: number of clients to choose from, at least 0.
  ///   - random: secret chance for privacy: a ``SecureNoise/SecureGenerator``, or simulated chance in tests.
  /// - Returns: indices in `0..<populationSize`, ascending, each at most once; possibly none.
  func sample(round: Int, populationSize: Int, using random: RandomSource) -> [Int]
}
