public import FederatedLearning
public import PrivacyAccounting

/// What a round shows: in a private run only released figures, unless the exact ones were asked for.
public struct RoundReport: Codable, Hashable, Sendable {
  /// An interval around a privacy figure.
  public struct Interval: Codable, Hashable, Sendable {
    /// Certified lower end; 0 where the method has none.
    public let lower: Double
    /// Certified upper end: the promise.
    public let upper: Double

    /// The ends of a bound.
    public init(_ bound: PrivacyBound) { (lower, upper) = (bound.lower, bound.upper) }

    /// The ends of a bound of a rate.
    public init(_ bound: RateBound) { (lower, upper) = (bound.lower, bound.upper) }
  }

  /// Quality on people outside the training population.
  public struct TestMetrics: Codable, Hashable, Sendable {
    /// Mean cross-entropy, nats.
    public let testLoss: Double
    /// Fraction of examples classified correctly.
    public let testAccuracy: Double
  }

  /// Exact figures about the round's clients: outside the guarantee.
  public struct NonPrivateFigures: Codable, Hashable, Sendable {
    /// Clients that took part.
    public let participants: Int
    /// Clients whose update was not finite and was left out.
    public let rejectedUpdates: Int
    /// Clients whose update was clipped, where the aggregation clips.
    public let clippedCount: Int?
    /// Mean loss during local training; absent where nobody had examples.
    public let trainLoss: Double?
    /// Accuracy during local training.
    public let trainAccuracy: Double?
  }

  /// The round, from 1.
  public let round: Int
  /// Rounds planned.
  public let plannedRounds: Int
  /// Expected number of participants.
  public let expectedCohort: Double
  /// Quality after the round, where it was tested.
  public let metrics: TestMetrics?
  /// ε spent so far at `delta`, had this number of rounds been fixed ahead; `nil` in a run without privacy.
  public let epsilon: Interval?
  /// ε of all planned rounds.
  public let plannedEpsilon: Interval?
  /// The budget, if there is one.
  public let epsilonBudget: Double?
  /// δ of all these.
  public let delta: Double?
  /// Clipping norm used.
  public let clippingNorm: Double?
  /// Fraction of clients clipped, from the noised count.
  public let noisedFractionClipped: Double?
  /// Noise standard deviation per coordinate of the mean.
  public let noiseStandardDeviation: Double?
  /// Signal over noise, from the noised mean.
  public let signalToNoiseRatio: Double?
  /// Why the round left the model unchanged; absent where it did not.
  public let rejection: RoundOutcome.Rejection?
  /// Wall time of the round in seconds, without the test of its model.
  public let seconds: Double
  /// Whether noise and draws can be repeated by whoever knows the seed: then ε is hypothetical and nobody is protected.
  public let hasReproducibleNoise: Bool
  /// Exact figures, only where they were asked for or the run is not private.
  public let nonPrivate: NonPrivateFigures?
}
