import Foundation

/// The privacy loss of one pair (P, Q) as a quadrature rule: E_P f(L) = Σ mass × f(loss), to the stated error for f = e^{zL}.
///
/// Atoms of the loss are nodes too. Nodes come in increasing order of the loss, atoms last.
struct LossNodes: Sendable {
  /// Losses, in nats.
  var losses: [Double] = []
  /// log of the P-mass of each node.
  var logMasses: [Double] = []
  /// log of the density of the continuous part of the loss at each node, by P; for the atoms, which come last, there is none.
  var logDensities: [Double] = []
  /// The tail's share of each node, where the loss is split (``BulkSplit``); else empty.
  var tailShares: [Double] = []
  /// Error of Σ mass × e^{zL}, relative to its value at Re z, for all z of the strip that the nodes were made for: of the rule.
  var relativeError = 0.0
  /// The same for what was cut off at the ends and between.
  var cutError = 0.0
  /// Error that does not scale with e^{cL}: that of the linear part, see ``CumulantLine``.
  var linearError = 0.0

  /// The P-mass of a node less its Q-mass, mass × (1 − e^{−loss}).
  @inline(__always) static func difference(loss: Double, logMass: Double) -> Double {
    loss > -1 ? exp(logMass) * -expm1(-loss) : exp(logMass) - exp(logMass - loss)
  }

  /// The nodes without those of negligible mass on the line Re z = c and under P and Q; what is cut enters the errors.
  func pruned(at c: Double) -> LossNodes {
    let tilted = zip(losses, logMasses).map { $1 + c * $0 }
    let plain = zip(losses, logMasses).map { max($1, $1 - $0) }
    let peak = tilted.max() ?? 0
    // 1e-20 of the peak per node; with fewer than 1e5 nodes the cut sum stays below 1e-15, and is counted.
    let depth = 46.0
    var result = self
    result.losses.removeAll(keepingCapacity: true)
    result.logMasses.removeAll(keepingCapacity: true)
    result.logDensities.removeAll(keepingCapacity: true)
    result.tailShares.removeAll(keepingCapacity: true)
    var cut = 0.0
    for index in losses.indices {
      if tilted[index] < peak - depth && plain[index] < -depth {
        cut += exp(tilted[index] - peak) + exp(plain[index])
        continue
      }
      result.losses.append(losses[index])
      result.logMasses.append(logMasses[index])
      if index < logDensities.count { result.logDensities.append(logDensities[index]) }
      if index < tailShares.count { result.tailShares.append(tailShares[index]) }
    }
    result.cutError += cut
    result.linearError += cut
    return result
  }
}

/// A privacy loss whose cumulant K(z) = log E_P e^{zL} is known in the half plane Re z > 0.
enum LossCumulant: Hashable, Sendable {
  /// N(1, σ²) against N(0, σ²).
  case gaussian(noiseMultiplier: Double)
  /// (1−q)N(0, σ²) + qN(1, σ²) against N(0, σ²), or the roles swapped.
  case sampledGaussian(samplingRate: Double, noiseMultiplier: Double, direction: NeighborDirection)
  /// The one pair that stands for both orders of two mixtures (replace-one): the removal profile for e^ε ≥ 1, mirrored below.
  case symmetricSampledGaussian(samplingRate: Double, noiseMultiplier: Double)
  /// Laplace noise of scale b on a query of sensitivity 1, on a Poisson sample when `samplingRate` < 1.
  case laplace(samplingRate: Double, noiseMultiplier: Double, direction: NeighborDirection)
  /// The envelope of all η-bounded-range pairs.
  case boundedRange(epsilon: Double)
  /// Atoms of loss −ε and ε: the worst ε-differentially private pair.
  case pure(epsilon: Double)

  /// Least upper bound of the loss, rounded up.
  var supremum: Double { roundedSupremum * (1 + 8e-16) }

  private var roundedSupremum: Double {
    switch self {
    case .gaussian, .symmetricSampledGaussian, .sampledGaussian(_, _, direction: .removal): .infinity
    case .sampledGaussian(let rate, _, direction: .addition): -log1p(-rate)
    case .laplace(let rate, let scale, let direction):
      direction == .removal ? LossNodes.sampledLoss(1 / scale, rate: rate) : -LossNodes.sampledLoss(-1 / scale, rate: rate)
    case .boundedRange(let epsilon), .pure(let epsilon): epsilon
    }
  }

  /// Whether |E e^{zL}| falls along a line, so that an integral along it can be cut.
  var decays: Bool { if case .pure = self { false } else { true } }

  /// How many ``nodes(greatest:height:cut:)`` there are; nil for what has a closed form.
  func nodeCount(greatest: Double, height: Double, cut: TailCut? = nil) throws(AccountingError) -> Int? {
    switch self {
    case .gaussian: return nil
    case .sampledGaussian(let rate, let sigma, let direction):
      return try SampledGaussianRule(
        sigma: sigma, rate: rate, direction: direction, greatest: greatest, height: height, cut: cut
      ).count
    case .symmetricSampledGaussian(_, let sigma):
      return 2 * (try LossNodes.symmetricPanels(sigma: sigma, greatest: greatest, height: height).pointCount) + 1
    case .laplace(_, let scale, _): return try LossNodes.laplacePanels(scale: scale, greatest: greatest, height: height).pointCount + 2
    case .boundedRange(let epsilon):
      return try LossNodes.boundedRangePanels(epsilon: epsilon, greatest: greatest, height: height).pointCount
    case .pure: return 2
    }
  }

  /// Nodes for the strip 0 ≤ Re z ≤ `greatest`, |Im z| ≤ `height`; nil for what has a closed form.
  ///
  /// - Parameter cut: where the nodes are shared between bulk and tail; for a loss that has a ``tailCut(at:)``.
  func nodes(greatest: Double, height: Double, cut: TailCut? = nil) throws(AccountingError) -> LossNodes? {
    switch self {
    case .gaussian: return nil
    case .sampledGaussian(let rate, let sigma, let direction):
      return try .sampledGaussian(rate: rate, sigma: sigma, direction: direction, greatest: greatest, height: height, cut: cut)
    case .symmetricSampledGaussian(let rate, let sigma):
      return try .symmetricSampledGaussian(rate: rate, sigma: sigma, greatest: greatest, height: height)
    case .laplace(let rate, let scale, let direction):
      return try .laplace(rate: rate, scale: scale, direction: direction, greatest: greatest, height: height)
    case .boundedRange(let epsilon): return try .boundedRange(epsilon: epsilon, greatest: greatest, height: height)
    case .pure(let epsilon):
      // P puts e^ε/(1+e^ε) on +ε.
      return LossNodes(losses: [-epsilon, epsilon], logMasses: [-epsilon - log1p(exp(-epsilon)), -log1p(exp(-epsilon))])
    }
  }
}
