import FederatedDatasets
import PrivacyEvents
import SecureNoise
import Testing

/// What every client sampler must do. All limits are 5.5 standard deviations: a false alarm has probability below
/// 4e-8 per comparison, and below 1e-5 for a whole run of this suite over all seeds (the seeds here are fixed).
private func checkConformance(_ sampler: some ClientSampler, population: Int) {
  let random = RandomSource.simulation(seed: 20, purpose: .testing)
  let rounds = 20_000
  let scheme = sampler.scheme(populationSize: population)
  let rate = scheme.inclusionProbability
  var inclusions = [Int](repeating: 0, count: population)
  var neighbours = 0
  var total = 0
  for round in 1...rounds {
    let cohort = sampler.sample(round: round, populationSize: population, using: random)
    #expect(zip(cohort, cohort.dropFirst()).allSatisfy { $0 < $1 })
    #expect(cohort.allSatisfy { 0 <= $0 && $0 < population })
    for client in cohort { inclusions[client] += 1 }
    if cohort.contains(0) && cohort.contains(1) { neighbours += 1 }
    total += cohort.count
    if case .fixedSizeWithoutReplacement(let size, population) = scheme { #expect(cohort.count == size) }
  }
  let n = Double(rounds)
  #expect(abs(sampler.expectedCohortSize(populationSize: population) - rate * Double(population)) < 1e-9)
  let deviation = 5.5 * (n * rate * (1 - rate)).squareRoot()
  for count in inclusions {
    #expect(abs(Double(count) - n * rate) <= deviation)
  }
  // Two clients together: independent under Poisson sampling, less often than that with a fixed size.
  let pair: Double
  switch scheme {
  case .poisson: pair = rate * rate
  case .fixedSizeWithoutReplacement(let size, let all): pair = rate * Double(size - 1) / Double(all - 1)
  default:
    Issue.record("\(scheme) is the scheme of no sampler")
    return
  }
  let pairDeviation = 5.5 * (n * pair * (1 - pair)).squareRoot()
  #expect(abs(Double(neighbours) - n * pair) <= pairDeviation)
  let spread = 5.5 * (n * Double(population) * rate * (1 - rate)).squareRoot()
  #expect(abs(Double(total) - n * rate * Double(population)) <= spread)

  // The same chance gives the same cohort, and an empty population an empty one.
  let first = RandomSource.simulation(seed: 21, purpose: .clientSampling, round: 3)
  let second = RandomSource.simulation(seed: 21, purpose: .clientSampling, round: 3)
  #expect(sampler.sample(round: 3, populationSize: 500, using: first) == sampler.sample(round: 3, populationSize: 500, using: second))
  #expect(sampler.sample(round: 1, populationSize: 0, using: random) == [])
}

@Suite("Client samplers")
struct ClientSamplerTests {
  @Test("Poisson sampling is independent inclusion at its rate", arguments: [0.02, 0.3, 1])
  func poisson(rate: Double) throws {
    let sampler = try PoissonClientSampler(rate: rate)
    #expect(sampler.scheme(populationSize: 40) == .poisson(rate: rate))
    checkConformance(sampler, population: 40)
  }

  @Test("Fixed-size sampling is a uniform subset", arguments: [1, 3, 20, 40, 100])
  func fixedSize(cohortSize: Int) throws {
    let sampler = try FixedSizeClientSampler(cohortSize: cohortSize)
    let size = min(cohortSize, 40)
    #expect(
      sampler.scheme(populationSize: 40) == .fixedSizeWithoutReplacement(cohortSize: size, populationSize: 40))
    checkConformance(sampler, population: 40)
  }

  /// The size is binomial; its variance is estimated within 5.5 standard deviations (4e-8).
  @Test("The size of a Poisson cohort varies as a binomial number does, and may be 0")
  func poissonSizes() throws {
    let sampler = try PoissonClientSampler(rate: 0.05)
    let random = RandomSource.simulation(seed: 22, purpose: .testing)
    let sizes = (1...20_000).map { Double(sampler.sample(round: $0, populationSize: 40, using: random).count) }
    let variance = sizes.reduce(0) { $0 + ($1 - 2) * ($1 - 2) } / Double(sizes.count)
    let expected = 40 * 0.05 * 0.95
    let limit = 5.5 * ((2 * expected * expected + expected) / Double(sizes.count)).squareRoot()
    #expect(abs(variance - expected) < limit)
    #expect(sizes.contains(0))
  }

  /// Counts within 5.5 standard deviations (4e-8 a comparison).
  @Test("Cyclic sampling: a client only in rounds of its part, there at its rate; parts do not depend on who else is there")
  func cyclic() throws {
    let sampler = try CyclicPoissonClientSampler(rate: 0.4, cycle: 5, seed: 9)
    #expect(sampler.scheme(populationSize: 200) == .cyclicPoisson(rate: 0.4, cycle: 5))
    #expect(sampler.expectedCohortSize(populationSize: 200) == 16)
    let parts = sampler.parts(populationSize: 200)
    #expect(Array(sampler.parts(populationSize: 1_000).prefix(200)) == parts)
    #expect(try CyclicPoissonClientSampler(rate: 0.4, cycle: 5, seed: 10).parts(populationSize: 200) != parts)
    // Sizes of parts are binomial(1000, 1/5).
    let sizes = Dictionary(grouping: sampler.parts(populationSize: 1_000)) { $0 }.mapValues(\.count)
    #expect(sizes.count == 5 && sizes.values.allSatisfy { abs(Double($0) - 200) < 5.5 * 160.0.squareRoot() })
    let random = RandomSource.simulation(seed: 23, purpose: .testing)
    let turns = 5_000
    var inclusions = [Int](repeating: 0, count: 200)
    for round in 1...(5 * turns) {
      for client in sampler.sample(round: round, populationSize: 200, using: random) {
        #expect(parts[client] == (round - 1) % 5)
        inclusions[client] += 1
      }
    }
    let expected = 0.4 * Double(turns)
    #expect(inclusions.allSatisfy { abs(Double($0) - expected) < 5.5 * (expected * 0.6).squareRoot() })
    // At rate 1 a cycle is an epoch.
    let epoch = try CyclicPoissonClientSampler(rate: 1, cycle: 7, seed: 0)
    let drawn = (1...7).flatMap { epoch.sample(round: $0, populationSize: 100, using: random) }
    #expect(drawn.sorted() == Array(0..<100))
    #expect(epoch.sample(round: 1, populationSize: 0, using: random) == [])
  }

  @Test("Rates and sizes without sense are errors")
  func errors() {
    for rate in [0, -0.1, 1.0.nextUp, .nan, Double.infinity] {
      #expect(throws: DatasetError.self) { try PoissonClientSampler(rate: rate) }
    }
    for rate in [0, -0.1, 1.0.nextUp, .nan] {
      #expect(throws: DatasetError.self) { try CyclicPoissonClientSampler(rate: rate, cycle: 3, seed: 0) }
    }
    for size in [0, -3] {
      #expect(throws: DatasetError.self) { try CyclicPoissonClientSampler(rate: 0.5, cycle: size, seed: 0) }
      #expect(throws: DatasetError.self) { try FixedSizeClientSampler(cohortSize: size) }
    }
  }
}
