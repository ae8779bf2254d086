public import NeuralNetworks
public import PrivacyAccounting
public import PrivacyEvents

/// Everything that a training run does: task, model, algorithm, sampling, aggregation and privacy target.
///
/// A plan is a plain value. Read from YAML or JSON it is complete: every default is filled in, and its hash covers them.
/// Compiling it (``CompiledPlan``) checks that it can be carried out.
public struct TrainingPlan: Codable, Hashable, Sendable {
  /// Name of the run, used for its folder.
  public var name: String
  /// Data and model.
  public var task: TaskPlan
  /// What clients and server compute.
  public var algorithm: AlgorithmPlan
  /// How a round's clients are drawn.
  public var sampling: SamplingPlan
  /// How updates become one.
  public var aggregation: AggregationPlan
  /// The privacy target; `nil` for training without privacy.
  public var privacy: PrivacyPlan?
  /// When and how the model is tested.
  public var evaluation: EvaluationPlan
  /// Key of initial parameters and of the order of examples; drawn by the run where `nil`. It never keys noise.
  public var seed: UInt64?
}

/// Data and model of a plan.
public struct TaskPlan: Codable, Hashable, Sendable {
  /// Name in the dataset catalogue.
  public var dataset: String
  /// Where its files are, if not in their usual place.
  public var dataDirectory: String?
  /// How examples are dealt out to simulated clients.
  public var partition: PartitionPlan
  /// Name in the model catalogue, for the reader's sake; the layers are what counts.
  public var model: String?
  /// The model itself.
  public var graph: ModelGraph
}

/// How examples belong to clients.
public enum PartitionPlan: Codable, Hashable, Sendable {
  /// By the person who made them.
  case natural
  /// At random, in equal parts.
  case iid(clients: Int, seed: UInt64)
  /// McMahan's shards: sorted by label, cut, and dealt.
  case shards(clients: Int, shardsPerClient: Int, seed: UInt64)
  /// A label mix per client from a Dirichlet distribution.
  case dirichlet(clients: Int, concentration: Double, seed: UInt64)
}

/// Algorithm of a plan: federated averaging with a server optimizer.
public struct AlgorithmPlan: Codable, Hashable, Sendable {
  /// How clients count in the mean.
  public enum Weighting: String, Codable, Hashable, Sendable, CaseIterable {
    /// Every client the same; what differential privacy needs.
    case uniform
    /// By number of examples.
    case examples
  }

  /// Number of rounds planned.
  public var rounds: Int
  /// How clients count.
  public var weighting: Weighting
  /// Passes over a client's examples in a round.
  public var clientEpochs: Int
  /// Examples per step.
  public var clientBatchSize: Int
  /// Learning rate of the clients' SGD.
  public var clientLearningRate: Double
  /// Momentum of the clients' SGD.
  public var clientMomentum: Double
  /// What the server does with the mean.
  public var serverOptimizer: OptimizerConfiguration
}

/// How a round's clients are drawn.
public enum SamplingPlan: Codable, Hashable, Sendable {
  /// Every client independently, `clientsPerRound` of them on average.
  case poisson(clientsPerRound: Int)
  /// Exactly `clientsPerRound` of them.
  case fixedSize(clientsPerRound: Int)

  /// Expected number of participants.
  public var clientsPerRound: Int {
    switch self {
    case .poisson(let size), .fixedSize(let size): size
    }
  }
}

/// How updates become one.
public enum AggregationPlan: Codable, Hashable, Sendable {
  /// Plain mean, without privacy.
  case mean
  /// Mean of updates clipped to a fixed norm, without noise.
  case clipping(clippingNorm: Double)
  /// Mean of updates clipped to a running quantile of their norms, without noise.
  case adaptiveClipping(initialClippingNorm: Double, targetUnclippedQuantile: Double, learningRate: Double)
  /// Gaussian mechanism with a fixed clipping norm; the multiplier is calibrated where `nil`.
  case gaussianFixed(noiseMultiplier: Double?, clippingNorm: Double)
  /// Gaussian mechanism with an adaptive clipping norm; the multiplier is calibrated where `nil`.
  case gaussianAdaptive(
    noiseMultiplier: Double?, initialClippingNorm: Double, targetUnclippedQuantile: Double, learningRate: Double,
    clippedCountStandardDeviation: Double?)
  /// Gaussian mechanism with adaptive clipping and adaptive zeroing, both from noised counts; the multiplier, of everything together, is
  /// calibrated where `nil`.
  case dp(noiseMultiplier: Double?, zeroing: Bool)
  /// Adaptive zeroing and clipping around the mean, without privacy.
  case robust(RobustPlan)
  /// The same with updates quantised to `bits` bits where they have more than `threshold` values, without privacy.
  case compression(bits: Int, threshold: Int, guards: RobustPlan)
  /// The same with updates on a lattice of `stepSize`, entropy coded, without privacy.
  case entropy(stepSize: Double, guards: RobustPlan)
  /// The same over sums of 32-bit integers, as a protocol of secure aggregation would carry them; without privacy.
  case secure(RobustPlan)

  /// Whether the aggregate carries noise for privacy.
  public var isPrivate: Bool {
    switch self {
    case .gaussianFixed, .gaussianAdaptive, .dp: true
    case .mean, .clipping, .adaptiveClipping, .robust, .compression, .entropy, .secure: false
    }
  }
}

/// Which guards against broken updates stand around a mean.
public struct RobustPlan: Codable, Hashable, Sendable {
  /// Whether updates with a magnitude far above the others' become zero.
  public var zeroing: Bool
  /// Whether the longest updates are clipped.
  public var clipping: Bool
}

/// The privacy target of a plan.
public struct PrivacyPlan: Codable, Hashable, Sendable {
  /// Budget; no round may take the run beyond it. `nil` where only a multiplier is given.
  public var epsilon: Double?
  /// δ of the guarantee.
  public var delta: Double
  /// Between which populations the guarantee holds.
  public var neighboringRelation: NeighboringRelation
  /// Which accountant bounds ε.
  public var accountant: PrivacyAccountant.Choice
}

/// When and how the model is tested.
public struct EvaluationPlan: Codable, Hashable, Sendable {
  /// The model is tested after every so many rounds, and after the last.
  public var everyRounds: Int
}
