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

  private let workLimit: Double
  /// The laws are known from above only: there is nothing to compute from below.
  private let isOneSided: Bool
  private var components: [Component]
  /// Common lattice of all laws, if they have one and nothing else.
  private let lattice: Double?
  /// A lattice that the atoms of laws with a density lie on.
  private let atomLattice: Double?

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
      guard part.count >= 0, part.count <= 1_000_000_000_000 else {
        throw .invalidParameter(name: "count of a mechanism", value: Double(part.count), allowed: "in 0...10^12")
      }
      if part.count == 0 { continue }
      if counts[part.law] == nil { order.append(part.law) }
      counts[part.law, default: 0] += part.count
    }
    var components: [Component] = []
    for law in order {
      let model = try law.model()
      components.append(Component(model: model, count: counts[law] ?? 0, sketch: LossSketch(model)))
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

  // MARK: Saddle point

  private func moments(_ theta: Double) -> (value: Double, first: Double, second: Double) {
    var (value, first, second) = (0.0, 0.0, 0.0)
    for part in components {
      let n = Double(part.count)
      let m = part.sketch.moments(theta)
      value += n * m.value
      first += n * m.first
      second += n * m.second
    }
    return (value, first, second)
  }

  /// Root of an increasing function of log θ.
  private func bisect(_ function: (Double) -> Double) -> Double {
    var (low, high) = (log(1e-9), log(1e9))
    for _ in 0..<60 where high - low > 1e-4 {
      let middle = 0.5 * (low + high)
      if function(exp(middle)) > 0 { high = middle } else { low = middle }
    }
    return exp(0.5 * (low + high))
  }

  /// The tilt where exp(ΣnK(θ) − θε)/(θ(θ + 1)) is least (Alghamdi et al. 2023).
  private func tilt(epsilon: Double) -> Double { bisect { moments($0).first - 1 / $0 - 1 / ($0 + 1) - epsilon } }

  /// Saddle-point approximation of log δ with the ε that θ belongs to.
  private func saddle(_ theta: Double) -> (epsilon: Double, logDelta: Double) {
    let m = moments(theta)
    let epsilon = m.first - 1 / theta - 1 / (theta + 1)
    let curvature = m.second + 1 / (theta * theta) + 1 / ((theta + 1) * (theta + 1))
    return (epsilon, m.value - theta * epsilon - log(theta) - log1p(theta) - 0.5 * log(2 * Double.pi * curvature))
  }

  /// The same with the sketches cut at the top, where all the cut losses together have at most this mass in the composition.
  private func truncated(logMass: Double) -> GridAccountant {
    var copy = self
    for i in copy.components.indices {
      let budget = exp(max(logMass, -690) - log(Double(components[i].count) * Double(components.count)))
      copy.components[i].sketch = components[i].sketch.truncated(above: budget)
    }
    return copy
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
  ///   - width: what is aimed at, absolute.
  ///   - limit: what is accepted where the grid cannot do better; `width` if nil.
  ///   - sufficient: an upper end that need not be improved.
  /// - Throws: `.notConverged` where the limits of memory and work do not allow the width.
  package func epsilon(
    delta: Double, width: Double, limit: Double? = nil, sufficient: Double = 0
  ) throws(AccountingError) -> GridBound {
    guard delta > 0, delta <= 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1]") }
    try Self.check(width: width)
    if delta == 1 || components.isEmpty { return GridBound(lower: 0, upper: 0, spacing: 0, size: 0) }
    let (low, high) = (infinity(upper: false), infinity(upper: true))
    if delta < low { return GridBound(lower: .infinity, upper: .infinity, spacing: 0, size: 0) }
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
      answer: { pair in (isOneSided ? 0 : pair.lower.epsilon(delta, upper: false), min(greatest, pair.upper.epsilon(delta, upper: true))) })
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

  private static func check(width: Double) throws(AccountingError) {
    guard width >= 1e-13, width.isFinite else {
      throw .invalidParameter(name: "width of the interval", value: width, allowed: "finite and at least 1e-13")
    }
  }

  /// Halves the step, by the measured order, until the interval is as narrow as wanted or a limit is reached.
  private func refine(
    theta start: Double, epsilon: Double, logDelta: Double, relative: Double, wanted: Double, limit: Double,
    sufficient: Double, measure: (GridBound) -> Double, answer: ((upper: ComposedGrid, lower: ComposedGrid)) -> (Double, Double)
  ) throws(AccountingError) -> GridBound {
    let truncation = min(1e-6, max(1e-17, relative * 1e-3))
    // Under the saddle's tilt a few large single losses can weigh as much as all else and widen the window. A smaller tilt is taken
    // where it narrows the window and costs at most e⁵ of the accuracy of the transform.
    // A tilt that changes much within one step of a lattice would only amplify rounding.
    let start = lattice.map { min(start, 8 / $0) } ?? start
    var theta = start
    var window = window(theta: theta, logDelta: logDelta, epsilon: epsilon, truncation: truncation)
    let accuracy = window.logNegligible
    for factor in [0.85, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2] {
      let other = self.window(theta: start * factor, logDelta: logDelta, epsilon: epsilon, truncation: truncation)
      if other.logNegligible < accuracy - 5 { break }
      if other.high - other.low < 0.9 * (window.high - window.low) { (theta, window) = (start * factor, other) }
    }
    let total = components.reduce(0.0) { $0 + Double($1.count) }
    let span = max(window.high - window.low, 1e-12)
    // Each step adds a variance of about h²/4 between both measures; a first, coarser grid measures what that means here.
    let predicted = (4 * relative / (total * theta * (theta + 1))).squareRoot()
    // One law may span more than the window: its ends are folded into it, at the cost of their masses' computation.
    let reach = components.reduce(0.0) { reach, part in
      let nodes = range(part, theta: theta, spacing: span / 1000, logDelta: logDelta, truncation: truncation, window: window)
      return max(reach, Double(nodes.last - nodes.first + 1) * span / 1000)
    }
    // What a law's nodes cost, per inverse step.
    let laws = components.reduce(0.0) { sum, part in
      let nodes = range(part, theta: theta, spacing: span / 1000, logDelta: logDelta, truncation: truncation, window: window)
      return sum + Double(nodes.last - nodes.first + 1) * (span / 1000) * (part.model.continuous?.nodeWork ?? 15)
    }
    func cost(_ step: Double) -> Double {
      let h = snapped(step)
      let size = Double(RealTransform.goodSize(atLeast: Int((window.high - window.low) / h) + 33))
      return size * log2(size) * Double(components.count + 1) * (isOneSided ? 0.7 : 1) + laws / h
    }
    /// The least step that this work allows.
    func step(within work: Double) -> Double {
      var (low, high) = (log(span) - 35, log(span))
      for _ in 0..<50 {
        let middle = 0.5 * (low + high)
        if cost(exp(middle)) > work { low = middle } else { high = middle }
      }
      return exp(high)
    }
    let finest = max(max(span, 0.5 * reach) / (Double(Self.sizeLimit) * 0.95), step(within: 0.85 * workLimit))
    var h = max(min(4 * predicted, span / 1000), 16 * finest)
    if let lattice { h = lattice }
    var best: GridBound?
    var work = 0.0
    var reason = "the grid has \(Self.sizeLimit) points"
    // The difference between the last two upper ends says what the next ones would gain, as the error falls with h².
    var gain = Double.infinity
    for _ in 0..<9 {
      h = snapped(h)
      guard span / h + 64 < Double(Self.sizeLimit) else { break }
      work += cost(h)
      if work > workLimit {
        reason = "the limit of work is reached"
        break
      }
      let pair = try compose(theta: theta, spacing: h, window: window, logDelta: logDelta, truncation: truncation)
      let (lower, upper) = answer(pair)
      let previous = best
      let bound = GridBound(
        lower: max(lower, best?.lower ?? 0), upper: min(upper, best?.upper ?? .infinity), spacing: h, size: pair.upper.size, work: work)
      guard bound.lower <= bound.upper else {
        throw .notConverged(what: "the privacy-loss grid", reason: "its lower bound \(bound.lower) exceeds its upper bound \(bound.upper)")
      }
      best = bound
      if isOneSided, let previous, previous.upper.isFinite {
        let ratio = (h / previous.spacing) * (h / previous.spacing)
        gain = measure(GridBound(lower: bound.upper, upper: previous.upper, spacing: h, size: 0)) * ratio / (1 - ratio)
      }
      let width = isOneSided ? gain : measure(bound)
      if width <= wanted || bound.upper <= sufficient { return bound }
      if lattice != nil || (previous.map(measure) ?? .infinity).isFinite && width > 0.8 * (previous.map(measure) ?? 0) && h <= finest * 2 {
        reason = "the rounding of the transform is the limit"
        break
      }
      if h <= finest * 1.001 { break }
      let factor = width.isFinite ? min(0.6, max(1.0 / 16, (0.7 * wanted / width).squareRoot())) : 0.25
      // The last grid that the work allows is not one that is nearly as coarse as this.
      let allowed = max(finest, step(within: workLimit - work))
      if allowed > 0.8 * h {
        reason = "the limit of work is reached"
        break
      }
      h = max(h * factor, allowed)
    }
    if let best, isOneSided || measure(best) <= limit { return best }
    let reached = best.map { "\(measure($0)) was reached" } ?? "no grid fits"
    throw .notConverged(what: "the privacy-loss grid", reason: "a width of \(wanted) was wanted, \(reached); \(reason)")
  }

  /// The step that divides the lattice of the atoms, or has few binary digits so that node × step is exact.
  private func snapped(_ h: Double) -> Double {
    if let lattice = lattice ?? atomLattice { return lattice / max(1, (lattice / h * (1 - 1e-12)).rounded(.up)) }
    let scale = exp2(floor(log2(h)) - 20)
    return (h / scale).rounded() * scale
  }

  /// Limits of the composed loss outside which the tilted mass is negligible, with the further tilts whose Chernoff bounds say so.
  struct Window {
    var low: Double
    var high: Double
    var tiltBelow: Double
    var tiltAbove: Double
    /// log of what counts as negligible, as a tilted mass.
    var logNegligible: Double
    /// log of the tilting factor, Σ n K(θ).
    var logMoment: Double
  }

  private func window(theta: Double, logDelta: Double, epsilon: Double, truncation: Double) -> Window {
    let here = moments(theta)
    // δ over the untilting factor, the size of the final sum.
    let logSum = min(0, logDelta - here.value + theta * epsilon)
    let logNegligible = logSum + log(truncation)
    func chernoff(_ sign: Double) -> (end: Double, tilt: Double) {
      let s = bisect { s in
        let there = moments(theta + sign * s)
        return logNegligible - (there.value - here.value - sign * s * there.first)
      }
      return (moments(theta + sign * s).first, s)
    }
    let (above, below) = (chernoff(1), chernoff(-1))
    let margin = 0.04 * max(above.end - below.end, 0)
    return Window(
      low: min(below.end - margin, epsilon), high: max(above.end + margin, epsilon), tiltBelow: below.tilt, tiltAbove: above.tilt,
      logNegligible: logNegligible, logMoment: here.value)
  }

  /// Nodes of one law that are kept: the mass above counts less than the truncation in δ, the mass below less in the tilted sum.
  private func range(_ part: Component, theta: Double, spacing h: Double, logDelta: Double, truncation: Double, window: Window) -> (
    first: Int, last: Int
  ) {
    let sketch = part.sketch
    let share = log(Double(part.count) * Double(components.count))
    let moment = sketch.moments(theta).value
    var (above, below) = (0.0, 0.0)
    var (low, high) = (0, sketch.losses.count - 1)
    let budget = exp(max(-690, logDelta + log(truncation) - share))
    while high > 0 {
      above += exp(sketch.logMasses[high])
      if above > budget { break }
      high -= 1
    }
    let tilted = exp(window.logNegligible - share)
    while low < high {
      below += exp(sketch.logMasses[low] + theta * sketch.losses[low] - moment)
      if below > tilted { break }
      low += 1
    }
    // One more point each way, as the sketch's points are the middles of its bins.
    var bottom = sketch.losses[max(0, low - 1)]
    var top = high + 1 < sketch.losses.count ? sketch.losses[high + 1] : sketch.limit ?? sketch.losses[high]
    if let law = part.model.continuous {
      if low <= 1 { bottom = min(bottom, law.extent.lower) }
      if high >= sketch.losses.count - 2 && !sketch.isTruncated { top = max(top, law.extent.upper) }
    }
    let first = Int((bottom / h - 1e-9).rounded(.down))
    return (first, max(first + 1, Int((top / h + 1e-9).rounded(.up))))
  }

  private func compose(theta: Double, spacing h: Double, window: Window, logDelta: Double, truncation: Double) throws(AccountingError)
    -> (upper: ComposedGrid, lower: ComposedGrid)
  {
    let firstNode = (window.low / h).rounded(.down) - 8
    let points = Int(((window.high - window.low) / h).rounded(.up)) + 32
    let size = RealTransform.goodSize(atLeast: points)
    let transform = try RealTransform(size: size)
    var upper = ComposedGrid(theta: theta, spacing: h, size: size)
    // A grid without masses where there is none.
    var lower = upper
    for (index, part) in components.enumerated() {
      let range = range(part, theta: theta, spacing: h, logDelta: logDelta, truncation: truncation, window: window)
      guard range.last - range.first <= 2 * Self.sizeLimit, abs(Double(range.last)) * Double(part.count) < 0x1p50,
        abs(Double(range.first)) * Double(part.count) < 0x1p50
      else { throw .notConverged(what: "the privacy-loss grid", reason: "one step spans more than \(2 * Self.sizeLimit) nodes") }
      let grid = LossGrid(part.model, spacing: h, first: range.first, last: range.last)
      let sketch = part.sketch.moments(theta)
      let center = Int((sketch.first / h).rounded())
      let isLast = index == components.count - 1
      upper.add(
        grid.upper, infinity: grid.upperInfinity, grid: grid, count: part.count, logMoment: sketch.value, center: center, window: window,
        isLast: isLast, transform: transform)
      if isLast { upper.finish(transform, firstNode: Int(firstNode), window: window) }
      if isOneSided { continue }
      lower.add(
        grid.lower, infinity: grid.lowerInfinity, grid: grid, count: part.count, logMoment: sketch.value, center: center, window: window,
        isLast: isLast, transform: transform)
      if isLast { lower.finish(transform, firstNode: Int(firstNode), window: window) }
    }
    return (upper, lower)
  }
}
