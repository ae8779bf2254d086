public import PrivacyEvents

/// How client updates become one update: techniques around a mean.
///
/// ```swift
/// let plain = AggregationPipeline.mean().clipping(norm: 1)
/// let private = try AggregationPipeline.mean().gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: 100)
/// ```
/// Each call wraps what is there: the last technique named is the outermost, whose client side comes first.
public struct AggregationPipeline: Sendable {
  /// How the sum is divided.
  public enum Denominator: Hashable, Sendable {
    /// Σ wᵢxᵢ / Σ wᵢ; nothing is moved when all weights are zero.
    case totalWeight
    /// Σ xᵢ / number of participants.
    case participants
    /// Σ xᵢ / a constant, whatever the number of participants: what differential privacy needs.
    case expectedCohort(Double)
  }

  /// How the sum is divided.
  public let denominator: Denominator
  /// The techniques, outermost first.
  public let techniques: [any AggregationTechnique]
  /// How integers are summed; `nil` where real numbers are.
  public let summation: (any IntegerSummation)?
  /// What adds the privacy noise; `nil` without differential privacy.
  public let mechanism: (any NoiseMechanism)?
  /// How the total noise multiplier is divided over the releases; `nil` without differential privacy.
  public let noiseSplit: NoiseSplit?
  /// What the rounds release.
  public let releases: RoundReleases

  /// The weighted mean, or the plain mean where every client counts the same.
  public static func mean(weighted: Bool = false) -> AggregationPipeline {
    AggregationPipeline(denominator: weighted ? .totalWeight : .participants)
  }

  private init(denominator: Denominator) {
    self.denominator = denominator
    techniques = []
    summation = nil
    mechanism = nil
    noiseSplit = nil
    releases = .nonPrivate
  }

  /// The mean of `inner` with its vectors summed as integers; techniques are wrapped around it.
  init(_ summation: some IntegerSummation, under inner: AggregationPipeline, denominator: Denominator? = nil) throws(AggregationError) {
    guard inner.techniques.isEmpty, inner.summation == nil else {
      throw .invalidComposition(technique: summation.name, reason: "sums what everything else leaves: name it first, after mean()")
    }
    self.denominator = denominator ?? inner.denominator
    techniques = []
    self.summation = summation
    (mechanism, noiseSplit, releases) = try Self.split(techniques: [], summation: summation)
  }

  /// Wraps `inner` in `technique`.
  init(_ technique: some AggregationTechnique, around inner: AggregationPipeline, denominator: Denominator? = nil) throws(AggregationError)
  {
    if inner.techniques.contains(where: { $0.name == technique.name }) {
      throw .invalidComposition(technique: technique.name, reason: "stands in the pipeline already")
    }
    if let mechanism = technique as? any NoiseMechanism {
      if let summation = inner.summation {
        throw .invalidComposition(
          technique: summation.name,
          reason: "rounds between the clip and the noise of \(technique.name): sum real numbers, or use its own noise")
      }
      for other in inner.techniques where other is any NoiseMechanism {
        throw .invalidComposition(technique: other.name, reason: "one mechanism adds the noise of a pipeline, \(technique.name) is another")
      }
      for other in inner.techniques where mechanism.normGrowth(of: other) != 1 {
        throw .invalidComposition(
          technique: other.name, reason: "stands between the clip and the noise without a bound on how much it enlarges the norm")
      }
    }
    techniques = [technique] + inner.techniques
    summation = inner.summation
    self.denominator = denominator ?? inner.denominator
    (mechanism, noiseSplit, releases) = try Self.split(techniques: techniques, summation: summation)
  }

  /// Divides the noise of the mechanism, where there is one.
  private static func split(
    techniques: [any AggregationTechnique], summation: (any IntegerSummation)?
  ) throws(AggregationError) -> (mechanism: (any NoiseMechanism)?, split: NoiseSplit?, releases: RoundReleases) {
    let mechanisms = techniques.compactMap { $0 as? any NoiseMechanism } + [summation].compactMap { $0 as? any NoiseMechanism }
    guard let mechanism = mechanisms.first else { return (nil, nil, .nonPrivate) }
    let split = try mechanism.noiseSplit(
      bitDeviations: techniques.flatMap(\.noisedBitDeviations) + (summation?.noisedBitDeviations ?? []))
    return (mechanism, split, mechanism.releases(of: split))
  }

  /// What one round releases to somebody who knows the draw of clients. What a run adds up to, with or without amplification by the draw,
  /// says ``RoundReleases/event(rounds:sampling:)``.
  ///
  /// Noise that is correlated over the rounds has no event of one round; accountants refuse what stands here then.
  public var privacyEvent: PrivacyEvent {
    switch releases {
    case .nonPrivate: .nonPrivate
    case .fresh(let event), .toKnownCohorts(let event): event
    case .correlated(let mechanism, _):
      .unsupported(reason: "the noise of “\(mechanism.name)” is correlated over the rounds: ask for the event of the whole run")
    }
  }

  /// Whether some client side draws random numbers.
  public var needsClientRandomness: Bool {
    techniques.contains { $0.needsClientRandomness } || summation?.needsClientRandomness ?? false
  }

  /// Whether clients add privacy noise themselves.
  public var hasClientNoise: Bool { summation?.sendsRejectedAsZero ?? false }

  /// Whether clients are weighted; under differential privacy they never are.
  public var isWeighted: Bool { denominator == .totalWeight }

  /// Refuses a weighted mean under `mechanism`, whose bound has to be the same for every client.
  func requireUnweighted(for mechanism: String) throws(AggregationError) {
    guard !isWeighted else {
      throw .invalidComposition(
        technique: mechanism, reason: "differential privacy ignores weights: use the unweighted mean (algorithm.weighting: uniform)")
    }
  }

  /// Whatever leaves a round outside the privacy event.
  public var leaks: [String] { noiseSplit == nil ? [] : techniques.flatMap(\.leaks) + (summation?.leaks ?? []) }

  /// The state before the first round.
  public func initialState() -> AggregationState {
    AggregationState(
      boxes: techniques.map { $0.initialState() }, summation: summation.map { $0.initialState() as any Codable & Hashable & Sendable })
  }

  /// Opens a round for updates of `count` parameters.
  ///
  /// - Parameter roundSeed: a public number, drawn afresh for every round without looking at data, that server and clients share.
  public func round(count: Int, state: AggregationState, roundSeed: UInt64 = 0) throws(AggregationError) -> AggregationRound {
    try AggregationRound(pipeline: self, count: count, state: state, roundSeed: roundSeed)
  }
}

/// The states of all techniques of a pipeline, outermost first.
public struct AggregationState: Sendable {
  var boxes: [any Codable & Hashable & Sendable]
  /// State of the summation of integers, where there is one.
  var summation: (any Codable & Hashable & Sendable)?
}
