public import PrivacyEvents
public import SecureNoise

/// DP-FTRL with a matrix mechanism (Denisov, McMahan, Rush, Smith and Thakurta 2022; Choquette-Choo et al. 2023): clip to C, sum, add
/// noise that is correlated over the rounds, divide by the expected cohort.
///
/// **Noise.** For the strategy C with first column c, c_0 = 1, and ‖c‖ its norm over the planned rounds, every coordinate of the noise
/// of all rounds is C⁻¹Z with independent Gaussian Z of standard deviation z ‖c‖ × clipping norm (``freshNoiseMultiplier`` × clipping
/// norm). Dividing C by ‖c‖ makes its longest column 1: z is the noise multiplier of one participation in the planned rounds, the same
/// as that of a Gaussian mechanism, whatever the strategy. The event holds the same numbers: noise multiplier
/// z ‖c‖ and C itself, from which an accountant takes the sensitivity for the participation that is possible. A run may be
/// shorter or longer than planned: the event of its true length stays exact.
///
/// A client sends its clipped update and whether it was clipped; the server, which is trusted, learns them; what leaves the server is
/// noised. The noise is a floating-point Gaussian from a cryptographic generator.
///
/// - Warning: the state holds past noise. A checkpoint with it must be kept as secret as the noise.
public struct MatrixGaussian: CorrelatedMechanism, AggregationTechnique {
  /// What is carried from round to round: enough to go on exactly.
  public struct State: Codable, Hashable, Sendable {
    /// Past noise: secret.
    public internal(set) var stream: CorrelatedStream
    /// The same filter on the impulse 1, 0, 0, …: its outputs are the first column of C⁻¹.
    var response: CorrelatedStream
    /// Σ of the squares of the responses so far: the variance of a round's noise over that of Z.
    var power: Double
  }

  /// z: noise multiplier of one participation.
  public let noiseMultiplier: Double
  /// Divisor of the sum.
  public let clientsPerRound: Double
  /// Greatest L2 norm of a client's update.
  public let clippingNorm: Double
  /// C.
  public let strategy: ToeplitzStrategy
  /// z ‖c‖: standard deviation of Z over the clipping norm.
  public let freshNoiseMultiplier: Double

  /// A mechanism.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z, finite and at least 0.
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - clippingNorm: greatest L2 norm of a client's update.
  ///   - strategy: C, for instance ``ToeplitzStrategy/optimizedBanded(rounds:bands:workload:)``.
  ///   - plannedRounds: rounds over which ‖c‖ is taken, 1 to 10,000,000.
  /// - Throws: ``AggregationError`` for numbers out of range, and for a strategy whose inverse grows without bound over the rounds.
  public init(
    noiseMultiplier: Double, clientsPerRound: Double, clippingNorm: Double, strategy: ToeplitzStrategy, plannedRounds: Int
  ) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    try require(clippingNorm > 0 && clippingNorm.isFinite, "clipping norm", clippingNorm, "finite and above 0")
    let most = StrategyMatrix.maximumStepCount
    try require((1...most).contains(plannedRounds), "planned rounds", Double(plannedRounds), "in 1…\(most)")
    try strategy.validate()
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.clippingNorm = clippingNorm
    self.strategy = strategy
    freshNoiseMultiplier = noiseMultiplier * strategy.columnNorm(rounds: plannedRounds)
    let deviation = freshNoiseMultiplier * clippingNorm
    try require(deviation <= 1e150, "noise standard deviation", deviation, "at most 1e150: lower the noise multiplier or the clipping norm")
    // A response that grows shows within as many rounds as any optimisation looks at.
    let greatest = strategy.prefixResponse(count: min(plannedRounds, 10_000)).reduce(0) { max($0, abs($1)) }
    try require(greatest < 1e3, "greatest response of a prefix sum to one fresh number", greatest, "below 1,000: choose another strategy")
  }

  public var name: String { "matrix" }
  public var reportWidth: Int { 1 }
  public var worstCaseNormGrowth: Double? { 1 }
  public var bandCount: Int? {
    switch strategy {
    case .banded(let coefficients): coefficients.count
    case .buffered: nil
    }
  }

  public func titles(of split: NoiseSplit) -> [String] {
    let kind =
      switch strategy {
      case .banded(let coefficients): "banded Toeplitz matrix of \(coefficients.count) bands"
      case .buffered(_, let decays): "buffered Toeplitz matrix of \(decays.count) buffers"
      }
    return [
      "sums of clipped updates, taken together as C·X + Z with C a \(kind): Z is Gaussian of \(freshNoiseMultiplier) × the clipping norm "
        + "per coordinate and round (L2 sensitivity of a participation: the norm of a column of C × the clipping norm)"
    ] + split.bitDeviations.map(countTitle)
  }

  public var assumptions: [String] {
    [
      "the server is trusted: it sees clipped updates and adds the noise, and keeps past noise secret",
      "noise is a Gaussian in floating point, from AES-CTR keyed by the operating system: ε is that of real numbers (Mironov 2012)",
    ]
  }

  public func initialState() -> State {
    let stream = CorrelatedStream(checked: strategy)
    return State(stream: stream, response: stream, power: 0)
  }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    report[report.startIndex] = message.clip(toNorm: clippingNorm) > clippingNorm ? 1 : 0
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    guard reports.count == reportWidth else { throw .lengthMismatch(expected: reportWidth, found: reports.count) }
    guard state.stream.strategy == strategy, state.response.strategy == strategy, state.response.rounds == state.stream.rounds else {
      throw .stateMismatch(technique: name)
    }
    var impulse = [state.stream.rounds == 0 ? 1.0 : 0]
    var next = state
    try next.response.correlate(&impulse)
    next.power += impulse[0] * impulse[0]
    let deviation = freshNoiseMultiplier * clippingNorm
    var correlated = [Double](repeating: 0, count: sum.count)
    noise.addGaussian(standardDeviation: deviation, to: &correlated)
    try next.stream.correlate(&correlated)
    for i in sum.indices { sum[i] += correlated[i] }
    state = next
    return [
      AggregationMeasurement(.noiseStandardDeviation, deviation * next.power.squareRoot() / clientsPerRound, .released),
      AggregationMeasurement(.clippingNorm, clippingNorm, .released),
      AggregationMeasurement(.clippedCount, reports[reports.startIndex], .nonPrivate),
    ]
  }

  /// What a whole run of `rounds` rounds releases, by people who keep `participation`.
  ///
  /// With cyclic sampling and no more bands than the cycle has rounds, wrap it in ``SamplingScheme/cyclicPoisson(rate:cycle:)``.
  public func event(rounds: Int, participation: ParticipationLimit) -> PrivacyEvent {
    guard rounds > 0 else { return .noOp }
    return .matrixMechanism(
      noiseMultiplier: freshNoiseMultiplier, strategy: strategy.matrix(rounds: rounds),
      maximumParticipations: participation.maximumParticipations, minimumSeparation: participation.minimumSeparation)
  }
}

extension AggregationPipeline {
  /// DP-FTRL with correlated noise of a Toeplitz strategy and a fixed clipping norm.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: noise multiplier of one participation (see ``MatrixGaussian``).
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - clippingNorm: greatest L2 norm of a client's update.
  ///   - strategy: how the noise is correlated.
  ///   - plannedRounds: length of the run.
  public func matrixGaussian(
    noiseMultiplier: Double, clientsPerRound: Double, clippingNorm: Double, strategy: ToeplitzStrategy, plannedRounds: Int
  ) throws(AggregationError) -> AggregationPipeline {
    let technique = try MatrixGaussian(
      noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, clippingNorm: clippingNorm, strategy: strategy,
      plannedRounds: plannedRounds)
    try requireUnweighted(for: technique.name)
    return try AggregationPipeline(technique, around: self, denominator: .expectedCohort(clientsPerRound))
  }
}
