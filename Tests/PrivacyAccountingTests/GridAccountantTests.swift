import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Privacy-loss grid")
struct GridAccountantTests {
  private func golden(_ name: String, _ direction: NeighborDirection) throws -> (
    parts: [(law: PrivacyLossLaw, count: Int)], delta: Double, epsilon: Double
  ) {
    let row = try #require(GoldenValues.shared.epsilon_cases.first { $0.name == name })
    let parts = try (row.parameters ?? []).map { part in
      (
        law: PrivacyLossLaw.sampledGaussian(
          rate: try GoldenValues.number(part.q), noiseMultiplier: try GoldenValues.number(part.sigma), direction: direction),
        count: part.steps
      )
    }
    return (parts, try GoldenValues.number(row.delta), try GoldenValues.number(row.epsilon))
  }

  @Test("compositions of sampled Gaussians contain the golden ε, 1e-6 wide", arguments: ["a1", "a3", "a4", "a5", "a6", "t10", "x_d15"])
  func goldenEpsilon(name: String) throws {
    let row = try golden(name, .removal)
    let bound = try GridAccountant(row.parts).epsilon(delta: row.delta, width: 1e-6)
    #expect(bound.lower <= row.epsilon + 1e-11 && row.epsilon - 1e-11 <= bound.upper)
    #expect(bound.upper - bound.lower <= 1e-6)
    let other = try GridAccountant(try golden(name, .addition).parts).epsilon(delta: row.delta, width: 1e-4)
    #expect(other.lower <= bound.upper)
  }

  @Test(
    "corner cases contain the golden ε at the width that is asked for",
    arguments: [("a2", 1e-5), ("e1", 1e-4), ("x_d50", 1e-5), ("x_d100", 1e-4)])
  func corners(name: String, width: Double) throws {
    let row = try golden(name, .removal)
    let bound = try GridAccountant(row.parts).epsilon(delta: row.delta, width: width)
    // The golden value of x_d100 is known to 3e-7 only.
    let slack = name == "x_d100" ? 3.2e-7 : 1e-8
    #expect(bound.lower <= row.epsilon + slack && row.epsilon - slack <= bound.upper)
    #expect(bound.upper - bound.lower <= width)
  }

  @Test("the golden values that are lower bounds or rough are improved on: q = 1e-6, and two steps")
  func improved() throws {
    let rare = try golden("x_q1e-6", .removal)
    let bound = try GridAccountant(rare.parts).epsilon(delta: rare.delta, width: 1e-5)
    #expect(bound.upper >= rare.epsilon && bound.upper - bound.lower <= 1e-5)
    let added = try GridAccountant(try golden("x_q1e-6", .addition).parts).epsilon(delta: rare.delta, width: 1e-5)
    #expect(added.lower <= rare.epsilon + 1e-9 && rare.epsilon - 1e-9 <= added.upper)
    let two = try golden("c_lowT", .addition)
    let twoAdded = try GridAccountant(two.parts).epsilon(delta: two.delta, width: 1e-6)
    #expect(twoAdded.lower <= two.epsilon + 1e-11 && two.epsilon - 1e-11 <= twoAdded.upper)
  }

  @Test("two steps at ε = 0.4 agree with quadrature: E_P δ₁(ε − L(x)) with the one-step closed form δ₁, mpmath, 25 digits")
  func twoSteps() throws {
    let bound = try GridAccountant([(.sampledGaussian(rate: 0.01, noiseMultiplier: 1, direction: .removal), 2)])
      .delta(epsilon: 0.4, relativeWidth: 1e-5)
    #expect(bound.lower <= 1.3349181297604349692e-6 && 1.3349181297604349692e-6 <= bound.upper)
  }

  @Test(
    "one step agrees with its closed form", arguments: [(0.2, 0.5, 1.0, 0.057840405997511500682), (0.001, 0.8, 2, 1.35484750494653212e-14)])
  func oneStep(rate: Double, sigma: Double, epsilon: Double, delta: Double) throws {
    let bound = try GridAccountant([(.sampledGaussian(rate: rate, noiseMultiplier: sigma, direction: .removal), 1)])
      .delta(epsilon: epsilon, relativeWidth: 1e-5)
    #expect(bound.lower <= delta * (1 + 1e-15) && delta * (1 - 1e-15) <= bound.upper)
    let two = try GridAccountant([(.symmetricSampledGaussian(rate: rate, noiseMultiplier: sigma), 1)])
      .delta(epsilon: epsilon, relativeWidth: 1e-5)
    #expect(two.lower <= delta * (1 + 1e-15) && delta * (1 - 1e-15) <= two.upper)
    let mixture = try SensitivityMixture([(0, 1 - rate), (1, rate)])
    let third = try GridAccountant([(.gaussianMixture(mixture, noiseMultiplier: sigma, direction: .removal), 1)])
      .delta(epsilon: epsilon, relativeWidth: 1e-5)
    #expect(third.lower <= delta * (1 + 1e-12) && delta * (1 - 1e-12) <= third.upper)
  }

  @Test(
    "plain Gaussians contain the closed form, down to δ near 1e-50", arguments: [(1.0, 1, 5.0), (0.5, 3, 20), (10, 100, 2), (2, 50, 60)])
  func gaussian(sigma: Double, count: Int, epsilon: Double) throws {
    let exact = try AnalyticGaussian.delta(noiseMultiplier: sigma / Double(count).squareRoot(), epsilon: epsilon)
    let bound = try GridAccountant([(.gaussian(noiseMultiplier: sigma), count)]).delta(epsilon: epsilon, relativeWidth: 1e-4)
    #expect(bound.lower <= exact.upper && exact.lower <= bound.upper)
  }

  @Test("lattice mechanisms agree with the golden ε to 1e-9")
  func lattices() throws {
    for (sigma, count, delta, epsilon) in [
      (2.0, 50, 1e-6, 22.42818339631662), (1, 10, 1e-5, 17.865551949428564), (0.5, 20, 1e-5, 75.79800309545092),
    ] {
      let bound = try GridAccountant([(.atoms(try .discreteGaussian(sigma: sigma, shift: 1)), count)]).epsilon(delta: delta, width: 1e-9)
      #expect(bound.lower <= epsilon + 1e-11 && epsilon - 1e-11 <= bound.upper, "\(sigma): \(bound)")
    }
    for (scale, count, delta, epsilon) in [(20.0, 1000, 1e-6, 8.28357334601625822), (1, 5, 1e-5, 4.99995210948463413)] {
      let bound = try GridAccountant([(.atoms(try .discreteLaplace(scale: scale, shift: 1)), count)]).epsilon(delta: delta, width: 1e-9)
      #expect(bound.lower <= epsilon + 1e-13 && epsilon - 1e-13 <= bound.upper, "\(scale): \(bound)")
    }
    // Exact binomial sum by mpmath, 40 digits. A peer's grid says 94.298, which is above.
    let response = try GridAccountant([(.atoms(try .randomizedResponse(noise: 0.5, buckets: 2)), 100)]).epsilon(delta: 1e-6, width: 1e-9)
    #expect(response.lower <= 94.2898678929248772 && 94.2898678929248772 <= response.upper)
  }

  @Test("Laplace agrees with the golden ε", arguments: [(20.0, 1000, 1e-6, 8.20444034393397), (10, 500, 1e-5, 11.190661963653719)])
  func laplace(scale: Double, count: Int, delta: Double, epsilon: Double) throws {
    let bound = try GridAccountant([(.laplace(noiseMultiplier: scale), count)]).epsilon(delta: delta, width: 1e-7)
    #expect(bound.lower <= epsilon + 1e-12 && epsilon - 1e-12 <= bound.upper)
  }

  @Test("the bounded-range envelope has its closed form", arguments: [0.1, 1, 5])
  func boundedRange(eta: Double) throws {
    for share in [0.0, 0.3, 0.8] {
      let exact = pow(-expm1(0.5 * (share - 1) * eta), 2) / -expm1(-eta)
      let bound = try GridAccountant([(.boundedRange(eta: eta), 1)]).delta(epsilon: share * eta, relativeWidth: 1e-4)
      #expect(bound.lower <= exact * (1 + 1e-14) && exact * (1 - 1e-14) <= bound.upper)
    }
  }

  @Test("sampled atoms follow δ(γ′) = rδ((γ′ − 1 + r)/r), and a mechanism known by its profile keeps it")
  func sampledAtoms() throws {
    let atoms = try LossAtoms.discreteGaussian(sigma: 2, shift: 1)
    let rate = 0.1
    let inner = 1.0
    let plain = try GridAccountant([(.atoms(atoms), 1)]).delta(epsilon: inner, relativeWidth: 1e-9)
    let bound = try GridAccountant([(.atoms(try atoms.sampled(rate: rate)), 1)])
      .delta(epsilon: log1p(rate * expm1(inner)), relativeWidth: 1e-4)
    #expect(bound.lower <= rate * plain.upper && rate * plain.lower <= bound.upper)
    let profile = try LossAtoms.profile([(0, 0.4), (1, 0.1), (2, 0.01)])
    let known = try GridAccountant([(.atoms(profile), 1)]).delta(epsilon: 1, relativeWidth: 1e-3, limit: 1)
    #expect(known.upper >= 0.1 && known.upper <= 0.1001 && known.lower == 0)
  }

  @Test("Skellam noise of large variance is close to the Gaussian of the same variance")
  func skellam() throws {
    let bound = try GridAccountant([(.atoms(try .skellam(variance: 400, shift: 20)), 10)]).epsilon(delta: 1e-6, width: 1e-3)
    let gaussian = try AnalyticGaussian.epsilon(noiseMultiplier: 1 / 10.0.squareRoot(), delta: 1e-6)
    #expect(abs(bound.upper - gaussian.upper) < 0.01 * gaussian.upper)
  }

  @Test("the interval is ordered and falls with ε on 200 random parameters (fixed seed)")
  func random() throws {
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) * 0x1p-53
    }
    for index in 0..<200 {
      let rate = exp(-7 * uniform())
      let sigma = exp(-0.7 + 2 * uniform())
      let count = 1 + Int(exp(5 * uniform()))
      let law: PrivacyLossLaw =
        switch index % 5 {
        case 0: .sampledGaussian(rate: rate, noiseMultiplier: sigma, direction: .removal)
        case 1: .sampledGaussian(rate: rate, noiseMultiplier: sigma, direction: .addition)
        case 2: .symmetricSampledGaussian(rate: rate, noiseMultiplier: sigma)
        case 3: .sampledLaplace(rate: rate, noiseMultiplier: sigma, direction: index % 2 == 0 ? .removal : .addition)
        default: .boundedRange(eta: 1 / sigma)
        }
      let accountant = try GridAccountant([(law, count)])
      let bound = try accountant.epsilon(delta: 1e-5, width: 0.02, limit: 1)
      #expect(bound.lower <= bound.upper && bound.upper.isFinite, "\(law) × \(count)")
      let middle = 0.5 * (bound.lower + bound.upper)
      let (a, b) = (
        try accountant.delta(epsilon: middle, relativeWidth: 0.1, limit: 1),
        try accountant.delta(epsilon: 1.2 * middle, relativeWidth: 0.1, limit: 1)
      )
      #expect(a.lower <= a.upper && b.lower <= a.upper, "\(law) × \(count)")
      #expect(try accountant.delta(epsilon: bound.upper, relativeWidth: 0.1, limit: 1).lower <= 1e-5 * (1 + 1e-9), "\(law) × \(count)")
    }
  }

  @Test("sampling over four Gaussians at once is sampling over the one Gaussian that they are")
  func product() throws {
    let inner = try GridAccountant([(.gaussian(noiseMultiplier: 4), 4)]).composedAtoms(delta: 1e-8)
    for direction in [NeighborDirection.removal, .addition] {
      let sampled = try inner.sampled(rate: 0.1)
      let law = PrivacyLossLaw.atoms(direction == .removal ? sampled : sampled.swapped)
      let bound = try GridAccountant([(law, 10)]).epsilon(delta: 1e-5, width: 0.01)
      let exact = try GridAccountant([(.sampledGaussian(rate: 0.1, noiseMultiplier: 2, direction: direction), 10)])
        .epsilon(delta: 1e-5, width: 1e-5)
      #expect(bound.lower <= exact.upper && exact.lower <= bound.upper && bound.upper - bound.lower <= 0.01)
    }
  }

  @Test("hostile parameters are errors")
  func hostile() throws {
    for value in [Double.nan, .infinity, -1, 0, 1e-300, 1e300] {
      #expect(throws: AccountingError.self) { try GridAccountant([(.gaussian(noiseMultiplier: value), 1)]) }
      #expect(throws: AccountingError.self) { try GridAccountant([(.boundedRange(eta: value), 1)]) }
      #expect(throws: AccountingError.self) {
        try GridAccountant([(.sampledGaussian(rate: value, noiseMultiplier: 1, direction: .removal), 1)])
      }
      #expect(throws: AccountingError.self) { try LossAtoms.discreteGaussian(sigma: value, shift: 1) }
    }
    #expect(throws: AccountingError.self) { try GridAccountant([(.gaussian(noiseMultiplier: 1), -1)]) }
    let accountant = try GridAccountant([(.gaussian(noiseMultiplier: 1), 1)])
    for value in [Double.nan, -1, 0, 2] {
      #expect(throws: AccountingError.self) { try accountant.epsilon(delta: value, width: 1e-3) }
    }
    #expect(throws: AccountingError.self) { try accountant.delta(epsilon: .nan, relativeWidth: 1e-3) }
    #expect(throws: AccountingError.self) { try accountant.delta(epsilon: 1, relativeWidth: .nan) }
    #expect(try accountant.delta(epsilon: .infinity, relativeWidth: 1e-3).upper <= 1e-299)
    #expect(try GridAccountant([]).delta(epsilon: 0, relativeWidth: 1e-3).upper == 0)
  }

  @Test("a coarse grid beats the Rényi bound where a fine one is too much work: 489,013,952 rare rounds at δ = 1.6e-50")
  func coarseGrid() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 15.145226636432616 / 72.0.squareRoot()).sampled(
      .poisson(rate: 8.949154819624806e-07)
    )
    .repeated(489_013_952)
    let bound = try PrivacyAccountant().epsilon(of: event, delta: 1.6483726463242728e-50)
    let renyi = try PrivacyAccountant(choice: .renyi).epsilon(of: event, delta: 1.6483726463242728e-50)
    #expect(bound.upper <= 0.178 && renyi.upper > 1, "\(bound) \(renyi)")
    // What ten times the work gives.
    #expect(bound.lower <= 0.17331 && 0.17328 <= bound.upper)
  }

  @Test("a few rounds of many rare draws: δ is the chance of a draw, where every loss is far above ε")
  func rareDraws() throws {
    for rounds in [3, 6] {
      let event = PrivacyEvent.gaussian(noiseMultiplier: 0.15469587573903013)
        .sampled(.fixedSizeWithReplacement(cohortSize: 286, populationSize: 6_806_627)).repeated(rounds)
      let bound = try PrivacyAccountant().delta(of: event, epsilon: 21.263990923206748)
      let chance = -expm1(286 * Double(rounds) * log1p(-1 / 6_806_627.0))
      #expect(
        bound.upper <= chance * (1 + 1e-3) && bound.upper >= chance * (1 - 1e-3) && bound.lower >= 0.5 * chance, "\(bound) \(chance)")
    }
  }

  @Test(
    "one cohort drawn with replacement: the grid's interval holds the closed form, in both directions",
    arguments: [(79, 1_694_890, 7.6), (300, 5_000, 20), (2_000, 1_000, 40), (7, 333_312, 1.66)])
  func drawnOnce(draws: Int, population: Int, sigma: Double) throws {
    let drawn = try WithReplacement(draws: draws, population: population, tailMass: 1e-300)
    func tail(_ x: Double) -> (p: Double, q: Double) {
      func upper(_ y: Double) -> Double { 0.5 * erfc(y / 2.0.squareRoot()) }
      return (zip(drawn.weights, drawn.shifts).reduce(0) { $0 + $1.0 * upper((x - $1.1) / sigma) }, upper(x / sigma))
    }
    func loss(_ x: Double) -> Double {
      log(zip(drawn.weights, drawn.shifts).reduce(0) { $0 + $1.0 * exp($1.1 * (x - 0.5 * $1.1) / (sigma * sigma)) })
    }
    let grid = PrivacyAccountant(choice: .grid)
    let event = PrivacyEvent.gaussian(noiseMultiplier: sigma)
      .sampled(.fixedSizeWithReplacement(cohortSize: draws, populationSize: population))
    for epsilon in [1e-3, 0.02, 0.5] {
      // δ = P(L > ε) − e^ε Q(L > ε), where the loss rises with x; and the mirror image for the other order.
      func crossing(_ target: Double) -> Double {
        var (low, high) = (-60 * sigma, 2_000 * sigma)
        for _ in 0..<200 { if loss(0.5 * (low + high)) > target { high = 0.5 * (low + high) } else { low = 0.5 * (low + high) } }
        return high
      }
      let above = tail(crossing(epsilon))
      let below = tail(crossing(-epsilon))
      let removal = max(0, above.p - exp(epsilon) * above.q)
      let addition = -epsilon > log(drawn.weights[0]) ? max(0, (1 - below.q) - exp(epsilon) * (1 - below.p)) : 0
      let exact = max(removal, addition)
      guard exact > 1e-12 else { continue }
      let bound = try grid.delta(of: event, epsilon: epsilon)
      // The differences carry the rounding of 1.
      #expect(bound.lower <= exact + 1e-14 && bound.upper >= exact - 1e-14, "ε = \(epsilon): \(bound) \(exact)")
      if exact > 1e-7 { #expect(bound.upper - bound.lower <= 2e-3 * exact, "ε = \(epsilon): \(bound) \(exact)") }
    }
  }

  /// The whole law of one step lies in two bins of the first grids, which held it all at a loss of 0 when the ratio of its masses in a bin
  /// was beyond the range of numbers: δ came out as 1e-290.
  @Test("many steps on a grid far wider than each: a mean loss of millions leaves no ε of 49 private")
  func bottomlessBins() throws {
    for relation in [NeighboringRelation.replaceOne, .addOrRemoveOne] {
      let event = PrivacyEvent.gaussian(noiseMultiplier: 0.945).sampled(.poisson(rate: 0.0321)).repeated(4_722_429_300)
      let bound = try PrivacyAccountant(neighboringRelation: relation, choice: .grid).delta(of: event, epsilon: 48.7)
      #expect(bound.upper >= 1 - 1e-9, "\(relation): \(bound)")
    }
    // Steps of a thousandth on a grid of ones: the mean loss of all is 500, or 5 after sampling.
    let wide = PrivacyEvent.gaussian(noiseMultiplier: 1_000)
    for (law, count) in [
      (PrivacyLossLaw.gaussian(noiseMultiplier: 1_000), 1_000_000_000),
      (.sampledGaussian(rate: 0.1, noiseMultiplier: 1_000, direction: .removal), 1_000_000_000),
    ] {
      let coarse = try GridAccountant([(law, count)], workLimit: 1e4).delta(epsilon: 4, relativeWidth: 0.99, limit: 1)
      let isPlain = law == .gaussian(noiseMultiplier: 1_000)
      let event = (isPlain ? wide : wide.sampled(.poisson(rate: 0.1))).repeated(count)
      let exact = try PrivacyAccountant(choice: .contour).delta(of: event, epsilon: 4)
      #expect(coarse.upper >= exact.lower && coarse.lower <= exact.upper, "\(coarse) \(exact)")
    }
  }

  /// A record is drawn about four times in all, and each time costs N(m, t²), t = 2/σ and m = t²/2 + log w₁: δ is a sum of normal
  /// profiles, but for rounds that draw it twice (one in 20,000 of those that draw it).
  @Test("rare and costly draws: the upper end is near the sum over how often the record was drawn")
  func rareAndCostlyDraws() throws {
    let (rounds, draws, population, sigma, delta) = (33_234, 42, 367_895, 0.12346457482714797, 0.0023523352125892146)
    let drawn = try WithReplacement(draws: draws, population: population, tailMass: 1e-300)
    let t = 2 / sigma
    let law = try BinomialLaw(trials: rounds, probability: drawn.inclusionProbability)
    func exact(_ epsilon: Double) -> Double {
      (1...60).reduce(0) { sum, count in
        let n = Double(count)
        let mean = n * (t * t / 2 + log(drawn.weights[1])) + Double(rounds - count) * log(drawn.weights[0])
        let (gap, spread) = (mean - epsilon, n.squareRoot() * t)
        func lower(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
        let hidden = lower(gap / spread - spread)
        return sum + exp(law.logMass(count)) * (lower(gap / spread) - (hidden > 0 ? exp(-gap + spread * spread / 2) * hidden : 0))
      }
    }
    var (low, high) = (0.0, 5_000.0)
    for _ in 0..<100 { if exact(0.5 * (low + high)) > delta { low = 0.5 * (low + high) } else { high = 0.5 * (low + high) } }
    let event = PrivacyEvent.gaussian(noiseMultiplier: sigma)
      .sampled(.fixedSizeWithReplacement(cohortSize: draws, populationSize: population)).repeated(rounds)
    let bound = try PrivacyAccountant().epsilon(of: event, delta: delta)
    #expect(bound.upper >= low - 0.1 && bound.upper <= low + 1, "\(bound) \(low)")
  }

  @Test("wide bins of a mixture hold its mass once", arguments: [1.0, 20, 40, 300])
  func wideBins(spacing: Double) throws {
    let mixture = try SensitivityMixture([(0, 0.9), (2, 0.09), (4, 0.01)])
    for direction in [NeighborDirection.removal, .addition] {
      let law = PrivacyLossLaw.gaussianMixture(mixture, noiseMultiplier: 0.1, direction: direction)
      // ε(δ) of one step from a grid as coarse as its spacing allows.
      let wide = try GridAccountant([(law, 1)], workLimit: 1e8).epsilon(delta: 1e-3, width: spacing, limit: 10 * spacing)
      let fine = try GridAccountant([(law, 1)], workLimit: 1e8).epsilon(delta: 1e-3, width: 1e-2, limit: 1)
      #expect(wide.lower <= fine.upper && fine.lower <= wide.upper, "\(direction) \(wide) \(fine)")
    }
    // Two steps, of which one is as likely as not to be far above; the bound fell below this when wide bins held too much.
    let event = PrivacyEvent.gaussianMixture(noiseMultiplier: 0.1, sensitivities: [0, 2, 4], probabilities: [0.9, 0.09, 0.01]).repeated(2)
    let bound = try PrivacyAccountant(choice: .grid).epsilon(of: event, delta: 1e-3)
    #expect(bound.lower > 991.9 && bound.upper < 992.1)
  }
}
