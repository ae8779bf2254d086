import Foundation

/// Distribution of the privacy loss log(P/Q) under P of one mechanism, for a sensitivity of 1.
package enum PrivacyLossLaw: Hashable, Sendable {
  /// N(1, σ²) against N(0, σ²).
  case gaussian(noiseMultiplier: Double)
  /// Laplace noise of the given scale against its shift by 1.
  case laplace(noiseMultiplier: Double)
  /// (1 − r)N(0, σ²) + rN(1, σ²) against N(0, σ²).
  case sampledGaussian(rate: Double, noiseMultiplier: Double, direction: NeighborDirection)
  /// One pair that dominates every pair both of whose orders obey the removal profile of the sampled Gaussian for e^ε ≥ 1
  /// (replace-one, fixed-size subsets).
  case symmetricSampledGaussian(rate: Double, noiseMultiplier: Double)
  /// Σ p_i N(s_i, σ²) against N(0, σ²).
  case gaussianMixture(SensitivityMixture, noiseMultiplier: Double, direction: NeighborDirection)
  /// (1 − r)Q + rP against Q for the Laplace mechanism.
  case sampledLaplace(rate: Double, noiseMultiplier: Double, direction: NeighborDirection)
  /// All mechanisms of bounded range η (Dong, Durfee and Rogers 2020, "Optimal differential privacy composition for exponential
  /// mechanisms"): losses lie in an interval [t − η, t]. The maximum of their profiles is δ(γ) = (1 − √γ e^(−η/2))²/(1 − e^(−η)).
  case boundedRange(eta: Double)
  /// Any law with finitely many values.
  case atoms(LossAtoms)

  /// What the grid needs, after a check of the parameters.
  func model() throws(AccountingError) -> LossModel {
    switch self {
    case .gaussian(let sigma):
      try Self.check(sigma)
      return LossModel(continuous: GaussianLoss(sigma: sigma))
    case .laplace(let scale):
      try Self.check(scale)
      let end = 1 / scale
      return LossModel(
        continuous: ExponentialRampLoss(limit: end, scale: 0.5),
        atoms: Self.exact([LossAtom(loss: -end, probability: 0.5 * exp(-end)), LossAtom(loss: end, probability: 0.5)], spacing: end))
    case .sampledGaussian(let rate, let sigma, let direction):
      try Self.check(sigma)
      try Self.check(rate: rate)
      if rate == 1 { return LossModel(continuous: GaussianLoss(sigma: sigma)) }
      let loss = SampledLoss(base: GaussianLoss(sigma: sigma), rate: rate)
      return direction == .removal ? LossModel(continuous: loss) : LossModel(continuous: SwappedLoss(base: loss))
    case .symmetricSampledGaussian(let rate, let sigma):
      try Self.check(sigma)
      try Self.check(rate: rate)
      if rate == 1 { return LossModel(continuous: GaussianLoss(sigma: sigma)) }
      // 1 − P(L > 0) − Q(L > 0) with L > 0 where x > ½.
      let zero = (1 - rate) * erf(0.5 / sigma / 2.0.squareRoot())
      return LossModel(
        continuous: MirroredLoss(base: SampledLoss(base: GaussianLoss(sigma: sigma), rate: rate)),
        atoms: Self.exact([LossAtom(loss: 0, probability: zero)], spacing: nil))
    case .gaussianMixture(let mixture, let sigma, let direction):
      try Self.check(sigma)
      guard !mixture.shifts.isEmpty else { return Self.nothing }
      let loss = GaussianMixtureLoss(mixture: mixture, sigma: sigma)
      return direction == .removal ? LossModel(continuous: loss) : LossModel(continuous: SwappedLoss(base: loss))
    case .sampledLaplace(let rate, let scale, let direction):
      try Self.check(scale)
      try Self.check(rate: rate)
      if rate == 1 { return try PrivacyLossLaw.laplace(noiseMultiplier: scale).model() }
      let end = 1 / scale
      let base = Self.exact([LossAtom(loss: -end, probability: 0.5 * exp(-end)), LossAtom(loss: end, probability: 0.5)], spacing: end)
      // The atoms alone: Q's mass without P belongs to the continuous part, so the table is mapped without it.
      let mapped = base.upper.atoms.map { atom in
        let q = atom.probability * exp(-atom.loss)
        return LossAtom(
          loss: atom.loss > 30
            ? atom.loss + log(rate) + log1p((1 - rate) / rate * exp(-atom.loss)) : log1p(rate * expm1(atom.loss)),
          probability: (1 - rate) * q + rate * atom.probability)
      }
      let continuous = SampledLoss(base: ExponentialRampLoss(limit: end, scale: 0.5), rate: rate)
      if direction == .removal { return LossModel(continuous: continuous, atoms: Self.exact(mapped, spacing: nil)) }
      let swapped = mapped.reversed().map { LossAtom(loss: -$0.loss, probability: $0.probability * exp(-$0.loss)) }
      return LossModel(continuous: SwappedLoss(base: continuous), atoms: Self.exact(swapped, spacing: nil))
    case .boundedRange(let eta):
      guard eta >= 1e-9, eta <= 600 else { throw .invalidParameter(name: "bounded range η", value: eta, allowed: "in [1e-9, 600]") }
      return LossModel(continuous: ExponentialRampLoss(limit: eta, scale: -1 / expm1(-eta)))
    case .atoms(let atoms): return LossModel(continuous: nil, atoms: atoms)
    }
  }

  private static let nothing = LossModel(continuous: nil, atoms: exact([LossAtom(loss: 0, probability: 1)], spacing: nil))

  /// Atoms that are part of a law with a density: they do not sum to 1.
  private static func exact(_ atoms: [LossAtom], spacing: Double?) -> LossAtoms {
    let table = LossAtoms.Table(atoms: atoms.filter { $0.probability > 0 }, infinity: 0)
    let reach = atoms.reduce(0) { max($0, abs($1.loss)) }
    return LossAtoms(
      upper: table, lower: table, relativeError: (16 + 4 * reach) * unitRoundoff, lossError: 8 * unitRoundoff * reach, spacing: spacing,
      coversQ: true)
  }

  private static func check(_ noiseMultiplier: Double) throws(AccountingError) {
    guard noiseMultiplier >= 0.002, noiseMultiplier <= 1e9 else {
      throw .invalidParameter(name: "noise multiplier", value: noiseMultiplier, allowed: "in [0.002, 1e9] for the grid")
    }
  }

  private static func check(rate: Double) throws(AccountingError) {
    guard rate >= 1e-12, rate <= 1 else { throw .invalidParameter(name: "sampling rate", value: rate, allowed: "in [1e-12, 1]") }
  }
}

/// A law as a part with a density and a part with atoms.
struct LossModel: Sendable {
  let continuous: (any ContinuousLoss)?
  let atoms: LossAtoms

  init(continuous: (any ContinuousLoss)?, atoms: LossAtoms? = nil) {
    self.continuous = continuous
    let none = LossAtoms.Table(atoms: [], infinity: 0)
    self.atoms =
      atoms ?? LossAtoms(upper: none, lower: none, relativeError: 0, lossError: 0, spacing: nil, coversQ: true)
  }
}

/// A few thousand points of a law, for the choice of the tilt, the step and the window. Nothing that is certified rests on them.
struct LossSketch: Sendable {
  private(set) var losses: [Double] = []
  private(set) var logMasses: [Double] = []
  /// The highest losses were left out.
  var isTruncated: Bool { limit != nil }
  /// The lowest loss that was left out: the kept bins end below it.
  private(set) var limit: Double?

  init(_ model: LossModel) {
    var points: [(Double, Double)] = []
    if let continuous = model.continuous {
      let (low, high) = continuous.extent
      var edges: Set<Double> = [0, low, high]
      for i in 1..<1200 { edges.insert(low + (high - low) * Double(i) / 1200) }
      // Even steps resolve the bulk, geometric ones a law that is concentrated near 0.
      for sign in [-1.0, 1] {
        for i in 0..<500 {
          let value = sign * 1e-11 * exp(Double(i) / 500 * log(max(-low, high, 1e-10) * 1e11))
          if value > low && value < high { edges.insert(value) }
        }
      }
      let sorted = edges.sorted()
      for i in 1..<sorted.count {
        let width = sorted[i] - sorted[i - 1]
        let mass = continuous.content(below: sorted[i], width: width).p
        if mass > 0 { points.append((sorted[i] - 0.5 * width, mass)) }
      }
    }
    let atoms = model.atoms.upper.atoms
    let group = max(1, atoms.count / 3000)
    for start in stride(from: 0, to: atoms.count, by: group) {
      let part = atoms[start..<min(start + group, atoms.count)]
      let mass = part.reduce(0) { $0 + $1.probability }
      if mass > 0 { points.append((part.reduce(0) { $0 + $1.probability * $1.loss } / mass, mass)) }
    }
    points.sort { $0.0 < $1.0 }
    losses = points.map(\.0)
    logMasses = points.map { log($0.1) }
  }

  /// Without the highest losses, of a mass of at most `budget` together. Under a tilt they may weigh more than all others although
  /// they do not count in δ.
  func truncated(above budget: Double) -> LossSketch {
    var copy = self
    var mass = 0.0
    while copy.losses.count > 1, let last = copy.logMasses.last {
      mass += exp(last)
      if mass > budget { break }
      copy.limit = copy.losses.removeLast()
      copy.logMasses.removeLast()
    }
    return copy
  }

  /// log E e^(θL), with its first two derivatives.
  func moments(_ theta: Double) -> (value: Double, first: Double, second: Double) {
    var high = -Double.infinity
    for i in losses.indices { high = max(high, logMasses[i] + theta * losses[i]) }
    var (sum, first, second) = (0.0, 0.0, 0.0)
    let center = losses.isEmpty ? 0 : losses[losses.count / 2]
    for i in losses.indices {
      let exponent = logMasses[i] + theta * losses[i] - high
      if exponent < -60 { continue }
      let weight = exp(exponent)
      let distance = losses[i] - center
      sum += weight
      first += weight * distance
      second += weight * distance * distance
    }
    let mean = first / sum
    return (high + log(sum), mean + center, max(0, second / sum - mean * mean))
  }
}
