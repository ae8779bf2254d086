import Aggregation
import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("ε of correlated noise")
struct CorrelatedNoiseAccountingTests {
  /// ε at δ of one Gaussian mechanism, by bisection of δ = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ) with μ the sensitivity over the standard
  /// deviation (Balle and Wang 2018, theorem 8).
  private func gaussian(_ mu: Double, delta: Double) -> Double {
    func tail(_ x: Double) -> Double { 0.5 * erfc(x / 2.0.squareRoot()) }
    var (low, high) = (0.0, 1000.0)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if tail(middle / mu - mu / 2) - exp(middle) * tail(middle / mu + mu / 2) > delta { low = middle } else { high = middle }
    }
    return high
  }

  private func expect(_ event: PrivacyEvent, equals mu: Double, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try event.validate()
    for delta in [1e-5, 1e-8] {
      let bound = try PrivacyAccountant().epsilon(of: event, delta: delta)
      let expected = gaussian(mu, delta: delta)
      #expect(abs(bound.upper / expected - 1) < 1e-9, "\(bound.upper), \(expected)", sourceLocation: sourceLocation)
    }
  }

  /// Greatest norm of a sum of columns over all patterns of at most k rounds at least b apart, by going through them all.
  private func worst(_ columns: [[Double]], _ limit: ParticipationLimit) -> Double {
    let n = columns.count
    var greatest = 0.0
    func extend(_ sum: [Double], from next: Int, left: Int) {
      greatest = max(greatest, sum.reduce(0) { $0 + $1 * $1 })
      guard left > 0, next < n else { return }
      for round in next..<n { extend(zip(sum, columns[round]).map { $0 + $1 }, from: round + limit.minimumSeparation, left: left - 1) }
    }
    extend([Double](repeating: 0, count: columns.first?.count ?? 0), from: 0, left: limit.maximumParticipations)
    return greatest.squareRoot()
  }

  /// Column of each round: 1 for every complete node that holds it.
  private func treeColumns(_ n: Int) -> [[Double]] {
    let nodes = (0..<10).flatMap { level in (0..<(n >> level)).map { (level, $0) } }
    return (0..<n).map { round in nodes.map { round >> $0.0 == $0.1 ? 1 : 0 } }
  }

  @Test("a tree at one participation: the square root of ⌊log2 n⌋ + 1 levels over z")
  func treeOnce() throws {
    let technique = try TreeGaussian(noiseMultiplier: 2.5, clientsPerRound: 10, norm: .fixed(3))
    for (rounds, levels) in [(1, 1), (7, 3), (100, 7), (128, 8), (2000, 11)] {
      try expect(technique.event(rounds: rounds, participation: .once), equals: Double(levels).squareRoot() / 2.5)
    }
  }

  @Test("a tree at several participations: never below the worst of all patterns, and no more than a quarter above it")
  func treeSeveral() throws {
    let technique = try TreeGaussian(noiseMultiplier: 4, clientsPerRound: 10, norm: .fixed(3))
    for (n, k, b) in [(11, 2, 3), (13, 3, 1), (16, 4, 4), (9, 9, 1)] {
      let limit = try ParticipationLimit(maximumParticipations: k, minimumSeparation: b)
      let least = gaussian(worst(treeColumns(n), limit) / 4, delta: 1e-6)
      let bound = try PrivacyAccountant().epsilon(of: technique.event(rounds: n, participation: limit), delta: 1e-6).upper
      #expect(bound >= least * (1 - 1e-9) && bound <= 1.25 * least, "\(n) \(k) \(b): \(bound), \(least)")
    }
  }

  @Test("updates and counts of an adaptive tree together are one tree of multiplier z")
  func adaptiveTotal() throws {
    let pipeline = try AggregationPipeline.mean().treeAdaptive(noiseMultiplier: 2, clientsPerRound: 100)
    let technique = try #require(pipeline.summation as? TreeGaussian)
    // 100 rounds are within the first tree.
    try expect(technique.event(rounds: 100, participation: .once), equals: 7.0.squareRoot() / 2)
    // One person once, over three trees of 128, 1,024 and 48: in the longest at worst, of 11 levels.
    try expect(technique.event(rounds: 1200, participation: .once), equals: 11.0.squareRoot() / 2)
  }

  @Test("restarts: a person in at most k trees is charged for the k longest")
  func restarts() throws {
    let restarts = try TreeRestarts(warmup: 4, frequency: 8)
    let technique = try TreeGaussian(noiseMultiplier: 3, clientsPerRound: 10, norm: .fixed(1), restarts: restarts)
    // Rounds 4 + 8 + 8 + 8 + 3: trees of 4, 4, 4, 3 and 2 levels. At a separation of 8 nobody is twice in one tree.
    for (k, levels) in [(1, 4), (2, 8), (3, 12), (4, 15), (5, 17), (9, 17)] {
      let limit = try ParticipationLimit(maximumParticipations: k, minimumSeparation: 8)
      try expect(technique.event(rounds: 31, participation: limit), equals: Double(levels).squareRoot() / 3)
    }
    #expect(technique.event(rounds: 0, participation: .once) == .noOp)
    #expect(
      technique.event(rounds: 5, participation: .once)
        == .treeAggregation(noiseMultiplier: 3, steps: 4, maximumParticipations: 1, minimumSeparation: 1))
  }

  @Test("one participation in a planned run of any strategy is one Gaussian mechanism of multiplier z; k of them without overlap √k")
  func matrices() throws {
    let n = 60
    for strategy in [
      try ToeplitzStrategy.optimizedBanded(rounds: n, bands: 12), try .squareRoot(bands: 9), .banded(coefficients: [1]),
      .banded(coefficients: [1, -0.5, 0.3]), try .optimizedBuffered(rounds: n, buffers: 3),
    ] {
      let technique = try MatrixGaussian(
        noiseMultiplier: 1.3, clientsPerRound: 10, clippingNorm: 0.2, strategy: strategy, plannedRounds: n)
      try expect(technique.event(rounds: n, participation: .once), equals: 1 / 1.3)
      if case .banded = strategy {
        let five = try ParticipationLimit(maximumParticipations: 5, minimumSeparation: 12)
        try expect(technique.event(rounds: n, participation: five), equals: 5.0.squareRoot() / 1.3)
        // A run that stops early has lost no more, one that goes on no less.
        try expect(technique.event(rounds: 1000, participation: .once), equals: 1 / 1.3)
      }
    }
  }

  @Test("overlapping participations of optimised strategies: the worst of all patterns of the dense matrix, in units of a column")
  func overlapping() throws {
    for (n, k, b) in [(12, 3, 4), (14, 4, 1), (10, 10, 2)] {
      let limit = try ParticipationLimit(maximumParticipations: k, minimumSeparation: b)
      for strategy in [
        try ToeplitzStrategy.optimizedBuffered(rounds: n, buffers: 2, participation: limit), try .optimizedBanded(rounds: n, bands: 8),
      ] {
        let technique = try MatrixGaussian(
          noiseMultiplier: 2, clientsPerRound: 10, clippingNorm: 5, strategy: strategy, plannedRounds: n)
        // That of the coefficients that are executed.
        let c = technique.strategy.coefficients(count: n)
        let columns = (0..<n).map { j in (0..<n).map { $0 < j ? 0 : c[$0 - j] } }
        let norm = c.reduce(0) { $0 + $1 * $1 }.squareRoot()
        try expect(technique.event(rounds: n, participation: limit), equals: worst(columns, limit) / norm / 2)
      }
    }
  }

  @Test("banded noise under cyclic sampling costs as much as one sampled Gaussian of multiplier z a cycle")
  func cyclic() throws {
    let technique = try MatrixGaussian(
      noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1, strategy: .optimizedBanded(rounds: 200, bands: 10), plannedRounds: 200)
    let event = technique.event(rounds: 200, participation: .once).sampled(.cyclicPoisson(rate: 0.1, cycle: 10))
    let plain = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.poisson(rate: 0.1)).repeated(20)
    let (a, b) = try (PrivacyAccountant().epsilon(of: event, delta: 1e-6), PrivacyAccountant().epsilon(of: plain, delta: 1e-6))
    #expect(abs(a.upper / b.upper - 1) < 1e-9)
  }

  @Test("independent counts beside correlated noise: √k participations over 2σ; no noise is not private")
  func counts() throws {
    let limit = try ParticipationLimit(maximumParticipations: 4, minimumSeparation: 10)
    try expect(limit.countEvent(standardDeviation: 3, rounds: 100), equals: 2 / 6.0)
    #expect(limit.countEvent(standardDeviation: 3, rounds: 0) == .noOp)
    let silent = try TreeGaussian(noiseMultiplier: 0, clientsPerRound: 10, norm: .fixed(1))
    #expect(try PrivacyAccountant().epsilon(of: silent.event(rounds: 5, participation: .once), delta: 1e-5).upper == .infinity)
  }
}
