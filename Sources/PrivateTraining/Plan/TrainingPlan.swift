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
public struct AlgorithmPlan: Hashable, Sendable {
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
  /// What a client does with its gradients; its state is fresh in every round.
  public var clientOptimizer: OptimizerConfiguration
  /// What the server does with the mean.
  public var serverOptimizer: OptimizerConfiguration
}

/// How a round's clients are drawn.
public enum SamplingPlan: Codable, Hashable, Sendable {
  /// Every client independently, `clientsPerRound` of them on average.
  case poisson(clientsPerRound: Int)
  /// Exactly `clientsPerRound` of them.
  case fixedSize(clientsPerRound: Int)
  /// Every client belongs to one of `cycle` parts, keyed by `seed`, that take turns; `clientsPerRound` on average out of the part whose
  /// turn it is. Without a cycle it is as long as can be, so that everybody takes part about once in it.
  case cyclic(clientsPerRound: Int, cycle: Int?, seed: UInt64)

  /// Expected number of participants.
  public var clientsPerRound: Int {
    switch self {
    case .poisson(let size), .fixedSize(let size), .cyclic(let size, _, _): size
    }
  }
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
