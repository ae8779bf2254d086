public import ParameterVectors
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
/// A client sends its clipped update and its bit; the server, which is trusted, learns them; what leaves the server is noised.
///
/// **Why the accounting of a real Laplace number holds exactly**, floating point included (Mironov 2012):
///
/// 1. Every client's clipped update is put on the grid of C·2^−k: n_i = trunc(x_i · f) with a factor f a little below 2^k/C. Whether
///    Σ|n_i| ≤ 2^k is checked on the integers, in integers; what fails is left out. So one client's integer vector has an L1 norm of
///    2^k at most, whatever was rounded on the way.
/// 2. Integers are added in 64 bits, exactly or not at all. One client moves the sum by at most 2^k, in L1.
/// 3. The noise is a real Laplace variable L of scale z·2^k rounded to the nearest integer, drawn without an error
///    (``SecureNoise/IntegerNoise/roundedLaplace(scale:)``); z·2^k is exact, a shift of a `Double`.
/// 4. The sum is an integer, so that sum + round(L) = round(sum + L): a function of the continuous Laplace mechanism's output, with an L1
///    sensitivity of exactly 2^k and scale z·2^k. All that follows, the product with C·2^−k and the division, is post-processing.
public struct CentralLaplace: NoiseMechanism, IntegerSummation {
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
  /// k: a grid step is C·2^−k.
  public var gridBits: Int { grid.bits }
  private let grid = IntegerGrid.finest
  private let noise: IntegerNoise

  /// A mechanism; an adaptive norm must be one whose counts are noised.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``, among others for a noise multiplier that is neither 0 nor in
  ///   [2^−40, 2^20], whose noise is not drawn exactly; ``AggregationError/invalidComposition(technique:reason:)``.
  public init(noiseMultiplier: Double, clientsPerRound: Double, norm: ClippingNorm) throws(AggregationError) {
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    try norm.validate(for: "central Laplace", name: "L1 clipping norm")
    do throws(SecureNoiseError) { noise = try .roundedLaplace(scale: grid.steps(noiseMultiplier)) } catch {
      throw .invalidParameter(name: "noise multiplier", value: noiseMultiplier, allowed: "0 or in [2^-40, 2^20]")
    }
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.norm = norm
  }

  public var name: String { "centralLaplace" }
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }

  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(laplaceNoiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations)
  }

  public var assumptions: [String] {
    [
      "the server is trusted: it sees clipped updates and adds the noise",
      "noise is a \(norm.isFixed ? "Laplace number" : "Laplace number, of counts a Gaussian,") rounded exactly to the grid of the "
        + "integer sum (no floating-point hole, Mironov 2012), from AES-CTR keyed by the operating system",
    ]
  }

  public func initialState() -> State { State(estimate: norm.initialEstimate) }

  /// Client side: clips `vector` in L1 norm and adds it to `sum` on the grid.
  public func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool {
    guard vector.count == sum.count else { throw .lengthMismatch(expected: sum.count, found: vector.count) }
    let bound = norm.bound(state.estimate)
    var clipped = vector
    let unclipped = clipped.clip(toL1Norm: bound)
    norm.fill(&report, norm: unclipped, estimate: state.estimate)
    if unclipped == 0 { return true }
    guard let steps = onGrid(clipped.values, factor: clipped.scale / bound) else { return false }
    guard VectorMath.add(steps, into: &sum) else { throw .sumOverflow }
    return true
  }

  /// Step 1: `factor · values` as integers with Σ|n_i| ≤ 2^k, nil where there are none.
  package func onGrid(_ values: [Float], factor: Double) -> [Int64]? {
    var steps = [Int64](repeating: 0, count: values.count)
    // A vector of this L1 norm has at most this L2 norm as well, so that the kernel's own check refuses nothing more, and all
    // magnitudes and their sum fit into 64 bits.
    guard VectorMath.accumulateUnitVector(values, scaledBy: factor, bits: gridBits, into: &steps) else { return nil }
    return steps.reduce(0 as UInt64) { $0 &+ $1.magnitude } <= 1 << UInt64(gridBits) ? steps : nil
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise source: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    let bound = norm.bound(state.estimate)
    let scale = noiseMultiplier * bound
    guard scale.isFinite else {
      throw .invalidParameter(name: "noise scale", value: scale, allowed: "finite: lower the noise multiplier or the clipping norm")
    }
    var noised = sum
    do throws(SecureNoiseError) { try source.add(noise, to: &noised) } catch { throw .sumOverflow }
    let step = grid.units(bound)
    let deviation = 2.0.squareRoot() * scale / clientsPerRound
    return (
      noised.map { Double($0) * step },
      try [AggregationMeasurement(.noiseStandardDeviation, deviation, .released)]
        + norm.advance(&state.estimate, reports: reports, participants: round.participants, protection: .released, noise: source)
    )
  }
}

extension AggregationPipeline {
  /// Differentially private mean by Laplace noise, with a fixed bound of the L1 norm.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: scale of the noise on the sum over the clipping norm, 0 or in [2^−40, 2^20]; a round alone is
  ///     1/`noiseMultiplier`-DP.
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
  ///   - noiseMultiplier: scale of the noise on the sum over the clipping norm, 0 or in [2^−40, 2^20].
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - estimator: follows a quantile of the clients' L1 norms; its counts must be noised.
  public func laplace(noiseMultiplier: Double, clientsPerRound: Double, adaptive estimator: QuantileEstimator) throws(AggregationError)
    -> AggregationPipeline
  {
    try laplace(CentralLaplace(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .adaptive(estimator)))
  }

  private func laplace(_ technique: CentralLaplace) throws(AggregationError) -> AggregationPipeline {
    try requireUnweighted(for: technique.name)
    return try AggregationPipeline(technique, under: self, denominator: .expectedCohort(technique.clientsPerRound))
  }
}
