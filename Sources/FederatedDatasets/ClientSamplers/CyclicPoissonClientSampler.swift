public import PrivacyEvents
public import SecureNoise

/// Every client belongs for good to one of `cycle` parts, whose turns follow each other; in the round of its part it takes part with
/// probability `rate` (Choquette-Choo et al. 2023, section 4).
///
/// So nobody takes part twice within `cycle` rounds, which is what noise correlated over the rounds needs. At rate 1 everybody takes part
/// once in a cycle: an epoch in an order that is the same in every epoch.
///
/// A client's part depends on its index and the seed alone, never on who else is there. So a person who joins or leaves changes nobody
/// else's part, provided that an index is a person's own for good and is not given to another when somebody leaves. Parts are
/// therefore of unequal size, and a round may be empty.
public struct CyclicPoissonClientSampler: ClientSampler, Hashable {
  /// Probability with which a client takes part in a round of its part, in (0, 1].
  public let rate: Double
  /// Number of parts, at least 1.
  public let cycle: Int
  /// Key of the parts. It is public: it must be chosen without looking at the data.
  public let seed: UInt64

  /// A sampler.
  ///
  /// - Throws: ``DatasetError/invalidParameter(name:value:requirement:)`` if `rate` is not in (0, 1] or `cycle` is below 1.
  public init(rate: Double, cycle: Int, seed: UInt64) throws(DatasetError) {
    guard rate > 0 && rate <= 1 else {
      throw .invalidParameter(name: "rate", value: "\(rate)", requirement: "a probability in (0, 1]")
    }
    guard cycle >= 1 else { throw .invalidParameter(name: "cycle", value: "\(cycle)", requirement: "at least 1") }
    self.rate = rate
    self.cycle = cycle
    self.seed = seed
  }

  public func scheme(populationSize: Int) -> SamplingScheme { .cyclicPoisson(rate: rate, cycle: cycle) }

  public func expectedCohortSize(populationSize: Int) -> Double { rate * Double(populationSize) / Double(cycle) }

  /// The part, in `0..<cycle`, of every client; a longer list starts with the same parts.
  public func parts(populationSize: Int) -> [Int] {
    let stream = RandomSource.simulation(seed: seed, purpose: .cohortParts)
    return (0..<max(0, populationSize)).map { _ in Int(stream.nextUInt64().multipliedFullWidth(by: UInt64(cycle)).high) }
  }

  /// Complexity: O(populationSize).
  public func sample(round: Int, populationSize: Int, using random: RandomSource) -> [Int] {
    precondition(populationSize >= 0, "a population cannot have \(populationSize) members")
    precondition(round >= 1, "rounds are counted from 1")
    let turn = (round - 1) % cycle
    return parts(populationSize: populationSize).enumerated().filter { $0.element == turn && random.bernoulli(probability: rate) }.map(
      \.offset)
  }
}
