import Synchronization

/// Epochs of one random allocation, by random draws: upper bounds that may fail with a known probability.
final class MonteCarloAccountant: AccountingBackend {
  private let allocationRounds: Int
  private let noiseMultiplier: Double
  private let epochs: Int
  private let samples: Int
  private let failureProbability: Double
  private let seed: UInt64
  /// The draws of the last number of repetitions asked for: questions about it share them.
  private let last = Mutex<(rounds: Int, draws: RandomAllocationMonteCarlo)?>(nil)

  /// Nil for anything but epochs of one random allocation, of which one over a single round is a Gaussian.
  init?(
    _ composition: MechanismComposition, samples: Int, failureProbability: Double, seed: UInt64
  ) throws(AccountingError) {
    guard composition.parts.count == 1, composition.logNoFailure == 0, composition.logUnchanged == (0, 0) else { return nil }
    switch composition.parts[0].mechanism {
    case .randomAllocation(let rounds, let noiseMultiplier): (allocationRounds, self.noiseMultiplier) = (rounds, noiseMultiplier)
    case .gaussian(let noiseMultiplier): (allocationRounds, self.noiseMultiplier) = (1, noiseMultiplier)
    default: return nil
    }
    epochs = composition.parts[0].count
    self.samples = samples
    self.failureProbability = failureProbability
    self.seed = seed
    try RandomAllocationMonteCarlo.check(failureProbability: failureProbability)
    try RandomAllocationMonteCarlo.check(rounds: allocationRounds, epochs: epochs, noiseMultiplier: noiseMultiplier, samples: samples)
  }

  private func draws(rounds: Int) throws(AccountingError) -> RandomAllocationMonteCarlo {
    if let known = last.withLock({ $0 }), known.rounds == rounds { return known.draws }
    let draws = try RandomAllocationMonteCarlo(
      rounds: allocationRounds, epochs: MechanismComposition.product(epochs, rounds), noiseMultiplier: noiseMultiplier, samples: samples,
      seed: seed)
    last.withLock { $0 = (rounds, draws) }
    return draws
  }

  /// β of one order of the neighbours: an answer for both fails with at most the sum.
  private var share: Double { failureProbability / 2 }

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    // Too few draws are known before any is made.
    let least = RandomAllocationMonteCarlo.leastSamples(delta: delta, failureProbability: share)
    if Double(samples) < least { throw RandomAllocationMonteCarlo.tooFew(samples, least: least, delta: delta) }
    let draws = try draws(rounds: rounds)
    let removal = try draws.epsilon(delta: delta, direction: .removal, failureProbability: share)
    let addition = try draws.epsilon(delta: delta, direction: .addition, failureProbability: share)
    guard removal.isFinite, addition.isFinite else {
      throw .notConverged(what: "ε by Monte Carlo", reason: "more draws than δ = \(delta) allows have a loss above 4096")
    }
    return bound(max(removal, addition))
  }

  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    bound(try draws(rounds: rounds).delta(epsilon: epsilon, direction: direction, failureProbability: share).upper)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    let removal = try delta(rounds: rounds, epsilon: epsilon, direction: .removal)
    let addition = try delta(rounds: rounds, epsilon: epsilon, direction: .addition)
    return bound(max(removal.upper, addition.upper))
  }

  private func bound(_ upper: Double) -> PrivacyBound {
    PrivacyBound(lower: 0, upper: upper, method: .monteCarlo, failureProbability: failureProbability)
  }
}
