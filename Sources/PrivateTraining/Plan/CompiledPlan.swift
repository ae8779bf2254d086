public import Aggregation
public import FederatedDatasets
import FederatedLearning
import Foundation
import NeuralNetworks
public import PrivacyAccounting
import PrivacyEvents
import SecureNoise

/// A plan that has been checked as a whole and can be run: data read, model and data fitted, privacy feasible, leaks listed.
///
/// Nothing here has touched a client's examples beyond reading them.
public struct CompiledPlan: Sendable {
  /// The plan with every open value settled: what is executed and stored.
  public let plan: TrainingPlan
  /// SHA-256 of the settled plan as canonical JSON, in hexadecimal.
  public let hash: String
  /// Training and test people.
  public let dataset: FederatedDataset
  /// How updates become one.
  public let aggregation: AggregationPipeline
  /// Who draws the cohorts.
  public let sampler: any ClientSampler
  /// What the run releases and what that costs; `nil` without privacy.
  public let privacy: RunPrivacy?
  /// What the run will say about itself.
  public let facts: RunFacts
  /// Things that are allowed but worth a second look.
  public let warnings: [String]

  /// Number of people that a cohort is drawn from; public, hence fixed.
  public var populationSize: Int { dataset.train.clientCount }
  /// Expected number of participants.
  public var expectedCohort: Double { sampler.expectedCohortSize(populationSize: populationSize) }

  /// Checks `plan` and reads its data.
  ///
  /// Given a target ε and no noise multiplier it calibrates the multiplier for the planned rounds.
  public init(_ plan: TrainingPlan) throws(TrainingError) {
    do {
      try Self.checkShape(of: plan)
      let dataset = try DatasetCatalogue.load(plan.task.request())
      let population = dataset.train.clientCount
      var settled = plan
      try settled.sampling.settle(populationSize: population)
      let sampler = try settled.sampling.sampler(populationSize: population)
      let context = AggregationContext(
        isWeighted: plan.algorithm.weighting == .examples, rounds: plan.algorithm.rounds,
        expectedCohort: sampler.expectedCohortSize(populationSize: population), sampling: sampler.scheme(populationSize: population),
        parameterCount: try plan.task.graph.parameterLayout().count, serverMomentum: plan.algorithm.serverOptimizer.momentum)
      settled.aggregation.settle(in: context)
      let strategy = try Self.strategy(of: settled, in: context)
      try Self.calibrate(&settled, in: context, strategy: strategy)
      let aggregation = try settled.aggregation.pipeline(in: context, strategy: strategy)
      let privacy = try settled.privacy.map {
        try RunPrivacy(releases: aggregation.releases, sampling: context.sampling, accountant: $0.privacyAccountant, delta: $0.delta)
      }
      // Building the process checks model against data; it is built again with the run's own randomness.
      _ = try settled.process(
        dataset: dataset, aggregation: aggregation, randomness: .reproducible(seed: 0), executor: ComputeExecutor(threadCount: 1))
      self.plan = settled
      hash = try settled.hash()
      self.dataset = dataset
      self.sampler = sampler
      self.aggregation = aggregation
      self.privacy = privacy
      var warnings = aggregation.noiseSplit?.warning.map { [$0] } ?? []
      var allowed = settled.algorithm.rounds
      if let privacy {
        allowed = try Self.roundsWithinBudget(settled, privacy)
        warnings += Self.warnings(settled, privacy, allowedRounds: allowed, population: population)
      }
      self.warnings = warnings
      facts = try RunFacts(
        plan: settled, dataset: dataset, aggregation: aggregation, sampler: sampler, privacy: privacy, allowedRounds: allowed)
    } catch AccountingError.unsuitableAccountant(let name, let reason, let remedy) {
      throw .infeasiblePlan(
        key: "privacy.accountant", problem: "is \(name), which has no bound for the rounds of this plan: \(reason)", remedy: remedy)
    } catch { throw TrainingError(error) }
  }

  /// The process that carries the plan out.
  func process(randomness: RunRandomness, executor: ComputeExecutor) throws(FederatedLearningError) -> FederatedAveraging {
    try plan.process(dataset: dataset, aggregation: aggregation, randomness: randomness, executor: executor)
  }

  /// Checks that need no data.
  private static func checkShape(of plan: TrainingPlan) throws(TrainingError) {
    // A plan made in code has not passed the reader's checks.
    for (key, value) in [
      ("algorithm.rounds", plan.algorithm.rounds), ("sampling.clientsPerRound", plan.sampling.clientsPerRound),
      ("evaluation.everyRounds", plan.evaluation.everyRounds),
    ] where value < 1 { throw .infeasiblePlan(key: key, problem: "is \(value)", remedy: "set it to at least 1") }
    if case .cyclic(_, let cycle?, _) = plan.sampling, cycle < 1 {
      throw .infeasiblePlan(key: "sampling.cycle", problem: "is \(cycle)", remedy: "set it to at least 1")
    }
    if let privacy = plan.privacy {
      guard privacy.delta > 0, privacy.delta < 1 else {
        throw .infeasiblePlan(key: "privacy.delta", problem: "is \(privacy.delta)", remedy: "set it in (0, 1)")
      }
      if let epsilon = privacy.epsilon, !(epsilon > 0 && epsilon.isFinite) {
        throw .infeasiblePlan(key: "privacy.epsilon", problem: "is \(epsilon)", remedy: "set it above 0")
      }
      // A report would name its guarantee without the probability that it fails.
      if case .monteCarlo = privacy.accountant {
        throw .infeasiblePlan(
          key: "privacy.accountant", problem: "is monteCarlo, whose bound may fail",
          remedy: "use “tightest”, and “epsilon account --accountant monte-carlo” for a second opinion")
      }
      // A zeroed person still sends the bit of a zero update: the count moves by 1, not by the ½ that its noise is scaled to.
      if privacy.neighboringRelation == .zeroOut, plan.aggregation.hasCenteredCounts {
        throw .infeasiblePlan(
          key: "privacy.neighboringRelation", problem: "is zeroOut, under which the counts of adaptive clipping are not covered",
          remedy: "use addOrRemoveOne or replaceOne, or a fixed clipping norm")
      }
      if privacy.neighboringRelation == .addOrRemoveOne, plan.aggregation.isDistributed {
        throw .infeasiblePlan(
          key: "privacy.neighboringRelation",
          problem: "is addOrRemoveOne, which distributed noise does not cover: a client that stays away takes its noise along",
          remedy: "use zeroOut, or replaceOne with Skellam noise")
      }
      if privacy.neighboringRelation == .replaceOne, plan.aggregation.isDistributed, !plan.aggregation.hasSkellamNoise {
        throw .infeasiblePlan(
          key: "privacy.neighboringRelation", problem: "is replaceOne, for which sums of discrete Gaussians have no bound here",
          remedy: "use zeroOut, or Skellam noise")
      }
    }
    if plan.aggregation.isCorrelated {
      guard case .cyclic = plan.sampling else {
        throw .infeasiblePlan(
          key: "sampling", problem: "lets people take part in any round, but the noise of this aggregation is correlated over the rounds",
          remedy: "keep people's rounds apart with sampling={cyclic: {clientsPerRound: \(plan.sampling.clientsPerRound)}}")
      }
    }
    if plan.aggregation.isPrivate {
      guard plan.privacy != nil else {
        throw .infeasiblePlan(
          key: "privacy", problem: "is missing though the aggregation adds noise",
          remedy: "add privacy.delta, and privacy.epsilon for a budget")
      }
      guard plan.algorithm.weighting == .uniform else {
        throw .infeasiblePlan(
          key: "algorithm.weighting", problem: "is examples, which differential privacy ignores", remedy: "set it to uniform")
      }
    } else if plan.privacy != nil {
      throw .infeasiblePlan(
        key: "aggregation", problem: "adds no noise though the plan has a privacy target",
        remedy: "use dp, gaussianAdaptive, ddp, tree, banded or blt, or remove the privacy section")
    }
  }

  /// The strategy of a matrix mechanism, optimised; `nil` for everything else.
  private static func strategy(of plan: TrainingPlan, in context: AggregationContext) throws(TrainingError) -> ToeplitzStrategy? {
    do throws(AggregationError) { return try plan.aggregation.strategy(in: context) } catch {
      throw .infeasiblePlan(
        key: "aggregation", problem: "cannot be optimised for \(context.rounds) rounds: \(error)",
        remedy: "lower algorithm.rounds, or aggregation.banded.bands")
    }
  }

  /// Fills in the noise multiplier from the target ε, for the planned number of rounds.
  private static func calibrate(_ plan: inout TrainingPlan, in context: AggregationContext, strategy: ToeplitzStrategy?) throws {
    guard let privacy = plan.privacy, plan.aggregation.isPrivate, plan.aggregation.noiseMultiplier == nil else { return }
    guard let epsilon = privacy.epsilon else {
      throw TrainingError.infeasiblePlan(
        key: "privacy.epsilon", problem: "is missing and so is the noise multiplier",
        remedy: "give one of them: a multiplier is calibrated to ε")
    }
    var aggregation = plan.aggregation
    var failure: (any Error)?
    func releases(_ multiplier: Double) throws -> RoundReleases {
      if aggregation.isOneGaussian { return .fresh(.gaussian(noiseMultiplier: multiplier)) }
      aggregation.noiseMultiplier = multiplier
      return try aggregation.pipeline(in: context, strategy: strategy).releases
    }
    let multiplier: Double
    do {
      multiplier = try Calibration.noiseMultiplier(
        for: PrivacyTarget(epsilon: epsilon, delta: privacy.delta), accountant: privacy.privacyAccountant
      ) { candidate in
        do {
          return try releases(candidate).event(rounds: context.rounds, sampling: context.sampling)
        } catch AggregationError.noiseSplitImpossible {
          // More noise than the counts leave room for; if no smaller multiplier does, the pipeline says so.
          return .noOp
        } catch {
          failure = error
          return .nonPrivate
        }
      }
    } catch {
      guard case .targetUnreachable = error else { throw error }
      if let failure { throw failure }
      guard aggregation.isDistributed else { throw error }
      throw TrainingError.infeasiblePlan(
        key: "aggregation", problem: "has integers too coarse for ε = \(epsilon): rounding alone makes updates too long",
        remedy: "raise bits")
    }
    // The split over update and counts is equal to one Gaussian in exact arithmetic; a billionth covers its rounding.
    plan.aggregation.noiseMultiplier = aggregation.isOneGaussian ? multiplier * (1 + 1e-9) : multiplier
  }

  /// How many of the planned rounds the budget lasts for; a budget that not even one round fits is refused.
  private static func roundsWithinBudget(_ plan: TrainingPlan, _ privacy: RunPrivacy) throws -> Int {
    guard let budget = plan.privacy?.epsilon else { return plan.algorithm.rounds }
    let first = try privacy.epsilon(afterRounds: 1).upper
    guard first <= budget else {
      throw TrainingError.infeasiblePlan(
        key: "privacy.epsilon", problem: "is \(budget), but the first round alone spends \(first)",
        remedy: "raise the noise multiplier, lower clientsPerRound, or leave the multiplier out to have it calibrated")
    }
    return try privacy.rounds(within: budget, maximum: plan.algorithm.rounds)
  }

  private static func warnings(_ plan: TrainingPlan, _ privacy: RunPrivacy, allowedRounds: Int, population: Int) -> [String] {
    var warnings: [String] = []
    if privacy.delta * Double(population) >= 1 {
      warnings.append(
        "δ = \(privacy.delta) is not below one over the \(population) clients: a mechanism that publishes one random client would pass")
    }
    if case .banded(_, _, let bands?) = plan.aggregation, case .cyclicPoisson(let rate, let cycle) = privacy.sampling, bands > cycle,
      rate < 1
    {
      warnings.append(
        "noise over \(bands) bands spans more than a cycle of \(cycle) rounds, so that the draw amplifies nothing: at most \(cycle) bands need "
          + "less noise")
    }
    if case .toKnownCohorts = privacy.releases, !privacy.sampling.spansEvent, plan.algorithm.rounds > 1 {
      warnings.append(
        "everybody may take part in every round, and sampling amplifies nothing where cohorts are known: use cyclic sampling for less noise"
      )
    }
    if let budget = plan.privacy?.epsilon, allowedRounds < plan.algorithm.rounds {
      warnings.append(
        "the budget ε = \(budget) lasts for \(allowedRounds) of the \(plan.algorithm.rounds) planned rounds; training will stop there")
    }
    return warnings
  }
}

extension TrainingPlan {
  /// SHA-256 of the plan as canonical JSON, in hexadecimal; of a settled plan it names the run.
  public func hash() throws -> String { SHA256.hexDigest(of: Array(try CanonicalJSON.data(self))) }

  fileprivate func process(
    dataset: FederatedDataset, aggregation: AggregationPipeline, randomness: RunRandomness, executor: ComputeExecutor
  ) throws(FederatedLearningError) -> FederatedAveraging {
    let local = try LocalTraining(
      optimizer: algorithm.clientOptimizer, epochs: algorithm.clientEpochs, batchSize: algorithm.clientBatchSize)
    return try FederatedAveraging(
      graph: task.graph, clients: dataset.train, localTraining: local, aggregation: aggregation, serverOptimizer: algorithm.serverOptimizer,
      randomness: randomness, executor: executor)
  }
}

extension OptimizerConfiguration {
  /// Momentum of SGD, at most what a workload takes; 0 for optimizers that are not linear.
  fileprivate var momentum: Double { if case .sgd(_, let momentum) = self { min(momentum, 0.999) } else { 0 } }
}

extension PrivacyPlan {
  /// The accountant asked for, under the plan's relation.
  public var privacyAccountant: PrivacyAccountant {
    PrivacyAccountant(neighboringRelation: neighboringRelation, choice: accountant)
  }
}

extension TaskPlan {
  fileprivate func request() throws(DatasetError) -> DatasetRequest {
    let name = try DatasetName(dataset)
    switch partition {
    case .natural: return DatasetRequest(name, dataDirectory: dataDirectory)
    case .iid(let clients, let seed):
      return DatasetRequest(name, dataDirectory: dataDirectory, partition: .iid(clients: clients), seed: seed)
    case .shards(let clients, let shards, let seed):
      return DatasetRequest(name, dataDirectory: dataDirectory, partition: .shards(clients: clients, shardsPerClient: shards), seed: seed)
    case .dirichlet(let clients, let concentration, let seed):
      return DatasetRequest(
        name, dataDirectory: dataDirectory, partition: .dirichlet(clients: clients, concentration: concentration), seed: seed)
    }
  }
}

extension SamplingPlan {
  /// Fills in the cycle: as long as the cohorts allow, so that everybody takes part about once in it.
  fileprivate mutating func settle(populationSize: Int) throws {
    guard case .cyclic(let size, let cycle, let seed) = self else { return }
    let longest = max(1, populationSize / size)
    guard (cycle ?? longest) <= longest else {
      throw TrainingError.infeasiblePlan(
        key: "sampling.cycle", problem: "is \(cycle ?? longest), but \(populationSize) clients fill only \(longest) cohorts of \(size)",
        remedy: "lower it or clientsPerRound")
    }
    self = .cyclic(clientsPerRound: size, cycle: cycle ?? longest, seed: seed)
  }

  fileprivate func sampler(populationSize: Int) throws -> any ClientSampler {
    guard clientsPerRound <= populationSize else {
      throw TrainingError.infeasiblePlan(
        key: "sampling.clientsPerRound", problem: "is \(clientsPerRound), but there are \(populationSize) clients",
        remedy: "lower it, or deal the data out to more clients")
    }
    switch self {
    case .poisson(let size): return try PoissonClientSampler(rate: Double(size) / Double(populationSize))
    case .fixedSize(let size): return try FixedSizeClientSampler(cohortSize: size)
    case .cyclic(let size, let cycle, let seed):
      let parts = cycle ?? max(1, populationSize / size)
      return try CyclicPoissonClientSampler(rate: min(1, Double(size) * Double(parts) / Double(populationSize)), cycle: parts, seed: seed)
    }
  }
}
