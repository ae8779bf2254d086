import Foundation
import PrivacyAccounting
import Testing

@Suite("Random allocation")
struct MechanismAllocationTests {
  @Test("one round is the Gaussian, in both directions and by all three methods")
  func oneRound() throws {
    let renyi = try RandomAllocationRenyi(rounds: 1, noiseMultiplier: 1.3)
    let law = try RandomAllocationLaw(rounds: 1, noiseMultiplier: 1.3, gridPoints: 3000)
    for direction in NeighborDirection.allCases {
      #expect(relativeDifference(try renyi.divergence(order: 4.2, direction: direction), 4.2 / (2 * 1.69)) < 1e-13)
      for epsilon in [0, 0.5, 2] as [Double] {
        let exact = try AnalyticGaussian.delta(noiseMultiplier: 1.3, epsilon: epsilon)
        let value = try law.delta(epsilon: epsilon, direction: direction)
        #expect(value >= exact.lower && value < exact.upper * (1 + 1e-4), "ε=\(epsilon) \(direction): \(value) \(exact)")
      }
    }
  }

  /// σ, order, removal, addition: 2-D trapezoidal rule in numpy, 4001 points a side.
  static let twoRoundDivergences: [(Double, Double, Double, Double)] = [
    (1, 2.5, 0.7933083565073074, 0.705323542815301), (1, 3, 0.9772292963965336, 0.8401202466571539),
    (1, 8, 3.307918571699774, 2.1455470363229354), (2, 8, 0.556546348789816, 0.5186603420311233),
    (0.6, 4, 4.862743644304496, 3.2152205387982513),
  ]

  @Test("two rounds, Rényi: two-dimensional quadrature; exact at integer orders and for addition, above it in between")
  func twoRoundsRenyi() throws {
    for (sigma, order, removal, addition) in Self.twoRoundDivergences {
      let renyi = try RandomAllocationRenyi(rounds: 2, noiseMultiplier: sigma)
      let above = try renyi.divergence(order: order, direction: .removal)
      #expect(above >= removal * (1 - 1e-11) && (order == 2.5 || above <= removal * (1 + 1e-10)), "σ=\(sigma) α=\(order): \(above)")
      let below = try renyi.divergence(order: order, direction: .addition)
      #expect(relativeDifference(below, addition) < 1e-9 && below >= addition * (1 - 1e-11), "σ=\(sigma) α=\(order): \(below)")
    }
    // Little noise, where the integral over s reaches far out: the same rule in log space, 6001 points a side.
    for (sigma, order, addition) in [(0.2, 2.0, 17.628655130530046), (0.2, 3.5, 27.466418137017428), (0.3, 1.1, 4.592823590711936)] {
      let value = try RandomAllocationRenyi(rounds: 2, noiseMultiplier: sigma).divergence(order: order, direction: .addition)
      #expect(relativeDifference(value, addition) < 1e-9, "σ=\(sigma) α=\(order): \(value)")
    }
    let small = try RandomAllocationRenyi(rounds: 100_000, noiseMultiplier: 5).divergence(order: 2, direction: .removal)
    #expect(relativeDifference(small, log1p(expm1(0.04) / 1e5)) < 1e-13)
  }

  /// σ, ε, removal, addition: one-dimensional quadrature of the Black–Scholes form in scipy.
  static let twoRoundProfiles: [(Double, Double, Double, Double)] = [
    (1, 0.5, 0.14917752313552016, 0.1426869658237432), (1, 1.5, 0.01866488804125883, 0.012361605565273538),
    (2, 0.2, 0.07297001802277055, 0.07228999558294293), (0.6, 3, 0.03860903154869868, 0.0172531692575349),
  ]

  @Test("two rounds, δ(ε): above the quadrature, by an error that falls with the square of the grid")
  func twoRoundsLaw() throws {
    for (sigma, epsilon, removal, addition) in Self.twoRoundProfiles {
      let coarse = try RandomAllocationLaw(rounds: 2, noiseMultiplier: sigma, gridPoints: 400)
      let fine = try RandomAllocationLaw(rounds: 2, noiseMultiplier: sigma, gridPoints: 1600)
      for (direction, exact) in [(NeighborDirection.removal, removal), (.addition, addition)] {
        let first = try coarse.delta(epsilon: epsilon, direction: direction)
        let second = try fine.delta(epsilon: epsilon, direction: direction)
        #expect(
          second >= exact * (1 - 1e-11) && first >= second * (1 - 1e-12), "\(sigma) \(epsilon) \(direction) \(first) \(second) \(exact)")
        // Sixteen times less but for where ε falls in its cell.
        #expect(second - exact < (first - exact) / 7 && second < exact * (1 + 4e-4), "σ=\(sigma) ε=\(epsilon) \(direction)")
      }
    }
  }

  @Test("a thousand rounds: the profile is a pair, and moments of the law lie between the exact ones and 1 % above")
  func thousandRounds() throws {
    let law = try RandomAllocationLaw(rounds: 1000, noiseMultiplier: 1, gridPoints: 1000)
    let renyi = try RandomAllocationRenyi(rounds: 1000, noiseMultiplier: 1)
    #expect(abs(law.masses.reduce(0, +) + law.infiniteAddition - 1) < 1e-11)
    let mean = zip(law.ratios, law.masses).reduce(0.0) { $0 + $1.0 * $1.1 } + law.infiniteRemoval
    #expect(abs(mean - 1) < 1e-11 && law.infiniteRemoval < 1e-20 && law.infiniteAddition < 1e-20)
    for order in [2.0, 3, 4] {
      let moment = zip(law.ratios, law.masses).reduce(0.0) { $0 + pow($1.0, order) * $1.1 }
      let exact = try renyi.divergence(order: order, direction: .removal)
      #expect(log(moment) / (order - 1) >= exact * (1 - 1e-9) && log(moment) / (order - 1) < exact * 1.01, "order \(order)")
    }
    for order in [1.5, 6] {
      let moment = zip(law.ratios, law.masses).reduce(0.0) { $0 + pow($1.0, 1 - order) * $1.1 }
      let exact = try renyi.divergence(order: order, direction: .addition)
      #expect(log(moment) / (order - 1) >= exact * (1 - 1e-9) && log(moment) / (order - 1) < exact * 1.01, "order \(order)")
      #expect(exact < ((order - 1) / 1000 + 1) / 2)
    }
    // δ(ε) = H(P‖Q): e^ε H(Q‖P) at −ε, minus the difference of the masses, by definition.
    let removal = try law.delta(epsilon: -0.05, direction: .removal)
    let addition = try law.delta(epsilon: 0.05, direction: .addition)
    #expect(relativeDifference(removal, 1 - exp(-0.05) + exp(-0.05) * addition) < 1e-9)
  }

  @Test("Monte Carlo: the exact value lies below the bound (false alarm 1e-9) and within the opposite bound of the mean")
  func monteCarlo() throws {
    for (rounds, sigma, epsilon) in [(1, 1.0, 0.5), (2, 1, 0.5), (10, 0.7, 0.4)] as [(Int, Double, Double)] {
      let law = try RandomAllocationLaw(rounds: rounds, noiseMultiplier: sigma, gridPoints: 1500)
      let draws = try RandomAllocationMonteCarlo(rounds: rounds, noiseMultiplier: sigma, samples: 100_000, seed: 11)
      for direction in NeighborDirection.allCases {
        let exact = try law.delta(epsilon: epsilon, direction: direction)
        let estimate = try draws.delta(epsilon: epsilon, direction: direction, failureProbability: 1e-9)
        #expect(estimate.upper >= exact * (1 - 1e-3), "t=\(rounds) \(direction): \(estimate) \(exact)")
        // Seven standard errors of a variable in [0, 1] with that mean: false alarm 3e-12.
        #expect(abs(estimate.mean - exact) < 7 * (exact / 100_000).squareRoot() + 1e-3 * exact, "t=\(rounds) \(direction)")
      }
    }
    #expect(
      relativeDifference(RandomAllocationMonteCarlo.upperBound(mean: 0, samples: 1000, failureProbability: 1e-3), 1 - pow(1e-3, 1e-3))
        < 1e-8)
  }

  @Test("more rounds never cost more, k of t participations are k epochs, hostile input is an error")
  func shape() throws {
    var last = Double.infinity
    for rounds in [1, 2, 3, 7, 100, 100_000] {
      let renyi = try RandomAllocationRenyi(rounds: rounds, noiseMultiplier: 0.8)
      let value = max(try renyi.divergence(order: 5, direction: .removal), try renyi.divergence(order: 5, direction: .addition))
      #expect(value < last && value > 0)
      last = value
    }
    let blocks = try RandomAllocationLaw.blocks(rounds: 100, participations: 7)
    #expect(blocks == (14, 7))
    for bad in [0, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try RandomAllocationRenyi(rounds: 2, noiseMultiplier: bad) }
      #expect(throws: AccountingError.self) { try RandomAllocationLaw(rounds: 2, noiseMultiplier: bad) }
    }
    #expect(throws: AccountingError.self) { try RandomAllocationLaw(rounds: 0, noiseMultiplier: 1) }
    #expect(throws: AccountingError.self) { try RandomAllocationLaw.blocks(rounds: 3, participations: 4) }
    for sigma in [0.05, 0.2, 50, 1e4] {
      let renyi = try RandomAllocationRenyi(rounds: 37, noiseMultiplier: sigma)
      for order in [1 + 1e-12, 1.5, 60, 1e6] {
        for direction in NeighborDirection.allCases {
          let value = try renyi.divergence(order: order, direction: direction)
          #expect(value >= 0 && value <= order / (2 * sigma * sigma) * (1 + 1e-12), "σ=\(sigma) α=\(order) \(direction)")
        }
      }
      let law = try RandomAllocationLaw(rounds: 37, noiseMultiplier: sigma, gridPoints: 200)
      #expect(try law.delta(epsilon: 0, direction: .removal) <= 1 && law.delta(epsilon: .infinity, direction: .addition) <= 1)
    }
  }
}
