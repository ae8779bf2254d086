import ParameterVectors
public import SecureNoise

/// The Laplace mechanism on the sum, added by a trusted server: clip to an L1 norm of C, sum, add Laplace noise of scale zC to every
/// coordinate, divide by the expected cohort.
///
/// One client moves the sum by at most C in L1 norm, so a round alone is (1/z)-differentially private with δ = 0 (Dwork, McSherry,
/// Nissim and Smith 2006, proposition 1). The L1 norm of d parameters is up to √d times their L2 norm: for models the noise
/// is far above that of ``CentralGaussian``; it is meant for a few statistics. Weights are ignored, the divisor is a constant, and an
/// empty draw is noised like any other.
///
/// With an adaptive bound every client also sends a bit of its norm, released with Gaussian noise and composed with the update: there
/// is then a δ, and z stays the multiplier of the update alone (see ``NoiseSplit``).
///
/// A client sends its clipped update and its bit; the server, which is trusted, learns them; what leaves the server is noised. The
/// clipped sum of magnitudes never exceeds C, roundings included. The noise is a floating-point Laplace number from a
/// cryptographic generator (``RandomSource/laplace()``).
public struct CentralLaplace: AggregationTechnique, NoiseMechanism, ShrinkingTechnique {
  /// The running estimate of the clipping norm.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force this round.
    public var estimate: Double
  }

  /// z: scale of the noise on the sum over C.
  public let noiseMultiplier: Double
  /// Divisor of the sum.
  public let clientsPerRound: Double
  /// Where C, a bound of the L1 norm, comes from.
  public let norm: ClippingNorm

  /// A mechanism; an adaptive norm must be one whose counts are noised.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``, among others for a fixed norm outside [1e-250, 1e250], where
  ///   the roundings of the clip would not be covered; ``AggregationError/invalidComposition(technique:reason:)``.
  public init(noiseMultiplier: Double, clientsPerRound: Double, norm: ClippingNorm) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    switch norm {
    case .fixed(let bound): try require(Self.bounds.contains(bound), "L1 clipping norm", bound, "in [1e-250, 1e250]")
    case .adaptive(let estimator):
      guard case .noised = estimator.release else {
        throw .invalidComposition(technique: "central Laplace", reason: "its adaptive clipping norm needs noised counts")
      }
    }
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.norm = norm
  }

  public var name: String { "centralLaplace" }
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var worstCaseNormGrowth: Double? { 1 }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }

  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(laplaceNoiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations)
  }

  /// A technique that keeps the L2 norm, a rotation for instance, can enlarge the L1 norm: only factors in [0, 1] are allowed.
  public func normGrowth(of technique: any AggregationTechnique) -> Double? { technique is any ShrinkingTechnique ? 1 : nil }

  public func initialState() -> State { State(estimate: norm.initialEstimate) }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    norm.fill(&report, norm: message.clip(toL1Norm: bound(state)), estimate: state.estimate)
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    let scale = noiseMultiplier * bound(state)
    guard scale.isFinite else {
      throw .invalidParameter(name: "noise scale", value: scale, allowed: "finite: lower the noise multiplier or the clipping norm")
    }
    noise.addLaplace(scale: scale, to: &sum)
    let deviation = 2.0.squareRoot() * scale / clientsPerRound
    return try [AggregationMeasurement(.noiseStandardDeviation, deviation, .released)]
      + norm.advance(&state.estimate, reports: reports, participants: round.participants, protection: .released, noise: noise)
  }

  private static let bounds = 1e-250...1e250

  /// C of this round; an adaptive one is kept where the clip's roundings are covered.
  private func bound(_ state: State) -> Double { min(max(norm.bound(state.estimate), Self.bounds.lowerBound), Self.bounds.upperBound) }
}

extension AggregationPipeline {
  /// Differentially private mean by Laplace noise, with a fixed bound of the L1 norm.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: scale of the noise on the sum over the clipping norm, at least 0; a round alone is 1/`noiseMultiplier`-DP.
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - clippingNorm: greatest sum of the magnitudes of a client's update.
  public func laplace(noiseMultiplier: Double, clientsPerRound: Double, clippingNorm: Double) throws(AggregationError)
    -> AggregationPipeline
  {
    try laplace(CentralLaplace(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .fixed(clippingNorm)))
  }

  /// Differentially private mean by Laplace noise, with a bound of the L1 norm that follows a quantile through noised counts.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: scale of the noise on the sum over the clipping norm, at least 0.
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - estimator: follows a quantile of the clients' L1 norms; its counts must be noised.
  public func laplace(noiseMultiplier: Double, clientsPerRound: Double, adaptive estimator: QuantileEstimator) throws(AggregationError)
    -> AggregationPipeline
  {
    try laplace(CentralLaplace(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .adaptive(estimator)))
  }

  private func laplace(_ technique: CentralLaplace) throws(AggregationError) -> AggregationPipeline {
    try requireUnweighted(for: technique.name)
    return try AggregationPipeline(technique, around: self, denominator: .expectedCohort(technique.clientsPerRound))
  }
}

extension ClientMessage {
  /// Clips to an L1 norm of at most `bound` and returns the norm before.
  mutating func clip(toL1Norm bound: Double) -> Double {
    switch self {
    case .real(var vector):
      let unclipped = vector.clip(toL1Norm: bound)
      self = .real(vector)
      return unclipped
    }
  }
}
