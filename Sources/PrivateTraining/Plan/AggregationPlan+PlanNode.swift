import Aggregation

extension AggregationPlan {
  private static let names = [
    "mean", "clipping", "adaptiveClipping", "gaussianFixed", "gaussianAdaptive", "dp", "ddp", "ddpFixed", "tree", "treeAdaptive", "banded",
    "blt", "robust", "compression", "entropy", "secure",
  ]

  init(_ parent: inout PlanReader) throws(PlanError) {
    guard let node = parent.node("aggregation") else { throw parent.missing("aggregation") }
    var (name, reader) = try PlanReader.choice(node, path: parent.join("aggregation"), among: Self.names)
    switch name {
    case "clipping": self = .clipping(clippingNorm: try reader.positive("clippingNorm"))
    case "adaptiveClipping":
      let norm = try AdaptiveNorm(&reader, initialClippingNorm: 1, targetUnclippedQuantile: 0.8)
      self = .adaptiveClipping(initialClippingNorm: norm.initial, targetUnclippedQuantile: norm.quantile, learningRate: norm.learningRate)
    case "gaussianFixed":
      self = .gaussianFixed(noiseMultiplier: try reader.noiseMultiplier(), clippingNorm: try reader.positive("clippingNorm"))
    case "gaussianAdaptive":
      let norm = try AdaptiveNorm(&reader)
      self = .gaussianAdaptive(
        noiseMultiplier: try reader.noiseMultiplier(), initialClippingNorm: norm.initial, targetUnclippedQuantile: norm.quantile,
        learningRate: norm.learningRate, clippedCountStandardDeviation: try reader.countDeviation())
    case "dp": self = .dp(noiseMultiplier: try reader.noiseMultiplier(), zeroing: try reader.optionalBool("zeroing") ?? true)
    case "ddp", "ddpFixed": self = try Self.distributed(name, &reader)
    case "tree", "treeAdaptive", "banded", "blt": self = try Self.correlated(name, &reader)
    case "robust", "compression", "entropy", "secure": self = try Self.guarded(name, &reader)
    default: self = .mean
    }
    try reader.finish()
  }

  /// Without privacy, behind guards against broken updates.
  private static func guarded(_ name: String, _ reader: inout PlanReader) throws(PlanError) -> AggregationPlan {
    let zeroing = try reader.optionalBool("zeroing") ?? true
    let clipping = try reader.optionalBool("clipping") ?? true
    switch name {
    case "compression":
      let threshold = try reader.int("threshold", default: 20_000)
      try reader.require(threshold >= 0, "threshold", threshold, "at least 0")
      return .compression(
        bits: try reader.count("bits", default: 8, upTo: 16), threshold: threshold, zeroing: zeroing, clipping: clipping)
    case "entropy": return .entropy(stepSize: try reader.positive("stepSize", default: 0.5), zeroing: zeroing, clipping: clipping)
    case "secure": return .secure(zeroing: zeroing, clipping: clipping)
    default: return .robust(zeroing: zeroing, clipping: clipping)
    }
  }

  private static func distributed(_ name: String, _ reader: inout PlanReader) throws(PlanError) -> AggregationPlan {
    let multiplier = try reader.noiseMultiplier()
    let noise = try reader.word("noise", default: DistributedNoise.skellam)
    let bits = try reader.count("bits", default: 16, upTo: 22)
    let clients = try reader.optionalInt("minimumClients")
    if let clients { try reader.require(clients >= 1, "minimumClients", clients, "at least 1") }
    let rotation = try reader.word("rotation", default: DistributedSum.RotationKind.hadamard)
    if name == "ddpFixed" {
      return .ddpFixed(
        noiseMultiplier: multiplier, clippingNorm: try reader.positive("clippingNorm"), noise: noise, bits: bits, minimumClients: clients,
        rotation: rotation)
    }
    let norm = try AdaptiveNorm(&reader)
    return .ddp(
      noiseMultiplier: multiplier, initialClippingNorm: norm.initial, targetUnclippedQuantile: norm.quantile,
      learningRate: norm.learningRate, clippedCountStandardDeviation: try reader.countDeviation(), noise: noise, bits: bits,
      minimumClients: clients, rotation: rotation)
  }

  private static func correlated(_ name: String, _ reader: inout PlanReader) throws(PlanError) -> AggregationPlan {
    let multiplier = try reader.noiseMultiplier()
    switch name {
    case "banded":
      let norm = try reader.positive("clippingNorm", default: 1)
      let bands = try reader.optionalInt("bands")
      let most = ToeplitzStrategy.maximumBandCount
      if let bands { try reader.require((1...most).contains(bands), "bands", bands, "in 1…\(most)") }
      return .banded(noiseMultiplier: multiplier, clippingNorm: norm, bands: bands)
    case "blt":
      return .blt(
        noiseMultiplier: multiplier, clippingNorm: try reader.positive("clippingNorm", default: 1),
        buffers: try reader.count("buffers", default: 4, upTo: 8))
    case "treeAdaptive":
      let norm = try AdaptiveNorm(&reader)
      let restarts = try reader.restarts() ?? (TreeRestarts.standard.warmup, TreeRestarts.standard.frequency)
      return .treeAdaptive(
        noiseMultiplier: multiplier, initialClippingNorm: norm.initial, targetUnclippedQuantile: norm.quantile,
        learningRate: norm.learningRate, clippedCountStandardDeviation: try reader.countDeviation(),
        efficient: try reader.optionalBool("efficient") ?? true, restartWarmup: restarts.warmup, restartFrequency: restarts.frequency)
    default:
      let norm = try reader.positive("clippingNorm", default: 1)
      let efficient = try reader.optionalBool("efficient") ?? true
      let restarts = try reader.restarts()
      return .tree(
        noiseMultiplier: multiplier, clippingNorm: norm, efficient: efficient, restartWarmup: restarts?.warmup,
        restartFrequency: restarts?.frequency)
    }
  }
}

/// A clipping norm that follows a quantile.
private struct AdaptiveNorm {
  let initial: Double
  let quantile: Double
  let learningRate: Double

  init(
    _ reader: inout PlanReader, initialClippingNorm: Double = 0.1, targetUnclippedQuantile: Double = 0.5
  ) throws(PlanError) {
    initial = try reader.positive("initialClippingNorm", default: initialClippingNorm)
    quantile = try reader.fraction("targetUnclippedQuantile", default: targetUnclippedQuantile)
    learningRate = try reader.notNegative("learningRate", default: 0.2)
  }
}

extension PlanReader {
  fileprivate mutating func noiseMultiplier() throws(PlanError) -> Double? {
    let value = try optionalDouble("noiseMultiplier")
    if let value { try require(value > 0, "noiseMultiplier", value, "above 0; leave it out to calibrate it to privacy.epsilon") }
    return value
  }

  fileprivate mutating func countDeviation() throws(PlanError) -> Double? {
    let value = try optionalDouble("clippedCountStandardDeviation")
    if let value { try require(value > 0, "clippedCountStandardDeviation", value, "above 0") }
    return value
  }

  /// When trees start anew: after round `restartWarmup`, by default the first `restartFrequency`.
  fileprivate mutating func restarts() throws(PlanError) -> (warmup: Int, frequency: Int)? {
    let warmup = try optionalInt("restartWarmup")
    guard let frequency = try optionalInt("restartFrequency") else {
      guard warmup == nil else { throw missing("restartFrequency") }
      return nil
    }
    try require(frequency >= 1, "restartFrequency", frequency, "at least 1")
    try require((1...frequency).contains(warmup ?? frequency), "restartWarmup", warmup ?? frequency, "in 1…\(frequency), the frequency")
    return (warmup ?? frequency, frequency)
  }
}
