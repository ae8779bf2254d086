import Foundation

/// A certified interval from the grid, with the grid that gave it.
package struct GridBound: Hashable, Sendable {
  /// The true value is at least this.
  package let lower: Double
  /// The true value is at most this.
  package let upper: Double
  /// Distance of the nodes, in units of the loss; 0 where no grid was needed.
  package let spacing: Double
  /// Points of the Fourier transform; 0 where no grid was needed.
  package let size: Int
  /// What it took, in the units of ``GridAccountant/greatestWork``.
  var work = 0.0
}

/// Certified δ(ε) and ε(δ) of a composition of privacy-loss laws, in one direction: δ(ε) = E_P[(1 − e^(ε − L))₊], with L the sum of
/// the losses.
///
/// Every law is put on a lattice twice, once so that the pair dominates it and once so that it is dominated (`LossGrid`), and both
/// are convolved by a Fourier transform after an exponential tilt (Grübel and Hermesmeier 1999), so that the accuracy is relative
/// to δ however small δ is. Aliases, the ends of the window and the rounding of every stage are bounded and added.
package struct GridAccountant: Sendable {
  /// Largest Fourier transform: two measures, two buffers and three accumulators of it stay below 1 GB.
  static let sizeLimit = 1 << 23
  /// Greatest work of one answer, unless another is asked for: some ten seconds. The unit is one of the N log₂ N of a transform with
  /// what belongs to it, about 4 ns; the laws' nodes count by what they cost.
  package static let greatestWork = 2.5e9

  struct Component: Sendable {
    let model: LossModel
    let count: Int
    var sketch: LossSketch
  }

  let workLimit: Double
  /// The laws are known from above only: there is nothing to compute from below.
  let isOneSided: Bool
  var components: [Component]
  /// Common lattice of all laws, if they have one and nothing else.
  let lattice: Double?
  /// A lattice that the atoms of laws with a density lie on.
  let atomLattice: Double?

  /// A composition of `count` independent copies of each law.
  ///
  /// - Parameters:
  ///   - parts: the laws with their counts.
  ///   - workLimit: no grid is made that would bring the work of an answer above this.
  ///   - isOneSided: that the lower ends are 0, because a law is known from above only.
  /// - Throws: `AccountingError.invalidParameter` for parameters out of range; `.unsupportedEvent` for a law with no valid pair.
  package init(
    _ parts: [(law: PrivacyLossLaw, count: Int)], workLimit: Double = GridAccountant.greatestWork, isOneSided: Bool = false
  ) throws(AccountingError) {
    self.workLimit = workLimit
    self.isOneSided = isOneSided
    var counts: [PrivacyLossLaw: Int] = [:]
    var order: [PrivacyLossLaw] = []
    for part in parts {
      try Self.check(count: part.count)
      if part.count == 0 { continue }
      if counts[part.law] == nil { order.append(part.law) }
      counts[part.law, default: 0] += part.count
    }
    var components: [Component] = []
    for law in order {
      let model = try law.model()
      let sketch = LossSketch(model)
      guard !sketch.losses.isEmpty else {
        throw .notConverged(what: "the privacy-loss grid", reason: "the masses of a law are beyond the range of numbers")
      }
      components.append(Component(model: model, count: counts[law] ?? 0, sketch: sketch))
    }
    self.components = components
    let spacings = components.map(\.model).filter { !$0.atoms.upper.atoms.isEmpty }.map(\.atoms.spacing)
    atomLattice = Self.commonSpacing(spacings)
    lattice = components.allSatisfy { $0.model.continuous == nil } ? atomLattice : nil
  }

  /// The largest number that all are multiples of, by Euclid's algorithm with a tolerance; nil if one is nil or there is none of use.
  private static func commonSpacing(_ spacings: [Double?]) -> Double? {
    var result: Double?
    for spacing in spacings {
      guard let spacing else { return nil }
      guard var a = result else {
        result = spacing
        continue
      }
      var b = spacing
      if a < b { swap(&a, &b) }
      let tolerance = 1e-12 * a
      while b > tolerance { (a, b) = (b, abs(a - b * (a / b).rounded())) }
      if a < 1e-4 * spacing { return nil }
      // Divide the first spacing exactly, so that its nodes stay on the lattice.
      result = spacing / (spacing / a).rounded()
    }
    return result
  }

  // MARK: Infinite losses and limits

  private func infinity(upper: Bool) -> Double {
    var sum = 0.0
    for part in components {
      let mass = upper ? part.model.atoms.upper.infinity : part.model.atoms.lower.infinity
      sum += Double(part.count) * log1p(-min(1, mass))
    }
    return -expm1(sum) * (upper ? 1 + 8 * unitRoundoff : 1 - 8 * unitRoundoff)
  }

  /// The largest finite loss of the composition, up to a mass of 1e-300 per step.
  private var largestLoss: Double {
    components.reduce(0) { sum, part in
      let atoms = max(part.model.atoms.upper.atoms.last?.loss ?? -.infinity, part.model.atoms.lower.atoms.last?.loss ?? -.infinity)
      return sum + Double(part.count) * max(part.model.continuous?.extent.upper ?? -.infinity, atoms)
    }
  }

  /// Mass above `largestLoss`.
  private var beyondLargest: Double {
    components.reduce(0) { $0 + ($1.model.continuous?.support.upper == .infinity ? Double($1.count) * 1e-300 : 0) }
  }

  // MARK: Answers

  /// δ at `epsilon`, with upper − lower at most `relativeWidth` × upper.
  ///
  /// - Parameters:
  ///   - relativeWidth: what is aimed at, in [1e-13, 1).
  ///   - limit: what is accepted where the grid cannot do better; `relativeWidth` if nil.
  ///   - sufficient: an upper end that need not be improved.
  /// - Throws: `.notConverged` where the limits of memory and work do not allow the width, or δ is below 1e-290.
  package func delta(
    epsilon: Double, relativeWidth: Double, limit: Double? = nil, sufficient: Double = 0
  ) throws(AccountingError) -> GridBound {
    guard epsilon >= 0 else { throw .invalidParameter(name: "epsilon", value: epsilon, allowed: "at least 0") }
    try Self.check(width: relativeWidth)
    let (low, high) = (infinity(upper: false), infinity(upper: true))
    if components.isEmpty || epsilon >= largestLoss * (1 + 1e-12) {
      return GridBound(lower: low, upper: min(1, high + beyondLargest), spacing: 0, size: 0)
    }
    // The first guess may be low where single steps dominate; a guess that is low only widens the grid.
    let guess = saddle(tilt(epsilon: epsilon)).logDelta
    let reduced = truncated(logMass: guess + log(min(1e-3, relativeWidth)) - 8)
    let theta = reduced.tilt(epsilon: epsilon)
    return try reduced.refine(
      theta: theta, epsilon: epsilon, logDelta: max(guess, reduced.saddle(theta).logDelta), relative: relativeWidth, wanted: relativeWidth,
      limit: limit ?? relativeWidth, sufficient: sufficient,
      measure: { $0.upper > 0 ? ($0.upper - $0.lower) / $0.upper : 0 },
      answer: { pair in
        (isOneSided ? 0 : max(low, min(1, pair.lower.delta(epsilon, upper: false))), min(1, pair.upper.delta(epsilon, upper: true)))
      })
  }

  /// ε at `delta`, with upper − lower at most `width`; infinite where δ is below the probability of an infinite loss.
  ///
  /// - Parameters:
  ///   - lowerDelta: at least δ; the δ that the lower end is for, if another.
  ///   - width: what is aimed at, absolute.
  ///   - limit: what is accepted where the grid cannot do better; `width` if nil.
  ///   - sufficient: an upper end that need not be improved.
  /// - Throws: `.notConverged` where the limits of memory and work do not allow the width.
  package func epsilon(
    delta: Double, lowerDelta: Double? = nil, width: Double, limit: Double? = nil, sufficient: Double = 0
  ) throws(AccountingError) -> GridBound {
    let lowerDelta = max(delta, lowerDelta ?? delta)
    guard delta > 0, delta <= 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1]") }
    try Self.check(width: width)
    if delta == 1 || components.isEmpty { return GridBound(lower: 0, upper: 0, spacing: 0, size: 0) }
    let (low, high) = (infinity(upper: false), infinity(upper: true))
    if delta < low { return GridBound(lower: lowerDelta < low ? .infinity : 0, upper: .infinity, spacing: 0, size: 0) }
    guard delta > high * (1 + 1e-9) else {
      throw .notConverged(what: "ε on the grid", reason: "δ = \(delta) is the probability of an infinite loss")
    }
    // No loss is greater, up to a mass that δ has room for.
    let greatest = delta >= high + beyondLargest ? max(0, largestLoss * (1 + 1e-12)) : .infinity
    if greatest <= sufficient { return GridBound(lower: 0, upper: greatest, spacing: 0, size: 0) }
    guard delta > 1e-285 else { throw .notConverged(what: "ε on the grid", reason: "δ below 1e-285 is not resolved") }
    let target = log(delta - high)
    let reduced = truncated(logMass: target + log(min(1e-3, width)) - 7)
    var theta = bisect { target - reduced.saddle($0).logDelta }
    var epsilon = reduced.saddle(theta).epsilon
    if epsilon < 0 || !epsilon.isFinite {
      epsilon = 0
      theta = reduced.tilt(epsilon: 0)
    }
    if epsilon > largestLoss {
      epsilon = largestLoss
      theta = min(theta, 1e6)
    }
    let logDelta = min(0, max(target, reduced.saddle(theta).logDelta))
    return try reduced.refine(
      theta: theta, epsilon: epsilon, logDelta: logDelta, relative: width * min(theta, 1 / width), wanted: width, limit: limit ?? width,
      sufficient: sufficient,
      measure: { $0.upper - $0.lower },
      answer: { pair in
        (
          isOneSided || lowerDelta >= 1 ? 0 : pair.lower.epsilon(lowerDelta, upper: false),
          min(greatest, pair.upper.epsilon(delta, upper: true))
        )
      })
  }

  /// The composition as one law with at most 2^18 atoms, for sampling over several mechanisms at once. Its profile is accurate
  /// relative to δ near `delta` and above.
  ///
  /// - Throws: `.invalidParameter`; `.notConverged` where one step does not fit.
  package func composedAtoms(delta: Double, size: Int = 1 << 15) throws(AccountingError) -> LossAtoms {
    guard delta > 1e-200, delta < 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (1e-200, 1)") }
    guard size >= 64, size <= 1 << 18 else {
      throw .invalidParameter(name: "number of atoms", value: Double(size), allowed: "in 64...2^18")
    }
    guard !components.isEmpty else { return try LossAtoms([LossAtom(loss: 0, probability: 1)], coversQ: true) }
    let truncation = 1e-10
    let reduced = truncated(logMass: log(delta * truncation) - 7)
    let target = log(delta)
    let highest = lattice.map { 8 / $0 } ?? 1e6
    let theta = min(highest, reduced.bisect { target - reduced.saddle($0).logDelta })
    // A small tilt resolves the bulk and the low losses, the saddle's one the high losses; every node takes the better of them.
    let tilts = [min(1e-3, theta / 16), theta / 4, theta / 2, theta]
    let windows = tilts.map { reduced.window(theta: $0, logDelta: target, epsilon: 0, truncation: truncation) }
    let low = windows.reduce(Double.infinity) { min($0, $1.low) }
    let high = windows.reduce(-Double.infinity) { max($0, $1.high) }
    var h = snapped((high - low) / Double(size))
    if let lattice { h = lattice }
    guard (high - low) / h < Double(Self.sizeLimit) / 8 else {
      throw .notConverged(what: "composed atoms", reason: "the lattice of the losses is too fine for their range")
    }
    var pairs: [(upper: ComposedGrid, lower: ComposedGrid)] = []
    for (tilt, window) in zip(tilts, windows) {
      var all = window
      (all.low, all.high) = (low, high)
      pairs.append(try reduced.compose(theta: tilt, spacing: h, window: all, logDelta: target, truncation: truncation))
    }
    return ComposedGrid.atoms(upper: pairs.map(\.upper), lower: pairs.map(\.lower))
  }

  /// Throws `.invalidParameter` for a number of copies that the grid does not take.
  static func check(count: Int) throws(AccountingError) {
    guard count >= 0, count <= 1_000_000_000_000 else {
      throw .invalidParameter(name: "count of a mechanism", value: Double(count), allowed: "in 0...10^12")
    }
  }

  private static func check(width: Double) throws(AccountingError) {
    guard width >= 1e-13, width.isFinite else {
      throw .invalidParameter(name: "width of the interval", value: width, allowed: "finite and at least 1e-13")
    }
  }
}
