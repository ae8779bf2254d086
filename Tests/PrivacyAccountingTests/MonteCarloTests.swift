import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Monte Carlo bounds as an accountant's choice")
struct MonteCarloTests {
  private let allocation = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.ballsInBins(rounds: 4))

  private func accountant(
    _ samples: Int, _ failureProbability: Double = 1e-9, seed: UInt64 = 1, relation: NeighboringRelation = .addOrRemoveOne
  ) -> PrivacyAccountant {
    PrivacyAccountant(
      neighboringRelation: relation, choice: .monteCarlo(samples: samples, failureProbability: failureProbability, seed: seed))
  }

  @Test("one round of an epoch: ε and δ lie above the closed form of the Gaussian, and near it (false alarm 1e-8)")
  func closedForm() throws {
    for epochs in [1, 3] {
      let event = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.ballsInBins(rounds: 1)).repeated(epochs)
      let curve = try accountant(400_000).curve(of: event)
      let sigma = 1 / Double(epochs).squareRoot()
      for delta in [1e-1, 1e-2, 1e-3] {
        let bound = try curve.epsilon(afterRounds: 1, delta: delta)
        let exact = try AnalyticGaussian.epsilon(noiseMultiplier: sigma, delta: delta)
        #expect(bound.method == .monteCarlo && bound.failureProbability == 1e-9 && bound.lower == 0 && !bound.isTwoSided)
        #expect(bound.upper >= exact.lower && bound.upper < exact.upper * 1.15, "\(epochs) \(delta): \(bound.upper) \(exact.upper)")
        let mass = try curve.delta(afterRounds: 1, epsilon: exact.upper)
        #expect(mass.upper >= delta * (1 - 1e-9) && mass.upper < 1.6 * delta && mass.failureProbability == 1e-9)
        // ε and δ are answers from the same draws.
        #expect(try curve.delta(afterRounds: 1, epsilon: bound.upper).upper <= delta)
      }
    }
  }

  @Test("a small allocation: above the lower end of the certified interval of two rounds, whatever the seed (false alarm 1e-6)")
  func quadrature() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.ballsInBins(rounds: 2))
    for seed in 0..<5 as Range<UInt64> {
      let curve = try accountant(200_000, 1e-7, seed: seed).curve(of: event)
      for (sigma, epsilon, removal, addition) in MechanismAllocationTests.twoRoundProfiles where sigma == 1 {
        let first = try curve.delta(afterRounds: 1, epsilon: epsilon, direction: .removal).upper
        let second = try curve.delta(afterRounds: 1, epsilon: epsilon, direction: .addition).upper
        #expect(first >= removal && first < removal * 1.15 && second >= addition && second < addition * 1.15)
        #expect(try curve.delta(afterRounds: 1, epsilon: epsilon).upper == max(first, second))
        let bound = try curve.epsilon(afterRounds: 1, delta: removal).upper
        #expect(bound >= epsilon && bound < epsilon * 1.1 + 0.05, "seed \(seed): \(bound)")
      }
    }
  }

  @Test("several epochs: within the analytic bounds from both sides, the grid's from above (false alarm 1e-9)")
  func epochs() throws {
    let event = allocation.repeated(3)
    let analytic = try PrivacyAccountant(choice: .grid).epsilon(of: event, delta: 1e-2)
    let bound = try accountant(400_000).epsilon(of: event, delta: 1e-2)
    #expect(bound.upper >= analytic.lower && bound.upper < analytic.upper * 1.1, "\(bound.upper) \(analytic)")
    // Rounds of the curve and repetitions in the event are the same draws.
    #expect(try accountant(400_000).curve(of: allocation).epsilon(afterRounds: 3, delta: 1e-2) == bound)
    #expect(try accountant(400_000, seed: 2).epsilon(of: event, delta: 1e-2) != bound)
  }

  /// Probability that a binomial of 100 trials with the success probability 0.1 exceeds 31: 1.5e-9.
  @Test("over seeds, at β = 0.1 about a tenth of the bounds fail or fewer (false alarm 3e-9)")
  func coverage() throws {
    let exact = try AnalyticGaussian.delta(noiseMultiplier: 1, epsilon: 1)
    let target = try AnalyticGaussian.epsilon(noiseMultiplier: 1, delta: 0.1)
    var (deltas, epsilons) = (0, 0)
    for seed in 0..<100 as Range<UInt64> {
      let draws = try RandomAllocationMonteCarlo(rounds: 1, noiseMultiplier: 1, samples: 300, seed: seed)
      if try draws.delta(epsilon: 1, direction: .removal, failureProbability: 0.1).upper < exact.lower { deltas += 1 }
      if try draws.epsilon(delta: 0.1, direction: .addition, failureProbability: 0.1) < target.lower { epsilons += 1 }
    }
    #expect(deltas <= 31 && epsilons <= 31, "\(deltas) \(epsilons)")
  }

  @Test("anything but one random allocation under addOrRemoveOne is refused with the remedy, and the tightest is never Monte Carlo")
  func refusals() throws {
    let gaussian = PrivacyEvent.gaussian(noiseMultiplier: 1)
    for event in [
      gaussian.sampled(.poisson(rate: 0.1)), .laplace(noiseMultiplier: 1), .composed([allocation, gaussian]),
      .composed([allocation, gaussian.sampled(.ballsInBins(rounds: 5))]), .composed([allocation, .approximateDP(epsilon: 0, delta: 1e-9)]),
    ] {
      let error = try #require(throws: AccountingError.self) { try accountant(1_000).checkSupport(of: event) }
      #expect(error.description.contains("“monteCarlo” has no bound here") && error.description.contains("use the accountant “tightest”"))
    }
    for relation in [NeighboringRelation.replaceOne, .zeroOut] {
      let error = try #require(throws: AccountingError.self) { try accountant(1_000, relation: relation).checkSupport(of: allocation) }
      #expect(error.description.contains("addOrRemoveOne"))
    }
    #expect(try PrivacyAccountant().epsilon(of: allocation, delta: 1e-3).method != .monteCarlo)
    // Answers that are compared with each other.
    #expect(throws: AccountingError.self) { try accountant(1_000).tradeOffCurve(of: allocation) }
    let target = PrivacyTarget(epsilon: 1, delta: 1e-2)
    #expect(throws: AccountingError.self) { try Calibration.rounds(for: target, accountant: accountant(1_000), of: allocation) }
    #expect(throws: AccountingError.self) {
      try Calibration.noiseMultiplier(for: .advantage(atMost: 0.1), accountant: accountant(1_000)) { _ in allocation }
    }
  }

  @Test("too few and too many draws are refused with the number that would do, and hostile numbers with their range")
  func limits() throws {
    let few = try #require(throws: AccountingError.self) { try accountant(1_000, 1e-6).epsilon(of: allocation, delta: 1e-5) }
    // log(2e6)/1e-5, by log1p.
    #expect(few.description.contains("at least 1450859 to bound ε"), "\(few)")
    let many = try #require(throws: AccountingError.self) { try accountant(10_000_000).checkSupport(of: allocation.repeated(100)) }
    #expect(many.description.contains("at most 5000000 for 100 epochs of 4 rounds"), "\(many)")
    let most = try #require(throws: AccountingError.self) { try accountant(1).checkSupport(of: allocation.repeated(Int.max / 8)) }
    #expect(most.description.contains("use the accountant “tightest”"))
    for bad in [0, 1, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try accountant(1_000, bad).checkSupport(of: allocation) }
    }
    for samples in [0, -1, .max] { #expect(throws: AccountingError.self) { try accountant(samples).checkSupport(of: allocation) } }
    #expect(throws: AccountingError.self) { try accountant(1_000).curve(of: allocation).epsilon(afterRounds: .max, delta: 0.1) }
    // Losses beyond what is counted are infinite, and no noise at all is an event of its own.
    #expect(try accountant(1_000).delta(of: .gaussian(noiseMultiplier: 1e-200), epsilon: 1).upper == 1)
    #expect(throws: AccountingError.self) { try accountant(1_000).epsilon(of: .gaussian(noiseMultiplier: 1e-200), delta: 0.1) }
    #expect(try accountant(1_000).epsilon(of: .gaussian(noiseMultiplier: 1e200), delta: 0.1).upper == 0)
    #expect(try accountant(1_000).epsilon(of: allocation, delta: 0).upper == .infinity)
    #expect(try accountant(1_000).epsilon(of: allocation, delta: 1).upper == 0)
  }

  @Test("every choice has one name, is read by it and by its other spelling, and survives encoding")
  func names() throws {
    for name in [
      "tightest", "contour", "grid", "pld", "renyi", "rdp", "zeroConcentrated", "zcdp", "gaussian", "gdp", "monteCarlo", "monte-carlo",
    ] {
      let choice = try #require(PrivacyAccountant.Choice(name: name))
      #expect(PrivacyAccountant.Choice(name: choice.name) == choice && PrivacyAccountant.Choice.names.contains(name))
      let data = try JSONEncoder().encode([choice])
      #expect(String(decoding: data, as: UTF8.self) == "[\"\(choice.name)\"]")
      #expect(try JSONDecoder().decode([PrivacyAccountant.Choice].self, from: data) == [choice])
    }
    #expect(PrivacyAccountant.Choice(name: "moments") == nil)
    let chosen = PrivacyAccountant.Choice.monteCarlo(samples: 5, failureProbability: 0.25, seed: .max)
    #expect(try JSONDecoder().decode([PrivacyAccountant.Choice].self, from: JSONEncoder().encode([chosen])) == [chosen])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([PrivacyAccountant.Choice].self, from: Data(#"["moments"]"#.utf8)) }
  }
}
