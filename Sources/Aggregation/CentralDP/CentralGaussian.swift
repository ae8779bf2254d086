import ParameterVectors
public import SecureNoise

/// The Gaussian mechanism on the sum, added by a trusted server: clip to C, sum, add N(0, (z_v C)²) to every coordinate, divide by the
/// expected cohort.
///
/// Weights are ignored and the divisor is a constant, so that one client moves the mean by at most C over the expected cohort
/// (McMahan, Ramage, Talwar and Zhang 2018, estimator f̃_f). An empty draw is noised like any other. With an adaptive norm every
/// client also sends a bit of its norm, whose noised sum is a second Gaussian release on the same draw (see ``NoiseSplit``).
///
/// A client sends its clipped update and its bit; the server, which is trusted, learns them; what leaves the server is noised.
/// The noise is a floating-point Gaussian from a cryptographic generator.
public struct CentralGaussian: NoiseMechanism, ShrinkingTechnique {
  /// The running estimate of the clipping norm.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force this round.
    public var estimate: Double
  }

  /// z, of everything that a round releases together.
  public let noiseMultiplier: Double
  /// Divisor of the sum.
  public let clientsPerRound: Double
  /// Where C comes from.
  public let norm: ClippingNorm

  /// A mechanism; an adaptive norm must be one whose counts are noised.
  public init(noiseMultiplier: Double, clientsPerRound: Double, norm: ClippingNorm) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    try norm.validate()
    if case .adaptive(let estimator) = norm, case .exact = estimator.release {
      throw .invalidComposition(technique: "central Gaussian", reason: "its adaptive clipping norm needs noised counts")
    }
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.norm = norm
  }

  public var name: String { "centralGaussian" }
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var worstCaseNormGrowth: Double? { 1 }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }

  public func initialState() -> State { State(estimate: norm.initialEstimate) }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    norm.clip(&message, report: &report, estimate: state.estimate)
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    guard let split = round.noiseSplit else {
      throw .invalidComposition(technique: name, reason: "the round does not say how the noise is divided")
    }
    let bound = norm.bound(state.estimate)
    let deviation = split.updateNoiseMultiplier * bound
    guard deviation.isFinite else {
      throw .invalidParameter(
        name: "noise standard deviation", value: deviation, allowed: "finite: lower the noise multiplier or the clipping norm")
    }
    if deviation > 0 { noise.addGaussian(standardDeviation: deviation, to: &sum) }

    // From the noised sum alone: its squared norm exceeds the signal's by count × deviation² on average.
    let noisePower = Double(sum.count) * deviation * deviation
    let signalPower = max(0, VectorMath.sumOfSquares(sum) - noisePower)
    var measurements = [AggregationMeasurement(.noiseStandardDeviation, deviation / clientsPerRound, .released)]
    if noisePower > 0 {
      measurements.append(AggregationMeasurement(.signalToNoiseRatio, (signalPower / noisePower).squareRoot(), .released))
    }
    return measurements
      + norm.advance(&state.estimate, reports: reports, participants: round.participants, protection: .released, noise: noise)
  }
}

extension AggregationPipeline {
  /// Differentially private mean with a fixed clipping norm.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: noise standard deviation on the sum over the clipping norm, at least 0.
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - clippingNorm: greatest L2 norm of a client's update.
  public func gaussianFixed(noiseMultiplier: Double, clientsPerRound: Double, clippingNorm: Double) throws(AggregationError)
    -> AggregationPipeline
  {
    try gaussian(CentralGaussian(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .fixed(clippingNorm)))
  }

  /// Differentially private mean whose clipping norm follows a quantile of the clients' norms, with noised counts
  /// (Andrew et al. 2021).
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z of the update and the count together.
  ///   - clientsPerRound: the expected cohort.
  ///   - initialClippingNorm: C of the first round.
  ///   - targetUnclippedQuantile: the fraction of clients that should pass unclipped.
  ///   - learningRate: step of the norm.
  ///   - clippedCountStandardDeviation: noise of the count; by default 0.05 × the cohort, or 0 where z is 0.
  public func gaussianAdaptive(
    noiseMultiplier: Double, clientsPerRound: Double, initialClippingNorm: Double = 0.1, targetUnclippedQuantile: Double = 0.5,
    learningRate: Double = 0.2, clippedCountStandardDeviation: Double? = nil
  ) throws(AggregationError) -> AggregationPipeline {
    let deviation = clippedCountStandardDeviation ?? (noiseMultiplier == 0 ? 0 : 0.05 * clientsPerRound)
    let estimator = try QuantileEstimator(
      initialEstimate: initialClippingNorm, targetQuantile: targetUnclippedQuantile, learningRate: learningRate,
      release: .noised(standardDeviation: deviation, expectedClients: clientsPerRound))
    return try gaussian(CentralGaussian(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .adaptive(estimator)))
  }

  private func gaussian(_ technique: CentralGaussian) throws(AggregationError) -> AggregationPipeline {
    guard !isWeighted else {
      throw .invalidComposition(
        technique: technique.name, reason: "differential privacy ignores weights: use the unweighted mean (algorithm.weighting: uniform)")
    }
    return try AggregationPipeline(technique, around: self, denominator: .expectedCohort(technique.clientsPerRound))
  }
}
