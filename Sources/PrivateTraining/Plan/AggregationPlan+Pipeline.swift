import Aggregation
import PrivacyEvents

/// What a pipeline depends on beside its own settings.
struct AggregationContext {
  let isWeighted: Bool
  let rounds: Int
  /// Expected number of participants: the constant that private sums are divided by.
  let expectedCohort: Double
  let sampling: SamplingScheme
  let parameterCount: Int
  /// Momentum with which the server takes the rounds' sums, which says what noise in them matters; 0 where it is none of that kind.
  let serverMomentum: Double

  /// Rounds from one participation of a person to the next, at least; 1 where everybody may take part in every round.
  var cycle: Int { if case .cyclicPoisson(_, let cycle) = sampling { cycle } else { 1 } }
}

extension AggregationPlan {
  /// Fills in what depends on the population, the cohort and the length of the run.
  mutating func settle(in context: AggregationContext) {
    // A fifth of the cohort may drop out and the noise still suffices.
    let leastClients = max(1, Int(0.8 * context.expectedCohort))
    switch self {
    case .banded(let multiplier, let norm, nil):
      let bands = max(
        1,
        min(
          context.cycle, context.rounds, ToeplitzStrategy.maximumBandCount,
          ToeplitzStrategy.maximumOptimizationSize / max(1, context.rounds)))
      self = .banded(noiseMultiplier: multiplier, clippingNorm: norm, bands: bands)
    case .ddpFixed(let multiplier, let norm, let noise, let bits, nil, let rotation):
      self = .ddpFixed(
        noiseMultiplier: multiplier, clippingNorm: norm, noise: noise, bits: bits, minimumClients: leastClients, rotation: rotation)
    case .ddp(let multiplier, let norm, let quantile, let rate, let deviation, let noise, let bits, nil, let rotation):
      self = .ddp(
        noiseMultiplier: multiplier, initialClippingNorm: norm, targetUnclippedQuantile: quantile, learningRate: rate,
        clippedCountStandardDeviation: deviation, noise: noise, bits: bits, minimumClients: leastClients, rotation: rotation)
    default: break
    }
  }

  /// The strategy of a settled matrix mechanism, optimised for the run; `nil` for everything else.
  func strategy(in context: AggregationContext) throws(AggregationError) -> ToeplitzStrategy? {
    switch self {
    case .banded(_, _, let bands?):
      return try .optimizedBanded(
        rounds: context.rounds, bands: min(bands, context.rounds),
        workload: LearningWorkload(momentum: context.serverMomentum))
    case .blt(_, _, let buffers):
      let participation = try ParticipationLimit(context.sampling, rounds: context.rounds) ?? .once
      return try .optimizedBuffered(
        rounds: context.rounds, buffers: buffers, participation: participation,
        workload: LearningWorkload(momentum: context.serverMomentum))
    default: return nil
    }
  }

  /// The pipeline, with the strategy of ``strategy(in:)`` and no noise where no multiplier is settled.
  func pipeline(in context: AggregationContext, strategy: ToeplitzStrategy?) throws(AggregationError) -> AggregationPipeline {
    let (isWeighted, expectedCohort) = (context.isWeighted, context.expectedCohort)
    let mean = AggregationPipeline.mean(weighted: isWeighted)
    switch self {
    case .mean: return mean
    case .clipping(let norm): return try mean.clipping(norm: norm)
    case .adaptiveClipping(let norm, let quantile, let rate):
      return try mean.clipping(adaptive: QuantileEstimator(initialEstimate: norm, targetQuantile: quantile, learningRate: rate))
    case .robust(let zeroing, let clipping): return try .robust(weighted: isWeighted, zeroing: zeroing, clipping: clipping)
    case .compression(let bits, let threshold, let zeroing, let clipping):
      return try .compressed(weighted: isWeighted, zeroing: zeroing, clipping: clipping, bits: bits, threshold: threshold)
    case .entropy(let stepSize, let zeroing, let clipping):
      return try .entropyCompressed(weighted: isWeighted, zeroing: zeroing, clipping: clipping, stepSize: stepSize)
    case .secure(let zeroing, let clipping): return try .secure(weighted: isWeighted, zeroing: zeroing, clipping: clipping)
    case .dp(let multiplier, let zeroing):
      return try .differentiallyPrivate(noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, zeroing: zeroing)
    case .gaussianFixed(let multiplier, let norm):
      return try mean.gaussianFixed(noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, clippingNorm: norm)
    case .gaussianAdaptive(let multiplier, let norm, let quantile, let rate, let deviation):
      return try mean.gaussianAdaptive(
        noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, initialClippingNorm: norm, targetUnclippedQuantile: quantile,
        learningRate: rate, clippedCountStandardDeviation: deviation)
    case .tree(let multiplier, let norm, let efficient, let warmup, let frequency):
      var restarts: TreeRestarts?
      if let frequency { restarts = try TreeRestarts(warmup: warmup ?? frequency, frequency: frequency) }
      return try mean.treeGaussian(
        noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, clippingNorm: norm, isEfficient: efficient, restarts: restarts)
    case .treeAdaptive(let multiplier, let norm, let quantile, let rate, let deviation, let efficient, let warmup, let frequency):
      return try mean.treeAdaptive(
        noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, initialClippingNorm: norm,
        restarts: TreeRestarts(warmup: warmup, frequency: frequency), targetUnclippedQuantile: quantile, learningRate: rate,
        clippedCountStandardDeviation: deviation, isEfficient: efficient)
    case .banded(let multiplier, let norm, _), .blt(let multiplier, let norm, _):
      guard let strategy else { throw .invalidComposition(technique: "matrix", reason: "has no strategy") }
      let pipeline = try mean.matrixGaussian(
        noiseMultiplier: multiplier ?? 0, clientsPerRound: expectedCohort, clippingNorm: norm, strategy: strategy,
        plannedRounds: context.rounds)
      try (pipeline.summation as? MatrixGaussian)?.checkCapacity(rounds: context.rounds, parameters: context.parameterCount)
      return pipeline
    case .ddpFixed(let multiplier, let norm, let noise, let bits, let clients, let rotation):
      return try mean.distributed(
        Self.distributedSum(noise, multiplier, .fixed(norm), bits: bits, minimumClients: clients, rotation: rotation, in: context))
    case .ddp(let multiplier, let norm, let quantile, let rate, let deviation, let noise, let bits, let clients, let rotation):
      let deviation = deviation ?? 0.05 * expectedCohort
      let estimator = try QuantileEstimator(
        initialEstimate: norm, targetQuantile: quantile, learningRate: rate,
        release: .noised(standardDeviation: deviation, expectedClients: expectedCohort))
      return try mean.distributed(
        Self.distributedSum(noise, multiplier, .adaptive(estimator), bits: bits, minimumClients: clients, rotation: rotation, in: context))
    }
  }

  private static func distributedSum(
    _ noise: DistributedNoise, _ multiplier: Double?, _ norm: ClippingNorm, bits: Int, minimumClients: Int?,
    rotation: DistributedSum.RotationKind, in context: AggregationContext
  ) throws(AggregationError) -> DistributedSum {
    let expected = max(1, Int(context.expectedCohort.rounded()))
    return try DistributedSum(
      noise: noise, noiseMultiplier: multiplier ?? 0, expectedClients: expected, minimumClients: minimumClients ?? expected,
      parameterCount: context.parameterCount, norm: norm, bits: bits, rotation: rotation)
  }
}
