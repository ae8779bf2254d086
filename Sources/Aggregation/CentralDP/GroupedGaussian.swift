public import ParameterVectors
public import SecureNoise

/// The Gaussian mechanism with a clipping bound and a noise level of its own for every named group of tensors.
///
/// Layers whose updates differ in size need not share one bound: group g is clipped to C_g in L2 norm and noised with
/// N(0, (z_g C_g)²). With z_g = z_v / √s_g and shares Σ s_g = 1, the groups and the noised counts of adaptive bounds, each scaled to
/// unit noise, are one vector that a client moves by at most 1/z: exactly one Gaussian mechanism of multiplier z (McMahan, Ramage,
/// Talwar and Zhang 2018, per-layer clipping; McMahan and Andrew 2018, A general approach to adding differential privacy to
/// iterative training procedures, section 3). Weights are ignored, the divisor is a constant, and an empty draw is noised like any other.
///
/// A client sends its update, clipped group by group, and for every adaptive bound a bit; the server, which is trusted, learns them;
/// what leaves the server is noised. A clipped group is rounded toward zero to `Float`, so that no rounding lifts it over its bound.
/// The noise is a floating-point Gaussian from a cryptographic generator.
public struct GroupedGaussian: AggregationTechnique, NoiseMechanism {
  /// The running estimates of the clipping norms.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force this round, for every group.
    public var estimates: [Double]
  }

  /// z, of everything that a round releases together.
  public let noiseMultiplier: Double
  /// Divisor of the sum.
  public let clientsPerRound: Double
  /// The groups, which together hold every tensor once.
  public let groups: [TensorGroup]
  /// s_g, in the order of `groups`: their sum is 1.
  public let shares: [Double]
  private let partition: TensorGrouping

  /// A mechanism; adaptive norms must be ones whose counts are noised.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z, finite and at least 0.
  ///   - clientsPerRound: the expected cohort, finite and above 0.
  ///   - layout: the model's tensors.
  ///   - groups: every tensor of `layout` belongs to exactly one.
  ///   - division: how z is divided over the groups.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``,
  ///   ``AggregationError/invalidComposition(technique:reason:)`` for groups that do not partition the layout.
  public init(
    noiseMultiplier: Double, clientsPerRound: Double, layout: ParameterLayout, groups: [TensorGroup],
    division: TensorGroup.NoiseDivision = .equal
  ) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    try require(clientsPerRound > 0 && clientsPerRound.isFinite, "clients per round", clientsPerRound, "finite and above 0")
    for group in groups {
      try group.norm.validate(name: "clipping norm of \(group.name)")
      if case .adaptive(let estimator) = group.norm, case .exact = estimator.release {
        throw .invalidComposition(technique: "grouped Gaussian", reason: "its adaptive clipping norms need noised counts")
      }
    }
    partition = try TensorGrouping(groups, of: layout, technique: "grouped Gaussian")
    self.noiseMultiplier = noiseMultiplier
    self.clientsPerRound = clientsPerRound
    self.groups = groups
    switch division {
    case .equal: shares = groups.map { _ in 1 / Double(groups.count) }
    case .leastNoise:
      let norms = zip(groups, partition.counts).map { Double($1).squareRoot() * $0.norm.bound($0.norm.initialEstimate) }
      let total = norms.reduce(0, +)
      try require(total > 0 && total.isFinite, "sum of the groups' bounds", total, "finite and above 0")
      shares = norms.map { $0 / total }
    case .shares(let given):
      guard given.count == groups.count else { throw .lengthMismatch(expected: groups.count, found: given.count) }
      shares = given
    }
    // Shares that cannot be used are found here, not in the first round.
    _ = try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: [], groupShares: shares)
  }

  public var name: String { "groupedGaussian" }
  public var reportWidth: Int { groups.count * ClippingNorm.reportWidth }
  public var worstCaseNormGrowth: Double? { 1 }
  public var noisedBitDeviations: [Double] { groups.flatMap(\.norm.noisedBitDeviations) }

  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations, groupShares: shares)
  }

  /// A technique that mixes tensors, a rotation for instance, can enlarge one group's norm: only factors in [0, 1] are allowed.
  public func normGrowth(of technique: any AggregationTechnique) -> Double? { technique is any ShrinkingTechnique ? 1 : nil }

  public func initialState() -> State { State(estimates: groups.map(\.norm.initialEstimate)) }

  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {
    let bounds = zip(groups, state.estimates).map { $0.norm.bound($1) }
    let norms = message.clip(partition, toNorms: bounds)
    for (index, group) in groups.enumerated() {
      let start = report.startIndex + index * ClippingNorm.reportWidth
      group.norm.fill(&report[start..<(start + ClippingNorm.reportWidth)], norm: norms[index], estimate: state.estimates[index])
    }
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    guard sum.count == partition.count else { throw .lengthMismatch(expected: partition.count, found: sum.count) }
    guard let split = round.noiseSplit, split.groupNoiseMultipliers.count == groups.count, state.estimates.count == groups.count else {
      throw .invalidComposition(technique: name, reason: "the round does not say how the noise is divided over the groups")
    }
    let bounds = zip(groups, state.estimates).map { $0.norm.bound($1) }
    let deviations = zip(split.groupNoiseMultipliers, bounds).map { $0 * $1 }
    for deviation in deviations where !deviation.isFinite {
      throw .invalidParameter(
        name: "noise standard deviation", value: deviation, allowed: "finite: lower the noise multiplier or the clipping norms")
    }
    for (ranges, deviation) in zip(partition.ranges, deviations) where deviation > 0 {
      for range in ranges {
        var part = Array(sum[range])
        noise.addGaussian(standardDeviation: deviation, to: &part)
        sum.replaceSubrange(range, with: part)
      }
    }

    // Figures of the whole update first, then those of each group.
    let power = zip(deviations, partition.counts).reduce(0) { $0 + $1.0 * $1.0 * Double($1.1) }
    let mean = (power / Double(partition.count)).squareRoot() / clientsPerRound
    let total = bounds.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var measurements = [
      AggregationMeasurement(.noiseStandardDeviation, mean, .released), AggregationMeasurement(.clippingNorm, total, .released),
    ]
    for (index, group) in groups.enumerated() {
      measurements.append(
        AggregationMeasurement(.noiseStandardDeviation, deviations[index] / clientsPerRound, .released, group: group.name))
      let start = reports.startIndex + index * ClippingNorm.reportWidth
      measurements += try group.norm.advance(
        &state.estimates[index], reports: reports[start..<(start + ClippingNorm.reportWidth)], participants: round.participants,
        protection: .released, noise: noise, group: group.name)
    }
    return measurements
  }
}

extension AggregationPipeline {
  /// Differentially private mean with a clipping bound and a noise level for every group of tensors.
  ///
  /// - Parameter mechanism: the groups and their noise.
  public func gaussian(grouped mechanism: GroupedGaussian) throws(AggregationError) -> AggregationPipeline {
    guard !isWeighted else {
      throw .invalidComposition(
        technique: mechanism.name, reason: "differential privacy ignores weights: use the unweighted mean (algorithm.weighting: uniform)")
    }
    return try AggregationPipeline(mechanism, around: self, denominator: .expectedCohort(mechanism.clientsPerRound))
  }
}

extension ClientMessage {
  /// Clips the part of each group to an L2 norm of at most its bound and returns the norms before.
  ///
  /// A message of another length than the partition, the empty one of a rejected update for instance, becomes zero.
  mutating func clip(_ partition: TensorGrouping, toNorms bounds: [Double]) -> [Double] {
    switch self {
    case .real(var vector):
      defer { self = .real(vector) }
      guard vector.count == partition.count else {
        vector.scale = 0
        return bounds.map { _ in 0 }
      }
      return zip(partition.ranges, bounds).map { ranges, bound in
        // Certified upper bounds; 2⁻⁵² makes room for the rounding of each product with the factor and with the scale.
        let squares = ranges.map { VectorMath.normUpperBound(vector.values, at: $0) }.map { $0 * $0 }
        let slack = 1 + Double(squares.count + 16) * 0x1p-52
        let norm = (vector.scale.magnitude * squares.reduce(0, +).squareRoot() * slack).nextUp
        if norm > bound {
          let factor = min(1, VectorMath.clippingScale(norm: norm, bound: bound))
          for range in ranges { VectorMath.shrink(&vector.values, at: range, by: factor) }
        }
        return norm
      }
    }
  }
}
