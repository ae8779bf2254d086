import Foundation
import Synchronization

/// Monte Carlo bound of random allocation of a Gaussian, one or more epochs, in both orders of the neighbours.
///
/// δ(ε) = E (1 − e^(ε−L))₊ with L the total loss under the first law of the pair, a variable in [0, 1]. For n draws with average a, the
/// probability that n·kl(a ‖ δ) ≥ log(1/β) with a < δ is at most β (Hoeffding 1963, theorem 1, for variables in [0, 1]), so U, the
/// largest δ with n·kl(a ‖ δ) ≤ log(1/β), is an upper confidence bound.
///
/// ε at δ needs no division of β over values of ε: on fixed draws a, hence U, falls with ε as δ(ε) does. Were the least ε with U(ε) ≤ δ
/// below the true one, U ≤ δ < δ(ε) would hold for every ε between them, and for one fixed such ε, as near to the true one as one likes, that
/// has probability at most β.
///
/// The draws of both orders come from the same normals. They are exact but for the 53 bits of the uniform numbers behind them, and are kept as
/// counts on a fixed net of losses, each rounded up to the net, which only raises a. The generator is SplitMix64 (Steele, Lea and
/// Flood 2014), taken as random; draw i uses the same places of its sequence whatever the number of threads.
package struct RandomAllocationMonteCarlo: Sendable {
  /// An estimate, and the bound that holds with probability 1 − `failureProbability` over the draws.
  package struct Estimate: Sendable {
    /// Average over the draws.
    package let mean: Double
    /// Upper confidence bound on δ(ε).
    package let upper: Double
    /// β.
    package let failureProbability: Double
  }

  /// Most normal numbers that are drawn: a minute and a half of one core at the 40 ns that one takes, less on several.
  package static let greatestWork = 2e9

  private let samples: Int
  private let removal: RoundedLosses
  private let addition: RoundedLosses

  /// Draws; time is `samples` × `epochs` × `rounds` normal numbers.
  ///
  /// - Parameters:
  ///   - rounds: t of each epoch.
  ///   - epochs: how many epochs are composed, each person being allocated afresh.
  ///   - sigma: noise over sensitivity.
  ///   - samples: n.
  ///   - seed: chosen without looking at answers.
  /// - Throws: for a parameter out of its range, and for more than ``greatestWork``.
  package init(rounds: Int, epochs: Int = 1, noiseMultiplier sigma: Double, samples: Int, seed: UInt64) throws(AccountingError) {
    try Self.check(rounds: rounds, epochs: epochs, noiseMultiplier: sigma, samples: samples)
    self.samples = samples
    let workers = max(1, min(ProcessInfo.processInfo.activeProcessorCount, samples))
    let draws = AllocationDraws(rounds: rounds, epochs: epochs, noiseMultiplier: sigma, seed: seed)
    let total = Mutex((removal: LossCounts(), addition: LossCounts()))
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      let share = samples / workers
      let extra = samples % workers
      let first = worker * share + min(worker, extra)
      let counts = draws.counts(first..<first + share + (worker < extra ? 1 : 0))
      total.withLock {
        $0.removal.add(counts.removal)
        $0.addition.add(counts.addition)
      }
    }
    (removal, addition) = total.withLock { (RoundedLosses($0.removal), RoundedLosses($0.addition)) }
  }

  /// Checks what ``init(rounds:epochs:noiseMultiplier:samples:seed:)`` would refuse, without drawing.
  package static func check(rounds: Int, epochs: Int, noiseMultiplier: Double, samples: Int) throws(AccountingError) {
    try MechanismParameters.count("rounds", rounds, atMost: .max)
    try MechanismParameters.count("epochs", epochs, atMost: .max)
    try MechanismParameters.count("samples", samples, atMost: .max)
    try MechanismParameters.positive("noise multiplier", noiseMultiplier)
    let one = Double(epochs) * Double(rounds)
    guard Double(samples) * one <= greatestWork else {
      let most = Int((greatestWork / one).rounded(.down))
      throw .invalidParameter(
        name: "samples", value: Double(samples),
        allowed: most < 1
          ? "fewer than 1: \(epochs) epochs of \(rounds) rounds are too many for Monte Carlo; use the accountant “tightest”"
          : "at most \(most) for \(epochs) epochs of \(rounds) rounds, because at most 2e9 normal numbers are drawn")
    }
  }

  /// Draws without which no ε can be given at δ: (1 − δ)ⁿ ≤ β, rounded up.
  package static func leastSamples(delta: Double, failureProbability: Double) -> Double {
    (log(failureProbability) / log1p(-delta) * (1 + 1e-8)).rounded(.up)
  }

  /// The error for fewer than the ``leastSamples(delta:failureProbability:)``.
  package static func tooFew(_ samples: Int, least: Double, delta: Double) -> AccountingError {
    let needed = least.isFinite ? String(format: "%.0f", least) : "infinitely many"
    return .invalidParameter(
      name: "samples", value: Double(samples), allowed: "at least \(needed) to bound ε at δ = \(delta); give more, or ask for a greater δ")
  }

  /// The bound on δ at `epsilon`.
  ///
  /// - Parameter failureProbability: β in (0, 1).
  package func delta(
    epsilon: Double, direction: NeighborDirection, failureProbability: Double
  ) throws(AccountingError) -> Estimate {
    try Parameters.check(epsilon: epsilon)
    try Self.check(failureProbability: failureProbability)
    let mean = losses(direction).excess(epsilon: epsilon, samples: samples)
    return Estimate(
      mean: mean, upper: Self.upperBound(mean: mean, samples: samples, failureProbability: failureProbability),
      failureProbability: failureProbability)
  }

  /// The bound on ε at `delta`: the least ε, to a relative 1e-7 and rounded up, whose bound on δ is at most `delta`; infinite where losses beyond
  /// the net are too many.
  ///
  /// - Throws: where even a bound from draws without any loss would be above `delta`, with the number of draws that are needed.
  package func epsilon(
    delta: Double, direction: NeighborDirection, failureProbability: Double
  ) throws(AccountingError) -> Double {
    try Parameters.check(delta: delta)
    try Self.check(failureProbability: failureProbability)
    guard delta < 1 else { return 0 }
    let least = Self.leastSamples(delta: delta, failureProbability: failureProbability)
    guard Double(samples) >= least else { throw Self.tooFew(samples, least: least, delta: delta) }
    let losses = losses(direction)
    func meets(_ epsilon: Double) -> Bool {
      let mean = losses.excess(epsilon: epsilon, samples: samples)
      return Self.upperBound(mean: mean, samples: samples, failureProbability: failureProbability) <= delta
    }
    if meets(0) { return 0 }
    var (low, high) = (0.0, losses.greatest)
    guard meets(high) else { return .infinity }
    while high - low > 1e-7 * high {
      let middle = 0.5 * (low + high)
      if meets(middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// Checks β.
  package static func check(failureProbability: Double) throws(AccountingError) {
    guard failureProbability > 0, failureProbability < 1 else {
      throw .invalidParameter(name: "failure probability", value: failureProbability, allowed: "in (0, 1)")
    }
  }

  private func losses(_ direction: NeighborDirection) -> RoundedLosses { direction == .removal ? removal : addition }

  /// The largest p in [mean, 1] with n·kl(mean ‖ p) ≤ log(1/β), rounded up.
  package static func upperBound(mean: Double, samples: Int, failureProbability: Double) -> Double {
    let budget = -log(failureProbability) / Double(samples)
    func divergence(_ p: Double) -> Double {
      (mean > 0 ? mean * log(mean / p) : 0) + (mean < 1 ? (1 - mean) * (log1p(-mean) - log1p(-p)) : 0)
    }
    var (low, high) = (mean, 1.0)
    for _ in 0..<200 {
      let middle = 0.5 * (low + high)
      if divergence(middle) <= budget { low = middle } else { high = middle }
    }
    return min(1, high * (1 + 1e-9))
  }
}

/// The draws of one random allocation.
private struct AllocationDraws: Sendable {
  let rounds: Int
  let epochs: Int
  /// 1/σ.
  let shift: Double
  /// 1/(2σ²).
  let half: Double
  let start: UInt64
  /// Covers the rounding of a loss: a few units of the last place of each term.
  let slack: Double

  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  init(rounds: Int, epochs: Int, noiseMultiplier: Double, seed: UInt64) {
    self.rounds = rounds
    self.epochs = epochs
    shift = 1 / noiseMultiplier
    half = 0.5 * shift * shift
    // Mixed, so that the sequences of near seeds do not overlap.
    start = Self.mix(seed &+ Self.increment)
    slack = Double(epochs) * (1e-12 + Double(rounds) * 1e-15)
  }

  private static func mix(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  func counts(_ draws: Range<Int>) -> (removal: LossCounts, addition: LossCounts) {
    var counts = (removal: LossCounts(), addition: LossCounts())
    let pairs = (rounds + 1) / 2
    let logRounds = log(Double(rounds))
    var state = start &+ Self.increment &* UInt64(draws.lowerBound) &* UInt64(epochs) &* UInt64(2 * pairs)
    for _ in draws {
      var (removal, addition) = (slack, slack)
      for _ in 0..<epochs {
        // The ratio of both laws is the average over the rounds of exp(z/σ − 1/(2σ²)), z the output of a round over σ. By symmetry the
        // person may sit in the first round, where z is greater by 1/σ with the person than without.
        var (first, others) = (0.0, 0.0)
        for pair in 0..<pairs {
          state &+= Self.increment
          let radius = (-2 * log(Double((Self.mix(state) >> 11) + 1) * 0x1p-53)).squareRoot()
          state &+= Self.increment
          let angle = 2 * Double.pi * 0x1p-53 * Double(Self.mix(state) >> 11)
          let ratio = radius * cos(angle) * shift - half
          if pair == 0 { first = ratio } else { others += exp(ratio) }
          if 2 * pair + 1 < rounds { others += exp(radius * sin(angle) * shift - half) }
        }
        let present = first + 2 * half
        removal += present + log1p(others * exp(-present)) - logRounds
        let absent = others + exp(first)
        // Below, the digits of the sum are lost.
        addition += absent > 1e-290 ? logRounds - log(absent) : .infinity
      }
      counts.removal.add(removal)
      counts.addition.add(addition)
    }
    return counts
  }
}

/// How many losses lie in each cell of a net from 2⁻²⁰ to 2¹² whose points are a relative 2⁻¹⁵ apart.
private struct LossCounts: Sendable {
  private static let shift: UInt64 = 52 - 15
  private static let base = Int((0x1p-20).bitPattern >> shift)
  private static let greatest = Int((0x1p12).bitPattern >> shift) - base

  /// Losses that are rounded up to the point of each index.
  private(set) var cells = [Int](repeating: 0, count: greatest + 1)
  /// Losses above the net, taken for infinite.
  private(set) var beyond = 0

  static func point(_ index: Int) -> Double { Double(bitPattern: UInt64(index + base) << shift) }

  /// Counts a positive loss; others add nothing to any δ(ε) with ε ≥ 0.
  mutating func add(_ loss: Double) {
    if loss <= 0 { return }
    // The pattern of a positive number grows with it; one that is no number is greater than all.
    let index = max(0, Int((loss.magnitude.bitPattern + ((1 << Self.shift) - 1)) >> Self.shift) - Self.base)
    if index <= Self.greatest { cells[index] += 1 } else { beyond += 1 }
  }

  mutating func add(_ other: LossCounts) {
    for index in cells.indices { cells[index] += other.cells[index] }
    beyond += other.beyond
  }
}

/// The same without the empty cells.
private struct RoundedLosses: Sendable {
  /// Points in ascending order with how many losses each stands for.
  private let losses: [(point: Double, count: Double)]
  private let beyond: Double

  init(_ counts: LossCounts) {
    losses = counts.cells.indices.filter { counts.cells[$0] > 0 }.map { (LossCounts.point($0), Double(counts.cells[$0])) }
    beyond = Double(counts.beyond)
  }

  /// The greatest loss on the net.
  var greatest: Double { losses.last?.point ?? 0 }

  /// Average of (1 − e^(ε−L))₊, rounded up.
  func excess(epsilon: Double, samples: Int) -> Double {
    var total = beyond
    for (point, count) in losses.reversed() {
      guard point > epsilon else { break }
      total -= count * expm1(epsilon - point)
    }
    return min(1, total / Double(samples) * (1 + 1e-9))
  }
}
