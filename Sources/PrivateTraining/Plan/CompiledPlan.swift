public import Aggregation
public import FederatedDatasets
import FederatedLearning
import Foundation
import NeuralNetworks
public import PrivacyAccounting
public import PrivacyEvents
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
  /// What one round releases, with its sampling; `nil` without privacy.
  public let roundEvent: PrivacyEvent?
  /// What the run will say about itself.
  public let facts: RunFacts
  /// Things that are allowed but worth a second look.
  public let warnings: [String]

  /// Number of people that a cohort is drawn from; public, hence fixed.
  public var populationSize: Int { dataset.train.clientCount }
  /// The accountant that the plan asks for.
  public var accountant: PrivacyAccountant? { plan.privacy?.privacyAccountant }
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
      let sampler = try plan.sampling.sampler(populationSize: population)
      var settled = plan
      let draw = sampler.scheme(populationSize: population)
      try Self.calibrate(&settled, draw: draw)
      let aggregation = try settled.aggregation.pipeline(
        weighting: settled.algorithm.weighting, expectedCohort: sampler.expectedCohortSize(populationSize: population))
      let event = settled.privacy == nil ? nil : aggregation.privacyEvent.sampled(draw)
      // Building the process checks model against data; it is built again with the run's own randomness.
      _ = try settled.process(
        dataset: dataset, aggregation: aggregation, randomness: .reproducible(seed: 0), executor: ComputeExecutor(threadCount: 1))
      self.plan = settled
      hash = try settled.hash()
      self.dataset = dataset
      self.sampler = sampler
      self.aggregation = aggregation
      roundEvent = event
      var warnings = aggregation.noiseSplit?.warning.map { [$0] } ?? []
      if let event { warnings += try Self.checkBudget(settled, event: event, population: population) }
      self.warnings = warnings
      facts = RunFacts(plan: settled, dataset: dataset, aggregation: aggregation, sampler: sampler, event: event)
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
      if privacy.neighboringRelation == .zeroOut, plan.aggregation.hasAdaptiveNorms {
        throw .infeasiblePlan(
          key: "privacy.neighboringRelation", problem: "is zeroOut, under which the counts of adaptive clipping are not covered",
          remedy: "use addOrRemoveOne or replaceOne, or gaussianFixed")
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
        remedy: "use gaussianAdaptive or gaussianFixed, or remove the privacy section")
    }
  }

  /// Fills in the noise multiplier from the target ε, for the planned number of rounds.
  private static func calibrate(_ plan: inout TrainingPlan, draw: SamplingScheme) throws {
    guard let privacy = plan.privacy, plan.aggregation.isPrivate, plan.aggregation.noiseMultiplier == nil else { return }
    guard let epsilon = privacy.epsilon else {
      throw TrainingError.infeasiblePlan(
        key: "privacy.epsilon", problem: "is missing and so is the noise multiplier",
        remedy: "give one of them: a multiplier is calibrated to ε")
    }
    let rounds = plan.algorithm.rounds
    let multiplier = try Calibration.noiseMultiplier(
      for: PrivacyTarget(epsilon: epsilon, delta: privacy.delta), accountant: privacy.privacyAccountant
    ) { .gaussian(noiseMultiplier: $0).sampled(draw).repeated(rounds) }
    // The split over update and counts is equal to this in exact arithmetic; a billionth covers its rounding.
    plan.aggregation.noiseMultiplier = multiplier * (1 + 1e-9)
  }

  /// Refuses a budget that not even one round fits, and says where a run will stop early.
  private static func checkBudget(_ plan: TrainingPlan, event: PrivacyEvent, population: Int) throws -> [String] {
    guard let privacy = plan.privacy else { return [] }
    var warnings: [String] = []
    if privacy.delta * Double(population) >= 1 {
      warnings.append(
        "δ = \(privacy.delta) is not below one over the \(population) clients: a mechanism that publishes one random client would pass")
    }
    let curve = try privacy.privacyAccountant.curve(of: event)
    guard let epsilon = privacy.epsilon else { return warnings }
    let first = try curve.epsilon(afterRounds: 1, delta: privacy.delta).upper
    guard first <= epsilon else {
      throw TrainingError.infeasiblePlan(
        key: "privacy.epsilon", problem: "is \(epsilon), but the first round alone spends \(first)",
        remedy: "raise the noise multiplier, lower clientsPerRound, or leave the multiplier out to have it calibrated")
    }
    if try curve.epsilon(afterRounds: plan.algorithm.rounds, delta: privacy.delta).upper > epsilon {
      let rounds = try Calibration.rounds(
        for: PrivacyTarget(epsilon: epsilon, delta: privacy.delta), accountant: privacy.privacyAccountant, maximum: plan.algorithm.rounds,
        of: event)
      warnings.append(
        "the budget ε = \(epsilon) lasts for \(rounds) of the \(plan.algorithm.rounds) planned rounds; training will stop there")
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
      optimizer: .sgd(learningRate: algorithm.clientLearningRate, momentum: algorithm.clientMomentum), epochs: algorithm.clientEpochs,
      batchSize: algorithm.clientBatchSize)
    return try FederatedAveraging(
      graph: task.graph, clients: dataset.train, localTraining: local, aggregation: aggregation, serverOptimizer: algorithm.serverOptimizer,
      randomness: randomness, executor: executor)
  }
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
  fileprivate func sampler(populationSize: Int) throws -> any ClientSampler {
    guard clientsPerRound <= populationSize else {
      throw TrainingError.infeasiblePlan(
        key: "sampling.clientsPerRound", problem: "is \(clientsPerRound), but there are \(populationSize) clients",
        remedy: "lower it, or deal the data out to more clients")
    }
    switch self {
    case .poisson(let size): return try PoissonClientSampler(rate: Double(size) / Double(populationSize))
    case .fixedSize(let size): return try FixedSizeClientSampler(cohortSize: size)
    }
  }
}

extension AggregationPlan {
  /// The multiplier of a private aggregation, if it is settled.
  var noiseMultiplier: Double? {
    get {
      switch self {
      case .gaussianFixed(let multiplier, _), .gaussianAdaptive(let multiplier, _, _, _, _), .dp(let multiplier, _): multiplier
      case .mean, .clipping, .adaptiveClipping, .robust, .compression, .entropy, .secure: nil
      }
    }
    set {
      switch self {
      case .gaussianFixed(_, let norm): self = .gaussianFixed(noiseMultiplier: newValue, clippingNorm: norm)
      case .gaussianAdaptive(_, let norm, let quantile, let rate, let deviation):
        self = .gaussianAdaptive(
          noiseMultiplier: newValue, initialClippingNorm: norm, targetUnclippedQuantile: quantile, learningRate: rate,
          clippedCountStandardDeviation: deviation)
      case .dp(_, let zeroing): self = .dp(noiseMultiplier: newValue, zeroing: zeroing)
      case .mean, .clipping, .adaptiveClipping, .robust, .compression, .entropy, .secure: break
      }
    }
  }

  /// Whether norms of a private aggregation follow noised counts.
  var hasAdaptiveNorms: Bool {
    switch self {
    case .gaussianAdaptive, .dp: true
    default: false
    }
  }

  fileprivate func pipeline(weighting: AlgorithmPlan.Weighting, expectedCohort: Double) throws(AggregationError) -> AggregationPipeline {
    let isWeighted = weighting == .examples
    let mean = AggregationPipeline.mean(weighted: isWeighted)
    switch self {
    case .dp(let multiplier, let zeroing):
      return try .differentiallyPrivate(noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, zeroing: zeroing)
    case .robust(let guards): return try .robust(weighted: isWeighted, zeroing: guards.zeroing, clipping: guards.clipping)
    case .compression(let bits, let threshold, let guards):
      return try .compressed(
        weighted: isWeighted, zeroing: guards.zeroing, clipping: guards.clipping, bits: bits, threshold: threshold)
    case .entropy(let stepSize, let guards):
      return try .entropyCompressed(weighted: isWeighted, zeroing: guards.zeroing, clipping: guards.clipping, stepSize: stepSize)
    case .secure(let guards): return try .secure(weighted: isWeighted, zeroing: guards.zeroing, clipping: guards.clipping)
    case .mean: return mean
    case .clipping(let norm): return try mean.clipping(norm: norm)
    case .adaptiveClipping(let norm, let quantile, let rate):
      return try mean.clipping(
        adaptive: QuantileEstimator(initialEstimate: norm, targetQuantile: quantile, learningRate: rate))
    case .gaussianFixed(let multiplier, let norm):
      return try mean.gaussianFixed(noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, clippingNorm: norm)
    case .gaussianAdaptive(let multiplier, let norm, let quantile, let rate, let deviation):
      return try mean.gaussianAdaptive(
        noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, initialClippingNorm: norm, targetUnclippedQuantile: quantile,
        learningRate: rate, clippedCountStandardDeviation: deviation)
    }
  }
}
