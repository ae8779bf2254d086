import PrivacyEvents

/// SplitMix64: the same draws in every run.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

enum EventSamples {
  static let leaves: [PrivacyEvent] = [
    .noOp, .nonPrivate, .unsupported(reason: "a “tree”, \"\\quoted\"\n\u{0}\u{7F}é👩‍💻"), .gaussian(noiseMultiplier: 1.5),
    .laplace(noiseMultiplier: 20), .pureDP(epsilon: .infinity), .pureDP(epsilon: 0.1), .approximateDP(epsilon: 1, delta: 1e-9),
    .zeroConcentratedDP(rho: .leastNonzeroMagnitude), .discreteGaussian(sigma: 2.5, sensitivity: 3),
    .discreteLaplace(scale: 1e300, sensitivity: .max),
    .skellam(variance: 12.5, l1Sensitivity: 20, l2Sensitivity: 10, dimension: 64),
    .skellam(variance: 1, l1Sensitivity: 2, l2Sensitivity: 2, dimension: 1), .randomizedResponse(noise: 0.25, buckets: 4),
    .exponentialMechanism(epsilon: 0.5), .permuteAndFlip(epsilon: 0.25), .reportNoisyMax(epsilon: 2),
    .gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2, 0], probabilities: [0.5, 0.3, 0.2]),
    .treeAggregation(noiseMultiplier: 10, steps: 1000, maximumParticipations: 4, minimumSeparation: 250),
  ]

  static let strategies: [StrategyMatrix] = [
    .sensitivity(2.5), .matrix([[1, 0, 0], [-0.5, 1, 0], [0.25, 0.5, 2]]), .toeplitz(coefficients: [1, 0.5, 0.375], steps: 1000),
    .bufferedToeplitz(outputScales: [0.25, 0.125], decays: [0.999, 0], steps: 10_000_000),
  ]

  static let schemes: [SamplingScheme] = [
    .poisson(rate: 0.01), .fixedSizeWithoutReplacement(cohortSize: 100, populationSize: 3400),
    .fixedSizeWithReplacement(cohortSize: 100, populationSize: 34),
    .truncatedPoisson(rate: 0.01, maximumCohort: 700, populationSize: 50_000),
    .randomAllocation(participations: 2, rounds: 10), .ballsInBins(rounds: 100), .cyclicPoisson(rate: 0.5, cycle: 16),
    .minimumSeparationPoisson(rate: 0.001, separation: 343),
  ]

  static let runs: [SelectionRuns] = [.poisson(mean: 10), .truncatedNegativeBinomial(shape: -0.5, gamma: 1e-3)]

  /// Every case of every type at least once.
  static var all: [PrivacyEvent] {
    let round = PrivacyEvent.gaussian(noiseMultiplier: 0.8)
    let mechanisms = strategies.map {
      PrivacyEvent.matrixMechanism(noiseMultiplier: 1.25, strategy: $0, maximumParticipations: 4, minimumSeparation: 250)
    }
    return leaves + mechanisms + schemes.map { round.repeated(3).sampled($0) } + runs.map { .repeatAndSelect(event: round, runs: $0) } + [
      mechanisms[2].sampled(.cyclicPoisson(rate: 0.1, cycle: 3)), .composed([]), .composed([round]),
      .composed([round, .composed([.noOp, round])]),
      .composed([.composed([]), .composed([.noOp]).repeated(0)]), round.repeated(2).repeated(3),
      .composed([round, .laplace(noiseMultiplier: 5)]).sampled(.poisson(rate: 0.1)).repeated(1_000_000),
    ]
  }

  /// A random valid event at most `depth` nodes deep.
  static func random(depth: Int, using generator: inout SeededGenerator) -> PrivacyEvent {
    let number = Double.random(in: 1e-9...10, using: &generator)
    let count = Int.random(in: 1...1000, using: &generator)
    let choice = depth <= 1 ? Int.random(in: 0..<9, using: &generator) : Int.random(in: 0..<18, using: &generator)
    switch choice {
    case 0: return .gaussian(noiseMultiplier: number)
    case 1: return .discreteGaussian(sigma: number, sensitivity: count)
    case 2: return .skellam(variance: number, l1Sensitivity: number * 2, l2Sensitivity: number, dimension: count + 3)
    case 3: return .randomizedResponse(noise: number / 10, buckets: count + 1)
    case 4:
      let split = Double.random(in: 0...1, using: &generator)
      return .gaussianMixture(noiseMultiplier: number, sensitivities: [number, 0], probabilities: [split, 1 - split])
    case 5: return .treeAggregation(noiseMultiplier: number, steps: count, maximumParticipations: count, minimumSeparation: 1)
    case 6:
      let rows = (0..<4).map { i in (0..<4).map { j in j < i ? number - Double(j) : j == i ? number : 0 } }
      return .matrixMechanism(noiseMultiplier: number, strategy: .matrix(rows), maximumParticipations: 1, minimumSeparation: count)
    case 7:
      let strategy = StrategyMatrix.bufferedToeplitz(outputScales: [number, 0], decays: [number / 11, 0.5], steps: count)
      return .matrixMechanism(noiseMultiplier: number, strategy: strategy, maximumParticipations: count, minimumSeparation: 2)
    case 8: return leaves.randomElement(using: &generator) ?? .noOp
    case 9, 10: return random(depth: depth - 1, using: &generator).repeated(count)
    case 11, 12:
      return .composed((0..<Int.random(in: 0...4, using: &generator)).map { _ in random(depth: depth - 1, using: &generator) })
    case 13:
      let runs: SelectionRuns =
        Bool.random(using: &generator) ? .poisson(mean: number) : .truncatedNegativeBinomial(shape: number, gamma: number / 11)
      return .repeatAndSelect(event: random(depth: depth - 1, using: &generator), runs: runs)
    default:
      let inner = random(depth: depth - 2, using: &generator)
      let scheme = schemes.randomElement(using: &generator) ?? .poisson(rate: 1)
      return (scheme.spansEvent ? inner.repeated(count) : inner).sampled(scheme)
    }
  }
}
