public import PrivacyEvents
public import SecureNoise

/// Every client takes part independently with the same probability. The cohort may be empty.
///
/// The realised probability is never above the stated one, and below it by less than 2⁻⁶⁴.
public struct PoissonClientSampler: ClientSampler, Hashable {
  /// Probability with which a client takes part, in (0, 1].
  public let rate: Double

  /// A sampler with the given rate.
  ///
  /// - Throws: ``DatasetError/invalidParameter(name:value:requirement:)`` if `rate` is not in (0, 1].
  public init(rate: Double) throws(DatasetError) {
    guard rate > 0 && rate <= 1 else {
      throw .invalidParameter(name: "rate", value: "\(rate)", requirement: "a probability in (0, 1]")
    }
    self.rate = rate
  }

  public func scheme(populationSize: Int) -> SamplingScheme { .poisson(rate: rate) }

  public func expectedCohortSize(populationSize: Int) -> Double { rate * Double(populationSize) }

  /// Complexity: O(populationSize). Skipping ahead by geometric numbers would be faster, but in floating point it
  /// would not have exactly the stated distribution.
  public func sample(round: Int, populationSize: Int, using random: RandomSource) -> [Int] {
    precondition(populationSize >= 0, "a population cannot have \(populationSize) members")
    return (0..<populationSize).filter { _ in random.bernoulli(probability: rate) }
  }
}
