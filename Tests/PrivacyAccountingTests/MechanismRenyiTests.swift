import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Rényi divergences of further mechanisms")
struct MechanismRenyiTests {
  /// At least the exact value, and above it by less than `tolerance` relative.
  static func expectTight(_ value: Double, _ exact: Double, _ tolerance: Double, _ what: String = "") {
    #expect(value >= exact * (1 - 2e-16) && value <= exact * (1 + tolerance), "\(what): \(value) against \(exact)")
  }

  @Test(
    "exponential mechanism: the supremum over its losses (mpmath grid, 10 digits), dp_accounting's 0.123301561 at α → 1, caps η and αη²/8")
  func exponentialMechanism() throws {
    let cases = [(1, 2, 0.2402290137), (1, 10, 0.6898335717), (1, 1000, 0.9925439639), (3, 1.5, 1.411564827), (0.01, 5, 6.249817717e-5)]
    for (eta, order, expected) in cases {
      let value = try RenyiDivergence.exponentialMechanism(epsilon: eta, order: order)
      #expect(relativeDifference(value, expected) < 1e-8, "η=\(eta) α=\(order): \(value)")
    }
    #expect(abs(try RenyiDivergence.exponentialMechanism(epsilon: 1, order: 1 + 1e-9) - 0.123301561) < 1e-9)
    #expect(abs(try RenyiDivergence.exponentialMechanism(epsilon: 1, order: 1e9) - 1) < 1e-7)
    for eta in [1e-300, 1e-8, 1e-3, 1, 40, 1e3, 1e300] {
      for order in [1 + 1e-12, 1.5, 100, 1e12] {
        let value = try RenyiDivergence.exponentialMechanism(epsilon: eta, order: order)
        #expect(value >= 0 && value <= eta && value <= order * eta * eta / 8 * (1 + 1e-14), "η=\(eta) α=\(order): \(value)")
      }
    }
  }

  /// variance, shift, order, exact, bound: golden/accounting.json, `skellam`.
  static let skellamRows: [(variance: Double, order: Double, exact: Double, bound: Double)] = [
    (10, 1.5, 0.0749367367581340426, 0.095), (10, 2, 0.0996544384535425229, 0.1225), (10, 4, 0.195408137195570259, 0.2325),
    (100, 1.5, 0.00749992369693158393, 0.0077), (100, 2, 0.00999959186821528356, 0.010225), (100, 10, 0.0498909644903451512, 0.050625),
  ]

  @Test("Skellam: golden rows, exact to 1e-12 and the bound of Agarwal, Kairouz and Liu")
  func skellam() throws {
    for row in Self.skellamRows {
      Self.expectTight(try RenyiDivergence.skellamExact(variance: row.variance, shift: 1, order: row.order), row.exact, 1e-12, "\(row)")
      #expect(relativeDifference(RenyiDivergence.skellamFormula(variance: row.variance, l1: 1, l2: 1, order: row.order), row.bound) < 1e-12)
      let bound = try RenyiDivergence.skellam(variance: row.variance, l1: 1, l2: 1, order: row.order)
      #expect(bound >= row.exact && (row.order == 1.5 || relativeDifference(bound, row.bound) < 1e-12))
    }
    // mpmath, 40 digits.
    Self.expectTight(
      try RenyiDivergence.skellamExact(variance: 10, shift: 2, samplingRate: 0.1, order: 3), 0.0075149786696001507273, 1e-12)
    Self.expectTight(
      try RenyiDivergence.skellamExact(variance: 10, shift: 2, samplingRate: 0.1, direction: .addition, order: 3),
      0.0062044551635306828385, 1e-12)
    Self.expectTight(try RenyiDivergence.skellamExact(variance: 400, shift: 5, order: 20.5), 0.6311986101393278522, 1e-12)
    // Large variance: a Gaussian, within the bound's second term.
    let large = try RenyiDivergence.skellamExact(variance: 1e8, shift: 100, order: 2)
    #expect(abs(large - 1e-4) < 1e-10 && large >= 1e-4 * (1 - 1e-7))
  }

  @Test("discrete Gaussian, discrete Laplace, sampled in both directions: mpmath lattice sums to 1e-12, never above the Gaussian")
  func lattices() throws {
    let gaussians: [(Double, Int, Double, Double, NeighborDirection, Double)] = [
      (0.5, 1, 1.5, 1, .removal, 2.9424609651060381863), (2, 1, 10, 1, .removal, 1.25),
      (2, 3, 2.5, 0.01, .removal, 0.0011895260256744922256), (2, 3, 2.5, 0.01, .addition, 0.00070490223125371557032),
      (10, 1, 32, 1e-4, .removal, 1.6080753756715063533e-9), (0.3, 1, 7.3, 1, .removal, 40.491319231773727638),
    ]
    for (sigma, shift, order, rate, direction, exact) in gaussians {
      let value = try RenyiDivergence.discreteGaussian(
        sigma: sigma, shift: shift, samplingRate: rate, direction: direction, order: order)
      Self.expectTight(value, exact, 1e-12, "σ=\(sigma) s=\(shift) α=\(order) q=\(rate)")
      #expect(value <= order * Double(shift * shift) / (2 * sigma * sigma) * (1 + 1e-14))
    }
    let laplaces: [(Double, Int, Double, Double, NeighborDirection, Double)] = [
      (0.5, 1, 3, 1, .removal, 0.30240637505622147124), (0.5, 4, 2.5, 0.1, .removal, 0.053579341065730958103),
      (0.5, 4, 2.5, 0.1, .addition, 0.032566138601858717696),
    ]
    for (parameter, shift, order, rate, direction, exact) in laplaces {
      let value = try RenyiDivergence.discreteLaplace(
        parameter: parameter, shift: shift, samplingRate: rate, direction: direction, order: order)
      Self.expectTight(value, exact, 3e-12, "a=\(parameter) s=\(shift)")
    }
    // Sensitivity 1 is randomised response of two categories with the same ε.
    let response = try RenyiDivergence.discreteLaplace(parameter: 0.7, shift: 1, order: 5)
    #expect(relativeDifference(response, RenyiDivergence.pure(epsilon: 0.7, order: 5)) < 1e-11)
  }

  @Test("randomised response over k categories: the closed sums, both orders against an absent person")
  func randomizedResponse() throws {
    for (noise, categories, order) in [(0.5, 2, 2), (0.3, 5, 7.5), (0.9, 100, 1.01), (1e-3, 3, 40)] as [(Double, Int, Double)] {
      let k = Double(categories)
      let (truth, other) = (1 - noise + noise / k, noise / k)
      func moment(_ a: Double, _ b: Double) -> Double { pow(a, order) * pow(b, 1 - order) }
      let replace = log(moment(truth, other) + moment(other, truth) + (k - 2) * other) / (order - 1)
      let value = try RenyiDivergence.randomizedResponse(noise: noise, categories: categories, order: order)
      #expect(relativeDifference(value, replace) < 1e-10, "\(noise) \(categories) \(order)")
      let forth = log(moment(truth, 1 / k) + (k - 1) * moment(other, 1 / k)) / (order - 1)
      let back = log(moment(1 / k, truth) + (k - 1) * moment(1 / k, other)) / (order - 1)
      let absent = try RenyiDivergence.randomizedResponseAbsent(noise: noise, categories: categories, order: order)
      #expect(relativeDifference(absent, max(forth, back)) < 1e-10)
    }
    #expect(try RenyiDivergence.randomizedResponse(noise: 0, categories: 2, order: 2) == .infinity)
    #expect(try RenyiDivergence.randomizedResponse(noise: 1, categories: 2, order: 2) == 0)
    #expect(try RenyiDivergence.randomizedResponse(noise: 0, categories: 1, order: 2) == 0)
  }

  #if arch(x86_64)
  /// Weights of a binomial law with more than e^−690, its shifts 2k/σ, and positions where the ratio is near 1, small and large.
  @Test(
    "ratio of a mixture with equally spaced shifts: within its own rounding of the sum in 80 bits",
    arguments: [(79, 5.9e-7, 7.6), (79, 5.9e-7, 300), (16, 1e-6, 0.2), (900, 0.1, 50), (900, 0.1, 1000), (3, 0.5, 2)])
  func mixtureRatio(draws: Int, rate: Double, sigma: Double) throws {
    let law = try BinomialLaw(trials: draws, probability: rate)
    let kept = (1...draws).filter { law.logMass($0) > -690 }
    let shifts = kept.map { 2 * Double($0) / sigma }
    let weights = kept.map { exp(law.logMass($0)) }
    let unchanged = exp(law.logMass(0))
    let ratio = GaussianMixtureRatio(shifts: shifts, weights: weights, unchanged: unchanged)
    // The same weights, but shifts that are not equally spaced by more than rounding: every term by itself.
    var moved = shifts
    moved[1] *= 1 + 1e-12
    let plain = GaussianMixtureRatio(shifts: moved, weights: weights, unchanged: unchanged)
    let farthest = shifts[shifts.count - 1]
    for x in [-40, -7, -1, -0.1, -1e-3, 0, 1e-3, 0.1, 1, 5, 12, 0.3 * farthest, farthest, farthest + 9, 3 * farthest] {
      var (excess, sum, missing) = (Float80(0), Float80(unchanged), 1 - Float80(unchanged))
      for (shift, weight) in zip(shifts, weights) {
        let exponent = Float80(shift) * (Float80(x) - Float80(shift) / 2)
        excess += Float80(weight) * expm1(exponent)
        sum += Float80(weight) * exp(exponent)
        missing -= Float80(weight)
      }
      // The weights add up to 1 but for their own rounding.
      let slack = 4 * abs(Double(missing))
      let value = ratio.value(at: x)
      let expected = Double(abs(sum - 1) < 0.5 ? log1p(excess) : log(sum))
      #expect(abs(value.logRatio - expected) <= value.rounding + slack + abs(expected) * 1e-15, "\(x): \(value) \(expected)")
      if sum < 1e300 {
        #expect(abs(value.excess - Double(excess)) <= (4 * value.rounding + slack) * max(1, abs(Double(excess))), "\(x): \(value)")
      }
      #expect(value.rounding < 1e-11 * max(1, abs(expected)), "\(x): \(value)")
      // The ratio moves by no more than its slope times what the shift moved.
      #expect(abs(plain.value(at: x).logRatio - value.logRatio) <= 1e-11 * max(1, abs(expected)) * max(1, abs(x)), "\(x)")
    }
  }
  #endif

  @Test("Gaussian mixtures: mpmath quadrature to 1e-11; one shift is the Gaussian, two are the sampled Gaussian")
  func mixtures() throws {
    let cases: [([Double], [Double], Double, Double, Double, Double)] = [
      ([0, 1, 2], [0.2, 0.6, 0.2], 1, 2.5, 2.6001012241668874731, 0.67276516149315048338),
      ([0, 2, 4], [0.99, 0.0099, 0.0001], 2, 8, 5.4739908498882674526, 0.00059204162045168377609),
    ]
    for (shifts, weights, sigma, order, removal, addition) in cases {
      let mixture = try GaussianMixtureRenyi(shifts: shifts, weights: weights, noiseMultiplier: sigma)
      Self.expectTight(try mixture.divergence(order: order), removal, 1e-11)
      Self.expectTight(try mixture.divergence(order: order, direction: .addition), addition, 1e-11)
    }
    let plain = try GaussianMixtureRenyi(shifts: [3], weights: [1], noiseMultiplier: 2)
    for order in [1.001, 2, 17.5, 300] {
      for direction in NeighborDirection.allCases {
        #expect(relativeDifference(try plain.divergence(order: order, direction: direction), order * 9 / 8) < 1e-11)
      }
      let sampled = try GaussianMixtureRenyi(shifts: [0, 1], weights: [0.99, 0.01], noiseMultiplier: 0.9)
      let known = try SampledGaussianRenyi(samplingRate: 0.01, noiseMultiplier: 0.9, symmetric: false).divergence(order: order)
      #expect(relativeDifference(try sampled.divergence(order: order), known) < 1e-10, "α=\(order)")
      #expect(try sampled.divergence(order: order, direction: .addition) <= known * (1 + 1e-10), "α=\(order) \(known)")
    }
    let rare = try GaussianMixtureRenyi(shifts: [0, 1], weights: [0.99, 0.01], noiseMultiplier: 0.9)
    Self.expectTight(try rare.divergence(order: 300, direction: .addition), 0.00568863774668636, 1e-10)
    Self.expectTight(try rare.divergence(order: 17.5, direction: .addition), 0.00137895325593706, 1e-10)
    for order in [1 + 1e-7, 1e3, 1e5] {
      for direction in NeighborDirection.allCases {
        let value = try rare.divergence(order: order, direction: direction)
        #expect(value > 0 && value <= order / (2 * 0.81) * (1 + 1e-12), "α=\(order) \(direction): \(value)")
        // r ≥ 0.99 bounds the addition direction at every order.
        if direction == .addition { #expect(value <= -log(0.99) * (1 + 1e-10), "α=\(order): \(value)") }
      }
    }
  }

  @Test("a wide discrete Gaussian on a sample: its lattice sums within 1e-12, and not below them")
  func smoothLattice() throws {
    for (sigma, shift, rate) in [(30.0, 8, 0.01), (12, 1, 0.2), (40, 20, 1e-4)] {
      let event = PrivacyEvent.discreteGaussian(sigma: sigma, sensitivity: shift).sampled(.poisson(rate: rate))
      for order in [1.01, 2, 7.5, 60] {
        let value = try PrivacyAccountant().renyiDivergence(of: event, order: order)
        let lattice = try RenyiDivergence.discreteGaussian(sigma: sigma, shift: shift, samplingRate: rate, order: order)
        #expect(value >= lattice * (1 - 1e-15) && value <= lattice * (1 + 6e-12), "σ=\(sigma) α=\(order): \(value) \(lattice)")
      }
    }
  }

  @Test("noise that is symmetric: on a sample addition never exceeds removal")
  func symmetricNoise() throws {
    for rate in [1e-4, 0.03, 0.5, 0.97] {
      for order in [1.001, 1.7, 4, 33, 400] {
        let pairs = [
          (
            try RenyiDivergence.discreteGaussian(sigma: 1.3, shift: 2, samplingRate: rate, direction: .addition, order: order),
            try RenyiDivergence.discreteGaussian(sigma: 1.3, shift: 2, samplingRate: rate, order: order)
          ),
          (
            try RenyiDivergence.discreteLaplace(parameter: 0.4, shift: 5, samplingRate: rate, direction: .addition, order: order),
            try RenyiDivergence.discreteLaplace(parameter: 0.4, shift: 5, samplingRate: rate, order: order)
          ),
          (
            try RenyiDivergence.skellamExact(variance: 7, shift: 3, samplingRate: rate, direction: .addition, order: order),
            try RenyiDivergence.skellamExact(variance: 7, shift: 3, samplingRate: rate, order: order)
          ),
        ]
        for (addition, removal) in pairs { #expect(addition <= removal * (1 + 1e-11), "q=\(rate) α=\(order): \(addition) \(removal)") }
      }
    }
  }

  @Test("closed bounds of a sample are above its sums, and at rate 1 the whole")
  func closedSampled() throws {
    for rate in [1e-6, 0.01, 0.4, 1] {
      for order in [1.1, 2, 20, 300] {
        let exact = try RenyiDivergence.discreteGaussian(sigma: 2, shift: 1, samplingRate: rate, order: order)
        let whole = try RenyiDivergence.discreteGaussian(sigma: 2, shift: 1, order: order)
        let removal = RenyiDivergence.sampledRemoval(divergence: whole, rate: rate, order: order)
        let both = RenyiDivergence.sampled(divergence: whole, rate: rate, order: order)
        #expect(exact <= removal * (1 + 1e-12) && removal <= both * (1 + 1e-9) + 1e-13 && both <= whole, "q=\(rate) α=\(order)")
      }
    }
    // Sums that are too long end in such a bound, far below the whole: α/(2σ²) = 2e6.
    let long = try SampledGaussianRenyi(samplingRate: 1e-3, noiseMultiplier: 0.05, symmetric: false).divergence(order: 1e4)
    #expect(long > 1.99e6 && long < 2e6)
    // A sampled composition is less than the whole.
    let event = PrivacyEvent.composed([.gaussian(noiseMultiplier: 2), .laplace(noiseMultiplier: 3)])
    let sampled = try PrivacyAccountant().renyiDivergence(of: event.sampled(.poisson(rate: 0.01)), order: 2)
    #expect(sampled < 0.02 * (try PrivacyAccountant().renyiDivergence(of: event, order: 2)))
  }

  @Test("extreme and hostile input gives a number or an error")
  func hostile() throws {
    for order in [1 + 1e-9, 2, 1e4, 1e9] {
      for scale in [1e-3, 0.1, 30, 1e4] {
        for rate in [1e-9, 0.3, 1] {
          let values = [
            try RenyiDivergence.discreteGaussian(sigma: scale, shift: 3, samplingRate: rate, order: order),
            try RenyiDivergence.discreteGaussian(sigma: scale, shift: 3, samplingRate: rate, direction: .addition, order: order),
            try RenyiDivergence.skellamExact(variance: scale, shift: 3, samplingRate: rate, order: order),
            try RenyiDivergence.discreteLaplace(parameter: scale, shift: 3, samplingRate: rate, order: order),
          ]
          #expect(values.allSatisfy { $0 >= 0 && $0.isFinite }, "α=\(order) scale=\(scale) q=\(rate): \(values)")
        }
      }
    }
    for bad in [0, -1, .nan, .infinity] as [Double] {
      #expect(throws: AccountingError.self) { try RenyiDivergence.discreteGaussian(sigma: bad, shift: 1, order: 2) }
      #expect(throws: AccountingError.self) { try RenyiDivergence.skellamExact(variance: bad, shift: 1, order: 2) }
      #expect(throws: AccountingError.self) { try RenyiDivergence.discreteLaplace(parameter: bad, shift: 1, order: 2) }
      #expect(throws: AccountingError.self) { try RenyiDivergence.exponentialMechanism(epsilon: 1, order: bad) }
      #expect(throws: AccountingError.self) { try GaussianMixtureRenyi(shifts: [1], weights: [bad], noiseMultiplier: 1) }
    }
    #expect(throws: AccountingError.self) { try RenyiDivergence.randomizedResponse(noise: .nan, categories: 2, order: 2) }
    #expect(throws: AccountingError.self) { try GaussianMixtureRenyi(shifts: [], weights: [], noiseMultiplier: 1) }
    #expect(throws: AccountingError.self) { try RenyiDivergence.discreteGaussian(sigma: 1, shift: -1, order: 2) }
  }
}
