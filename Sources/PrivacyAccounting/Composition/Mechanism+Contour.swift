extension Mechanism {
  /// The loss in one direction as the contour integral takes it; nil for what has no such form.
  func cumulant(_ direction: NeighborDirection) -> LossCumulant? {
    switch self {
    case .gaussian(let noiseMultiplier): .gaussian(noiseMultiplier: noiseMultiplier)
    case .sampledGaussian(let rate, let noiseMultiplier, symmetric: true):
      .symmetricSampledGaussian(samplingRate: rate, noiseMultiplier: noiseMultiplier)
    case .sampledGaussian(let rate, let noiseMultiplier, symmetric: false):
      .sampledGaussian(samplingRate: rate, noiseMultiplier: noiseMultiplier, direction: direction)
    case .laplace(let rate, let noiseMultiplier):
      .laplace(samplingRate: rate, noiseMultiplier: noiseMultiplier, direction: direction)
    case .boundedRange(let epsilon): .boundedRange(epsilon: epsilon)
    case .pure(let epsilon): .pure(epsilon: epsilon)
    default: nil
    }
  }

  /// Whether both orders of the pair have the same profile.
  var isSymmetric: Bool {
    switch self {
    case .sampledGaussian(_, _, let symmetric): symmetric
    case .laplace(let rate, _), .discrete(_, let rate): rate == 1
    case .gaussian, .boundedRange, .pure, .drawnWithReplacement, .skellamVector, .zeroConcentrated, .selection: true
    case .gaussianMixture, .randomAllocation, .sampledComposition: false
    }
  }
}
