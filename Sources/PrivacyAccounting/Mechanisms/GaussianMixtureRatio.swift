import Foundation

/// r(x) = w₀ + Σ_i w_i e^(t_i x − t_i²/2), the density of w₀N(0, 1) + Σ_i w_i N(t_i, 1) over that of N(0, 1); t_i > 0.
///
/// Where the shifts are equally spaced and the weights log-concave (draws with replacement, sizes of groups), each term is the one
/// beside it times a factor that falls by a constant of the pair: one exponential every few terms instead of one each, and nothing is
/// computed for the terms that do not count.
package struct GaussianMixtureRatio: Sendable {
  /// t_i, increasing.
  let shifts: [Double]
  /// w_i of those shifts.
  let weights: [Double]
  let logWeights: [Double]
  /// w₀.
  let unchanged: Double
  let logUnchanged: Double
  private let recurrence: Recurrence?
  /// log of the greatest weight of a shift.
  private let heaviest: Double
  /// 1/t_i, and t_i/2 − log w_i/t_i: the x at which term i is e^l is their l-fold and the latter.
  private let inverses: [Double]
  private let crossings: [Double]

  /// What does not depend on x where the shifts are `spacing` apart.
  private struct Recurrence {
    let spacing: Double
    /// log of term i + 1 over term i, at x = 0; decreasing.
    let steps: [Double]
    /// e^(step i+1 − step i), at most 1.
    let bends: [Double]
    /// Σ of the weights below i.
    let before: [Double]
    /// Σ of the weights from i on.
    let after: [Double]
  }

  /// The number of weights that count beside the greatest.
  let commonCount: Int

  /// About how many nanoseconds one value takes.
  var work: Double { recurrence == nil ? 100 + 8 * Double(shifts.count) : 150 + 5 * Double(commonCount) }

  /// Nats below the greatest term at which a term is lost in the rounding of the others.
  static let negligible = 60.0
  /// Terms of a recurrence before a fresh exponential.
  private static let restart = 8

  /// Relative rounding of a term `age` steps from a fresh one, but for that of the exponents: at most 3u for each time that a bend
  /// entered, and 2u for each step.
  @inline(__always) static func rounding(age: Int) -> Double {
    let age = Double(age)
    return (4 + age * (2 + 1.5 * age)) * unitRoundoff
  }

  /// - Parameters:
  ///   - shifts: all above 0, in units of σ.
  ///   - weights: all above 0, as many; with `unchanged` they add up to 1.
  ///   - unchanged: the weight of no shift.
  package init(shifts: [Double], weights: [Double], unchanged: Double) {
    let order = shifts.indices.sorted { shifts[$0] < shifts[$1] }
    self.shifts = order.map { shifts[$0] }
    self.weights = order.map { weights[$0] }
    logWeights = self.weights.map { log($0) }
    heaviest = logWeights.max() ?? -.infinity
    self.unchanged = unchanged
    logUnchanged = unchanged > 0 ? log(unchanged) : -.infinity
    recurrence = Self.recurrence(shifts: self.shifts, weights: self.weights, logWeights: logWeights)
    commonCount = logWeights.count { [heaviest] in $0 > heaviest - Self.negligible }
    inverses = self.shifts.map { 1 / $0 }
    crossings = zip(self.shifts, logWeights).map { 0.5 * $0 - $1 / $0 }
  }

  private static func recurrence(shifts: [Double], weights: [Double], logWeights: [Double]) -> Recurrence? {
    guard shifts.count > 2, let first = shifts.first, let last = shifts.last else { return nil }
    let spacing = (last - first) / Double(shifts.count - 1)
    guard spacing > 0, shifts.indices.allSatisfy({ abs(shifts[$0] - first - Double($0) * spacing) <= 4 * unitRoundoff * last }) else {
      return nil
    }
    let steps = (0..<shifts.count - 1).map {
      logWeights[$0 + 1] - logWeights[$0] - 0.5 * spacing * (shifts[$0 + 1] + shifts[$0])
    }
    let fall = exp(-spacing * spacing)
    let bends = (0..<shifts.count - 2).map { fall * (weights[$0 + 2] / weights[$0 + 1]) * (weights[$0] / weights[$0 + 1]) }
    guard bends.allSatisfy({ $0 <= 1 }) else { return nil }
    var before = [0.0]
    for weight in weights { before.append(before[before.count - 1] + weight) }
    var after = [0.0]
    for weight in weights.reversed() { after.append(after[after.count - 1] + weight) }
    return Recurrence(spacing: spacing, steps: steps, bends: bends, before: before, after: after.reversed())
  }

  /// log of e^(t_i x − t_i²/2).
  @inline(__always) func exponent(_ i: Int, _ x: Double) -> Double { shifts[i] * (x - 0.5 * shifts[i]) }

  /// Calls `body` with each term that is not `depth` nats below the greatest, relative to it, and its steps from a fresh one; the
  /// logarithm of the greatest, and the terms visited where they are a range.
  @inline(__always) func forEachTerm(
    at x: Double, depth: Double = Self.negligible, _ body: (_ index: Int, _ term: Double, _ age: Int) -> Void
  ) -> (high: Double, visited: Range<Int>?) {
    guard let recurrence else {
      var high = -Double.infinity
      for i in shifts.indices { high = max(high, logWeights[i] + exponent(i, x)) }
      for i in shifts.indices {
        let term = logWeights[i] + exponent(i, x) - high
        if term > -depth { body(i, exp(term), 0) }
      }
      return (high, nil)
    }
    // The terms rise up to the first step that is not above 0.
    let grown = recurrence.spacing * x
    var (first, last) = (0, recurrence.steps.count)
    while first < last {
      let middle = (first + last) / 2
      if recurrence.steps[middle] + grown > 0 { first = middle + 1 } else { last = middle }
    }
    let top = first
    let high = logWeights[top] + exponent(top, x)
    let least = exp(-depth)
    body(top, 1, 0)
    var (term, factor) = (1.0, 1.0)
    var upper = top
    var age = 0
    while upper < recurrence.steps.count {
      if age == Self.restart || upper == top {
        if upper > top { term = exp(logWeights[upper] + exponent(upper, x) - high) }
        age = 0
        factor = exp(min(0, recurrence.steps[upper] + grown))
      } else {
        factor *= recurrence.bends[upper - 1]
      }
      term *= factor
      if term < least { break }
      upper += 1
      age += 1
      body(upper, term, age)
    }
    var lower = top
    while lower > 0 {
      if age == Self.restart || lower == top {
        term = lower < top ? exp(logWeights[lower] + exponent(lower, x) - high) : 1
        age = 0
        factor = exp(min(0, -recurrence.steps[lower - 1] - grown))
      } else {
        factor *= recurrence.bends[lower - 1]
      }
      term *= factor
      if term < least { break }
      lower -= 1
      age += 1
      body(lower, term, age)
    }
    return (high, lower..<upper + 1)
  }

  /// log Σ_i w_i e^(t_i x − t_i²/2) without w₀, and its derivative.
  func logMoved(at x: Double) -> (value: Double, slope: Double) {
    var (sum, slope) = (0.0, 0.0)
    let (high, _) = forEachTerm(at: x) { i, term, _ in
      sum += term
      slope += term * shifts[i]
    }
    return (high + log(sum), slope / sum)
  }

  /// The x at which Σ_i w_i e^(t_i x − t_i²/2) is e^`target`.
  func positionOfMoved(_ target: Double) -> Double {
    // One of the terms alone reaches it at or above the root.
    var x = Double.infinity
    for i in inverses.indices { x = min(x, target * inverses[i] + crossings[i]) }
    // The logarithm of the sum is convex, increasing and nearly straight: Newton's method from the right descends to the root.
    for _ in 0..<50 {
      let here = logMoved(at: x)
      let step = (here.value - target) / here.slope
      guard step > 0, step.isFinite else { break }
      x -= step
      if step <= 1e-9 * max(abs(x), 1) { break }
    }
    return x
  }

  /// r at one point.
  package struct Value {
    /// log r.
    package var logRatio: Double
    /// r − 1, which keeps its digits where r is near 1.
    package var excess: Double
    /// d log r/dx.
    package var slope: Double
    /// Bound of the rounding of log r.
    package var rounding: Double
  }

  /// log r and r − 1 at x.
  package func value(at x: Double) -> Value {
    guard !shifts.isEmpty else { return Value(logRatio: 0, excess: 0, slope: 0, rounding: 0) }
    var (sum, slope, rounding) = (0.0, 0.0, 0.0)
    let (high, visited) = forEachTerm(at: x) { i, term, age in
      sum += term
      slope += term * shifts[i]
      rounding += term * Self.rounding(age: age)
    }
    let top = max(high, logUnchanged)
    var result = Value(logRatio: top + log(exp(logUnchanged - top) + exp(high - top) * sum), excess: 0, slope: 0, rounding: 0)
    if abs(result.logRatio) >= 1 {
      result.excess = expm1(result.logRatio)
      // The exponents are differences of numbers of the size of the slope times x.
      result.rounding = rounding / sum + 8 * unitRoundoff * (abs(result.logRatio) + abs(high) + slope / sum * (abs(x) + slope / sum))
    } else {
      // The densities are nearly the same: the differences of the terms from their weights are summed.
      let (excess, size) = visited.map { self.excess(at: x, high: high, visited: $0) } ?? plainExcess(at: x)
      result.excess = excess
      result.logRatio = log1p(excess)
      result.rounding = size + 4 * unitRoundoff * abs(excess)
    }
    result.slope = slope * exp(high - result.logRatio)
    return result
  }

  /// Σ w_i (e^(t_i x − t_i²/2) − 1), and the rounding of it.
  private func plainExcess(at x: Double) -> (value: Double, rounding: Double) {
    var (sum, size) = (0.0, 0.0)
    for i in shifts.indices {
      let exponent = exponent(i, x)
      guard logWeights[i] + max(0, exponent) > heaviest - 1.5 * Self.negligible else { continue }
      let term = weights[i] * expm1(exponent)
      sum += term
      size += abs(term) * (1 + abs(exponent))
    }
    return (sum, 16 * unitRoundoff * size)
  }

  /// The same where only the terms of `visited` count beside the greatest: the others are −w_i.
  private func excess(at x: Double, high: Double, visited: Range<Int>) -> (value: Double, rounding: Double) {
    guard let recurrence else { return plainExcess(at: x) }
    let rest = recurrence.before[visited.lowerBound] + recurrence.after[visited.upperBound]
    // What is small is summed apart from what is of the size of its weight.
    var (near, far, nearSize, farSize) = (0.0, 0.0, 0.0, 0.0)
    let scale = exp(high)
    _ = forEachTerm(at: x) { i, term, age in
      let exponent = exponent(i, x)
      if abs(exponent) < 0.5 {
        let small = weights[i] * (exponent + exponentialRemainder(exponent))
        near += small
        nearSize += abs(small)
      } else {
        far += scale * term - weights[i]
        farSize +=
          scale * term * (Self.rounding(age: age) + 8 * unitRoundoff * (abs(exponent) + shifts[i] * shifts[i])) + 2 * unitRoundoff
          * weights[i]
      }
    }
    // The terms that were left out are below e^−60 of the greatest.
    let left = 1e-26 * Double(shifts.count) * scale
    return (near + far - rest, 16 * unitRoundoff * (nearSize + rest) + farSize + left)
  }
}
