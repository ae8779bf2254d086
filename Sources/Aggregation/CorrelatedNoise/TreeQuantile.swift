import Foundation
public import PrivacyEvents
public import SecureNoise

/// Follows a quantile like ``QuantileEstimator``, with the clients' counts released through a tree: round t's sum of centred bits
/// b − ½ carries N_t − N_{t−1} of a ``TreeNoise`` with s = σ_b, so that counts over many rounds accumulate little noise.
///
/// A client moves a sum by at most ½, so the tree has noise multiplier 2σ_b. Counts, multiples of ½, and noise are added as integers on
/// a grid of 2^−k. A client sends its centred bit; the server, which is trusted, learns the exact count and releases the noised one.
public struct TreeQuantile: Hashable, Sendable {
  /// What is carried from round to round.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force.
    public internal(set) var estimate: Double
    /// Noise of the counts: secret (see ``TreeNoise``).
    public internal(set) var tree: TreeNoise
  }

  /// The rule of the estimate, with σ_b and the expected cohort in its release.
  public let estimator: QuantileEstimator
  /// Whether the tree is the efficient one.
  public let isEfficient: Bool
  /// σ_b, per node.
  public let standardDeviation: Double
  /// The same rule for a sum that carries its noise already.
  private let follower: QuantileEstimator
  private let grid: IntegerGrid

  /// A quantile.
  ///
  /// - Throws: ``AggregationError/invalidComposition(technique:reason:)`` for an estimator with exact counts.
  public init(_ estimator: QuantileEstimator, isEfficient: Bool = true) throws(AggregationError) {
    guard case .noised(let deviation, let expected) = estimator.release else {
      throw .invalidComposition(technique: "tree quantile", reason: "needs noised counts")
    }
    try require(deviation <= 0x1p38, "standard deviation of the count", deviation, "at most 2^38")
    self.estimator = estimator
    self.isEfficient = isEfficient
    standardDeviation = deviation
    follower = try QuantileEstimator(
      initialEstimate: estimator.initialEstimate, targetQuantile: estimator.targetQuantile, learningRate: estimator.learningRate,
      update: estimator.update, release: .noised(standardDeviation: 0, expectedClients: expected), multiplier: estimator.multiplier,
      increment: estimator.increment, clampsFraction: estimator.clampsFraction)
    grid = IntegerGrid(noiseDeviation: deviation)
  }

  /// The initial estimate and an empty tree.
  public func initialState() -> State { State(estimate: estimator.initialEstimate, tree: emptyTree) }

  /// Goes on with a new tree and the same estimate.
  public func restart(_ state: inout State) { state.tree = emptyTree }

  private var emptyTree: TreeNoise { TreeNoise(checked: nodeDeviation, isEfficient: isEfficient) }

  /// σ_b in steps of the grid, exactly.
  private var nodeDeviation: Double { grid.steps(standardDeviation) }

  /// Moves the estimate on by a round's Σ(b − ½) and returns the noised fraction b̄ that moved it.
  ///
  /// - Throws: ``AggregationError/stateMismatch(technique:)`` for a state of another quantile, and what ``TreeNoise`` throws.
  public func advance(_ state: inout State, sumOfCenteredBits: Double, noise: RandomSource) throws(AggregationError) -> Double {
    guard state.tree.standardDeviation == nodeDeviation, state.tree.isEfficient == isEfficient else {
      throw .stateMismatch(technique: "tree quantile")
    }
    try require(sumOfCenteredBits.magnitude <= 0x1p30, "sum of centred bits", sumOfCenteredBits, "in [-2^30, 2^30]")
    var steps = [Int64((2 * sumOfCenteredBits).rounded()) << Int64(grid.bits - 1)]
    try state.tree.addIncrement(to: &steps, noise: noise)
    let noised = grid.units(Double(steps[0]))
    return try follower.advance(&state.estimate, sumOfCenteredBits: noised, participants: 0, noise: noise)
  }

  /// The event of all counts of one tree of `rounds` rounds.
  public func event(rounds: Int, participation: ParticipationLimit) -> PrivacyEvent {
    TreeGaussian.event(noiseMultiplier: 2 * standardDeviation, rounds: rounds, participation: participation)
  }
}
