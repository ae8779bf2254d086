import Foundation
import PrivacyEvents

/// An event flattened to independent mechanisms with counts, with the neighbouring relation already applied.
///
/// This is the meeting point of the event language and the accountants: whatever nesting an event has, an accountant sees
/// each distinct mechanism once.
struct MechanismComposition: Hashable, Sendable {
  /// One mechanism, in units of the distance between neighbours.
  enum Mechanism: Hashable, Sendable {
    /// Noise standard deviation over the sensitivity.
    case gaussian(noiseMultiplier: Double)
    /// Noise scale over the sensitivity.
    case laplace(noiseMultiplier: Double)
    case pure(epsilon: Double)
    case zeroConcentrated(rho: Double)
    /// A Gaussian on a random part of the population.
    ///
    /// One-sided: the pair ((1−q)N(0,σ²)+qN(1,σ²), N(0,σ²)) and its mirror. Symmetric: neighbours are both mixtures, and both orders
    /// of the pair obey the profile of the one-sided pair for e^ε ≥ 1 (replace-one).
    case sampledGaussian(samplingRate: Double, noiseMultiplier: Double, symmetric: Bool)
  }

  private(set) var counts: [Mechanism: Int] = [:]
  /// Order of first appearance, so that sums are formed in a fixed order.
  private(set) var order: [Mechanism] = []
  /// Σ count × log(1 − δ) of the approximate parts: together they fail with probability 1 − exp of this.
  private(set) var logNoFailure = 0.0
  /// Something was released in clear.
  private(set) var isNonPrivate = false

  /// Flattens `event` under `relation`.
  ///
  /// - Throws: `AccountingError.invalidEvent`, or `.unsupportedEvent` for what has no valid bound here.
  init(_ event: PrivacyEvent, relation: NeighboringRelation) throws(AccountingError) {
    do throws(PrivacyEventError) { try event.validate() } catch { throw .invalidEvent(error) }
    try add(event, count: 1, relation: relation)
  }

  private init() {}

  /// Probability that one of the approximate parts fails.
  var failureProbability: Double { -expm1(logNoFailure) }

  /// The noise multiplier of the whole when it is nothing but Gaussians: (Σ n/σ²)^(−1/2).
  var combinedGaussian: Double? {
    var precision = 0.0
    for mechanism in order {
      guard case .gaussian(let noiseMultiplier) = mechanism, let count = counts[mechanism] else { return nil }
      precision += Double(count) / (noiseMultiplier * noiseMultiplier)
    }
    return logNoFailure == 0 && !order.isEmpty ? 1 / precision.squareRoot() : nil
  }

  /// Sum of the ε of all parts if all are pure: the loss never exceeds it.
  var pureEpsilon: Double? {
    var sum = 0.0
    for mechanism in order {
      switch mechanism {
      case .pure(let epsilon): sum += Double(counts[mechanism] ?? 0) * epsilon
      case .laplace(let noiseMultiplier): sum += Double(counts[mechanism] ?? 0) / noiseMultiplier
      default: return nil
      }
    }
    return sum
  }

  private mutating func add(_ mechanism: Mechanism, count: Int) throws(AccountingError) {
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

  private mutating func add(_ event: PrivacyEvent, count: Int, relation: NeighboringRelation) throws(AccountingError) {
    guard count > 0 else { return }
    let sensitivity = relation.sensitivityOfSum
    switch event {
    case .noOp: break
    case .nonPrivate: isNonPrivate = true
    case .unsupported(let reason): throw .unsupportedEvent(event: "unsupported", reason: reason)
    case .gaussian(let noiseMultiplier):
      if noiseMultiplier == 0 {
        isNonPrivate = true
      } else {
        try add(.gaussian(noiseMultiplier: noiseMultiplier / sensitivity), count: count)
      }
    case .laplace(let noiseMultiplier):
      if noiseMultiplier == 0 {
        isNonPrivate = true
      } else {
        try add(.laplace(noiseMultiplier: noiseMultiplier / sensitivity), count: count)
      }
    case .pureDP(let epsilon): try addApproximate(epsilon: epsilon, delta: 0, count: count)
    case .approximateDP(let epsilon, let delta): try addApproximate(epsilon: epsilon, delta: delta, count: count)
    case .zeroConcentratedDP(let rho):
      if rho == .infinity { isNonPrivate = true } else if rho > 0 { try add(.zeroConcentrated(rho: rho), count: count) }
    case .composed(let events):
      for event in events { try add(event, count: count, relation: relation) }
    case .repeated(let event, let times):
      let (product, overflow) = count.multipliedReportingOverflow(by: times)
      guard !overflow else { throw .tooManyCompositions }
      try add(event, count: product, relation: relation)
    case .sampled(let event, let scheme):
      try addSampled(event, by: scheme, count: count, relation: relation)
    case .discreteGaussian, .discreteLaplace, .skellam, .randomizedResponse, .exponentialMechanism, .permuteAndFlip, .reportNoisyMax,
      .gaussianMixture, .treeAggregation, .matrixMechanism, .repeatAndSelect:
      throw .unsupportedEvent(event: event.caseName, reason: "no accountant here bounds this mechanism")
    }
  }

  private mutating func addApproximate(epsilon: Double, delta: Double, count: Int) throws(AccountingError) {
    if epsilon == .infinity || delta == 1 {
      isNonPrivate = true
      return
    }
    logNoFailure += Double(count) * log1p(-delta)
    if epsilon > 0 { try add(.pure(epsilon: epsilon), count: count) }
  }

  private mutating func addSampled(
    _ event: PrivacyEvent, by scheme: SamplingScheme, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    switch scheme {
    case .poisson, .fixedSizeWithoutReplacement: break
    default: throw .unsupportedEvent(event: scheme.caseName, reason: "no accountant here bounds this sampling")
    }
    let rate = scheme.inclusionProbability
    // The inner part is flattened in units of the clipping norm; the relation is applied below, with the sampling.
    var inner = MechanismComposition()
    try inner.add(event, count: 1, relation: .zeroOut)
    if rate == 0 { return }
    if inner.isNonPrivate {
      isNonPrivate = true
      return
    }
    if inner.order.isEmpty && inner.logNoFailure == 0 { return }

    if let noiseMultiplier = inner.combinedGaussian {
      try addSampledGaussian(noiseMultiplier, by: scheme, count: count, relation: relation)
      return
    }
    guard let innerEpsilon = inner.pureEpsilon else {
      throw .unsupportedEvent(
        event: "sampled",
        reason: "the Rényi accountant bounds sampling of Gaussians, or of pure and approximate mechanisms, not of a mixture of both, "
          + "of zero-concentrated mechanisms or of an event that is itself sampled")
    }
    // Amplification of (ε, δ) by sampling, log(1 + q(e^ε − 1)) and qδ, holds where the sampled person's absence is one of the two
    // neighbours, and for subsets of fixed size under replace-one (Balle, Barthe and Gaboardi 2018, theorems 8 and 9).
    var epsilon = innerEpsilon
    switch (scheme, relation) {
    case (.poisson, .addOrRemoveOne): break
    case (.fixedSizeWithoutReplacement, .replaceOne):
      // Parts given as (ε, δ) are already stated for this relation; only noise scaled to the clipping norm protects half as well.
      epsilon = inner.order.reduce(0) { sum, mechanism in
        let times = Double(inner.counts[mechanism] ?? 0)
        return switch mechanism {
        case .laplace(let noiseMultiplier): sum + times * relation.sensitivityOfSum / noiseMultiplier
        case .pure(let value): sum + times * value
        default: sum
        }
      }
    default:
      throw .unsupportedEvent(
        event: "sampled",
        reason: "no amplification is known here for pure mechanisms under \(relation.rawValue) with this sampling; "
          + "use Poisson sampling with addOrRemoveOne, or fixed size with replaceOne")
    }
    let amplified = rate == 1 ? epsilon : (epsilon > 700 ? epsilon + log(rate) + exp(-epsilon) / rate : log1p(rate * expm1(epsilon)))
    try addApproximate(epsilon: min(amplified, epsilon), delta: rate * inner.failureProbability, count: count)
  }

  private mutating func addSampledGaussian(
    _ noiseMultiplier: Double, by scheme: SamplingScheme, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    let rate = scheme.inclusionProbability
    // The distance between the two centres, in clipping norms. A chosen record of a fixed-size subset displaces another one, so
    // even adding or removing a person moves the sum by 2C; and a person whose update is zeroed still takes that other one's place,
    // so both neighbours are mixtures, a special case of replace-one.
    let distance: Double
    var symmetric = relation == .replaceOne
    switch (scheme, relation) {
    case (_, .replaceOne), (.fixedSizeWithoutReplacement, .addOrRemoveOne): distance = 2
    case (.fixedSizeWithoutReplacement, .zeroOut):
      distance = rate == 1 ? 1 : 2
      symmetric = true
    case (.poisson, .zeroOut), (.poisson, .addOrRemoveOne): distance = 1
    default: throw .unsupportedEvent(event: scheme.caseName, reason: "no accountant here bounds this sampling")
    }
    if rate == 1 {
      try add(.gaussian(noiseMultiplier: noiseMultiplier / distance), count: count)
    } else {
      try add(
        .sampledGaussian(samplingRate: rate, noiseMultiplier: noiseMultiplier / distance, symmetric: symmetric), count: count)
    }
  }
}
