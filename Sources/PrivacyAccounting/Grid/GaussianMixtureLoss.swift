import Foundation

/// A distribution of non-negative sensitivities: with probability p_i the sum moves by s_i.
package struct SensitivityMixture: Hashable, Sendable {
  /// Probabilities of the positive shifts.
  let probabilities: [Double]
  /// The shifts, all above 0, increasing.
  let shifts: [Double]
  /// Probability that nothing moves.
  let unchanged: Double

  /// A mixture with the given (shift, probability) terms; the probabilities sum to 1 up to 1e-12.
  ///
  /// - Throws: `AccountingError.invalidParameter`.
  package init(_ terms: [(shift: Double, probability: Double)]) throws(AccountingError) {
    var sum = 0.0
    for term in terms {
      guard term.shift >= 0, term.shift.isFinite else {
        throw .invalidParameter(name: "shift of a mixture", value: term.shift, allowed: "finite and at least 0")
      }
      guard term.probability >= 0, term.probability <= 1 else {
        throw .invalidParameter(name: "probability of a mixture", value: term.probability, allowed: "in [0, 1]")
      }
      sum += term.probability
    }
    guard abs(sum - 1) <= 1e-12 else {
      throw .invalidParameter(name: "sum of the probabilities of a mixture", value: sum, allowed: "1")
    }
    let moving = terms.filter { $0.shift > 0 && $0.probability > 0 }.sorted { $0.shift < $1.shift }
    probabilities = moving.map(\.probability)
    shifts = moving.map(\.shift)
    unchanged = max(0, 1 - probabilities.reduce(0, +))
  }
}

/// Loss of Σ p_i N(s_i, σ²) against N(0, σ²), which increases with x because all s_i are at least 0.
struct GaussianMixtureLoss: ContinuousLoss {
  let mixture: SensitivityMixture
  let sigma: Double

  var nodeWork: Double { 80 + 160 * Double(mixture.shifts.count) }

  private var top: Double { mixture.shifts.last ?? 0 }

  var support: (lower: Double, upper: Double) { (mixture.unchanged > 0 ? log(mixture.unchanged) : -.infinity, .infinity) }
  var extent: (lower: Double, upper: Double) {
    (loss(at: mixture.unchanged > 0 ? -38 * sigma : mixture.shifts[0] - 38 * sigma), loss(at: top + 38 * sigma))
  }
  var extentUnderQ: (lower: Double, upper: Double) { (loss(at: -38 * sigma), loss(at: 38 * sigma)) }

  private func exponent(_ shift: Double, _ x: Double) -> Double { shift / sigma * ((x - 0.5 * shift) / sigma) }

  func loss(at x: Double) -> Double {
    let largest = exponent(top, x)
    if abs(largest) < 20 {
      var sum = 0.0
      for i in mixture.shifts.indices { sum += mixture.probabilities[i] * expm1(exponent(mixture.shifts[i], x)) }
      if sum > -0.9 { return log1p(sum) }
    }
    var high = mixture.unchanged > 0 ? log(mixture.unchanged) : -Double.infinity
    for i in mixture.shifts.indices { high = max(high, log(mixture.probabilities[i]) + exponent(mixture.shifts[i], x)) }
    var sum = mixture.unchanged * exp(-high)
    for i in mixture.shifts.indices { sum += mixture.probabilities[i] * exp(exponent(mixture.shifts[i], x) - high) }
    return high + log(sum)
  }

  /// d loss / dx.
  private func slope(at x: Double, loss: Double) -> Double {
    var sum = 0.0
    for i in mixture.shifts.indices {
      sum += mixture.probabilities[i] * exp(exponent(mixture.shifts[i], x) - loss) * mixture.shifts[i]
    }
    return sum / (sigma * sigma)
  }

  /// The x of a loss. The loss is convex and increasing in x, so that Newton's method from the right descends to the root.
  func position(of target: Double) -> Double {
    guard target > support.lower else { return -.infinity }
    var x = Double.infinity
    for i in mixture.shifts.indices {
      let s = mixture.shifts[i]
      x = min(x, (target - log(mixture.probabilities[i])) * sigma / s * sigma + 0.5 * s)
    }
    for _ in 0..<200 {
      let value = loss(at: x)
      let step = (value - target) / slope(at: x, loss: value)
      guard step > 0, step.isFinite else { break }
      x -= step
      if step <= 4 * unitRoundoff * abs(x) { break }
    }
    return x
  }

  /// Width in x of a step of `width` in the loss down from `x`: the root D of Σ w_i (1 − e^(−s_i D/σ²)) = 1 − e^(−width).
  private func distance(below x: Double, weights: [Double], width: Double) -> Double {
    let target = -expm1(-width)
    guard weights.reduce(0, +) > target else { return .infinity }
    // The left side is concave and increasing in D: Newton's method from the left ascends to the root.
    var d = 0.0
    for _ in 0..<200 {
      var value = 0.0
      var slope = 0.0
      for i in weights.indices {
        let rate = mixture.shifts[i] / sigma / sigma
        value -= weights[i] * expm1(-rate * d)
        slope += weights[i] * rate * exp(-rate * d)
      }
      let step = (target - value) / slope
      guard step > 0, step.isFinite else { break }
      d += step
      if step <= 2 * unitRoundoff * d { break }
    }
    return d
  }

  func content(below upper: Double, width: Double) -> LossContent {
    let x = position(of: upper)
    guard x > -.infinity else { return LossContent() }
    let weights = mixture.shifts.indices.map { mixture.probabilities[$0] * exp(exponent(mixture.shifts[$0], x) - upper) }
    let d = distance(below: x, weights: weights, width: width) / sigma
    let y = x / sigma
    let g0 = NormalIntegral.scaledMass(y, d)
    var error = g0.error
    // Densities under P at the edge add up to e^upper times that under Q, so the ratio needs only the scaled masses.
    var density = mixture.unchanged * NormalIntegral.density(y)
    var p = mixture.unchanged * NormalIntegral.mass(y, d, scaled: g0.value)
    var reach = density > 0 ? abs(y) : 0
    for i in mixture.shifts.indices {
      let yi = (x - mixture.shifts[i]) / sigma
      let g = NormalIntegral.scaledMass(yi, d)
      let term = mixture.probabilities[i] * NormalIntegral.density(yi)
      density += term
      p += mixture.probabilities[i] * NormalIntegral.mass(yi, d, scaled: g.value)
      error = max(error, g.error)
      reach = max(reach, abs(yi))
    }
    let rate = max(slope(at: x, loss: upper) * sigma, .leastNormalMagnitude)
    let shift = 16 * unitRoundoff * (abs(upper) + min(abs(expm1(-upper)), 1) + 1e-3) / rate + 4 * unitRoundoff * (abs(y) + top / sigma)
    // Where the distance solves for a number close to its limit, a rounding of the weights moves the lower end.
    let ending = d.isFinite ? 8 * unitRoundoff * (1 + width) / max(exp(-top / sigma * d), 1e-3) : 0
    let ratio = p > 0 ? density * g0.value / p : 1
    return LossContent(
      p: p, q: NormalIntegral.mass(y, d, scaled: g0.value), ratio: ratio.isNaN ? .infinity : ratio,
      error: error + 2 * shift * (min(reach, 60) + 1) + ending, ratioError: 2 * error + 16 * unitRoundoff + ending)
  }

  func tail(above lower: Double) -> LossContent {
    let x = position(of: lower)
    guard x > -.infinity else { return LossContent(p: 1, q: 1, ratio: exp(lower), error: 0, ratioError: unitRoundoff) }
    let y = x / sigma
    var density = mixture.unchanged * NormalIntegral.density(y)
    var p = mixture.unchanged * 0.5 * erfc(y / 2.0.squareRoot())
    for i in mixture.shifts.indices {
      let yi = (x - mixture.shifts[i]) / sigma
      density += mixture.probabilities[i] * NormalIntegral.density(yi)
      p += mixture.probabilities[i] * 0.5 * erfc(yi / 2.0.squareRoot())
    }
    let rate = max(slope(at: x, loss: lower) * sigma, .leastNormalMagnitude)
    let shift = 16 * unitRoundoff * (abs(lower) + 1) / rate + 4 * unitRoundoff * (abs(y) + top / sigma)
    return LossContent(
      p: p, q: 0.5 * erfc(y / 2.0.squareRoot()), ratio: p > 0 ? min(1, density * NormalIntegral.mills(y) / p) : 0,
      error: (16 + min(y * y, 3600)) * unitRoundoff + 2 * shift * 60, ratioError: (64 + min(y * y, 3600)) * unitRoundoff)
  }
}
