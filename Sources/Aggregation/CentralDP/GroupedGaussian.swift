import Foundation
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
/// what leaves the server is noised. The part of group g is put on a grid of C_g·2^−k, its norm is checked in integers, and the noise
/// is a real Gaussian exactly rounded to that grid: the argument of ``CentralGaussian`` holds for each group, and for all together,
/// because they are released as one vector of integers, each group in units of its own grid.
public struct GroupedGaussian: NoiseMechanism, IntegerSummation {
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
  /// k: the grid step of group g is C_g·2^−k.
  public var gridBits: Int { grid.bits }
  private let grid: IntegerGrid
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
    for group in groups { try group.norm.validate(for: "grouped Gaussian", name: "clipping norm of \(group.name)") }
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
    let split = try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: [], groupShares: shares)
    let greatest = split.groupNoiseMultipliers.reduce(0, max)
    // Beyond this the noise would leave the range of 64 bits on any useful grid.
    try require(greatest <= 0x1p24, "noise multiplier of a group", greatest, "at most 2^24")
    grid = IntegerGrid(noiseDeviation: greatest)
  }

  public var name: String { "groupedGaussian" }
  public var reportWidth: Int { groups.count * ClippingNorm.reportWidth }
  public var noisedBitDeviations: [Double] { groups.flatMap(\.norm.noisedBitDeviations) }

  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations, groupShares: shares)
  }

  public func initialState() -> State { State(estimates: groups.map(\.norm.initialEstimate)) }

  /// Client side: clips every group of `vector` and adds it to `sum` on the group's grid, all groups or none.
  public func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool {
    for count in [vector.count, sum.count] where count != partition.count {
      throw .lengthMismatch(expected: partition.count, found: count)
    }
    guard state.estimates.count == groups.count else { throw .stateMismatch(technique: name) }
    var parts: [[Int64]] = []
    for (index, group) in groups.enumerated() {
      let values = partition.ranges[index].flatMap { vector.values[$0] }
      let unscaled = VectorMath.norm(values)
      let norm = vector.scale.magnitude * unscaled
      let start = report.startIndex + index * ClippingNorm.reportWidth
      group.norm.fill(&report[start..<(start + ClippingNorm.reportWidth)], norm: norm, estimate: state.estimates[index])
      let bound = group.norm.bound(state.estimates[index])
      let factor = norm > bound ? (vector.scale < 0 ? -1 : 1) / unscaled : vector.scale / bound
      guard let part = onGrid(values, factor: norm == 0 ? 0 : factor) else { return false }
      parts.append(part)
    }
    var overflows = false
    for (ranges, part) in zip(partition.ranges, parts) {
      var next = 0
      for range in ranges {
        for index in range {
          let (result, overflow) = sum[index].addingReportingOverflow(part[next])
          sum[index] = result
          overflows = overflows || overflow
          next += 1
        }
      }
    }
    if overflows { throw .sumOverflow }
    return true
  }

  /// `values` · `factor` in units of 2^−k, truncated, with a norm of at most 2^k in integers; `nil` where that cannot be had.
  private func onGrid(_ values: [Float], factor: Double) -> [Int64]? {
    var part = [Int64](repeating: 0, count: values.count)
    if factor == 0 { return part }
    return VectorMath.accumulateUnitVector(values, scaledBy: factor, bits: gridBits, into: &part) ? part : nil
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
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
    var values = [Double](repeating: 0, count: sum.count)
    for (index, ranges) in partition.ranges.enumerated() {
      let (deviation, step) = (grid.steps(split.groupNoiseMultipliers[index]), grid.units(bounds[index]))
      for range in ranges {
        var part = Array(sum[range])
        try noise.addGridNoise(deviation: deviation, to: &part)
        values.replaceSubrange(range, with: part.map { Double($0) * step })
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
    return (values, measurements)
  }
}

extension AggregationPipeline {
  /// Differentially private mean with a clipping bound and a noise level for every group of tensors.
  ///
  /// - Parameter mechanism: the groups and their noise.
  public func gaussian(grouped mechanism: GroupedGaussian) throws(AggregationError) -> AggregationPipeline {
    try requireUnweighted(for: mechanism.name)
    return try AggregationPipeline(mechanism, under: self, denominator: .expectedCohort(mechanism.clientsPerRound))
  }
}
