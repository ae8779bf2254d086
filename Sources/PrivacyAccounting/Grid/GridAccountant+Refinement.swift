import Dispatch
import Foundation

/// The search for a step that is fine enough, and the two convolutions for one step.
extension GridAccountant {
  /// Halves the step, by the measured order, until the interval is as narrow as wanted or a limit is reached.
  func refine(
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
  func snapped(_ h: Double) -> Double {
    if let lattice = lattice ?? atomLattice { return lattice / max(1, (lattice / h * (1 - 1e-12)).rounded(.up)) }
    let scale = exp2(floor(log2(h)) - 20)
    return (h / scale).rounded() * scale
  }

  func compose(theta: Double, spacing h: Double, window: Window, logDelta: Double, truncation: Double) throws(AccountingError)
    -> (upper: ComposedGrid, lower: ComposedGrid)
  {
    let firstNode = (window.low / h).rounded(.down) - 8
    let points = Int(((window.high - window.low) / h).rounded(.up)) + 32
    let size = RealTransform.goodSize(atLeast: points)
    let transform = try RealTransform(size: size)
    // The measures one beside the other where two cores gain more than they lose, and memory allows it.
    let isConcurrent = !isOneSided && size >= 1 << 12 && size <= Self.greatestConcurrentSize
    let other = isConcurrent ? try RealTransform(size: size) : transform
    // The upper and the lower one; the lower one stays without masses where there is none.
    var sides = [ComposedGrid](repeating: ComposedGrid(theta: theta, spacing: h, size: size), count: 2)
    for (index, part) in components.enumerated() {
      let range = range(part, theta: theta, spacing: h, logDelta: logDelta, truncation: truncation, window: window)
      guard range.last - range.first <= 2 * Self.sizeLimit, abs(Double(range.last)) * Double(part.count) < 0x1p50,
        abs(Double(range.first)) * Double(part.count) < 0x1p50
      else { throw .notConverged(what: "the privacy-loss grid", reason: "one step spans more than \(2 * Self.sizeLimit) nodes") }
      let grid = LossGrid(part.model, spacing: h, first: range.first, last: range.last)
      guard !grid.isUndefined else {
        throw .notConverged(what: "the privacy-loss grid", reason: "the masses of a law are beyond the range of numbers")
      }
      let sketch = part.sketch.moments(theta)
      let center = Int((sketch.first / h).rounded())
      let isLast = index == components.count - 1
      // Each call has a measure and a transform of its own.
      nonisolated(unsafe) let transforms = [transform, other]
      sides.withUnsafeMutableBufferPointer { sides in
        nonisolated(unsafe) let sides = sides
        @Sendable func add(_ side: Int) {
          sides[side].add(
            side == 0 ? grid.upper : grid.lower, infinity: side == 0 ? grid.upperInfinity : grid.lowerInfinity, grid: grid,
            count: part.count, logMoment: sketch.value, center: center, window: window, isLast: isLast, transform: transforms[side])
          if isLast { sides[side].finish(transforms[side], firstNode: Int(firstNode), window: window) }
        }
        if isConcurrent {
          DispatchQueue.concurrentPerform(iterations: 2, execute: add)
        } else {
          for side in 0..<(isOneSided ? 1 : 2) { add(side) }
        }
      }
    }
    return (sides[0], sides[1])
  }

  /// Above this size a second pair of buffers would take too much memory.
  private static let greatestConcurrentSize = 1 << 21
}
