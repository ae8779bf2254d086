import PrivacyEvents

/// Evaluates R(α) of one mechanism, with what does not depend on α made once.
struct MechanismRenyi: Sendable {
  private let evaluate: @Sendable (Double) throws(AccountingError) -> Double

  /// - Throws: `.unsupportedEvent` for a mechanism without a Rényi curve here.
  init(_ mechanism: Mechanism) throws(AccountingError) {
    evaluate = try Self.curve(of: mechanism)
  }

  /// R(α), the greater of both directions; α > 1.
  func divergence(order alpha: Double) throws(AccountingError) -> Double { try evaluate(alpha) }

  private static func curve(
    of mechanism: Mechanism
  ) throws(AccountingError) -> @Sendable (Double) throws(AccountingError) -> Double {
    switch mechanism {
    case .gaussian(let sigma):
      return { RenyiDivergence.gaussian(noiseMultiplier: sigma, order: $0) }
    case .sampledGaussian(let rate, let sigma, let symmetric):
      let sampled = SampledGaussianRenyi(samplingRate: rate, noiseMultiplier: sigma, symmetric: symmetric)
      return { alpha throws(AccountingError) in try sampled.divergence(order: alpha) }
    case .gaussianMixture(let shifts, let weights, let sigma):
      let mixture = try GaussianMixtureRenyi(shifts: shifts, weights: weights, noiseMultiplier: sigma)
      return { alpha throws(AccountingError) in
        max(try mixture.divergence(order: alpha, direction: .removal), try mixture.divergence(order: alpha, direction: .addition))
      }
    case .laplace(1, let scale):
      return { RenyiDivergence.laplace(noiseMultiplier: scale, order: $0) }
    case .laplace(let rate, let scale):
      // Pure, and so bounded by randomised response of the amplified ε.
      let epsilon = SampledProfile.amplifiedPure(epsilon: 1 / scale, rate: rate)
      return { min(RenyiDivergence.pure(epsilon: epsilon, order: $0), RenyiDivergence.laplace(noiseMultiplier: scale, order: $0)) }
    case .discrete(let discrete, let rate): return try curve(of: discrete, samplingRate: rate)
    case .skellamVector(let variance, let l1, let l2):
      return { alpha throws(AccountingError) in try RenyiDivergence.skellam(variance: variance, l1: l1, l2: l2, order: alpha) }
    case .boundedRange(let epsilon):
      return { alpha throws(AccountingError) in try RenyiDivergence.exponentialMechanism(epsilon: epsilon, order: alpha) }
    case .pure(let epsilon):
      return { RenyiDivergence.pure(epsilon: epsilon, order: $0) }
    case .zeroConcentrated(let rho):
      return { RenyiDivergence.zeroConcentrated(rho: rho, order: $0) }
    case .randomAllocation(let rounds, let sigma):
      let allocation = try RandomAllocationRenyi(rounds: rounds, noiseMultiplier: sigma)
      return { alpha throws(AccountingError) in try allocation.divergence(order: alpha) }
    case .selection(let composition, let runs):
      let inner = RenyiCurve(composition)
      let pure = composition.pureEpsilon ?? .infinity
      let law: RepeatAndSelect.Repetitions =
        switch runs {
        case .poisson(let mean): .poisson(mean: mean)
        case .truncatedNegativeBinomial(let shape, let gamma): .truncatedNegativeBinomial(shape: shape, gamma: gamma)
        }
      let selection = try RepeatAndSelect(law) { order throws(AccountingError) in
        order == .infinity ? pure : try inner.divergence(order: order)
      }
      return { alpha throws(AccountingError) in try selection.divergence(order: alpha) }
    case .sampledComposition(let inner, let rate):
      if let epsilon = inner.pureEpsilon {
        let amplified = SampledProfile.amplifiedPure(epsilon: epsilon, rate: rate)
        return { RenyiDivergence.pure(epsilon: amplified, order: $0) }
      }
      let whole = RenyiCurve(inner)
      return { alpha throws(AccountingError) in
        RenyiDivergence.sampled(divergence: try whole.divergence(order: alpha), rate: rate, order: alpha)
      }
    case .drawnWithReplacement:
      throw .unsupportedEvent(event: "sampled", reason: "a draw with replacement has no Rényi curve here under this relation")
    }
  }

  /// Removal alone: the noise is symmetric, so that an outcome x has a mirror image ν(x) with P(x) = Q(ν(x)) and w = P(x)/Q(x) becomes 1/w
  /// there. Then addition never exceeds removal, at any order and rate (Mironov, Talwar and Zhang 2019, theorem 5). For one pair of outcomes
  /// with w ≥ 1, a = 1 − q + qw, b = 1 − q + q/w and k = α − ½ that says √a sinh(k log a) ≥ w√b sinh(k log(1/b)); at k = ½ both sides are
  /// q(w − 1)/2, and the left one grows faster with k because ab = 1 + q(1 − q)(w + 1/w − 2) ≥ 1.
  private static func curve(
    of mechanism: Mechanism.DiscreteMechanism, samplingRate rate: Double
  ) throws(AccountingError) -> @Sendable (Double) throws(AccountingError) -> Double {
    switch mechanism {
    case .discreteGaussian(let sigma, let shift):
      if let smooth = SmoothDiscreteGaussianRenyi(sigma: sigma, shift: shift, samplingRate: rate) {
        return { alpha throws(AccountingError) in try smooth.divergence(order: alpha) }
      }
      return { alpha throws(AccountingError) in
        try RenyiDivergence.discreteGaussian(sigma: sigma, shift: shift, samplingRate: rate, order: alpha)
      }
    case .discreteLaplace(let scale, let shift):
      return { alpha throws(AccountingError) in
        try RenyiDivergence.discreteLaplace(parameter: 1 / scale, shift: shift, samplingRate: rate, order: alpha)
      }
    case .skellam(let variance, let shift):
      let table = SkellamRenyi(variance: variance, shift: shift)
      return { alpha throws(AccountingError) in try table.divergence(order: alpha, samplingRate: rate) }
    case .randomizedResponse(let noise, let buckets):
      return { alpha throws(AccountingError) in
        try RenyiDivergence.randomizedResponse(noise: noise, categories: buckets, order: alpha)
      }
    }
  }
}
