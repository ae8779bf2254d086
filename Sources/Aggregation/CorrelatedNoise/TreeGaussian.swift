import Foundation
public import ParameterVectors
public import PrivacyEvents
public import SecureNoise

/// When a tree of noise starts anew: after round `warmup`, and after every further `frequency` rounds.
public struct TreeRestarts: Codable, Hashable, Sendable {
  /// Rounds of the first tree.
  public let warmup: Int
  /// Rounds of every later tree, at least `warmup`.
  public let frequency: Int

  /// After 128 rounds and then every 1,024.
  public static let standard = TreeRestarts(standard: ())

  private enum CodingKeys: String, CodingKey { case warmup, frequency }

  /// Reads restarts and checks them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(warmup: values.decode(Int.self, forKey: .warmup), frequency: values.decode(Int.self, forKey: .frequency))
  }

  private init(standard: Void) { (warmup, frequency) = (128, 1024) }

  /// Restarts at these rounds.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless 1 ≤ warmup ≤ frequency.
  public init(warmup: Int, frequency: Int) throws(AggregationError) {
    try require(warmup >= 1 && warmup <= frequency, "restart warm-up", Double(warmup), "in 1…\(frequency), the restart frequency")
    self.warmup = warmup
    self.frequency = frequency
  }

  /// Whether the tree starts anew after `rounds` ≥ 1 rounds.
  func isDue(after rounds: Int) -> Bool { rounds % frequency == warmup % frequency }

  /// How the first `rounds` rounds split into trees: whole ones of `frequency` rounds, then what is left, longest first.
  func lengths(rounds: Int) -> (whole: Int, others: [Int]) {
    guard rounds > warmup else { return (0, rounds > 0 ? [rounds] : []) }
    let later = rounds - warmup
    return (later / frequency, [warmup, later % frequency].filter { $0 > 0 }.sorted(by: >))
  }
}

/// DP-FTRL with tree aggregation (Kairouz, McMahan, Song, Thakkar, Thakurta and Xu 2021): clip to C, sum, add N_t − N_{t−1} of a
/// ``TreeNoise`` with s = z_v C, divide by the expected cohort. The sum of any number of releases carries the noise of a few nodes only,
/// and the guarantee needs a limit on participation but no secret sampling.
///
/// The norm may follow a quantile of the clients' norms. The estimate moves every round, by tree-noised counts (see
/// ``TreeQuantile``), but C and s change only when the trees start anew, so that within a tree every round has the same
/// sensitivity. The update's tree has multiplier z_v and that of the counts 2σ_b, with 1/z_v² + 1/(2σ_b)² = 1/z²: together one tree of
/// multiplier z.
///
/// A client sends its clipped update, whether it was clipped, and its centred bit; the server, which is trusted, learns them; what
/// leaves the server is noised. As in ``CentralGaussian`` a client's clipped update is put on the grid of C·2^−k, truncated toward zero,
/// its norm checked on the integers to be at most 2^k; sums are exact, and what is released is a function of the noisy integer node
/// sums (see ``TreeNoise``), so that the accounting of real Gaussians holds exactly.
///
/// - Warning: the state holds the noise of the buffered nodes. A checkpoint with it must be kept as secret as the noise.
public struct TreeGaussian: CorrelatedMechanism, IntegerSummation {
  /// What is carried from round to round: enough to go on exactly.
  public struct State: Codable, Hashable, Sendable {
    /// Rounds so far, over all trees.
    public internal(set) var rounds: Int
    /// C of the tree that is in use.
    public internal(set) var clippingNorm: Double
    /// Noise of the sums: secret.
    public internal(set) var tree: TreeNoise
    /// The estimate of the norm and the noise of its counts: secret.
    public internal(set) var quantile: TreeQuantile.State?
  }

  /// z, of everything released together: node noise over sensitivity.
  public let noiseMultiplier: Double
  /// Divisor of the sum.
  public let clientsPerRound: Double
  /// Where C comes from.
  public let norm: ClippingNorm
  /// Whether the trees are the efficient ones.
  public let isEfficient: Bool
  /// When trees start anew; `nil` for never.
  public let restarts: TreeRestarts?
  /// z_v and σ_b.
  public let split: NoiseSplit
  /// k: a grid step is C·2^−k.
  public var gridBits: Int { grid.bits }
  private let grid: IntegerGrid
  private let quantile: TreeQuantile?

  /// A mechanism.
  ///
  /// - Throws: ``AggregationError`` for numbers out of range, an adaptive norm with exact counts or without restarts, and counts that
  ///   leave nothing of z for the update.
  public init(
    noiseMultiplier: Double, clientsPerRound: Double, norm: ClippingNorm, isEfficient: Bool = true, restarts: TreeRestarts? = nil
  ) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    try norm.validate()
    var deviations: [Double] = []
    if case .adaptive(let estimator) = norm {
      guard restarts != nil else {
        throw .invalidComposition(technique: "tree", reason: "an adaptive clipping norm changes at restarts of the tree: give restarts")
      }
      let quantile = try TreeQuantile(estimator, isEfficient: isEfficient)
      deviations = [quantile.standardDeviation]
      self.quantile = quantile
    } else {
      quantile = nil
    }
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.norm = norm
    self.isEfficient = isEfficient
    self.restarts = restarts
    split = try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: deviations)
    // Beyond this the noise would leave the range of 64 bits on any useful grid.
    let multiplier = split.updateNoiseMultiplier
    try require(multiplier <= 0x1p24, "noise multiplier of the update", multiplier, "at most 2^24")
    grid = IntegerGrid(noiseDeviation: multiplier)
  }

  public var name: String { "tree" }
  public var reportWidth: Int { 2 }
  public var bandCount: Int? { nil }

  public func titles(of split: NoiseSplit) -> [String] {
    let trees = restarts.map { ", in trees that start anew after round \($0.warmup) and then every \($0.frequency)" } ?? ""
    return [
      "sums of clipped updates over dyadic ranges of rounds\(trees): Gaussian noise of \(Figure.noise(self.split.updateNoiseMultiplier)) × the clipping norm "
        + "per node and coordinate (L2 sensitivity of a node: the clipping norm)"
    ]
      + self.split.bitDeviations.map {
        "the same sums of counts of clients within the adaptive norm: Gaussian noise of standard deviation \(Figure.noise($0)) per node "
          + "(sensitivity 1/2)"
      } + split.bitDeviations.map(countTitle)
  }

  public func initialState() -> State {
    let bound = norm.bound(norm.initialEstimate)
    return State(rounds: 0, clippingNorm: bound, tree: emptyTree, quantile: quantile?.initialState())
  }

  private var emptyTree: TreeNoise { TreeNoise(checked: nodeDeviation, isEfficient: isEfficient) }

  /// z_v 2^k: standard deviation of a node in steps, exactly.
  private var nodeDeviation: Double { grid.steps(split.updateNoiseMultiplier) }

  /// Client side: clips `vector` and adds it to `sum` on the grid.
  public func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool {
    guard vector.count == sum.count else { throw .lengthMismatch(expected: sum.count, found: vector.count) }
    // A damaged state may hold anything.
    guard state.clippingNorm >= 0, report.count == reportWidth else { throw .stateMismatch(technique: name) }
    var clipped = vector
    let unclipped = clipped.clip(toNorm: state.clippingNorm)
    let first = report.startIndex
    report[first] = unclipped > state.clippingNorm ? 1 : 0
    if let quantile, let following = state.quantile {
      report[first + 1] = quantile.estimator.centeredBit(value: unclipped, estimate: following.estimate)
    }
    if clipped.norm == 0 { return true }
    return VectorMath.accumulateUnitVector(clipped.values, scaledBy: clipped.scale / state.clippingNorm, bits: gridBits, into: &sum)
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    guard sum.count == count else { throw .lengthMismatch(expected: count, found: sum.count) }
    guard reports.count == reportWidth else { throw .lengthMismatch(expected: reportWidth, found: reports.count) }
    guard state.rounds >= 0, state.rounds < Int.max, (state.quantile == nil) == (quantile == nil), state.tree.isEfficient == isEfficient,
      state.tree.standardDeviation == nodeDeviation,
      norm.isFixed ? state.clippingNorm == norm.initialEstimate : state.clippingNorm >= 0 && state.clippingNorm.isFinite
    else { throw .stateMismatch(technique: name) }
    var next = state
    let first = reports.startIndex
    var noised = sum
    try next.tree.addIncrement(to: &noised, noise: noise)
    let step = grid.units(state.clippingNorm)
    var measurements = [
      AggregationMeasurement(.noiseStandardDeviation, next.tree.incrementVariance.squareRoot() * step / clientsPerRound, .released),
      AggregationMeasurement(.clippingNorm, state.clippingNorm, .released),
      AggregationMeasurement(.clippedCount, reports[first], .nonPrivate),
    ]
    if let quantile, var following = next.quantile {
      let fraction = try quantile.advance(&following, sumOfCenteredBits: reports[first + 1], noise: noise)
      next.quantile = following
      measurements.append(AggregationMeasurement(.noisedFractionClipped, 1 - fraction, .released))
    }
    next.rounds += 1
    if restarts?.isDue(after: next.rounds) == true {
      if let quantile, var following = next.quantile {
        quantile.restart(&following)
        next.quantile = following
        next.clippingNorm = norm.bound(following.estimate)
        try require(next.clippingNorm.isFinite, "clipping norm", next.clippingNorm, "finite")
      }
      next.tree = emptyTree
    }
    if quantile != nil { measurements.append(AggregationMeasurement(.nextClippingNorm, next.clippingNorm, .released)) }
    state = next
    return (noised.map { Double($0) * step }, measurements)
  }

  /// What a whole run of `rounds` rounds releases, by people who keep `participation`: the trees of which it consists.
  ///
  /// A person who takes part at most k times is in at most k trees, so where there are more, the k longest stand for all of them. The
  /// limit holds for the whole run, and each tree is charged as if all participations fell into it.
  public func event(rounds: Int, participation: ParticipationLimit) -> PrivacyEvent {
    guard rounds > 0 else { return .noOp }
    func tree(_ length: Int) -> PrivacyEvent {
      let update = Self.event(noiseMultiplier: split.updateNoiseMultiplier, rounds: length, participation: participation)
      return quantile.map { .composed([update, $0.event(rounds: length, participation: participation)]) } ?? update
    }
    guard let restarts else { return tree(rounds) }
    let (whole, others) = restarts.lengths(rounds: rounds)
    let counted = min(whole, participation.maximumParticipations)
    var parts: [PrivacyEvent] = []
    if counted > 0 { parts.append(counted == 1 ? tree(restarts.frequency) : tree(restarts.frequency).repeated(counted)) }
    parts += others.prefix(participation.maximumParticipations - counted).map(tree)
    return parts.count == 1 ? parts[0] : .composed(parts)
  }

  /// One tree of `rounds` rounds, or nothing.
  static func event(noiseMultiplier: Double, rounds: Int, participation: ParticipationLimit) -> PrivacyEvent {
    guard rounds > 0 else { return .noOp }
    return .treeAggregation(
      noiseMultiplier: noiseMultiplier, steps: rounds, maximumParticipations: participation.maximumParticipations,
      minimumSeparation: participation.minimumSeparation)
  }
}

extension AggregationPipeline {
  /// DP-FTRL with tree noise and a fixed clipping norm.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: noise standard deviation of a node over the clipping norm, at least 0.
  ///   - clientsPerRound: the expected cohort, the constant that the sum is divided by.
  ///   - clippingNorm: greatest L2 norm of a client's update.
  ///   - isEfficient: whether nodes are weighed against their parts: less noise at the same privacy.
  ///   - restarts: when the tree starts anew; by default never.
  public func treeGaussian(
    noiseMultiplier: Double, clientsPerRound: Double, clippingNorm: Double, isEfficient: Bool = true, restarts: TreeRestarts? = nil
  ) throws(AggregationError) -> AggregationPipeline {
    let technique = try TreeGaussian(
      noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .fixed(clippingNorm), isEfficient: isEfficient,
      restarts: restarts)
    return try summed(by: technique)
  }

  /// DP-FTRL with tree noise whose clipping norm follows a quantile of the clients' norms and changes when the trees start anew.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z of the updates and the counts together.
  ///   - clientsPerRound: the expected cohort.
  ///   - initialClippingNorm: C of the first tree.
  ///   - restarts: when trees start anew; by default after 128 rounds and then every 1,024.
  ///   - targetUnclippedQuantile: the fraction of clients that should pass unclipped.
  ///   - learningRate: step of the estimate.
  ///   - clippedCountStandardDeviation: noise σ_b of a node of the counts; by default 0.05 × the cohort, or 0 where z is 0.
  ///   - isEfficient: whether nodes are weighed against their parts.
  public func treeAdaptive(
    noiseMultiplier: Double, clientsPerRound: Double, initialClippingNorm: Double = 0.1, restarts: TreeRestarts = .standard,
    targetUnclippedQuantile: Double = 0.5, learningRate: Double = 0.2, clippedCountStandardDeviation: Double? = nil,
    isEfficient: Bool = true
  ) throws(AggregationError) -> AggregationPipeline {
    let deviation = clippedCountStandardDeviation ?? (noiseMultiplier == 0 ? 0 : 0.05 * clientsPerRound)
    let estimator = try QuantileEstimator(
      initialEstimate: initialClippingNorm, targetQuantile: targetUnclippedQuantile, learningRate: learningRate,
      release: .noised(standardDeviation: deviation, expectedClients: clientsPerRound))
    let technique = try TreeGaussian(
      noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound, norm: .adaptive(estimator), isEfficient: isEfficient,
      restarts: restarts)
    return try summed(by: technique)
  }

  private func summed(by technique: TreeGaussian) throws(AggregationError) -> AggregationPipeline {
    try requireUnweighted(for: technique.name)
    return try AggregationPipeline(technique, under: self, denominator: .expectedCohort(technique.clientsPerRound))
  }
}
