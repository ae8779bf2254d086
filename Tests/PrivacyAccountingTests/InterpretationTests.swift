import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

/// The Gaussian mechanism with μ = 1/σ; both directions are the same.
struct GaussianProfile: DirectionalProfile {
  let parameter: Double
  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    try AnalyticGaussian.delta(noiseMultiplier: 1 / parameter, epsilon: epsilon)
  }
}

/// One Gaussian release on a Poisson sample, exactly: the ratio of the densities rises with x, so the best test is a threshold.
struct SampledGaussianProfile: DirectionalProfile {
  let rate: Double
  let sigma: Double

  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    func tail(_ x: Double, _ mean: Double) -> Double { NormalDistribution.upperTail((x - mean) / sigma) }
    let value: Double
    switch direction {
    case .removal:
      let x = sigma * sigma * log1p(expm1(epsilon) / rate) + 0.5
      value = rate * tail(x, 1) - (exp(epsilon) - (1 - rate)) * tail(x, 0)
    case .addition:
      let inner = 1 + expm1(-epsilon) / rate
      guard inner > 0 else { return PrivacyBound(lower: 0, upper: 0, method: .trivial) }
      let x = sigma * sigma * log(inner) + 0.5
      value = tail(-x, 0) * (1 - exp(epsilon) * (1 - rate)) - exp(epsilon) * rate * tail(-x, -1)
    }
    return PrivacyBound(lower: value - 1e-13, upper: value + 1e-13, method: .trivial)
  }
}

/// A pair of discrete distributions, with atoms that only one of them has: exact profile, exact curve.
private struct DiscreteProfile: DirectionalProfile {
  var present: [Double]
  var absent: [Double]

  init(_ stream: inout ParameterStream) {
    let size = 2 + Int(stream.uniform() * 7)
    (present, absent) = ([], [])
    for _ in 0..<size {
      let shared = stream.logUniform(1e-6...1)
      let absentee = Int(stream.uniform() * 12)
      present.append(absentee == 0 ? 0 : shared * exp(2 * stream.uniform() - 1))
      absent.append(absentee == 1 ? 0 : shared * exp(2 * stream.uniform() - 1))
    }
    // One atom that both have.
    present.append(1)
    absent.append(1)
    let sums = (present.reduce(0, +), absent.reduce(0, +))
    present = present.map { $0 / sums.0 }
    absent = absent.map { $0 / sums.1 }
  }

  func pair(_ direction: NeighborDirection) -> [(tested: Double, null: Double)] {
    direction == .removal ? Array(zip(present, absent)) : Array(zip(absent, present))
  }

  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    let value = pair(direction).reduce(0) { $0 + max(0, $1.tested - exp(epsilon) * $1.null) }
    return PrivacyBound(lower: value - 1e-14, upper: value + 1e-14, method: .trivial)
  }

  /// Corners (FPR, TPR) of the exact curve.
  func corners(_ direction: NeighborDirection) -> [(rate: Double, power: Double)] {
    var corners = [(rate: 0.0, power: 0.0)]
    for atom in pair(direction).sorted(by: { $0.tested * $1.null > $1.tested * $0.null }) {
      let last = corners[corners.count - 1]
      corners.append((last.rate + atom.null, last.power + atom.tested))
    }
    return corners
  }

  /// The exact greatest true-positive rate.
  func power(_ rate: Double, _ direction: NeighborDirection) -> Double {
    let corners = corners(direction)
    var best = 0.0
    for (low, high) in zip(corners, corners.dropFirst()) where high.rate >= rate {
      let share = high.rate > low.rate ? min(1, max(0, (rate - low.rate) / (high.rate - low.rate))) : 1
      best = low.power + share * (high.power - low.power)
      if high.rate > rate { break }
    }
    return min(best, 1)
  }
}

private struct ConstantProfile: DirectionalProfile {
  let value: Double
  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    PrivacyBound(lower: value, upper: value, method: .trivial)
  }
}

private struct FailingProfile: DirectionalProfile {
  func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    throw .notConverged(what: "δ", reason: "test")
  }
}

/// Φ(Φ⁻¹(1 − α) − μ).
private func gaussianTradeOff(_ parameter: Double, _ rate: Double) -> Double {
  rate == 0 ? 1 : rate == 1 ? 0 : NormalDistribution.upperTail(parameter - NormalDistribution.upperQuantile(rate))
}

@Suite("Interpretation of a guarantee")
struct InterpretationTests {
  @Test("normal quantiles to 4e-14 relative or 1e-16 absolute against 40-digit values")
  func quantiles() {
    let rows = [
      (1e-300, 37.047096299361199237), (1e-100, 21.273453560965324294), (1e-12, 7.0344838253011319326), (1e-5, 4.2648907939228246102),
      (0.01, 2.3263478740408410931), (0.3, 0.52440051270804081597), (0.4999, 0.00025066283008800749239), (0.75, -0.6744897501960817432),
      (0.999, -3.0902323061678132778),
    ]
    for (probability, expected) in rows {
      #expect(abs(NormalDistribution.upperQuantile(probability) - expected) < max(1e-16, 4e-14 * abs(expected)), "\(probability)")
    }
    #expect(NormalDistribution.upperQuantile(0) == .infinity && NormalDistribution.upperQuantile(1) == -.infinity)
    #expect(NormalDistribution.upperQuantile(0.5) == 0)
  }

  @Test("the Gaussian curve is Φ(Φ⁻¹(1−α)−μ), inside the interval and to 1e-8", arguments: [0.05, 0.5, 1, 2, 5, 20])
  func gaussian(parameter: Double) throws {
    let curve = TradeOffCurve(GaussianProfile(parameter: parameter))
    for rate in [1e-12, 1e-6, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.8, 0.99, 1 - 1e-6] {
      let exact = gaussianTradeOff(parameter, rate)
      for direction in NeighborDirection.allCases {
        let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate, direction: direction)
        let label: Comment = "μ=\(parameter) α=\(rate) \(exact) \(bound)"
        #expect(bound.lower <= exact * (1 + 1e-12) && exact * (1 - 1e-12) <= bound.upper && bound.isTwoSided, label)
        #expect(bound.lower >= exact * (1 - 1e-7) - 1e-15, label)
        #expect(bound.upper <= exact * (1 + 1e-6) + 1e-14, label)
      }
    }
    #expect(try curve.falseNegativeRate(atFalsePositiveRate: 1).upper == 0)
    let atZero = try curve.falseNegativeRate(atFalsePositiveRate: 0)
    #expect(atZero.upper == 1 && atZero.lower > 1 - 1e-14)
  }

  @Test("autodp's published property: f of a Gaussian over 21 rates, to 4 places", arguments: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
  func autodp(sigma: Double) throws {
    let curve = TradeOffCurve(GaussianProfile(parameter: 1 / sigma))
    for index in 0...20 {
      let rate = Double(index) / 20
      let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate)
      #expect(abs(bound.lower - gaussianTradeOff(1 / sigma, rate)) < 5e-5)
    }
  }

  @Test("an asymmetric curve, both directions, against quadrature of the Neyman–Pearson tests")
  func asymmetric() throws {
    let rows: [(rate: Double, sigma: Double, alpha: Double, removal: Double, addition: Double)] = [
      (0.1, 0.8, 0.001, 0.99581329305519595, 0.99888979976255908), (0.1, 0.8, 0.01, 0.97691141473218538, 0.98891134520774219),
      (0.1, 0.8, 0.1, 0.86125851653825702, 0.88962999656134822), (0.1, 0.8, 0.5, 0.46056497736668553, 0.45844136798769227),
      (0.1, 0.8, 0.9, 0.090567795593280961, 0.066593790098007601), (0.01, 1, 0.001, 0.99882701531594343, 0.99899011939485821),
      (0.01, 1, 0.01, 0.98917637751926306, 0.98990349178359546), (0.01, 1, 0.1, 0.89710856308354638, 0.89910514112979348),
      (0.01, 1, 0.5, 0.49658655253931457, 0.49657315849436698), (0.01, 1, 0.9, 0.099112579145126026, 0.097142929863829639),
    ]
    for row in rows {
      let curve = TradeOffCurve(SampledGaussianProfile(rate: row.rate, sigma: row.sigma))
      for (direction, exact) in [(NeighborDirection.removal, row.removal), (.addition, row.addition)] {
        let bound = try curve.falseNegativeRate(atFalsePositiveRate: row.alpha, direction: direction)
        #expect(bound.lower <= exact + 1e-15 && exact - 1e-15 <= bound.upper, "\(row) \(direction) \(bound)")
        #expect(bound.upper - bound.lower < 1e-8, "\(row) \(direction) \(bound)")
      }
      let worst = try curve.falseNegativeRate(atFalsePositiveRate: row.alpha)
      #expect(abs(worst.lower - min(row.removal, row.addition)) < 1e-8)
    }
  }

  @Test("random pairs of discrete distributions: curve, μ, groups and Bayes risk hold against exact tests (150 pairs)")
  func discrete() throws {
    var stream = ParameterStream(state: 4_711)
    for index in 0..<150 {
      let profile = DiscreteProfile(&stream)
      let curve = TradeOffCurve(profile)
      let gaussian = try curve.gaussianParameter(falsePositiveRatesAbove: 1e-5, resolution: 0.01)
      let prior = stream.uniform() * 0.98 + 0.01
      let error = zip(profile.present, profile.absent).reduce(0) { $0 + min(prior * $1.0, (1 - prior) * $1.1) }
      let risk = try curve.bayesRisk(prior: prior)
      #expect(risk.lower <= error + 1e-13 && error <= risk.upper + 1e-13 && risk.upper - risk.lower < 1e-12)
      for direction in NeighborDirection.allCases {
        for rate in [1e-4, 0.01, 0.1, 0.3, 0.5, 0.9] + profile.corners(direction).map({ min($0.rate, 1) }) where rate > 0 {
          let exact = 1 - profile.power(rate, direction)
          let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate, direction: direction)
          let label: Comment = "pair \(index) \(direction) α=\(rate): \(exact) \(bound)"
          #expect(bound.lower <= exact + 2e-13 && exact <= bound.upper + 2e-13, label)
          #expect(bound.upper - bound.lower < 0.01, label)
          if rate >= 1e-5 && rate <= 1 - 1e-5 {
            #expect(gaussian.upper == .infinity || exact >= gaussianTradeOff(gaussian.upper, rate) - 2e-13, label)
          }
        }
        let delta = 1e-3
        let group = try curve.groupEpsilon(size: 2, delta: delta)
        for rate in (0...60).map({ pow(10, -Double($0) / 10) }) {
          let power = profile.power(profile.power(rate, direction), direction)
          #expect(power <= exp(group) * rate + delta + 1e-12, "pair \(index) group")
        }
      }
    }
  }

  @Test("an accountant's own curve: two-sided for Gaussians, with the composition's μ")
  func ofAccountant() throws {
    let curve = try PrivacyAccountant().tradeOffCurve(of: .gaussian(noiseMultiplier: 4).repeated(8))
    let bound = try curve.truePositiveRate(atFalsePositiveRate: 0.01)
    let exact = 1 - gaussianTradeOff(0.5.squareRoot(), 0.01)
    #expect(bound.lower <= exact && exact <= bound.upper && bound.upper - bound.lower < 1e-7 && bound.isTwoSided)
    #expect(try PrivacyAccountant().tradeOffCurve(of: .nonPrivate).advantage().upper == 1)
  }

  @Test("the two directions are mirror images: f of one is the inverse of f of the other")
  func mirrored() throws {
    let curve = TradeOffCurve(SampledGaussianProfile(rate: 0.2, sigma: 0.7))
    for rate in [0.001, 0.05, 0.4, 0.7] {
      let forth = try curve.falseNegativeRate(atFalsePositiveRate: rate, direction: .removal)
      let back = try curve.falseNegativeRate(atFalsePositiveRate: forth.lower, direction: .addition)
      #expect(abs(back.lower - rate) < 1e-7)
    }
  }

  @Test("randomised response: the polygon, its advantage, its μ")
  func randomizedResponse() throws {
    for epsilon in [0.1, 1, 3] {
      let guarantee = try ApproximateGuarantee(epsilon: epsilon, delta: 0)
      let curve = TradeOffCurve(guarantee)
      let corner = 1 / (1 + exp(epsilon))
      for rate in [1e-6, 0.01, corner, 0.5, 0.9] {
        let exact = max(1 - exp(epsilon) * rate, exp(-epsilon) * (1 - rate))
        let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate)
        #expect(bound.lower <= exact + 1e-14 && exact <= bound.upper + 1e-14 && bound.upper - bound.lower < 1e-4, "ε=\(epsilon) α=\(rate)")
        #expect(abs(try guarantee.falseNegativeRate(atFalsePositiveRate: rate) - exact) < 1e-14)
        #expect(try guarantee.truePositiveRate(atFalsePositiveRate: rate) >= 1 - exact)
      }
      #expect(relativeDifference(try curve.advantage().upper, tanh(epsilon / 2)) < 1e-12)
      #expect(relativeDifference(guarantee.advantage, tanh(epsilon / 2)) < 1e-14)
      // The corner (c, c) is where G_μ touches: μ = 2Φ⁻¹(1 − c).
      let found = try curve.gaussianParameter()
      let exact = 2 * NormalDistribution.upperQuantile(corner)
      #expect(found.upper >= exact * (1 - 1e-12) && found.upper <= exact * 1.001 && found.lower <= exact * (1 + 1e-12))
    }
  }

  @Test("the best μ of a Gaussian is its μ, to the resolution and never below", arguments: [0.01, 0.3, 1, 4, 12])
  func gaussianParameter(parameter: Double) throws {
    let curve = TradeOffCurve(GaussianProfile(parameter: parameter))
    for resolution in [1e-2, 1e-3] {
      let found = try curve.gaussianParameter(resolution: resolution)
      #expect(found.upper >= parameter && found.upper <= parameter * (1 + resolution), "\(found)")
      #expect(found.lower <= parameter && found.lower >= parameter * (1 - resolution), "\(found)")
      #expect(found.falsePositiveRates == 1e-6...(1 - 1e-6))
    }
  }

  @Test("the best μ covers every rate of its range, in both directions, and no more is needed")
  func gaussianParameterOfSampled() throws {
    let (rate, sigma) = (0.1, 0.8)
    let curve = TradeOffCurve(SampledGaussianProfile(rate: rate, sigma: sigma))
    let found = try curve.gaussianParameter(falsePositiveRatesAbove: 1e-4)
    var greatest = 0.0
    let range = 1e-4...(1 - 1e-4)
    for index in 0...2_000 {
      // The exact curve from its thresholds. A point is covered where either of its two error rates is in the range.
      let z = 5 * (Double(index) / 1_000 - 1)
      let alpha = NormalDistribution.upperTail(z)
      let power = (1 - rate) * alpha + rate * NormalDistribution.upperTail(z - 1 / sigma)
      guard range.contains(alpha) || range.contains(1 - power) else { continue }
      let needed = NormalDistribution.upperQuantile(alpha) - NormalDistribution.upperQuantile(power)
      greatest = max(greatest, needed)
      #expect(found.upper >= needed - 1e-12)
    }
    #expect(found.upper <= greatest * 1.01, "\(found) against \(greatest)")
    #expect(found.lower >= 0.99 * greatest)
    let wider = try curve.gaussianParameter(falsePositiveRatesAbove: 1e-8)
    #expect(wider.upper > found.upper)
  }

  @Test("nothing and everything released: f = 1 − α with μ = 0, and f = 0 with μ = ∞")
  func trivial() throws {
    let nothing = TradeOffCurve(ConstantProfile(value: 0))
    let everything = TradeOffCurve(ConstantProfile(value: 1))
    for rate in [0, 1e-9, 0.2, 1] {
      let bound = try nothing.falseNegativeRate(atFalsePositiveRate: rate)
      #expect(abs(bound.lower - (1 - rate)) < 1e-14 && bound.lower <= 1 - rate && bound.upper == 1 - rate)
      let visible = try everything.falseNegativeRate(atFalsePositiveRate: rate)
      #expect(visible.lower == 0 && (visible.upper < 1e-14 || (rate == 0 && !visible.isTwoSided)))
    }
    #expect(try nothing.gaussianParameter().upper < 1e-8)
    #expect(try everything.gaussianParameter().upper == .infinity)
    #expect(try nothing.advantage().upper == 0 && everything.advantage().upper == 1)
    #expect(try nothing.groupEpsilon(size: 5, delta: 1e-6) == 0)
    #expect(try everything.groupEpsilon(size: 2, delta: 1e-6) == .infinity)
    let summary = try RiskSummary(of: everything, delta: 1e-5)
    #expect(summary.gaussianParameter == nil && summary.groups.allSatisfy { $0.epsilon == nil } && summary.bayesRisk == 0)
    #expect(try JSONDecoder().decode(RiskSummary.self, from: JSONEncoder().encode(summary)) == summary)
  }

  @Test("an accountant with upper bounds only gives the privacy side only, and never more than the exact curve")
  func oneSided() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 2).repeated(3)
    let profile = RoundsProfile(curve: try PrivacyAccountant(choice: .renyi).curve(of: event), rounds: 1)
    let curve = TradeOffCurve(profile)
    let parameter = 3.0.squareRoot() / 2
    for rate in [1e-6, 0.01, 0.3, 0.9] {
      let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate)
      #expect(bound.lower <= gaussianTradeOff(parameter, rate) && bound.lower > 0 && bound.upper == 1 - rate && !bound.isTwoSided)
    }
    let found = try curve.gaussianParameter()
    #expect(found.upper >= parameter && found.upper < 2 * parameter && found.lower == 0)
    #expect(try !curve.advantage().isTwoSided)
    #expect(try curve.groupEpsilon(size: 2, delta: 1e-6) > AnalyticGaussian.epsilon(noiseMultiplier: 0.5 / parameter, delta: 1e-6).lower)
  }

  @Test("f falls and is convex in the false-positive rate; more noise never lowers it")
  func shape() throws {
    let noisy = TradeOffCurve(SampledGaussianProfile(rate: 0.3, sigma: 1.5))
    let curve = TradeOffCurve(SampledGaussianProfile(rate: 0.3, sigma: 0.9))
    for direction in NeighborDirection.allCases {
      var values: [Double] = []
      for index in 0...40 {
        let rate = Double(index) / 40
        values.append(try curve.falseNegativeRate(atFalsePositiveRate: rate, direction: direction).lower)
        #expect(try noisy.falseNegativeRate(atFalsePositiveRate: rate, direction: direction).lower >= values[index] - 1e-9)
      }
      for index in 1..<40 {
        #expect(values[index] <= values[index - 1])
        #expect(values[index] <= 0.5 * (values[index - 1] + values[index + 1]) + 1e-9)
      }
    }
  }

  @Test("advantage 2Φ(μ/2) − 1 and Bayes risk of the best threshold at any prior")
  func bayes() throws {
    for parameter in [0.2, 1, 3] {
      let curve = TradeOffCurve(GaussianProfile(parameter: parameter))
      let advantage = try curve.advantage()
      let exact = erf(parameter / 8.0.squareRoot())
      #expect(
        relativeDifference(advantage.upper, exact) < 1e-12 && advantage.lower <= exact * (1 + 1e-15)
          && advantage.upper >= exact * (1 - 1e-15))
      for prior in [0.001, 0.2, 0.5, 0.9] {
        // N(μ, 1) with the prior against N(0, 1): the test says "present" above log((1 − π)/π)/μ + μ/2.
        let threshold = log((1 - prior) / prior) / parameter + parameter / 2
        let error = prior * NormalDistribution.upperTail(parameter - threshold) + (1 - prior) * NormalDistribution.upperTail(threshold)
        let risk = try curve.bayesRisk(prior: prior)
        #expect(risk.lower <= error * (1 + 1e-13) && error <= risk.upper * (1 + 1e-13) && relativeDifference(risk.lower, error) < 1e-11)
        let security = try curve.bayesSecurity(prior: prior)
        #expect(abs(security.lower - error / min(prior, 1 - prior)) < 1e-11)
      }
    }
    // Directions matter away from ½.
    let sampled = TradeOffCurve(SampledGaussianProfile(rate: 0.1, sigma: 0.5))
    #expect(try sampled.bayesRisk(prior: 0.2).lower < sampled.bayesRisk(prior: 0.8).lower)
  }

  @Test("groups: kμ for a Gaussian to 1 % and never below, kε for a pure mechanism, never worse than the even split")
  func groups() throws {
    for (parameter, size) in [(0.5, 2), (1, 2), (1, 5), (0.1, 5), (0.2, 16)] as [(Double, Int)] {
      let curve = TradeOffCurve(GaussianProfile(parameter: parameter))
      let found = try curve.groupEpsilon(size: size, delta: 1e-5)
      let exact = try AnalyticGaussian.epsilon(noiseMultiplier: 1 / (parameter * Double(size)), delta: 1e-5)
      #expect(found >= exact.lower && found <= exact.upper * 1.01, "μ=\(parameter) k=\(size): \(found) against \(exact.upper)")
    }
    #expect(
      try TradeOffCurve(GaussianProfile(parameter: 1)).groupEpsilon(size: 1, delta: 1e-5)
        >= AnalyticGaussian.epsilon(noiseMultiplier: 1, delta: 1e-5).lower)
    for (epsilon, size) in [(0.1, 5), (1, 2), (2, 100)] as [(Double, Int)] {
      let curve = TradeOffCurve(try ApproximateGuarantee(epsilon: epsilon, delta: 0))
      let found = try curve.groupEpsilon(size: size, delta: 1e-12)
      #expect(found <= Double(size) * epsilon * (1 + 1e-9) && found > 0.98 * Double(size) * epsilon, "\(found)")
    }
    // (1, 1e-9): δ of two is at most δ(1 + e) at 2ε.
    let approximate = TradeOffCurve(try ApproximateGuarantee(epsilon: 1, delta: 1e-9))
    #expect(try approximate.groupEpsilon(size: 2, delta: 1.5e-9 * (1 + exp(1))) <= 2.000001)
    #expect(try approximate.groupEpsilon(size: 2, delta: 1.9e-9) == .infinity)
    // The sum meets the target only for ε in [1, 1.04]: the search looks closer where it finds nothing.
    let narrow = TradeOffCurve(try ApproximateGuarantee(epsilon: 1, delta: 1e-7))
    let five = try narrow.groupEpsilon(size: 5, delta: 1e-5)
    #expect(five <= 5.2 && five > 4)
  }

  @Test("posterior beliefs: Bayes' rule for pure mechanisms, above the exact quantile for a Gaussian")
  func posteriors() throws {
    let pure = TradeOffCurve(try ApproximateGuarantee(epsilon: 1, delta: 0))
    let expected = 0.1 * exp(1) / (0.9 + 0.1 * exp(1))
    let belief = try pure.posteriorBelief(prior: 0.1, exceptWithProbability: 1e-9, direction: .removal)
    #expect(belief >= expected * (1 - 1e-15) && belief < expected * 1.01)
    // The precision at a low false-positive rate is the same bound.
    let precision = try pure.posteriorBelief(prior: 0.1, atFalsePositiveRate: 1e-3)
    #expect(precision >= expected * (1 - 1e-12) && precision < expected * 1.001)
    let gaussian = TradeOffCurve(GaussianProfile(parameter: 1))
    for failure in [0.01, 1e-6] {
      // The loss is N(μ²/2, μ²).
      let loss = 0.5 + NormalDistribution.upperQuantile(failure)
      let exact = 1 / (1 + exp(-loss))
      for direction in NeighborDirection.allCases {
        let belief = try gaussian.posteriorBelief(prior: 0.5, exceptWithProbability: failure, direction: direction)
        #expect(belief >= exact && belief < 1 / (1 + exp(-loss - 1.2)))
      }
    }
    #expect(
      try TradeOffCurve(ConstantProfile(value: 0.5)).posteriorBelief(prior: 0.5, exceptWithProbability: 0.1, direction: .addition) == 1)
  }

  @Test("conversions: one point, μ and ρ agree with closed forms and round to the safe side")
  func conversions() throws {
    // One (ε, δ) point allows at least what the mechanism does.
    let epsilon = try AnalyticGaussian.epsilon(noiseMultiplier: 1, delta: 1e-5).upper
    let point = try ApproximateGuarantee(epsilon: epsilon, delta: 1e-5)
    for rate in [1e-5, 0.01, 0.5] {
      #expect(try point.falseNegativeRate(atFalsePositiveRate: rate) <= gaussianTradeOff(1, rate))
    }
    #expect(point.advantage >= erf(1 / 8.0.squareRoot()))
    #expect(try ApproximateGuarantee(epsilon: .infinity, delta: 0).falseNegativeRate(atFalsePositiveRate: 0.1) == 0)
    #expect(abs(try ApproximateGuarantee(epsilon: .infinity, delta: 0).falseNegativeRate(atFalsePositiveRate: 0) - 1) < 1e-15)
    let gaussian = try GaussianGuarantee(meeting: PrivacyTarget(epsilon: epsilon, delta: 1e-5))
    #expect(relativeDifference(gaussian.parameter, 1) < 1e-12)
    #expect(try gaussian.delta(epsilon: epsilon) <= 1e-5 * (1 + 1e-11))
    #expect(relativeDifference(try GaussianGuarantee(parameter: 1).epsilon(delta: 1e-5), 4.37717809568) < 1e-11)
    for advantage in [1e-12, 1e-4, 0.1, 0.5, 0.99, 1 - 1e-9] {
      let guarantee = try GaussianGuarantee(advantage: advantage)
      #expect(guarantee.advantage <= advantage && relativeDifference(guarantee.advantage, advantage) < 1e-12, "\(advantage)")
    }
    for rate in [0, 1e-9, 0.1, 0.9, 1] {
      let value = try GaussianGuarantee(parameter: 2).falseNegativeRate(atFalsePositiveRate: rate)
      #expect(value <= gaussianTradeOff(2, rate) && relativeDifference(value, gaussianTradeOff(2, rate)) < 1e-11)
    }
    // ρ = μ²/2 is implied by μ, so its ε is no smaller.
    let concentrated = try ZeroConcentratedGuarantee(rho: 0.5)
    #expect(try concentrated.epsilon(delta: 1e-5) >= GaussianGuarantee(parameter: 1).epsilon(delta: 1e-5))
    #expect(try concentrated.epsilon(delta: 1e-5) <= 0.5 + 2 * (0.5 * log(1e5)).squareRoot())
    #expect(try concentrated.delta(epsilon: 5) >= GaussianGuarantee(parameter: 1).delta(epsilon: 5))
  }

  @Test("a summary says every figure, survives JSON and agrees with closed forms")
  func summary() throws {
    let summary = try RiskSummary(of: TradeOffCurve(GaussianProfile(parameter: 1)), delta: 1e-5)
    #expect(relativeDifference(summary.advantage, erf(1 / 8.0.squareRoot())) < 1e-12)
    #expect(summary.testPowers.map(\.falsePositiveRate) == [1e-3, 1e-2, 0.1])
    for power in summary.testPowers {
      let exact = 1 - gaussianTradeOff(1, power.falsePositiveRate)
      #expect(power.truePositiveRate >= exact * (1 - 1e-12) && power.truePositiveRate < exact * (1 + 1e-6))
    }
    let parameter = try #require(summary.gaussianParameter)
    #expect(parameter >= 1 && parameter < 1.001)
    #expect(abs(summary.bayesRisk - 0.5 * (1 - summary.advantage)) < 1e-12)
    #expect(summary.groups.map(\.size) == [2, 5])
    #expect(try JSONDecoder().decode(RiskSummary.self, from: JSONEncoder().encode(summary)) == summary)
    let text = summary.description
    for part in ["0.383", "0.1 %", "1 %", "10 %", "2 people", "5 people", "μ = 1.00", "0.3085"] {
      #expect(text.contains(part), "\(part) in:\n\(text)")
    }
  }

  @Test("meaningless numbers and failing profiles are errors")
  func hostile() throws {
    let curve = TradeOffCurve(GaussianProfile(parameter: 1))
    for rate in [-0.1, 1.1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try curve.falseNegativeRate(atFalsePositiveRate: rate) }
      #expect(throws: AccountingError.self) { try curve.bayesRisk(prior: rate) }
      #expect(throws: AccountingError.self) { try curve.posteriorBelief(prior: 0.5, atFalsePositiveRate: rate) }
      #expect(throws: AccountingError.self) { try curve.posteriorBelief(prior: 0.5, exceptWithProbability: rate, direction: .removal) }
      #expect(throws: AccountingError.self) { try curve.gaussianParameter(falsePositiveRatesAbove: rate) }
      #expect(throws: AccountingError.self) { try curve.gaussianParameter(resolution: rate) }
      #expect(throws: AccountingError.self) { try curve.groupEpsilon(size: 2, delta: rate) }
      #expect(throws: AccountingError.self) { try RiskSummary(of: curve, delta: rate) }
    }
    for size in [0, -1, Int.max] { #expect(throws: AccountingError.self) { try curve.groupEpsilon(size: size, delta: 1e-5) } }
    #expect(throws: AccountingError.self) { try TradeOffCurve(ConstantProfile(value: .nan)).advantage() }
    #expect(throws: AccountingError.self) { try TradeOffCurve(FailingProfile()).falseNegativeRate(atFalsePositiveRate: 0.1) }
    #expect(throws: AccountingError.self) { try ApproximateGuarantee(epsilon: .nan, delta: 0) }
    #expect(throws: AccountingError.self) { try ApproximateGuarantee(epsilon: 1, delta: 2) }
    for value in [0, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try GaussianGuarantee(parameter: value) }
      #expect(throws: AccountingError.self) { try GaussianGuarantee(advantage: value) }
    }
    #expect(throws: AccountingError.self) { try ZeroConcentratedGuarantee(rho: .nan) }
    #expect(throws: (any Error).self) { try JSONDecoder().decode(GaussianGuarantee.self, from: Data(#"{"parameter":-1}"#.utf8)) }
    // Rates at the ends of the range of numbers.
    for rate in [Double.leastNonzeroMagnitude, 1e-300, 1 - 1.2e-16] {
      let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate)
      #expect(bound.lower <= gaussianTradeOff(1, rate) * (1 + 1e-12) && bound.upper >= gaussianTradeOff(1, rate) * (1 - 1e-12))
    }
  }
}
