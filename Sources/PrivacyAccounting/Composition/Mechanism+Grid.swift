import Dispatch
import Foundation
import Synchronization

extension Mechanism {
  /// The law of the loss as the grid takes it, for removal and for addition; nil for a mechanism known by its Rényi curve only.
  ///
  /// Both at once, because tables that take long to make serve both.
  func laws() throws(AccountingError) -> (removal: PrivacyLossLaw, addition: PrivacyLossLaw)? {
    func both(_ law: PrivacyLossLaw) -> (removal: PrivacyLossLaw, addition: PrivacyLossLaw) { (law, law) }
    func both(_ atoms: LossAtoms) -> (removal: PrivacyLossLaw, addition: PrivacyLossLaw) { (.atoms(atoms), .atoms(atoms.swapped)) }
    switch self {
    case .gaussian(let sigma): return both(.gaussian(noiseMultiplier: sigma))
    case .sampledGaussian(let rate, let sigma, symmetric: true): return both(.symmetricSampledGaussian(rate: rate, noiseMultiplier: sigma))
    case .sampledGaussian(let rate, let sigma, symmetric: false):
      return (
        .sampledGaussian(rate: rate, noiseMultiplier: sigma, direction: .removal),
        .sampledGaussian(rate: rate, noiseMultiplier: sigma, direction: .addition)
      )
    case .gaussianMixture(let shifts, let weights, let sigma):
      let mixture = try SensitivityMixture(zip(shifts, weights).map { (shift: $0, probability: $1) })
      return (
        .gaussianMixture(mixture, noiseMultiplier: sigma, direction: .removal),
        .gaussianMixture(mixture, noiseMultiplier: sigma, direction: .addition)
      )
    case .drawnWithReplacement(let draws, let populationSize, let sigma):
      return both(.atoms(try Self.drawnProfile(draws: draws, populationSize: populationSize, sigma: sigma)))
    case .laplace(1, let scale): return both(.laplace(noiseMultiplier: scale))
    case .laplace(let rate, let scale):
      return (
        .sampledLaplace(rate: rate, noiseMultiplier: scale, direction: .removal),
        .sampledLaplace(rate: rate, noiseMultiplier: scale, direction: .addition)
      )
    case .discrete(let discrete, 1): return both(.atoms(try discrete.atoms))
    case .discrete(let discrete, let rate): return both(try discrete.atoms.sampled(rate: rate))
    case .boundedRange(let epsilon): return both(.boundedRange(eta: epsilon))
    case .pure(let epsilon): return both(.atoms(try .pure(epsilon: epsilon)))
    case .randomAllocation(let rounds, let sigma):
      let law = try RandomAllocationLaw(rounds: rounds, noiseMultiplier: sigma, gridPoints: RandomAllocationLaw.gridPoints(rounds: rounds))
      func atoms(_ direction: NeighborDirection) -> PrivacyLossLaw {
        let law = law.lossAtoms(direction: direction)
        let atoms = zip(law.losses, law.masses).map { LossAtom(loss: $0, probability: $1) }.filter { $0.probability > 0 }
        return .atoms(LossAtoms(bounding: atoms, infinity: law.infinite))
      }
      return (atoms(.removal), atoms(.addition))
    case .sampledComposition(let inner, let rate):
      guard let grid = try GridBackend.components(inner)?.map({ (law: $0.laws.removal, count: $0.count) }) else { return nil }
      return both(try GridAccountant(grid).composedAtoms(delta: 1e-30).sampled(rate: rate))
    case .skellamVector, .zeroConcentrated, .selection: return nil
    }
  }

  /// Both orders of two mixtures, by upper bounds of δ at many ε.
  private static func drawnProfile(draws: Int, populationSize: Int, sigma: Double) throws(AccountingError) -> LossAtoms {
    let drawn = try WithReplacement(draws: draws, population: populationSize, tailMass: 1e-300)
    // The last points reach δ of 1e-300 or ε of 500.
    let reach = min(500, 40 / sigma + 4 / (sigma * sigma) + 1)
    let (count, section) = (4_001, 256)
    let answers = Mutex([Result<Double, AccountingError>?](repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: (count + section - 1) / section) { worker in
      let range = worker * section..<min(count, (worker + 1) * section)
      let part = range.map { index in
        Result { () throws(AccountingError) in
          try drawn.replaceOneDelta(noiseMultiplier: sigma, epsilon: Self.profileEpsilon(index, of: count, reach: reach))
        }
      }
      answers.withLock { $0.replaceSubrange(range, with: part) }
    }
    var points: [(epsilon: Double, delta: Double)] = []
    for (index, answer) in answers.withLock({ $0 }).enumerated() {
      points.append((profileEpsilon(index, of: count, reach: reach), min(1, try answer?.get() ?? 1)))
    }
    return try .profile(points)
  }

  /// Even in the square root of ε: the profile bends most at 0.
  private static func profileEpsilon(_ index: Int, of count: Int, reach: Double) -> Double {
    let root = Double(index) / Double(count - 1)
    return reach * root * root
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

}
