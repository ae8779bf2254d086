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
  /// log p_i, and s_i/σ².
  private let logProbabilities: [Double]
  private let rates: [Double]

  init(mixture: SensitivityMixture, sigma: Double) {
    self.mixture = mixture
    self.sigma = sigma
    logProbabilities = mixture.probabilities.map { log($0) }
    rates = mixture.shifts.map { $0 / sigma / sigma }
    // Terms that are negligible beside others cost little.
    let common = logProbabilities.count { $0 > Self.negligible }
    nodeWork = 80 + 80 * Double(max(1, common)) + 15 * Double(logProbabilities.count)
  }

  let nodeWork: Double

  /// log of a share that is lost in the rounding of the sum, for any number of shifts.
  private static let negligible = -60.0

  private var top: Double { mixture.shifts.last ?? 0 }

  var support: (lower: Double, upper: Double) { (mixture.unchanged > 0 ? log(mixture.unchanged) : -.infinity, .infinity) }
  var extent: (lower: Double, upper: Double) {
    (loss(at: mixture.unchanged > 0 ? -38 * sigma : mixture.shifts[0] - 38 * sigma), loss(at: top + 38 * sigma))
  }
  var extentUnderQ: (lower: Double, upper: Double) { (loss(at: -38 * sigma), loss(at: 38 * sigma)) }

  /// log of the ratio of shift i's density to that of Q.
  private func exponent(_ i: Int, _ x: Double) -> Double { rates[i] * (x - 0.5 * mixture.shifts[i]) }

  func loss(at x: Double) -> Double { lossAndSlope(at: x).loss }

  /// The loss and its derivative at x.
  private func lossAndSlope(at x: Double) -> (loss: Double, slope: Double) {
    let logUnchanged = mixture.unchanged > 0 ? log(mixture.unchanged) : -Double.infinity
    var high = -Double.infinity
    for i in rates.indices { high = max(high, logProbabilities[i] + exponent(i, x)) }
    let top = max(high, logUnchanged)
    var (sum, slope) = (0.0, 0.0)
    for i in rates.indices {
      let term = logProbabilities[i] + exponent(i, x) - high
      if term > Self.negligible {
        let weight = exp(term)
        sum += weight
        slope += weight * rates[i]
      }
    }
    var loss = top + log(exp(logUnchanged - top) + exp(high - top) * sum)
    if abs(loss) < 1 {
      // The densities are nearly the same: the difference is summed without cancellation.
      sum = 0
      for i in rates.indices {
        let exponent = exponent(i, x)
        if logProbabilities[i] + max(0, exponent) > 1.5 * Self.negligible { sum += mixture.probabilities[i] * expm1(exponent) }
      }
      loss = log1p(sum)
    }
    return (loss, slope * exp(high - loss))
  }

  /// The x of a loss. The loss is convex and increasing in x, so that Newton's method from the right descends to the root.
  func position(of target: Double) -> Double {
    guard target > support.lower else { return -.infinity }
    var x = Double.infinity
    for i in mixture.shifts.indices {
      let s = mixture.shifts[i]
      x = min(x, (target - logProbabilities[i]) / rates[i] + 0.5 * s)
    }
    for _ in 0..<200 {
      let (value, slope) = lossAndSlope(at: x)
      let step = (value - target) / slope
      guard step > 0, step.isFinite else { break }
      x -= step
      if step <= 4 * unitRoundoff * abs(x) { break }
    }
    return x
  }

  /// Width in x of a step of `width` in the loss down from `x`: the root D of Σ w_i (1 − e^(−s_i D/σ²)) = 1 − e^(−width).
  ///
  /// It keeps its digits while the right side is at most half of Σ w_i; nil beyond that. `error` is the error of D from the rounding of
  /// the left side.
  private func distance(_ terms: [(index: Int, weight: Double)], width: Double) -> (value: Double, error: Double)? {
    let target = -expm1(-width)
    guard target <= 0.5 * terms.reduce(0, { $0 + $1.weight }) else { return nil }
    // The left side is concave and increasing in D: Newton's method from the left ascends to the root.
    var d = 0.0
    var slope = 0.0
    for _ in 0..<200 {
      var value = 0.0
      slope = 0
      for (index, weight) in terms {
        let fall = expm1(-rates[index] * d)
        value -= weight * fall
        slope += weight * rates[index] * (1 + fall)
      }
      let step = (target - value) / slope
      guard step > 0, step.isFinite else { break }
      d += step
      if step <= 2 * unitRoundoff * d { break }
    }
    return (d, 8 * unitRoundoff * (1 + width) * target / max(slope, .leastNormalMagnitude))
  }

  /// Error of the position x of a loss, in units of σ.
  private func positionError(_ x: Double, loss: Double) -> Double {
    let rate = max(lossAndSlope(at: x).slope * sigma, .leastNormalMagnitude)
    return 16 * unitRoundoff * (abs(loss) + min(abs(expm1(-loss)), 1) + 1e-3) / rate + 4 * unitRoundoff * (abs(x) + top) / sigma
  }

  func content(below upper: Double, width: Double) -> LossContent {
    let x = position(of: upper)
    guard x > -.infinity else { return LossContent() }
    // The weight of each shift in the density of P at x. Going down by the width none grows by more than a factor e^width.
    var terms: [(index: Int, weight: Double)] = []
    for i in mixture.shifts.indices {
      let logWeight = logProbabilities[i] + exponent(i, x) - upper
      if logWeight > Self.negligible - width { terms.append((i, exp(logWeight))) }
    }
    let near = distance(terms, width: width)
    let lower = near.map { x - $0.value } ?? position(of: upper - width)
    let d = (near?.value ?? x - lower) / sigma
    let y = x / sigma
    let g0 = NormalIntegral.scaledMass(y, d)
    var error = g0.error
    // Densities under P at the edge add up to e^upper times that under Q, so the ratio needs only the scaled masses.
    var density = mixture.unchanged * NormalIntegral.density(y)
    var lowerDensity = mixture.unchanged * NormalIntegral.density(lower / sigma)
    let q = NormalIntegral.mass(y, d, scaled: g0.value)
    var p = mixture.unchanged * q
    var reach = density > 0 ? abs(y) : 0
    for (i, _) in terms {
      let yi = (x - mixture.shifts[i]) / sigma
      let g = NormalIntegral.scaledMass(yi, d)
      let term = mixture.probabilities[i] * NormalIntegral.density(yi)
      density += term
      lowerDensity += mixture.probabilities[i] * NormalIntegral.density((lower - mixture.shifts[i]) / sigma)
      p += mixture.probabilities[i] * NormalIntegral.mass(yi, d, scaled: g.value)
      error = max(error, g.error)
      reach = max(reach, abs(yi))
    }
    // The lower end has an error of its own, which moves mass at its density.
    var ending = 0.0
    if lower > -.infinity {
      let shift = near.map { $0.error / sigma } ?? positionError(lower, loss: upper - width)
      let growth = exp(min(700, shift * (shift + min((abs(lower) + top) / sigma, 60))))
      ending = shift * growth * max(p > 0 ? lowerDensity / p : 0, q > 0 ? NormalIntegral.density(lower / sigma) / q : 0)
    }
    let ratio = p > 0 ? density * g0.value / p : 1
    return LossContent(
      p: p, q: q, ratio: ratio.isNaN ? .infinity : ratio, error: error + 2 * positionError(x, loss: upper) * (min(reach, 60) + 1) + ending,
      ratioError: 2 * error + 16 * unitRoundoff + 2 * ending)
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
    return LossContent(
      p: p, q: 0.5 * erfc(y / 2.0.squareRoot()), ratio: p > 0 ? min(1, density * NormalIntegral.mills(y) / p) : 0,
      error: (16 + min(y * y, 3600)) * unitRoundoff + 2 * positionError(x, loss: lower) * 60,
      ratioError: (64 + min(y * y, 3600)) * unitRoundoff)
  }
}
