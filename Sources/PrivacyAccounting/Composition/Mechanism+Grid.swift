import Foundation

extension Mechanism {
  /// The law of the loss in one direction as the grid takes it; nil for a mechanism known by its Rényi curve only.
  func law(_ direction: NeighborDirection) throws(AccountingError) -> PrivacyLossLaw? {
    switch self {
    case .gaussian(let sigma): return .gaussian(noiseMultiplier: sigma)
    case .sampledGaussian(let rate, let sigma, symmetric: true): return .symmetricSampledGaussian(rate: rate, noiseMultiplier: sigma)
    case .sampledGaussian(let rate, let sigma, symmetric: false):
      return .sampledGaussian(rate: rate, noiseMultiplier: sigma, direction: direction)
    case .gaussianMixture(let shifts, let weights, let sigma):
      let mixture = try SensitivityMixture(zip(shifts, weights).map { (shift: $0, probability: $1) })
      return .gaussianMixture(mixture, noiseMultiplier: sigma, direction: direction)
    case .drawnWithReplacement(let draws, let populationSize, let sigma):
      return .atoms(try Self.drawnProfile(draws: draws, populationSize: populationSize, sigma: sigma))
    case .laplace(1, let scale): return .laplace(noiseMultiplier: scale)
    case .laplace(let rate, let scale): return .sampledLaplace(rate: rate, noiseMultiplier: scale, direction: direction)
    case .discrete(let discrete, 1): return .atoms(try discrete.atoms)
    case .discrete(let discrete, let rate): return .atoms(try discrete.atoms.sampled(rate: rate).turned(direction))
    case .boundedRange(let epsilon): return .boundedRange(eta: epsilon)
    case .pure(let epsilon): return .atoms(try .pure(epsilon: epsilon))
    case .randomAllocation(let rounds, let sigma):
      let law = try RandomAllocationLaw(rounds: rounds, noiseMultiplier: sigma).lossAtoms(direction: direction)
      let atoms = zip(law.losses, law.masses).map { LossAtom(loss: $0, probability: $1) }.filter { $0.probability > 0 }
      return .atoms(LossAtoms(bounding: atoms, infinity: law.infinite))
    case .sampledComposition(let inner, let rate):
      guard let grid = try GridBackend.components(inner, .removal) else { return nil }
      return .atoms(try GridAccountant(grid).composedAtoms(delta: 1e-30).sampled(rate: rate).turned(direction))
    case .skellamVector, .zeroConcentrated, .selection: return nil
    }
  }

  /// Both orders of two mixtures, by upper bounds of δ at many ε.
  private static func drawnProfile(draws: Int, populationSize: Int, sigma: Double) throws(AccountingError) -> LossAtoms {
    let drawn = try WithReplacement(draws: draws, population: populationSize, tailMass: 1e-300)
    // Even in the square root of ε: the profile bends most at 0. The last points reach δ of 1e-300 or ε of 500.
    var points: [(epsilon: Double, delta: Double)] = []
    let reach = min(500, 40 / sigma + 4 / (sigma * sigma) + 1)
    for index in 0...4_000 {
      let root = Double(index) / 4_000
      let epsilon = reach * root * root
      points.append((epsilon, min(1, try drawn.replaceOneDelta(noiseMultiplier: sigma, epsilon: epsilon))))
    }
    return try .profile(points)
  }
}

extension Mechanism.DiscreteMechanism {
  /// The loss of the pair; the same in both directions, because the noise is symmetric.
  var atoms: LossAtoms {
    get throws(AccountingError) {
      switch self {
      case .discreteGaussian(let sigma, let shift): try .discreteGaussian(sigma: sigma, shift: shift)
      case .discreteLaplace(let scale, let shift): try .discreteLaplace(scale: scale, shift: shift)
      case .skellam(let variance, let shift): try .skellam(variance: variance, shift: shift)
      case .randomizedResponse(let noise, let buckets): try .randomizedResponse(noise: noise, buckets: buckets)
      }
    }
  }
}

extension LossAtoms {
  /// Atoms whose profile is an upper bound; nothing is known from below.
  init(bounding atoms: [LossAtom], infinity: Double) {
    self.init(
      upper: Table(atoms: atoms.sorted { $0.loss < $1.loss }, infinity: infinity),
      lower: Table(atoms: [LossAtom(loss: 0, probability: 1)], infinity: 0), relativeError: 1e-13,
      lossError: atoms.reduce(1) { max($0, abs($1.loss)) } * 1e-15, spacing: nil, coversQ: false)
  }

  /// The pair in this direction, from that of removal.
  func turned(_ direction: NeighborDirection) -> LossAtoms { direction == .removal ? self : swapped }
}
