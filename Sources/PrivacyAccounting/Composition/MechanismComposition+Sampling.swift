import Foundation
import PrivacyEvents

extension MechanismComposition {
  /// Adds `count` releases of `event`, each on its own draw of participants.
  mutating func addSampled(
    _ event: PrivacyEvent, by scheme: SamplingScheme, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    switch scheme {
    case .cyclicPoisson(let rate, let cycle):
      return try addCyclic(event, rate: rate, cycle: cycle, count: count, relation: relation)
    case .minimumSeparationPoisson(let rate, let separation):
      return try addSeparated(event, rate: rate, separation: separation, count: count, relation: relation)
    default: break
    }
    // The inner part is flattened in units of the clipping norm; the relation is applied below, with the sampling.
    var inner = MechanismComposition()
    let innerRelation: NeighboringRelation = relation == .addOrRemoveOne ? .addOrRemoveOne : .zeroOut
    try inner.add(event, count: 1, relation: innerRelation)
    if scheme.inclusionProbability == 0 || inner.isEmpty { return }
    if inner.isNonPrivate { return addNonPrivate() }
    if let noiseMultiplier = inner.combinedGaussian {
      try addSampledGaussian(noiseMultiplier, by: scheme, count: count, relation: relation)
    } else {
      try addSampledOther(inner, by: scheme, count: count, relation: relation)
    }
  }

  // MARK: Gaussians

  /// Gaussian noise of `noiseMultiplier` clipping norms on a draw by `scheme`.
  ///
  /// The distance between the two centres, in clipping norms, depends on the draw: a chosen record of a fixed-size subset displaces another
  /// one, so even adding or removing a person moves the sum by 2C; and a person whose update is zeroed still takes that other one's place,
  /// so both neighbours are mixtures, a special case of replace-one.
  private mutating func addSampledGaussian(
    _ noiseMultiplier: Double, by scheme: SamplingScheme, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    switch scheme {
    case .poisson(let rate):
      try addMixture(rate, noiseMultiplier, distance: relation.sensitivityOfSum, symmetric: relation == .replaceOne, count: count)
    case .truncatedPoisson(let rate, let maximumCohort, let populationSize):
      try addMixture(rate, noiseMultiplier, distance: relation.sensitivityOfSum, symmetric: relation == .replaceOne, count: count)
      try addTruncation(rate: rate, maximumCohort: maximumCohort, populationSize: populationSize, count: count, relation: relation)
    case .fixedSizeWithoutReplacement:
      let rate = scheme.inclusionProbability
      let distance: Double = relation == .zeroOut && rate == 1 ? 1 : 2
      try addMixture(rate, noiseMultiplier, distance: distance, symmetric: relation != .addOrRemoveOne, count: count)
    case .fixedSizeWithReplacement(let cohortSize, let populationSize):
      if relation == .addOrRemoveOne {
        let draws = try WithReplacement(draws: cohortSize, population: populationSize, tailMass: Self.negligible)
        let parts = zip(draws.shifts, draws.weights).filter { $0.1 > 0 }
        try add(
          .gaussianMixture(shifts: parts.map(\.0), weights: parts.map(\.1), noiseMultiplier: noiseMultiplier), count: count)
        addFailure(draws.tailMass, count: count)
      } else {
        try add(
          .drawnWithReplacement(draws: cohortSize, populationSize: populationSize, noiseMultiplier: noiseMultiplier), count: count)
      }
    case .randomAllocation(let participations, let rounds):
      try addAllocation(noiseMultiplier, rounds: rounds, participations: participations, count: count, relation: relation)
    case .ballsInBins(let rounds):
      try addAllocation(noiseMultiplier, rounds: rounds, participations: 1, count: count, relation: relation)
    case .cyclicPoisson, .minimumSeparationPoisson: break
    }
  }

  /// Probability of outcomes that are given up to an infinite loss, small against every δ that a double can hold a quotient of.
  private static let negligible = 1e-300

  private mutating func addMixture(
    _ rate: Double, _ noiseMultiplier: Double, distance: Double, symmetric: Bool, count: Int
  ) throws(AccountingError) {
    if rate == 1 {
      try addGaussian(noiseMultiplier / distance, count: count)
    } else {
      try add(.sampledGaussian(samplingRate: rate, noiseMultiplier: noiseMultiplier / distance, symmetric: symmetric), count: count)
    }
  }

  /// A round whose cohort was cut differs from the accounted round; how often that happens bounds what it can add to δ.
  private mutating func addTruncation(
    rate: Double, maximumCohort: Int, populationSize: Int, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    guard maximumCohort < populationSize else { return }
    // The population given is the larger neighbour's.
    let truncated = try TruncatedPoisson(population: populationSize - 1, samplingRate: rate, maximumCohort: maximumCohort)
    let withPerson = try truncated.truncationProbability(withPerson: true, rounds: 1)
    let without = try truncated.truncationProbability(withPerson: relation != .addOrRemoveOne, rounds: 1)
    addChange(withPerson: min(withPerson, 1 - 1e-15), without: min(without, 1 - 1e-15), count: count)
  }

  private mutating func addAllocation(
    _ noiseMultiplier: Double, rounds: Int, participations: Int, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    guard relation != .replaceOne else {
      throw .unsupportedEvent(
        event: "sampled", reason: "under replaceOne both neighbours of random allocation are mixtures, and no bound is known here")
    }
    let blocks = try RandomAllocationLaw.blocks(rounds: rounds, participations: participations)
    let times = try Self.product(blocks.compositions, count)
    if blocks.rounds == 1 {
      try addGaussian(noiseMultiplier, count: times)
    } else {
      try add(.randomAllocation(rounds: blocks.rounds, noiseMultiplier: noiseMultiplier), count: times)
    }
  }

  // MARK: Everything else

  private mutating func addSampledOther(
    _ inner: MechanismComposition, by scheme: SamplingScheme, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    guard inner.logUnchanged == (0, 0) else {
      throw .unsupportedEvent(event: "sampled", reason: "no bound is known here for a truncated draw inside another draw")
    }
    switch (scheme, relation) {
    case (.poisson(let rate), .addOrRemoveOne): try addPoisson(inner, rate: rate, count: count)
    case (.poisson(let rate), .zeroOut) where inner.isAdditive: try addPoisson(inner, rate: rate, count: count)
    case (.fixedSizeWithoutReplacement, .replaceOne):
      // Amplification of (ε, δ) by fixed-size sampling (Balle, Barthe and Gaboardi 2018, theorem 9). Parts given as ε are stated for
      // this relation; only noise scaled to the clipping norm protects half as well.
      var epsilon = 0.0
      for (mechanism, times) in inner.parts {
        guard let single = mechanism.pureEpsilon else { throw Self.noAmplification(relation) }
        epsilon += Double(times) * single * (mechanism.isAdditive ? relation.sensitivityOfSum : 1)
      }
      let rate = scheme.inclusionProbability
      try addApproximate(
        epsilon: SampledProfile.amplifiedPure(epsilon: epsilon, rate: rate), delta: rate * inner.failureProbability, count: count)
    default: throw Self.noAmplification(relation)
    }
  }

  private static func noAmplification(_ relation: NeighboringRelation) -> AccountingError {
    .unsupportedEvent(
      event: "sampled",
      reason: "no amplification is known here for this mechanism under \(relation.rawValue) with this sampling; "
        + "use Poisson sampling with addOrRemoveOne, Gaussian noise, or fixed size with replaceOne and pure mechanisms")
  }

  /// ((1−q)Q + qP, Q) for the pair of `inner`.
  private mutating func addPoisson(_ inner: MechanismComposition, rate: Double, count: Int) throws(AccountingError) {
    // A draw that fails is an infinite loss with probability q × the failure, and has the sampled profile otherwise.
    if inner.logNoFailure != 0 { addFailure(rate * inner.failureProbability, count: count) }
    guard !inner.order.isEmpty else { return }
    for mechanism in inner.order {
      switch mechanism {
      case .zeroConcentrated, .skellamVector, .selection, .drawnWithReplacement:
        throw .unsupportedEvent(
          event: "sampled", reason: "a mechanism known by its Rényi curve or profile only cannot be amplified by sampling here")
      default: break
      }
    }
    if rate == 1 { return try add(inner.withoutFailure, count: count) }
    if inner.order.count == 1, inner.counts[inner.order[0]] == 1 {
      switch inner.order[0] {
      case .laplace(1, let noiseMultiplier):
        return try add(.laplace(samplingRate: rate, noiseMultiplier: noiseMultiplier), count: count)
      case .discrete(let mechanism, 1): return try add(.discrete(mechanism, samplingRate: rate), count: count)
      default: break
      }
    }
    try add(.sampledComposition(inner.withoutFailure, samplingRate: rate), count: count)
  }

  /// The same mechanisms without the approximate parts.
  private var withoutFailure: MechanismComposition {
    get throws(AccountingError) {
      var result = MechanismComposition()
      for (mechanism, count) in parts { try result.add(mechanism, count: count) }
      return result
    }
  }

  // MARK: Schemes that span several rounds

  /// Every person belongs to one of `cycle` fixed parts, and is sampled once per cycle (Choquette-Choo et al. 2023, theorem 4).
  private mutating func addCyclic(
    _ event: PrivacyEvent, rate: Double, cycle: Int, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    switch event {
    case .repeated(let inner, let rounds):
      let turns = try Self.product((rounds - 1) / cycle + (rounds > 0 ? 1 : 0), count)
      try addSampled(inner, by: .poisson(rate: rate), count: turns, relation: relation)
    case .treeAggregation: try addSeparated(event, rate: rate, separation: cycle, count: count, relation: relation)
    case .matrixMechanism(let noiseMultiplier, let strategy, _, _):
      // Noise that spans more than one cycle is not amplified here; a person's rounds are a cycle apart all the same.
      guard let bands = strategy.bands, bands.width <= cycle else {
        return try addSeparated(event, rate: rate, separation: cycle, count: count, relation: relation)
      }
      let once = try ParticipationPattern(maximumParticipations: 1, minimumSeparation: 1)
      let norm = try strategy.sensitivity(once)
      let turns = try Self.product((bands.steps - 1) / cycle + 1, count)
      try addSampled(.gaussian(noiseMultiplier: noiseMultiplier / norm), by: .poisson(rate: rate), count: turns, relation: relation)
    default:
      throw .unsupportedEvent(
        event: "sampled", reason: "cyclic sampling spans a repeated event, a tree or a matrix mechanism, not “\(event.caseName)”")
    }
  }

  /// A person who took part sits out the next separation − 1 rounds. No amplification is claimed: at most every separation-th round
  /// counts in full.
  private mutating func addSeparated(
    _ event: PrivacyEvent, rate: Double, separation: Int, count: Int, relation: NeighboringRelation
  ) throws(AccountingError) {
    if rate == 0 { return }
    func participations(_ rounds: Int) -> Int { rounds == 0 ? 0 : (rounds - 1) / separation + 1 }
    switch event {
    case .repeated(let inner, let rounds):
      try add(inner, count: try Self.product(participations(rounds), count), relation: relation)
    case .treeAggregation(let noiseMultiplier, let steps, let limit, let least):
      try add(
        .treeAggregation(
          noiseMultiplier: noiseMultiplier, steps: steps, maximumParticipations: min(limit, participations(steps)),
          minimumSeparation: max(least, separation)), count: count, relation: relation)
    case .matrixMechanism(let noiseMultiplier, let strategy, let limit, let least):
      try add(
        .matrixMechanism(
          noiseMultiplier: noiseMultiplier, strategy: strategy, maximumParticipations: limit,
          minimumSeparation: max(least, separation)), count: count, relation: relation)
    default:
      throw .unsupportedEvent(
        event: "sampled", reason: "this sampling spans a repeated event, a tree or a matrix mechanism, not “\(event.caseName)”")
    }
  }
}
