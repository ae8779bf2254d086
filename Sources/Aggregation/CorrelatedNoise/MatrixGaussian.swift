public import ParameterVectors
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
/// **Why the accounting of a real Gaussian holds exactly**, floating point included (Mironov 2012):
///
/// 1. As in ``CentralGaussian``, a client's clipped update is put on a grid of 2^−k of the clipping norm, truncated toward zero, its norm
///    checked on the integers to be at most 2^k, and sums of integers are exact. So the sums X of all rounds are integers, and a person
///    moves one round's by 2^k at most, in L2.
/// 2. What is released is, in steps, X plus the integer noise of a ``CorrelatedStream`` whose fresh deviation is z ‖c‖ 2^k exactly. For a
///    banded strategy, with coefficients in fixed point, that is a function of C X + Z for real Gaussian Z: the mechanism of the event.
/// 3. A buffered strategy cannot be followed exactly with a bounded number of digits. Its rounding adds at most 2e√M to the distance by
///    which neighbours differ, M the numbers released, and M ≤ ``greatestCount`` is kept. In units of 2^k that is ``roundingAllowance`` r, at
///    most 0.001; the fresh deviation is z ‖c‖ 2^k (1 + r), rounded up. As every sensitivity S ≥ 1, (S + r)/(1 + r) ≤ S: the event holds.
///
/// A client sends its clipped update and whether it was clipped; the server, which is trusted, learns them; what leaves the server is
/// noised.
///
/// - Warning: the state holds past noise. A checkpoint with it must be kept as secret as the noise.
public struct MatrixGaussian: CorrelatedMechanism, UnitVectorSummation {
  /// What is carried from round to round: enough to go on exactly.
  public struct State: Codable, Hashable, Sendable {
    /// Past noise: secret.
    public internal(set) var stream: CorrelatedStream
    /// What a round's noise is made of.
    var response: InverseColumn
  }

  /// Most numbers, parameters times rounds, that a buffered strategy releases.
  public static let greatestCount = 1 << 44
  /// Greatest ``roundingAllowance``.
  private static let greatestAllowance = 1e-3

  /// z: noise multiplier of one participation.
  public let noiseMultiplier: Double
  /// Divisor of the sum.
  public let clientsPerRound: Double
  /// Greatest L2 norm of a client's update.
  public let clippingNorm: Double
  /// C, in fixed point.
  public let strategy: ToeplitzStrategy
  /// z ‖c‖: standard deviation of Z over the clipping norm.
  public let freshNoiseMultiplier: Double
  /// r: by how much the noise is widened for the rounding of a buffered strategy's products; 0 for a banded one.
  public let roundingAllowance: Double
  /// k: a grid step is the clipping norm times 2^−k.
  public var gridBits: Int { grid.bits }
  private let grid: IntegerGrid

  /// A mechanism.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z, finite and at least 0.
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - clippingNorm: greatest L2 norm of a client's update.
  ///   - strategy: C, for instance ``ToeplitzStrategy/optimizedBanded(rounds:bands:workload:)``; what is executed and accounted is
  ///     ``ToeplitzStrategy/inFixedPoint``.
  ///   - plannedRounds: rounds over which ‖c‖ is taken, 1 to 10,000,000.
  /// - Throws: ``AggregationError`` for numbers out of range, for a strategy whose inverse grows without bound over the rounds, and for
  ///   one whose rounding would need too much noise.
  public init(
    noiseMultiplier: Double, clientsPerRound: Double, clippingNorm: Double, strategy: ToeplitzStrategy, plannedRounds: Int
  ) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    try require(clippingNorm > 0 && clippingNorm.isFinite, "clipping norm", clippingNorm, "finite and above 0")
    let most = StrategyMatrix.maximumStepCount
    try require((1...most).contains(plannedRounds), "planned rounds", Double(plannedRounds), "in 1…\(most)")
    try strategy.validateInFixedPoint()
    let strategy = strategy.inFixedPoint
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.clippingNorm = clippingNorm
    self.strategy = strategy
    freshNoiseMultiplier = noiseMultiplier * strategy.columnNorm(rounds: plannedRounds)
    let deviation = freshNoiseMultiplier * clippingNorm
    try require(deviation <= 1e150, "noise standard deviation", deviation, "at most 1e150: lower the noise multiplier or the clipping norm")
    // A response that grows shows within as many rounds as can be looked at quickly.
    let bands = if case .banded(let coefficients) = strategy { coefficients.count } else { 1 << 24 }
    let rounds = min(plannedRounds, max(10_000, (1 << 24) / bands))
    let greatest = strategy.prefixResponse(count: rounds).reduce(0) { max($0, abs($1)) }
    try require(greatest < 1e3, "greatest response of a prefix sum to one fresh number", greatest, "below 1,000: choose another strategy")
    // 2^30 steps and 24 binary places leave 8 bits of the 62 to rare numbers. What a buffer holds may grow for longer.
    let reach = if case .buffered = strategy { min(plannedRounds, 1 << 20) } else { rounds }
    let spread = freshNoiseMultiplier * strategy.greatestDeviation(rounds: reach)
    try require(spread <= 0x1p29, "greatest deviation of correlated noise, in clipping norms", spread, "at most 2^29")
    grid = IntegerGrid(noiseDeviation: spread)
    let error = strategy.roundingError
    roundingAllowance = error == 0 ? 0 : (grid.units(2 * error) * Double(Self.greatestCount).squareRoot()).nextUp
    try require(
      roundingAllowance <= Self.greatestAllowance, "rounding of the buffers, in clipping norms", roundingAllowance,
      "at most \(Self.greatestAllowance): lower the noise multiplier or take a banded strategy")
  }

  public var name: String { "matrix" }
  public var reportWidth: Int { 1 }
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
      case .buffered(_, let decays):
        "buffered Toeplitz matrix of \(decays.count) buffers (and Z wider by \(Figure.noise(roundingAllowance)) of itself for their rounding)"
      }
    return [
      "sums of clipped updates, taken together as C·X + Z with C a \(kind): Z is Gaussian of \(Figure.noise(freshNoiseMultiplier)) × the clipping norm "
        + "per coordinate and round (L2 sensitivity of a participation: the norm of a column of C × the clipping norm)"
    ] + split.bitDeviations.map(countTitle)
  }

  public var assumptions: [String] {
    [
      "the server is trusted: it sees clipped updates and adds the noise, and keeps past noise secret",
      "the releases are functions of the integer sums and real Gaussians, rounded exactly (no floating-point hole, Mironov 2012), from AES-CTR "
        + "keyed by the operating system",
    ]
  }

  public func initialState() -> State { State(stream: CorrelatedStream(checked: strategy), response: InverseColumn()) }

  /// s: standard deviation of fresh noise in steps.
  private var freshDeviation: Double {
    let exact = grid.steps(freshNoiseMultiplier)
    return exact == 0 || roundingAllowance == 0 ? exact : (exact * (1 + roundingAllowance).nextUp).nextUp
  }

  public func unitVector(
    _ vector: ScaledVector, report: inout ArraySlice<Double>, state: State
  ) throws(AggregationError) -> ScaledVector {
    guard report.count == reportWidth else { throw .stateMismatch(technique: name) }
    var clipped = vector
    report[report.startIndex] = clipped.clip(toNorm: clippingNorm) > clippingNorm ? 1 : 0
    // Zeros stay zeros, whatever the bound.
    clipped.scale = clipped.norm == 0 ? 0 : clipped.scale / clippingNorm
    return clipped
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    guard sum.count == count else { throw .lengthMismatch(expected: count, found: sum.count) }
    guard reports.count == reportWidth else { throw .lengthMismatch(expected: reportWidth, found: reports.count) }
    guard state.stream.strategy == strategy, state.response.rounds == state.stream.rounds else {
      throw .stateMismatch(technique: name)
    }
    try checkCapacity(rounds: state.stream.rounds + 1, parameters: count)
    var next = state
    try next.response.advance(strategy)
    let added = try next.stream.next(count: count, deviation: freshDeviation, noise: noise)
    let step = grid.units(clippingNorm)
    var overflow: Int64 = 0
    let values: [Double] = VectorMath.makeLarge(count) { values in
      sum.withUnsafeBufferPointer { sum in
        added.withUnsafeBufferPointer { added in
          for i in values.indices {
            let total = sum[i] &+ added[i]
            // Equal signs that give another sign.
            overflow |= (sum[i] ^ total) & (added[i] ^ total)
            values.initializeElement(at: i, to: Double(total) * step)
          }
        }
      }
    }
    guard overflow >= 0 else { throw .sumOverflow }
    state = next
    let deviation = freshDeviation * step * next.response.power.squareRoot()
    return (
      values,
      [
        AggregationMeasurement(.noiseStandardDeviation, deviation / clientsPerRound, .released),
        AggregationMeasurement(.clippingNorm, clippingNorm, .released),
        AggregationMeasurement(.clippedCount, reports[reports.startIndex], .nonPrivate),
      ]
    )
  }

  /// Refuses a run of more numbers than the rounding of a buffered strategy is allowed for.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` where rounds times parameters exceed ``greatestCount``.
  public func checkCapacity(rounds: Int, parameters: Int) throws(AggregationError) {
    guard case .buffered = strategy else { return }
    let most = Self.greatestCount / max(1, parameters)
    try require(
      rounds <= most, "rounds of a buffered strategy", Double(rounds), "at most \(most) for \(parameters) parameters: take a banded one")
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
    return try AggregationPipeline(technique, under: self, denominator: .expectedCohort(clientsPerRound))
  }
}
