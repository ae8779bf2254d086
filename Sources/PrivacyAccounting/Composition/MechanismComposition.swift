import Foundation
import PrivacyEvents

/// An event flattened to independent mechanisms with counts, with the neighbouring relation already applied.
///
/// This is the meeting point of the event language and the accountants: whatever nesting an event has, an accountant sees
/// each distinct mechanism once.
struct MechanismComposition: Hashable, Sendable {
  private(set) var counts: [Mechanism: Int] = [:]
  /// Order of first appearance, so that sums are formed in a fixed order.
  private(set) var order: [Mechanism] = []
  /// Σ count × log(1 − δ) of the approximate parts: together they fail with probability 1 − exp of this.
  private(set) var logNoFailure = 0.0
  /// Σ count × log(1 − p) of rounds that differ from the accounted ones with probability p, with the person and without.
  private(set) var logUnchanged = (withPerson: 0.0, without: 0.0)
  /// Something was released in clear.
  private(set) var isNonPrivate = false

  /// Flattens `event` under `relation`.
  ///
  /// - Throws: `AccountingError.invalidEvent`, or `.unsupportedEvent` for what has no valid bound here.
  init(_ event: PrivacyEvent, relation: NeighboringRelation) throws(AccountingError) {
    do throws(PrivacyEventError) { try event.validate() } catch { throw .invalidEvent(error) }
    try add(event, count: 1, relation: relation)
  }

  init() {}

  static func == (a: MechanismComposition, b: MechanismComposition) -> Bool {
    a.order == b.order && a.counts == b.counts && a.logNoFailure == b.logNoFailure && a.isNonPrivate == b.isNonPrivate
      && a.logUnchanged == b.logUnchanged
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(order)
    hasher.combine(counts)
    hasher.combine(logNoFailure)
  }

  /// Probability that one of the approximate parts fails.
  var failureProbability: Double { -expm1(logNoFailure) }

  /// Whether nothing at all was released.
  var isEmpty: Bool { order.isEmpty && logNoFailure == 0 && !isNonPrivate }

  /// Every mechanism with its count.
  var parts: [(mechanism: Mechanism, count: Int)] { order.map { ($0, counts[$0] ?? 0) } }

  var isAdditive: Bool { order.allSatisfy(\.isAdditive) && logNoFailure == 0 }

  /// The noise multiplier of the whole when it is nothing but Gaussians: (Σ n/σ²)^(−1/2).
  var combinedGaussian: Double? {
    var precision = 0.0
    for (mechanism, count) in parts {
      guard case .gaussian(let noiseMultiplier) = mechanism else { return nil }
      precision += Double(count) / (noiseMultiplier * noiseMultiplier)
    }
    return logNoFailure == 0 && !order.isEmpty ? 1 / precision.squareRoot() : nil
  }

  /// Sum of the ε of all parts if all are pure: the loss never exceeds it.
  var pureEpsilon: Double? {
    var sum = 0.0
    for (mechanism, count) in parts {
      guard let epsilon = mechanism.pureEpsilon else { return nil }
      sum += Double(count) * epsilon
    }
    return sum
  }

  mutating func add(_ mechanism: Mechanism, count: Int) throws(AccountingError) {
    guard count > 0 else { return }
    guard let known = counts[mechanism] else {
      counts[mechanism] = count
      order.append(mechanism)
      return
    }
    let (sum, overflow) = known.addingReportingOverflow(count)
    guard !overflow else { throw .tooManyCompositions }
    counts[mechanism] = sum
  }

  mutating func addNonPrivate() { isNonPrivate = true }

  /// Parts that fail with probability `delta` each.
  mutating func addFailure(_ delta: Double, count: Int) { logNoFailure += Double(count) * log1p(-delta) }

  /// Rounds that differ from what is accounted with these probabilities.
  mutating func addChange(withPerson: Double, without: Double, count: Int) {
    logUnchanged.withPerson += Double(count) * log1p(-withPerson)
    logUnchanged.without += Double(count) * log1p(-without)
  }

  /// `count` independent copies of another composition.
  mutating func add(_ other: MechanismComposition, count: Int) throws(AccountingError) {
    for (mechanism, times) in other.parts { try add(mechanism, count: try Self.product(times, count)) }
    logNoFailure += Double(count) * other.logNoFailure
    logUnchanged.withPerson += Double(count) * other.logUnchanged.withPerson
    logUnchanged.without += Double(count) * other.logUnchanged.without
    isNonPrivate = isNonPrivate || other.isNonPrivate
  }

  static func product(_ a: Int, _ b: Int) throws(AccountingError) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    guard !overflow else { throw .tooManyCompositions }
    return product
  }

  mutating func add(_ event: PrivacyEvent, count: Int, relation: NeighboringRelation) throws(AccountingError) {
    guard count > 0 else { return }
    let sensitivity = relation.sensitivityOfSum
    switch event {
    case .noOp: break
    case .nonPrivate: isNonPrivate = true
    case .unsupported(let reason): throw .unsupportedEvent(event: "unsupported", reason: reason)
    case .gaussian(let noiseMultiplier):
      try addGaussian(noiseMultiplier / sensitivity, count: count)
    case .laplace(let noiseMultiplier):
      if noiseMultiplier == 0 {
        isNonPrivate = true
      } else {
        try add(.laplace(samplingRate: 1, noiseMultiplier: noiseMultiplier / sensitivity), count: count)
      }
    case .discreteGaussian, .discreteLaplace, .skellam, .randomizedResponse:
      try addDiscrete(event, count: count, relation: relation)
    case .exponentialMechanism(let epsilon):
      if epsilon > 0 { try add(.boundedRange(epsilon: epsilon), count: count) }
    case .permuteAndFlip(let epsilon), .reportNoisyMax(let epsilon):
      try addApproximate(epsilon: epsilon, delta: 0, count: count)
    case .gaussianMixture(let noiseMultiplier, let sensitivities, let probabilities):
      try addMixture(noiseMultiplier, sensitivities, probabilities, count: count, relation: relation)
    case .treeAggregation(let noiseMultiplier, let steps, let participations, let separation):
      let pattern = try ParticipationPattern(maximumParticipations: participations, minimumSeparation: separation)
      let distance = try StrategySensitivity.binaryTree(steps: steps, participation: pattern) * sensitivity
      try addGaussian(noiseMultiplier / distance, count: count)
    case .matrixMechanism(let noiseMultiplier, let strategy, let participations, let separation):
      let pattern = try ParticipationPattern(maximumParticipations: participations, minimumSeparation: separation)
      try addGaussian(noiseMultiplier / (try strategy.sensitivity(pattern) * sensitivity), count: count)
    case .repeatAndSelect(let inner, let runs):
      var single = MechanismComposition()
      try single.add(inner, count: 1, relation: relation)
      if single.isNonPrivate { isNonPrivate = true }
      guard single.logNoFailure == 0, single.logUnchanged == (0, 0) else {
        throw .unsupportedEvent(event: event.caseName, reason: "the runs must be Rényi-private; an approximate part has no Rényi curve")
      }
      // A random number of runs that release nothing still leaks nothing.
      if !single.order.isEmpty { try add(.selection(single, runs), count: count) }
    case .pureDP(let epsilon): try addApproximate(epsilon: epsilon, delta: 0, count: count)
    case .approximateDP(let epsilon, let delta): try addApproximate(epsilon: epsilon, delta: delta, count: count)
    case .zeroConcentratedDP(let rho):
      if rho == .infinity { isNonPrivate = true } else if rho > 0 { try add(.zeroConcentrated(rho: rho), count: count) }
    case .composed(let events):
      for event in events { try add(event, count: count, relation: relation) }
    case .repeated(let event, let times):
      try add(event, count: try Self.product(count, times), relation: relation)
    case .sampled(let event, let scheme):
      try addSampled(event, by: scheme, count: count, relation: relation)
    }
  }

  /// Gaussian noise of this multiple of the sensitivity.
  mutating func addGaussian(_ noiseMultiplier: Double, count: Int) throws(AccountingError) {
    if noiseMultiplier == 0 { isNonPrivate = true } else { try add(.gaussian(noiseMultiplier: noiseMultiplier), count: count) }
  }

  private mutating func addDiscrete(_ event: PrivacyEvent, count: Int, relation: NeighboringRelation) throws(AccountingError) {
    let factor = Int(relation.sensitivityOfSum)
    switch event {
    case .discreteGaussian(let sigma, let sensitivity):
      let shift = try Self.product(sensitivity, factor)
      try add(.discrete(.discreteGaussian(sigma: sigma, shift: shift), samplingRate: 1), count: count)
    case .discreteLaplace(let scale, let sensitivity):
      let shift = try Self.product(sensitivity, factor)
      try add(.discrete(.discreteLaplace(scale: scale, shift: shift), samplingRate: 1), count: count)
    case .skellam(let variance, let l1, let l2, let dimension):
      if dimension == 1, l1 * Double(factor) < 1e15 {
        let shift = Int((l1 * Double(factor)).rounded())
        try add(.discrete(.skellam(variance: variance, shift: shift), samplingRate: 1), count: count)
      } else {
        try add(.skellamVector(variance: variance, l1: l1 * Double(factor), l2: l2 * Double(factor)), count: count)
      }
    case .randomizedResponse(let noise, let buckets):
      guard relation != .addOrRemoveOne else {
        throw .unsupportedEvent(
          event: event.caseName, reason: "an answer for a person shows that the person is there; use replaceOne or zeroOut")
      }
      if noise == 0 {
        isNonPrivate = true
      } else if noise < 1 {
        try add(.discrete(.randomizedResponse(noise: noise, buckets: buckets), samplingRate: 1), count: count)
      }
    default: break
    }
  }

  private mutating func addMixture(
    _ noiseMultiplier: Double, _ sensitivities: [Double], _ probabilities: [Double], count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    if noiseMultiplier == 0 {
      isNonPrivate = zip(sensitivities, probabilities).contains { $0 > 0 && $1 > 0 } || isNonPrivate
      return
    }
    guard relation != .replaceOne || sensitivities.count == 1 else {
      throw .unsupportedEvent(
        event: "gaussianMixture", reason: "under replaceOne both neighbours are mixtures, and no bound is known here; use addOrRemoveOne")
    }
    if sensitivities.count == 1 {
      if sensitivities[0] > 0 { try addGaussian(noiseMultiplier / sensitivities[0] / relation.sensitivityOfSum, count: count) }
    } else if sensitivities.contains(where: { $0 > 0 }) {
      try add(.gaussianMixture(shifts: sensitivities, weights: probabilities, noiseMultiplier: noiseMultiplier), count: count)
    }
  }

  mutating func addApproximate(epsilon: Double, delta: Double, count: Int) throws(AccountingError) {
    if epsilon == .infinity || delta == 1 {
      isNonPrivate = true
      return
    }
    logNoFailure += Double(count) * log1p(-delta)
    if epsilon > 0 { try add(.pure(epsilon: epsilon), count: count) }
  }
}

extension StrategyMatrix {
  /// The L2 sensitivity of the strategy for participants of this pattern.
  func sensitivity(_ pattern: ParticipationPattern) throws(AccountingError) -> Double {
    switch self {
    case .sensitivity(let value): value
    case .matrix(let rows): try StrategySensitivity.matrix(rows, participation: pattern)
    case .toeplitz(let coefficients, let steps):
      try StrategySensitivity.toeplitz(coefficients: coefficients, steps: steps, participation: pattern)
    case .bufferedToeplitz(let scales, let decays, let steps):
      try StrategySensitivity.bufferedToeplitz(outputScales: scales, decays: decays, steps: steps, participation: pattern)
    }
  }

  /// Rounds of the strategy, and over how many the noise of one is spread; nil where only the sensitivity is known.
  var bands: (steps: Int, width: Int)? {
    switch self {
    case .sensitivity, .bufferedToeplitz: return nil
    case .toeplitz(let coefficients, let steps): return (steps, min(coefficients.count, steps))
    case .matrix(let rows):
      var width = 1
      for (index, row) in rows.enumerated() {
        if let first = row.firstIndex(where: { $0 != 0 }), first <= index { width = max(width, index - first + 1) }
      }
      return (rows.count, width)
    }
  }
}
