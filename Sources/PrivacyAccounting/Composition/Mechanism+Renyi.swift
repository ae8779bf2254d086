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
    case .discrete(let discrete, let rate):
      return { alpha throws(AccountingError) in
        max(
          try divergence(of: discrete, samplingRate: rate, direction: .removal, order: alpha),
          try divergence(of: discrete, samplingRate: rate, direction: .addition, order: alpha))
      }
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
      return { alpha throws(AccountingError) in
        max(try allocation.divergence(order: alpha, direction: .removal), try allocation.divergence(order: alpha, direction: .addition))
      }
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
      return { alpha throws(AccountingError) in try whole.divergence(order: alpha) }
    case .drawnWithReplacement:
      throw .unsupportedEvent(event: "sampled", reason: "a draw with replacement has no Rényi curve here under this relation")
    }
  }

  private static func divergence(
    of mechanism: Mechanism.DiscreteMechanism, samplingRate: Double, direction: NeighborDirection, order alpha: Double
  ) throws(AccountingError) -> Double {
    switch mechanism {
    case .discreteGaussian(let sigma, let shift):
      try RenyiDivergence.discreteGaussian(
        sigma: sigma, shift: shift, samplingRate: samplingRate, direction: direction, order: alpha)
    case .discreteLaplace(let scale, let shift):
      try RenyiDivergence.discreteLaplace(
        parameter: 1 / scale, shift: shift, samplingRate: samplingRate, direction: direction, order: alpha)
    case .skellam(let variance, let shift):
      // Sampling never increases a divergence (quasi-convexity).
      try RenyiDivergence.skellamExact(variance: variance, shift: shift, order: alpha)
    case .randomizedResponse(let noise, let buckets):
      try RenyiDivergence.randomizedResponse(noise: noise, categories: buckets, order: alpha)
    }
  }
}
