public import Aggregation

/// How updates become one.
///
/// A noise multiplier that is `nil` is calibrated to the plan's ε.
public enum AggregationPlan: Codable, Hashable, Sendable {
  /// Plain mean, without privacy.
  case mean
  /// Mean of updates clipped to a fixed norm, without noise.
  case clipping(clippingNorm: Double)
  /// Mean of updates clipped to a running quantile of their norms, without noise.
  case adaptiveClipping(initialClippingNorm: Double, targetUnclippedQuantile: Double, learningRate: Double)
  /// Gaussian mechanism with a fixed clipping norm.
  case gaussianFixed(noiseMultiplier: Double?, clippingNorm: Double)
  /// Gaussian mechanism with an adaptive clipping norm.
  case gaussianAdaptive(
    noiseMultiplier: Double?, initialClippingNorm: Double, targetUnclippedQuantile: Double, learningRate: Double,
    clippedCountStandardDeviation: Double?)
  /// Gaussian mechanism with adaptive clipping and adaptive zeroing, both from noised counts; the multiplier is that of everything together.
  case dp(noiseMultiplier: Double?, zeroing: Bool)
  /// Clients add integer noise themselves before a secure sum, with a fixed clipping norm.
  case ddpFixed(
    noiseMultiplier: Double?, clippingNorm: Double, noise: DistributedNoise, bits: Int, minimumClients: Int?,
    rotation: DistributedSum.RotationKind)
  /// The same with an adaptive clipping norm, whose noised counts a trusted server makes.
  case ddp(
    noiseMultiplier: Double?, initialClippingNorm: Double, targetUnclippedQuantile: Double, learningRate: Double,
    clippedCountStandardDeviation: Double?, noise: DistributedNoise, bits: Int, minimumClients: Int?, rotation: DistributedSum.RotationKind)
  /// Tree aggregation (DP-FTRL) with a fixed clipping norm; without restarts one tree spans the run.
  case tree(noiseMultiplier: Double?, clippingNorm: Double, efficient: Bool, restartWarmup: Int?, restartFrequency: Int?)
  /// Tree aggregation with a clipping norm that adapts where the trees start anew.
  case treeAdaptive(
    noiseMultiplier: Double?, initialClippingNorm: Double, targetUnclippedQuantile: Double, learningRate: Double,
    clippedCountStandardDeviation: Double?, efficient: Bool, restartWarmup: Int, restartFrequency: Int)
  /// Matrix mechanism with a banded Toeplitz strategy, optimised for the run and the server's momentum; by default of as many bands as a
  /// cycle has rounds.
  case banded(noiseMultiplier: Double?, clippingNorm: Double, bands: Int?)
  /// Matrix mechanism with a buffered linear Toeplitz strategy, optimised for the run and the server's momentum.
  case blt(noiseMultiplier: Double?, clippingNorm: Double, buffers: Int)
  /// Adaptive zeroing and clipping around the mean, without privacy.
  case robust(zeroing: Bool, clipping: Bool)
  /// The same with updates quantised to `bits` bits where they have more than `threshold` values, without privacy.
  case compression(bits: Int, threshold: Int, zeroing: Bool, clipping: Bool)
  /// The same with updates on a lattice of `stepSize`, entropy coded, without privacy.
  case entropy(stepSize: Double, zeroing: Bool, clipping: Bool)
  /// The same over sums of 32-bit integers, as a protocol of secure aggregation would carry them; without privacy.
  case secure(zeroing: Bool, clipping: Bool)

  /// Whether the aggregate carries noise for privacy.
  public var isPrivate: Bool {
    switch self {
    case .gaussianFixed, .gaussianAdaptive, .dp, .ddpFixed, .ddp, .tree, .treeAdaptive, .banded, .blt: true
    case .mean, .clipping, .adaptiveClipping, .robust, .compression, .entropy, .secure: false
    }
  }

  /// Whether the noise is correlated over the rounds, so that people's rounds must be kept apart.
  var isCorrelated: Bool {
    switch self {
    case .tree, .treeAdaptive, .banded, .blt: true
    default: false
    }
  }

  /// Whether update and counts of a round together are one Gaussian mechanism of the plan's multiplier, whatever the split.
  var isOneGaussian: Bool {
    switch self {
    case .gaussianFixed, .gaussianAdaptive, .dp: true
    default: false
    }
  }

  /// Whether clients add the noise.
  var isDistributed: Bool {
    switch self {
    case .ddpFixed, .ddp: true
    default: false
    }
  }

  /// Whether the noise that clients add is Skellam noise.
  var hasSkellamNoise: Bool {
    switch self {
    case .ddpFixed(_, _, .skellam, _, _, _), .ddp(_, _, _, _, _, .skellam, _, _, _): true
    default: false
    }
  }

  /// Whether norms of a private aggregation follow noised counts of sensitivity ½.
  var hasCenteredCounts: Bool {
    switch self {
    case .gaussianAdaptive, .dp, .treeAdaptive: true
    default: false
    }
  }

  /// The multiplier of a private aggregation, if it is settled.
  var noiseMultiplier: Double? {
    get {
      switch self {
      case .gaussianFixed(let multiplier, _), .gaussianAdaptive(let multiplier, _, _, _, _), .dp(let multiplier, _),
        .ddpFixed(let multiplier, _, _, _, _, _), .ddp(let multiplier, _, _, _, _, _, _, _, _), .tree(let multiplier, _, _, _, _),
        .treeAdaptive(let multiplier, _, _, _, _, _, _, _), .banded(let multiplier, _, _), .blt(let multiplier, _, _):
        multiplier
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
      case .ddpFixed(_, let norm, let noise, let bits, let clients, let rotation):
        self = .ddpFixed(
          noiseMultiplier: newValue, clippingNorm: norm, noise: noise, bits: bits, minimumClients: clients, rotation: rotation)
      case .ddp(_, let norm, let quantile, let rate, let deviation, let noise, let bits, let clients, let rotation):
        self = .ddp(
          noiseMultiplier: newValue, initialClippingNorm: norm, targetUnclippedQuantile: quantile, learningRate: rate,
          clippedCountStandardDeviation: deviation, noise: noise, bits: bits, minimumClients: clients, rotation: rotation)
      case .tree(_, let norm, let efficient, let warmup, let frequency):
        self = .tree(
          noiseMultiplier: newValue, clippingNorm: norm, efficient: efficient, restartWarmup: warmup, restartFrequency: frequency)
      case .treeAdaptive(_, let norm, let quantile, let rate, let deviation, let efficient, let warmup, let frequency):
        self = .treeAdaptive(
          noiseMultiplier: newValue, initialClippingNorm: norm, targetUnclippedQuantile: quantile, learningRate: rate,
          clippedCountStandardDeviation: deviation, efficient: efficient, restartWarmup: warmup, restartFrequency: frequency)
      case .banded(_, let norm, let bands): self = .banded(noiseMultiplier: newValue, clippingNorm: norm, bands: bands)
      case .blt(_, let norm, let buffers): self = .blt(noiseMultiplier: newValue, clippingNorm: norm, buffers: buffers)
      case .mean, .clipping, .adaptiveClipping, .robust, .compression, .entropy, .secure: break
      }
    }
  }

  /// What a round releases where no noise is added, in words.
  var exactRelease: String {
    func guarded(_ zeroing: Bool, _ clipping: Bool) -> String {
      let guards =
        (zeroing ? ["updates with a value beyond an adaptive bound counted as zeros"] : [])
        + (clipping ? ["their norms clipped to an adaptive bound"] : [])
      return guards.isEmpty ? "" : ", " + guards.joined(separator: ", ")
    }
    return switch self {
    case .clipping(let norm): "mean of the updates, their norms clipped to \(norm)"
    case .adaptiveClipping: "mean of the updates" + guarded(false, true)
    case .robust(let zeroing, let clipping): "mean of the updates" + guarded(zeroing, clipping)
    case .compression(let bits, let threshold, let zeroing, let clipping):
      "mean of the updates, each quantised to \(bits) bits where it has more than \(threshold) values" + guarded(zeroing, clipping)
    case .entropy(let stepSize, let zeroing, let clipping):
      "mean of the updates, each rounded to multiples of \(stepSize) and entropy coded" + guarded(zeroing, clipping)
    case .secure(let zeroing, let clipping): "mean of the updates, from a sum of 32-bit integers" + guarded(zeroing, clipping)
    case .mean, .gaussianFixed, .gaussianAdaptive, .dp, .ddpFixed, .ddp, .tree, .treeAdaptive, .banded, .blt: "mean of the updates"
    }
  }
}
