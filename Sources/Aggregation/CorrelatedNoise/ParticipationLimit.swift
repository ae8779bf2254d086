public import PrivacyEvents

/// How often and how densely one person may take part in a run whose noise is correlated over the rounds.
///
/// Correlated noise protects a person's updates of several rounds together, so the guarantee needs a limit that the sampler of clients
/// really keeps: at most `maximumParticipations` rounds, and at least `minimumSeparation` rounds from one of them to the next
/// (b-min-separation; Choquette-Choo et al. 2023, "(Amplified) banded matrix factorization").
public struct ParticipationLimit: Codable, Hashable, Sendable {
  /// k, at least 1.
  public let maximumParticipations: Int
  /// b, at least 1; 1 allows consecutive rounds.
  public let minimumSeparation: Int

  /// A limit.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for a number below 1.
  public init(maximumParticipations: Int, minimumSeparation: Int = 1) throws(AggregationError) {
    try require(maximumParticipations >= 1, "maximum participations", Double(maximumParticipations), "at least 1")
    try require(minimumSeparation >= 1, "minimum separation", Double(minimumSeparation), "at least 1")
    self.maximumParticipations = maximumParticipations
    self.minimumSeparation = minimumSeparation
  }

  private enum CodingKeys: String, CodingKey { case maximumParticipations, minimumSeparation }

  /// Reads a limit and checks it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      maximumParticipations: values.decode(Int.self, forKey: .maximumParticipations),
      minimumSeparation: values.decode(Int.self, forKey: .minimumSeparation))
  }

  /// The limit that `sampling` keeps in `rounds` ≥ 1 rounds; `nil` where it allows everybody every round.
  public init?(_ sampling: SamplingScheme, rounds: Int) throws(AggregationError) {
    switch sampling {
    case .cyclicPoisson(_, let separation), .minimumSeparationPoisson(_, let separation):
      try self.init(maximumParticipations: (rounds - 1) / max(1, separation) + 1, minimumSeparation: separation)
    default: return nil
    }
  }

  private init(once: Void) { (maximumParticipations, minimumSeparation) = (1, 1) }

  /// One round a person: a single pass over the population.
  public static let once = ParticipationLimit(once: ())

  /// The most participations that fit into `rounds`: min(k, ⌈rounds/b⌉).
  public func participations(in rounds: Int) -> Int {
    rounds < 1 ? 0 : min(maximumParticipations, (rounds - 1) / minimumSeparation + 1)
  }

  /// The event of a count of centred bits that every one of `rounds` rounds releases with independent Gaussian noise of standard
  /// deviation `standardDeviation`, by people who keep this limit: for counts, such as those of private zeroing, beside correlated noise.
  public func countEvent(standardDeviation: Double, rounds: Int) -> PrivacyEvent {
    guard rounds > 0 else { return .noOp }
    return .matrixMechanism(
      noiseMultiplier: 2 * standardDeviation, strategy: .toeplitz(coefficients: [1], steps: rounds),
      maximumParticipations: maximumParticipations, minimumSeparation: minimumSeparation)
  }
}
