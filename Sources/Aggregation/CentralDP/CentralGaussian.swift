public import ParameterVectors
public import SecureNoise

/// The Gaussian mechanism on the sum, added by a trusted server: clip to C, sum, add N(0, (z_v C)²) to every coordinate, divide by the
/// expected cohort.
///
/// Weights are ignored and the divisor is a constant, so that one client moves the mean by at most C over the expected cohort
/// (McMahan, Ramage, Talwar and Zhang 2018, estimator f̃_f). An empty draw is noised like any other. With an adaptive norm every
/// client also sends a bit of its norm, whose noised sum is a second Gaussian release on the same draw (see ``NoiseSplit``).
///
/// A client sends its clipped update and its bit; the server, which is trusted, learns them; what leaves the server is noised.
///
/// **Why the accounting of a real Gaussian holds exactly**, floating point included (Mironov 2012):
///
/// 1. Every client's clipped update is put on the grid of C·2^−k: n_i = trunc(x_i · f) with a factor f a little below 2^k/C. Whether
///    Σn_i² ≤ 2^2k is checked on the integers, in integers; what fails is left out. So the integer vector of one client has the norm
///    2^k at most, whatever was rounded on the way.
/// 2. Integers are added in 64 bits, exactly or not at all. One client moves the sum by at most 2^k, in L2.
/// 3. The noise is a real N(0, (z_v 2^k)²) variable G rounded to the nearest integer, with as many random bits as the rounding needs
///    (``SecureNoise/RandomSource/addGridGaussian(standardDeviation:to:)``); z_v·2^k is exact, a shift of a `Double`.
/// 4. The sum is an integer, so that sum + round(G) = round(sum + G): a function of the continuous Gaussian mechanism's output, with
///    sensitivity exactly 2^k and deviation z_v 2^k. All that follows, the product with C·2^−k and the division, is post-processing.
public struct CentralGaussian: NoiseMechanism, UnitVectorSummation {
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
  /// k: a grid step is C·2^−k.
  public var gridBits: Int { grid.bits }
  private let grid: IntegerGrid

  /// A mechanism; an adaptive norm must be one whose counts are noised.
  public init(noiseMultiplier: Double, clientsPerRound: Double, norm: ClippingNorm) throws(AggregationError) {
    // Beyond this the noise would leave the range of 64 bits on any useful grid.
    try require(noiseMultiplier >= 0 && noiseMultiplier <= 0x1p24, "noise multiplier", noiseMultiplier, "in [0, 2^24]")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    try norm.validate(for: "central Gaussian")
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.norm = norm
    grid = IntegerGrid(noiseDeviation: noiseMultiplier)
  }

  public var name: String { "centralGaussian" }
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }

  public func initialState() -> State { State(estimate: norm.initialEstimate) }

  public func unitVector(
    _ vector: ScaledVector, report: inout ArraySlice<Double>, state: State
  ) throws(AggregationError) -> ScaledVector {
    var message = ClientMessage.real(vector)
    norm.clip(&message, report: &report, estimate: state.estimate)
    guard case .real(var clipped) = message else { throw .stateMismatch(technique: name) }
    // Zeros stay zeros, whatever the bound.
    clipped.scale = clipped.norm == 0 ? 0 : clipped.scale / norm.bound(state.estimate)
    return clipped
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    guard let split = round.noiseSplit else {
      throw .invalidComposition(technique: name, reason: "the round does not say how the noise is divided")
    }
    let bound = norm.bound(state.estimate)
    let deviation = split.updateNoiseMultiplier * bound
    guard deviation.isFinite else {
      throw .invalidParameter(
        name: "noise standard deviation", value: deviation, allowed: "finite: lower the noise multiplier or the clipping norm")
    }
    let values = try noise.noisyUnits(of: sum, deviation: grid.steps(split.updateNoiseMultiplier), step: grid.units(bound))

    // From the noised sum alone: its squared norm exceeds the signal's by count × deviation² on average.
    let noisePower = Double(values.count) * deviation * deviation
    let signalPower = max(0, VectorMath.sumOfSquares(values) - noisePower)
    var measurements = [AggregationMeasurement(.noiseStandardDeviation, deviation / clientsPerRound, .released)]
    if noisePower > 0 {
      measurements.append(AggregationMeasurement(.signalToNoiseRatio, (signalPower / noisePower).squareRoot(), .released))
    }
    return (
      values,
      try measurements
        + norm.advance(&state.estimate, reports: reports, participants: round.participants, protection: .released, noise: noise)
    )
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
    try requireUnweighted(for: technique.name)
    return try AggregationPipeline(technique, under: self, denominator: .expectedCohort(technique.clientsPerRound))
  }
}
