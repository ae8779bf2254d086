import Foundation

/// One value of a privacy loss with its probability under P; under Q it has probability × e^(−loss).
package struct LossAtom: Hashable, Sendable {
  /// log(P/Q), finite.
  package var loss: Double
  /// Probability under P.
  package var probability: Double

  /// An atom at `loss`.
  package init(loss: Double, probability: Double) {
    self.loss = loss
    self.probability = probability
  }
}

/// A privacy loss with countably many values, as two finite tables: one whose profile is never below the true δ(ε) and one
/// never above. For exact tables both are the same.
package struct LossAtoms: Hashable, Sendable {
  /// One side's table.
  package struct Table: Hashable, Sendable {
    /// Finite losses, increasing.
    package var atoms: [LossAtom]
    /// Probability of an infinite loss under P.
    package var infinity: Double
  }

  /// Never below the true profile.
  package let upper: Table
  /// Never above it.
  package let lower: Table
  /// Relative error of the probabilities.
  let relativeError: Double
  /// Absolute error of the losses.
  let lossError: Double
  /// All losses are multiples of this up to `lossError`, if not nil.
  let spacing: Double?
  /// Q has no mass where P has none, so that the missing mass of Q is rounding only.
  let coversQ: Bool

  init(upper: Table, lower: Table, relativeError: Double, lossError: Double, spacing: Double?, coversQ: Bool) {
    self.coversQ = coversQ
    self.upper = upper
    self.lower = lower
    self.relativeError = relativeError
    self.lossError = lossError
    self.spacing = spacing
  }

  /// Exactly these atoms; what is missing to probability 1 under Q is where P is 0.
  ///
  /// - Parameters:
  ///   - infinity: probability of an infinite loss; with the atoms it sums to 1 up to 1e-12.
  ///   - spacing: a lattice that all losses lie on, if there is one.
  ///   - coversQ: whether Q has no mass where P has none.
  /// - Throws: `AccountingError.invalidParameter`.
  package init(_ atoms: [LossAtom], infinity: Double = 0, spacing: Double? = nil, coversQ: Bool = false) throws(AccountingError) {
    var p = infinity
    var q = 0.0
    guard infinity >= 0, infinity <= 1 else {
      throw .invalidParameter(name: "probability of an infinite loss", value: infinity, allowed: "in [0, 1]")
    }
    for atom in atoms {
      guard atom.loss.isFinite, abs(atom.loss) <= 1e6 else {
        throw .invalidParameter(name: "privacy loss", value: atom.loss, allowed: "within ±1e6")
      }
      guard atom.probability >= 0, atom.probability <= 1 else {
        throw .invalidParameter(name: "probability of a privacy loss", value: atom.probability, allowed: "in [0, 1]")
      }
      p += atom.probability
      q += atom.probability * exp(-atom.loss)
    }
    guard abs(p - 1) <= 1e-12 else { throw .invalidParameter(name: "sum of the probabilities of losses", value: p, allowed: "1") }
    guard q <= 1 + 1e-12 else {
      throw .invalidParameter(name: "sum of the probabilities under Q", value: q, allowed: "at most 1")
    }
    if let spacing, !(spacing > 0 && spacing.isFinite) {
      throw .invalidParameter(name: "spacing of the losses", value: spacing, allowed: "finite and above 0")
    }
    let table = Table(atoms: atoms.filter { $0.probability > 0 }.sorted { $0.loss < $1.loss }, infinity: infinity)
    let reach = atoms.reduce(0) { max($0, abs($1.loss)) }
    self.init(
      upper: table, lower: table, relativeError: 4 * unitRoundoff, lossError: 4 * unitRoundoff * reach, spacing: spacing,
      coversQ: coversQ)
  }

  /// The worst pair of a pure ε-differentially private mechanism: losses ±ε (Kairouz, Oh and Viswanath 2015).
  package static func pure(epsilon: Double) throws(AccountingError) -> LossAtoms { try approximate(epsilon: epsilon, delta: 0) }

  /// The worst pair of an (ε, δ)-differentially private mechanism: an infinite loss with probability δ, else ±ε (Kairouz, Oh and
  /// Viswanath 2015, theorem 3.4).
  package static func approximate(epsilon: Double, delta: Double) throws(AccountingError) -> LossAtoms {
    guard epsilon >= 0, epsilon <= 1e6 else { throw .invalidParameter(name: "epsilon", value: epsilon, allowed: "in [0, 1e6]") }
    guard delta >= 0, delta <= 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in [0, 1]") }
    let high = (1 - delta) / (1 + exp(-epsilon))
    return try LossAtoms(
      [LossAtom(loss: epsilon, probability: high), LossAtom(loss: -epsilon, probability: high * exp(-epsilon))], infinity: delta,
      spacing: epsilon > 0 ? epsilon : nil, coversQ: delta == 0)
  }

  /// Randomised response over `buckets` answers that is replaced by a uniform one with probability `noise`, under replace-one: the
  /// true answer has probability 1 − noise + noise/buckets.
  package static func randomizedResponse(noise: Double, buckets: Int) throws(AccountingError) -> LossAtoms {
    guard noise > 0, noise <= 1 else { throw .invalidParameter(name: "noise parameter", value: noise, allowed: "in (0, 1]") }
    guard buckets >= 2 else { throw .invalidParameter(name: "number of buckets", value: Double(buckets), allowed: "at least 2") }
    let other = noise / Double(buckets)
    let epsilon = log1p((1 - noise) / other)
    let rest = other * Double(buckets - 2)
    return try LossAtoms(
      [
        LossAtom(loss: epsilon, probability: 1 - noise + other), LossAtom(loss: 0, probability: rest),
        LossAtom(loss: -epsilon, probability: other),
      ], spacing: epsilon > 0 ? epsilon : nil, coversQ: true)
  }

  /// The discrete Gaussian N_Z(0, σ²) against its shift by `shift` (Canonne, Kamath and Steinke 2020, definition 1). The tails beyond
  /// 1e-300 count as an infinite loss in the upper table and not at all in the lower one.
  package static func discreteGaussian(sigma: Double, shift: Int) throws(AccountingError) -> LossAtoms {
    guard sigma > 0.01, sigma <= 1e4 else {
      throw .invalidParameter(name: "standard deviation of the discrete Gaussian", value: sigma, allowed: "in (0.01, 1e4]")
    }
    try check(shift: shift)
    let spacing = Double(shift) / (sigma * sigma) * 0.5
    let reach = Int((38 * sigma).rounded(.up))
    let weights = (-reach...reach).map { exp(-0.5 * (Double($0) / sigma) * (Double($0) / sigma)) }
    let total = weights.sorted().reduce(0, +)
    // Shifted by Δ, at x the loss is Δ(2x − Δ)/(2σ²): a multiple of Δ/(2σ²); all the odd or all the even ones occur.
    let atoms = (-reach...reach).map { y in
      LossAtom(loss: Double(2 * y + shift) * spacing, probability: weights[y + reach] / total)
    }
    // weights carry the rounding of y²/(2σ²) ≤ 722.
    return LossAtoms(tails: atoms, relativeError: 3000 * unitRoundoff, spacing: shift % 2 == 0 ? 2 * spacing : spacing)
  }

  /// Discrete Laplace noise of probability proportional to e^(−|x|/scale) against its shift.
  package static func discreteLaplace(scale: Double, shift: Int) throws(AccountingError) -> LossAtoms {
    guard scale >= 1e-3, scale <= 1e6 else {
      throw .invalidParameter(name: "scale of the discrete Laplace", value: scale, allowed: "in [0.001, 1e6]")
    }
    try check(shift: shift)
    let a = 1 / scale
    let end = Double(shift) * a
    guard end <= 1e6, shift <= 1_000_000 else {
      throw .invalidParameter(name: "shift of discrete noise", value: Double(shift), allowed: "at most 1e6 scales")
    }
    // P is centred at the shift. Beyond either centre the loss is constant.
    var atoms = [LossAtom(loss: -end, probability: exp(-end) / (1 + exp(-a)))]
    let top = tanh(0.5 * a)
    for x in 1..<max(shift, 1) where shift > 1 {
      atoms.append(LossAtom(loss: Double(2 * x - shift) * a, probability: top * exp(-Double(shift - x) * a)))
    }
    atoms.append(LossAtom(loss: end, probability: 1 / (1 + exp(-a))))
    return LossAtoms(
      upper: Table(atoms: atoms, infinity: 0), lower: Table(atoms: atoms, infinity: 0),
      relativeError: (8 + 4 * end) * unitRoundoff, lossError: 4 * unitRoundoff * end, spacing: shift % 2 == 0 ? 2 * a : a,
      coversQ: true)
  }

  /// The difference of two Poisson variables, of the given variance, against its shift (Agarwal, Kairouz and Liu 2021).
  package static func skellam(variance: Double, shift: Int) throws(AccountingError) -> LossAtoms {
    guard variance >= 1e-2, variance <= 1e6 else {
      throw .invalidParameter(name: "variance of the Skellam noise", value: variance, allowed: "in [0.01, 1e6]")
    }
    try check(shift: shift)
    // Miller's recurrence I_{k−1} = I_{k+1} + (2k/v) I_k downwards has only positive terms; e^v = I_0 + 2 Σ I_k normalises. Chernoff's
    // bound P(X ≥ k) ≤ exp(−k²/(2(v + k))) puts the tail beyond `reach` below 1e-300.
    let reach = Int((700 + (490_000 + 1400 * variance).squareRoot()).rounded(.up)) + shift
    let start = reach + 60
    var logs = [Double](repeating: 0, count: reach + 2)
    var (next, current, scale) = (0.0, 1.0, 0.0)
    for k in stride(from: start, through: 0, by: -1) {
      if k <= reach + 1 { logs[k] = log(current) + scale }
      let previous = next + 2 * Double(k) / variance * current
      (next, current) = (current, previous)
      if current > 1e200 {
        (next, current, scale) = (next * 1e-200, 1e-200 * current, scale + 200 * log(10.0))
      }
    }
    let high = logs[0]
    var total = 0.0
    for k in stride(from: reach, through: 1, by: -1) { total += 2 * exp(logs[k] - high) }
    let logTotal = log1p(total) + high
    let atoms = (-reach...(reach - shift)).compactMap { x -> LossAtom? in
      let (here, there) = (logs[abs(x)], logs[abs(x + shift)])
      let p = exp(here - logTotal)
      return p > 1e-305 ? LossAtom(loss: here - there, probability: p) : nil
    }.sorted { $0.loss < $1.loss }
    let error = (8 * Double(start) + 4 * abs(high) + 4000) * unitRoundoff
    return LossAtoms(tails: atoms, relativeError: error, spacing: nil, lossError: error)
  }

  /// A mechanism known only by upper bounds δ_i at ε_i ≥ 0 of both orders of its pairs: the convex hull in e^ε. The lower table is
  /// that of no mechanism at all.
  package static func profile(_ points: [(epsilon: Double, delta: Double)]) throws(AccountingError) -> LossAtoms {
    var known: [(gamma: Double, delta: Double)] = [(0, 1)]
    for point in points.sorted(by: { $0.epsilon < $1.epsilon }) {
      guard point.epsilon >= 0, point.epsilon <= 500 else {
        throw .invalidParameter(name: "epsilon of a profile", value: point.epsilon, allowed: "in [0, 500]")
      }
      guard point.delta >= 0, point.delta <= 1 else {
        throw .invalidParameter(name: "delta of a profile", value: point.delta, allowed: "in [0, 1]")
      }
      known.append((exp(point.epsilon), min(point.delta, known[known.count - 1].delta)))
    }
    guard known.count > 1 else { throw .invalidParameter(name: "points of a profile", value: 0, allowed: "at least 1") }
    // Mirror to γ < 1 by 1 − γ + γδ(1/γ), which holds for the other order of the pair.
    var mirrored = known.dropFirst().map { (gamma: 1 / $0.gamma, delta: 1 - 1 / $0.gamma + $0.delta / $0.gamma) }
    mirrored.append(contentsOf: known)
    // Lower convex hull (Andrew's monotone chain); a chord between two upper bounds is an upper bound, as profiles are convex.
    var hull: [(gamma: Double, delta: Double)] = []
    for point in mirrored.sorted(by: { ($0.gamma, $0.delta) < ($1.gamma, $1.delta) }) where point.gamma != hull.last?.gamma {
      while hull.count >= 2 {
        let (a, b) = (hull[hull.count - 2], hull[hull.count - 1])
        if (b.delta - a.delta) * (point.gamma - a.gamma) < (point.delta - a.delta) * (b.gamma - a.gamma) { break }
        hull.removeLast()
      }
      hull.append(point)
    }
    // The slopes are −Q(L > log γ); their jumps are Q's atoms. After the last point the profile stays at its δ.
    var atoms: [LossAtom] = []
    for i in 1..<hull.count {
      let before = (hull[i - 1].delta - hull[i].delta) / (hull[i].gamma - hull[i - 1].gamma)
      let after = i + 1 < hull.count ? (hull[i].delta - hull[i + 1].delta) / (hull[i + 1].gamma - hull[i].gamma) : 0
      // A flat profile keeps no mass; rounding of a difference goes to more mass.
      let jump = max(0, before - after) + 8 * unitRoundoff * before
      if jump > 0 { atoms.append(LossAtom(loss: log(hull[i].gamma), probability: min(1, jump * hull[i].gamma))) }
    }
    return LossAtoms(
      upper: Table(atoms: atoms, infinity: min(1, hull[hull.count - 1].delta * (1 + 8 * unitRoundoff))),
      lower: Table(atoms: [LossAtom(loss: 0, probability: 1)], infinity: 0),
      relativeError: 64 * unitRoundoff, lossError: 4 * unitRoundoff * 500, spacing: nil, coversQ: false)
  }

  /// Poisson sampling: the pair ((1 − r)Q + rP, Q), whose profile is rδ(γ′) with γ′ = (γ − 1 + r)/r for γ ≥ 1 − r.
  ///
  /// - Parameter rate: probability of each person to take part, in (0, 1].
  package func sampled(rate: Double) throws(AccountingError) -> LossAtoms {
    guard rate > 0, rate <= 1 else { throw .invalidParameter(name: "sampling rate", value: rate, allowed: "in (0, 1]") }
    if rate == 1 { return self }
    func map(_ table: Table, up: Bool) -> Table {
      var atoms: [LossAtom] = []
      var q = 0.0
      for atom in table.atoms {
        // (1 − r) e^(−l) + r overflows for no loss that carries mass worth keeping.
        let qi = min(1, exp(log(max(atom.probability, .leastNormalMagnitude)) - atom.loss))
        q += qi
        let loss = atom.loss > 30 ? atom.loss + log(rate) + log1p((1 - rate) / rate * exp(-atom.loss)) : log1p(rate * expm1(atom.loss))
        atoms.append(LossAtom(loss: loss, probability: (1 - rate) * qi + rate * atom.probability))
      }
      // Q where P is 0: there the sampled loss is log(1 − r).
      let rounding = (relativeError + 4 * unitRoundoff + lossError) * min(q, 1)
      let alone = max(0, up ? 1 - q + rounding : 1 - q - rounding)
      if alone > 0 { atoms.insert(LossAtom(loss: log1p(-rate), probability: (1 - rate) * alone), at: 0) }
      return Table(atoms: atoms, infinity: rate * table.infinity)
    }
    return LossAtoms(
      upper: map(upper, up: true), lower: map(lower, up: false), relativeError: relativeError + lossError + 16 * unitRoundoff,
      lossError: lossError + 8 * unitRoundoff * (upper.atoms.reduce(1) { max($0, abs($1.loss)) }), spacing: nil, coversQ: true)
  }

  /// The pair (Q, P), with the losses negated.
  package var swapped: LossAtoms {
    func exchange(_ source: Table, up: Bool) -> Table {
      var table = source
      if !up, !table.atoms.isEmpty {
        // P's missing mass m goes to the lowest loss, together with Q's part without P: (p + m, q + m′) in place of (p, q). Moving
        // P's mass to the lowest ratio, and merging, only lower the profile.
        let p = table.atoms.reduce(table.infinity) { $0 + $1.probability }
        let first = table.atoms[0]
        let missing = max(0, 1 - p)
        if missing > 0 {
          let total = table.atoms.reduce(0) { $0 + $1.probability * exp(-$1.loss) }
          let q = first.probability * exp(-first.loss) + max(0, 1 - total)
          let merged = first.probability + missing
          table.atoms[0] = LossAtom(
            loss: min(log(merged / q), table.atoms.count > 1 ? table.atoms[1].loss : .infinity), probability: merged)
        }
      }
      let swapped = table.atoms.reversed().map { LossAtom(loss: -$0.loss, probability: min(1, $0.probability * exp(-$0.loss))) }
      let q = swapped.reduce(0) { $0 + $1.probability }
      let rounding = (relativeError + lossError + 4 * unitRoundoff) * min(q, 1)
      let alone = coversQ ? 0 : (up ? 1 - q + rounding : 1 - q - rounding)
      return Table(atoms: swapped, infinity: max(0, alone))
    }
    return LossAtoms(
      upper: exchange(upper, up: true), lower: exchange(lower, up: false), relativeError: relativeError + lossError + 8 * unitRoundoff,
      lossError: lossError, spacing: spacing,
      coversQ: upper.infinity == 0)
  }

  private init(tails atoms: [LossAtom], relativeError: Double, spacing: Double?, lossError: Double? = nil) {
    let reach = atoms.reduce(0) { max($0, abs($1.loss)) }
    self.init(
      upper: Table(atoms: atoms, infinity: 1e-300), lower: Table(atoms: atoms, infinity: 0), relativeError: relativeError,
      lossError: lossError ?? 4 * unitRoundoff * reach, spacing: spacing, coversQ: false)
  }

  private static func check(shift: Int) throws(AccountingError) {
    guard shift > 0, shift <= 1_000_000 else {
      throw .invalidParameter(name: "shift of discrete noise", value: Double(shift), allowed: "in 1...1000000")
    }
  }
}
