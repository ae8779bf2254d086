public import PrivacyEvents
public import SecureNoise

/// A uniformly random cohort of a fixed size, without replacement. This is not Poisson sampling and does not claim
/// its amplification.
public struct FixedSizeClientSampler: ClientSampler, Hashable {
  /// Number of clients of a round; all of them where the population is smaller.
  public let cohortSize: Int

  /// A sampler of `cohortSize` clients.
  ///
  /// - Throws: ``DatasetError/invalidParameter(name:value:requirement:)`` if `cohortSize` is not positive.
  public init(cohortSize: Int) throws(DatasetError) {
    guard cohortSize > 0 else {
      throw .invalidParameter(name: "cohortSize", value: "\(cohortSize)", requirement: "at least 1")
    }
    self.cohortSize = cohortSize
  }

  public func scheme(populationSize: Int) -> SamplingScheme {
    .fixedSizeWithoutReplacement(cohortSize: min(cohortSize, populationSize), populationSize: populationSize)
  }

  public func expectedCohortSize(populationSize: Int) -> Double { Double(min(cohortSize, populationSize)) }

  /// Floyd's algorithm (Bentley and Floyd, A sample of brilliance, CACM 30, 1987): every subset is equally likely.
  /// Complexity: O(cohortSize log cohortSize).
  public func sample(round: Int, populationSize: Int, using random: RandomSource) -> [Int] {
    precondition(populationSize >= 0, "a population cannot have \(populationSize) members")
    let size = min(cohortSize, populationSize)
    var chosen: Set<Int> = []
    for last in (populationSize - size)..<populationSize {
      let candidate = random.uniformInteger(below: last + 1)
      // `last` itself cannot have been chosen before.
      if !chosen.insert(candidate).inserted { chosen.insert(last) }
    }
    return chosen.sorted()
  }
}
