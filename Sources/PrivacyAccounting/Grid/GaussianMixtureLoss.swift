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
  /// The ratio of the densities, by the position in units of σ as everything below.
  private let ratio: GaussianMixtureRatio
  let nodeWork: Double

  init(mixture: SensitivityMixture, sigma: Double) {
    self.mixture = mixture
    self.sigma = sigma
    ratio = GaussianMixtureRatio(shifts: mixture.shifts.map { $0 / sigma }, weights: mixture.probabilities, unchanged: mixture.unchanged)
    // A bin deals with the terms that count beside the greatest there, which are a few more than those at 0.
    nodeWork = 250 + 40 * Double(min(ratio.shifts.count, ratio.commonCount + 10)) + 2 * Double(ratio.shifts.count)
  }

  private var least: Double { ratio.shifts.first ?? 0 }
  private var greatest: Double { ratio.shifts.last ?? 0 }

  var support: (lower: Double, upper: Double) { (ratio.logUnchanged, .infinity) }
  var extent: (lower: Double, upper: Double) { (ratio.unchanged > 0 ? ratio.logUnchanged : loss(at: least - 38), loss(at: greatest + 38)) }
  // The loss is nearly flat below the shifts: with its least value itself no rounding cuts the bulk off.
  var extentUnderQ: (lower: Double, upper: Double) { (ratio.unchanged > 0 ? ratio.logUnchanged : loss(at: -38), loss(at: 38)) }

  private func loss(at y: Double) -> Double { ratio.value(at: y).logRatio }

  /// The position of a loss, and a bound of its error.
  private func position(of target: Double) -> (value: Double, error: Double) {
    guard target > support.lower else { return (-.infinity, 0) }
    // What the moved part has to reach; the last digits by the loss itself, which keeps them where it is near 0.
    var y = ratio.positionOfMoved(ratio.unchanged > 0 ? target + log(-expm1(ratio.logUnchanged - target)) : target)
    var here = ratio.value(at: y)
    for _ in 0..<20 where abs(here.logRatio - target) > here.rounding {
      let step = (here.logRatio - target) / here.slope
      guard step.isFinite, abs(step) > 2 * unitRoundoff * abs(y) else { break }
      y -= step
      here = ratio.value(at: y)
    }
    let distance = abs(here.logRatio - target) + here.rounding + 2 * unitRoundoff * abs(target)
    // What rounds a shift counts as if it had moved the position.
    return (y, distance / max(here.slope, .leastNormalMagnitude) + 4 * unitRoundoff * (abs(y) + greatest))
  }

  /// One shift t, its probability, and its weight in the density of P at a position.
  private struct Term {
    let shift: Double
    let probability: Double
    var weight: Double
  }

  /// Width d of a step of `width` in the loss down from a position: the root of Σ w_i (1 − e^(−t_i d)) = 1 − e^(−width).
  ///
  /// It keeps its digits while the right side is at most half of Σ w_i; nil beyond that. `error` is the error of d from the rounding of
  /// the left side.
  ///
  /// - Parameter terms: those whose weights count.
  private func distance(_ terms: [Term], width: Double) -> (value: Double, error: Double)? {
    let target = -expm1(-width)
    let total = terms.reduce(0) { $0 + $1.weight }
    guard target <= 0.5 * total else { return nil }
    // The left side is concave and increasing in d: Newton's method from the left ascends to the root.
    var d = 0.0
    var slope = 0.0
    let farthest = terms.reduce(0) { max($0, $1.shift) }
    let mean = terms.reduce(0) { $0 + $1.weight * $1.shift }
    if farthest * target <= 0.028 * mean {
      // Then t d ≤ 0.03 for all, because the left side is at least 0.98 d Σ w_i t_i as long as that holds. The series by the moments of
      // the shifts ends with the eighth: the next term is below 1e−17 of the first.
      var moments = SIMD8<Double>.zero
      for term in terms {
        let t = term.shift
        let (square, cube) = (t * t, t * t * t)
        let fourth = square * square
        moments += term.weight * SIMD8(t, square, cube, fourth, fourth * t, fourth * square, fourth * cube, fourth * fourth)
      }
      for _ in 0..<200 {
        // Σ_k −(−d)^k m_k/k! over d, and its derivative, from the last term on.
        var value = 0.0
        slope = 0
        for k in stride(from: 8, through: 1, by: -1) {
          slope = moments[k - 1] - d / Double(k) * slope
          value = moments[k - 1] - d / Double(k + 1) * value
        }
        let step = (target - d * value) / slope
        guard step > 0, step.isFinite else { break }
        d += step
        if step <= 2 * unitRoundoff * d { break }
      }
    } else {
      for _ in 0..<200 {
        var value = 0.0
        slope = 0
        for term in terms {
          let fall = expm1(-term.shift * d)
          value -= term.weight * fall
          slope += term.weight * term.shift * (1 + fall)
        }
        let step = (target - value) / slope
        guard step > 0, step.isFinite else { break }
        d += step
        if step <= 2 * unitRoundoff * d { break }
      }
    }
    return (d, 8 * unitRoundoff * (1 + width) * target / max(slope, .leastNormalMagnitude))
  }

  /// The terms at a position that count there and within `width` below, the weight of what has not moved, and a bound of the relative
  /// rounding of the weights beside the greatest; the weights add up to 1.
  private func terms(at y: Double, width: Double) -> (terms: [Term], unchanged: Double, rounding: Double) {
    var terms: [Term] = []
    terms.reserveCapacity(min(ratio.shifts.count, 32))
    var (total, top, spread) = (0.0, 0, 0.0)
    // Going down by the width none grows by more than a factor e^width.
    let (high, _) = ratio.forEachTerm(at: y, depth: GaussianMixtureRatio.negligible + width) { i, term, age in
      terms.append(Term(shift: ratio.shifts[i], probability: ratio.weights[i], weight: term))
      total += term
      spread += term * GaussianMixtureRatio.rounding(age: age)
      if term == 1 { top = i }
    }
    let reference = max(high, ratio.logUnchanged)
    let (moved, unmoved) = (exp(high - reference), exp(ratio.logUnchanged - reference))
    let sum = moved * total + unmoved
    let scale = moved / sum
    for index in terms.indices { terms[index].weight *= scale }
    let shift = ratio.shifts[top]
    let exponents = 4 * unitRoundoff * (abs(ratio.logWeights[top]) + shift * (abs(y) + shift))
    return (terms, unmoved / sum, 8 * unitRoundoff + scale * spread + exponents * (1 - max(scale, unmoved / sum)))
  }

  func content(below upper: Double, width: Double) -> LossContent {
    let (y, positionError) = position(of: upper)
    guard y > -.infinity else { return LossContent() }
    let (terms, unchanged, rounding) = terms(at: y, width: width)
    let near = distance(terms, width: width)
    let (lower, lowerError) = near.map { (y - $0.value, $0.error) } ?? position(of: upper - width)
    let d = near?.value ?? y - lower
    let g0 = NormalIntegral.scaledMass(y, d)
    // The mass over the density at the edge, which is the mean of that of the shifts by their weights.
    var mean = unchanged > 0 ? unchanged * g0.value : 0
    var error = g0.error
    var reach = unchanged > 0 ? abs(y) : 0
    var (greatest, least) = (g0.value, g0.value)
    // The shift of the greatest weight gives the density.
    var heaviest = Term(shift: 0, probability: ratio.unchanged, weight: unchanged)
    for term in terms {
      let g = NormalIntegral.scaledMass(y - term.shift, d)
      mean += term.weight * g.value
      error = max(error, g.error)
      reach = max(reach, abs(y - term.shift))
      greatest = max(greatest, g.value)
      least = min(least, g.value)
      if term.weight > heaviest.weight { heaviest = term }
    }
    let q = NormalIntegral.mass(y, d, scaled: g0.value)
    var density = heaviest.probability * NormalIntegral.density(y - heaviest.shift) / heaviest.weight
    var p = density * mean
    var edgeRatio = g0.value / mean
    var spread = (greatest - least) / mean
    if !(density > 1e-290 && greatest < .infinity) {
      // A wide bin may hold the peak of a shift whose density at the edge is no number.
      density = ratio.unchanged * NormalIntegral.density(y)
      p = ratio.unchanged * q
      for term in terms {
        let yi = y - term.shift
        density += term.probability * NormalIntegral.density(yi)
        p += term.probability * NormalIntegral.mass(yi, d, scaled: NormalIntegral.scaledMass(yi, d).value)
      }
      edgeRatio = p > 0 ? density * g0.value / p : 1
      spread = 1
    }
    // The lower end has an error of its own, which moves mass at its density: that of P is e^loss times that of Q.
    var ending = 0.0
    if lower > -.infinity {
      let growth = exp(min(700, lowerError * (lowerError + min(abs(lower) + self.greatest, 60))))
      let lowerDensity = exp(min(700, upper - width - 0.5 * lower * lower)) / (2 * Double.pi).squareRoot()
      ending = 1.01 * lowerError * growth * max(p > 0 ? lowerDensity / p : 0, q > 0 ? NormalIntegral.density(lower) / q : 0)
    }
    // At the edge the densities of P add up to e^upper times that of Q, so that the ratio needs only the scaled masses.
    var content = LossContent(
      p: p, q: q, ratio: edgeRatio.isNaN ? .infinity : edgeRatio,
      error: error + rounding + 2 * positionError * (min(reach, 60) + 1) + ending,
      ratioError: 2 * error + 16 * unitRoundoff + 2 * ending + 2 * rounding * min(spread, 1))
    if width > LossContent.narrow && lower > -.infinity {
      // The same from the lower edge, where the masses over the densities are numbers.
      let (terms, unchanged, rounding) = self.terms(at: lower, width: .infinity)
      let g0 = NormalIntegral.scaledMass(-lower, d)
      var mean = unchanged > 0 ? unchanged * g0.value : 0
      var error = g0.error
      for term in terms where term.weight > 0 {
        let g = NormalIntegral.scaledMass(term.shift - lower, d)
        mean += term.weight * g.value
        error = max(error, g.error)
      }
      let fall = g0.value / mean
      content.fall = fall <= 1 ? fall : fall > 1 ? 1 : nil
      content.ratioError += 2 * error + 2 * rounding
    }
    return content
  }

  func tail(above lower: Double) -> LossContent {
    let (y, positionError) = position(of: lower)
    guard y > -.infinity else { return LossContent(p: 1, q: 1, ratio: exp(lower), error: 0, ratioError: unitRoundoff) }
    var density = ratio.unchanged * NormalIntegral.density(y)
    let q = 0.5 * erfc(y / 2.0.squareRoot())
    var p = ratio.unchanged * q
    for (shift, probability) in zip(ratio.shifts, ratio.weights) {
      density += probability * NormalIntegral.density(y - shift)
      p += probability * 0.5 * erfc((y - shift) / 2.0.squareRoot())
    }
    return LossContent(
      p: p, q: q, ratio: p > 0 ? min(1, density * NormalIntegral.mills(y) / p) : 0,
      error: (16 + min(y * y, 3600)) * unitRoundoff + 2 * positionError * 60, ratioError: (64 + min(y * y, 3600)) * unitRoundoff)
  }
}
