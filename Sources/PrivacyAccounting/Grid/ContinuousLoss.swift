import Foundation

/// The masses of a privacy loss in one bin (a, b].
struct LossContent {
  /// Mass under P.
  var p = 0.0
  /// Mass under Q; may underflow where P's does not.
  var q = 0.0
  /// Q's mass times e^b over P's mass, between 1 and e^(b − a): says where in the bin the loss lies, without cancellation.
  var ratio = 1.0
  /// Relative error of `p` and `q`.
  var error = 0.0
  /// Absolute error of `ratio`, relative to 1; of `fall` too.
  var ratioError = 0.0
  /// Q's mass times e^a over P's mass, at most 1: for bins so wide that `ratio` may be no number.
  var fall: Double?

  /// A wider bin has `fall`.
  static let narrow = 30.0

  /// The same bin of the pair (Q, P): losses change sign, the bin becomes [−b, −a).
  func swapped(width: Double) -> LossContent {
    LossContent(
      p: q, q: p, ratio: fall.map { 1 / $0 } ?? (ratio.isFinite ? exp(width) / ratio : .infinity), error: error,
      ratioError: ratioError + 4 * unitRoundoff,
      fall: width > Self.narrow && ratio.isFinite ? 1 / ratio : nil)
  }
}

/// The part of a privacy loss that has a density, given by the masses of arbitrary bins.
protocol ContinuousLoss: Sendable {
  /// Limits of the loss, possibly infinite.
  var support: (lower: Double, upper: Double) { get }
  /// Finite limits outside which P has a mass of at most 1e-300 on each side.
  var extent: (lower: Double, upper: Double) { get }
  /// The same under Q.
  var extentUnderQ: (lower: Double, upper: Double) { get }
  /// The bin (upper − width, upper]. With an infinite width `ratio` may be infinite.
  func content(below upper: Double, width: Double) -> LossContent
  /// The losses above `lower`; here `ratio` is Q's mass times e^lower over P's mass, in (0, 1].
  func tail(above lower: Double) -> LossContent
  /// Bound on how fast the logarithm of either density changes with the loss, in the part that is not negligible.
  func logDensitySlope(near loss: Double) -> Double
  /// Time of `content` in the units of `GridAccountant.greatestWork`.
  var nodeWork: Double { get }
}

extension ContinuousLoss {
  var nodeWork: Double { 80 }

  func logDensitySlope(near loss: Double) -> Double { 1 }
}

/// Integrals of the normal density, scaled so that nothing underflows.
enum NormalIntegral {
  static let rootTwoPi = (2 * Double.pi).squareRoot()

  /// Standard normal density.
  static func density(_ y: Double) -> Double { exp(-0.5 * y * y) / rootTwoPi }

  /// Mills ratio Q(y)/φ(y).
  static func mills(_ y: Double) -> Double {
    // Below −36 the upper tail is 1 and the reciprocal density is all that matters.
    if y < -5 { return 0.5 * erfc(y / 2.0.squareRoot()) / density(y) }
    guard let hazard = try? Numerics.normalHazard(y) else { return .nan }
    return 1 / hazard
  }

  /// Mass of (y − d, y], where G(y, d) may have overflowed.
  static func mass(_ y: Double, _ d: Double, scaled: Double) -> Double {
    let mass = density(y) * scaled
    if mass.isFinite { return mass }
    let (upper, lower) = (y / 2.0.squareRoot(), (y - d) / 2.0.squareRoot())
    // The difference of the smaller tails, which keeps the digits of a tail.
    if lower >= 0 { return 0.5 * (erfc(lower) - erfc(upper)) }
    return upper <= 0 ? 0.5 * (erfc(-upper) - erfc(-lower)) : 0.5 * (erf(upper) + erf(-lower))
  }

  /// G(y, d) = ∫₀^d exp(yu − u²/2) du, which is the mass of (y − d, y] over the density at y; and its relative error, or that of the mass
  /// where G is beyond the range of numbers.
  static func scaledMass(_ y: Double, _ d: Double) -> (value: Double, error: Double) {
    let u = unitRoundoff
    let middle = y - 0.5 * d
    if d * max(abs(middle) + d, 3) <= 0.25 {
      // Taylor series about the middle with Hermite polynomials; the next term is below 3e-17.
      let m = middle * middle
      let s = d * d
      let series =
        s / 24
        * ((m - 1)
          + s / 80
          * ((m * (m - 6) + 3)
            + s / 168 * ((m * (m * (m - 15) + 45) - 15) + s / 288 * (m * (m * (m * (m - 28) + 210) - 420) + 105))))
      return (exp(0.5 * y * d - 0.125 * s) * d * (1 + series), 8 * u)
    }
    let lower = y - d
    let gap = d.isInfinite ? Double.infinity : 0.5 * d * (y + lower)
    if lower >= 0 {
      // exp((y² − lower²)/2) M(lower) − M(y)
      let first = exp(gap) * mills(lower)
      let value = first - mills(y)
      guard value < .infinity else { return (.infinity, (64 + 2 * min(lower * lower, 3600)) * u) }
      return (value, first / value * (16 + 2 * gap) * u)
    }
    if y <= 0 {
      let first = mills(-y)
      let value = d.isInfinite ? first : first - exp(gap) * mills(-lower)
      return (value, first / value * (16 + 2 * (d.isInfinite ? 0 : abs(gap))) * u)
    }
    let mass = 0.5 * (erf(y / 2.0.squareRoot()) + (d.isInfinite ? 1 : erf(-lower / 2.0.squareRoot())))
    let value = mass / density(y)
    return (value, (16 + (value < .infinity ? 2 * y * y : 0)) * u)
  }
}

/// Loss of N(1, σ²) against N(0, σ²): at x it is (2x − 1)/(2σ²).
struct GaussianLoss: ContinuousLoss {
  let sigma: Double

  var support: (lower: Double, upper: Double) { (-.infinity, .infinity) }
  // The normal has a mass of 3e-316 beyond 38 standard deviations.
  var extent: (lower: Double, upper: Double) { ((-38 + 0.5 / sigma) / sigma, (38 + 0.5 / sigma) / sigma) }
  var extentUnderQ: (lower: Double, upper: Double) { ((-38 - 0.5 / sigma) / sigma, (38 - 0.5 / sigma) / sigma) }

  func content(below upper: Double, width: Double) -> LossContent {
    // Standardised positions under Q and P. As the densities agree there up to e^upper, the ratio needs only the scaled masses.
    let y0 = sigma * upper + 0.5 / sigma
    let y1 = sigma * upper - 0.5 / sigma
    let g0 = NormalIntegral.scaledMass(y0, sigma * width)
    let g1 = NormalIntegral.scaledMass(y1, sigma * width)
    let ratio = g0.value / g1.value
    var content = LossContent(
      p: NormalIntegral.mass(y1, sigma * width, scaled: g1.value), q: NormalIntegral.mass(y0, sigma * width, scaled: g0.value),
      ratio: ratio.isNaN ? .infinity : ratio, error: max(g0.error, g1.error) + positionError(y0, y1, upper),
      ratioError: g0.error + g1.error + 8 * unitRoundoff)
    if width > LossContent.narrow && width < .infinity {
      // The masses over the densities at the lower edge, which grow with the bin no more than the density does.
      let h0 = NormalIntegral.scaledMass(sigma * width - y0, sigma * width)
      let h1 = NormalIntegral.scaledMass(sigma * width - y1, sigma * width)
      let fall = h0.value / h1.value
      content.fall = fall <= 1 ? fall : fall > 1 ? 1 : nil
      content.ratioError += h0.error + h1.error
    }
    return content
  }

  func tail(above lower: Double) -> LossContent {
    let y0 = sigma * lower + 0.5 / sigma
    let y1 = sigma * lower - 0.5 / sigma
    return LossContent(
      p: 0.5 * erfc(y1 / 2.0.squareRoot()), q: 0.5 * erfc(y0 / 2.0.squareRoot()),
      ratio: NormalIntegral.mills(y0) / NormalIntegral.mills(y1), error: 8 * unitRoundoff + positionError(y0, y1, lower),
      ratioError: 32 * unitRoundoff)
  }

  func logDensitySlope(near loss: Double) -> Double { sigma * min(60, sigma * abs(loss) + 0.5 / sigma + 1) }

  /// Rounding of y moves the density by a factor 1 ± |y| |Δy|. Only what is not yet negligible counts: the mass beyond 38 is.
  private func positionError(_ y0: Double, _ y1: Double, _ loss: Double) -> Double {
    let y = abs(y0) < 38.5 ? max(abs(y0), abs(y1)) : abs(y1)
    return 4 * unitRoundoff * (min(y, 60) + 1) * (sigma * abs(loss) + 0.5 / sigma + 1)
  }
}

/// Density proportional to e^(l/2) on [−limit, limit] under P, mirrored under Q: the continuous part of the Laplace mechanism
/// (mass ½(1 − e^(−limit)) under P) and the envelope of all bounded-range mechanisms (mass 1).
struct ExponentialRampLoss: ContinuousLoss {
  let limit: Double
  /// P's mass of the bin (a, b] is scale × (e^((b − limit)/2) − e^((a − limit)/2)).
  let scale: Double

  var support: (lower: Double, upper: Double) { (-limit, limit) }
  var extent: (lower: Double, upper: Double) { (-limit, limit) }
  var extentUnderQ: (lower: Double, upper: Double) { (-limit, limit) }

  func content(below upper: Double, width: Double) -> LossContent {
    let top = min(upper, limit)
    let d = top - max(upper - width, -limit)
    guard d > 0 else { return LossContent() }
    // Clipping at the limits subtracts numbers that carry the rounding of the loss.
    let clipped = d < width * (1 - 1e-12) ? 4 * unitRoundoff * limit / d : 0
    return LossContent(
      p: scale * exp(0.5 * (top - limit)) * -expm1(-0.5 * d), q: scale * exp(-0.5 * (top + limit)) * expm1(0.5 * d),
      ratio: exp(0.5 * d + (upper - top)), error: (12 + 2 * limit) * unitRoundoff + clipped,
      ratioError: 8 * unitRoundoff + clipped * d, fall: width > LossContent.narrow ? exp(0.5 * d + (upper - top) - width) : nil)
  }

  func tail(above lower: Double) -> LossContent {
    var all = content(below: limit, width: limit - lower)
    all.ratio *= exp(lower - limit)
    return all
  }
}

/// Loss of (1 − r)Q + rP against Q for a continuous loss of (P, Q): l = log(1 − r + r e^l').
struct SampledLoss<Base: ContinuousLoss>: ContinuousLoss {
  let base: Base
  let rate: Double

  var support: (lower: Double, upper: Double) { (forward(base.support.lower), forward(base.support.upper)) }
  var extent: (lower: Double, upper: Double) {
    (
      forward(min(base.extent.lower, base.extentUnderQ.lower)), forward(max(base.extent.upper, base.extentUnderQ.upper))
    )
  }
  var extentUnderQ: (lower: Double, upper: Double) { (forward(base.extentUnderQ.lower), forward(base.extentUnderQ.upper)) }

  var nodeWork: Double { base.nodeWork + 20 }

  private func forward(_ inner: Double) -> Double {
    inner > 30 ? inner + log(rate) + log1p((1 - rate) / rate * exp(-inner)) : log1p(rate * expm1(inner))
  }

  private func inverse(_ loss: Double) -> Double {
    if loss > 1 { return loss - log(rate) + log1p((rate - 1) * exp(-loss)) }
    let z = expm1(loss) / rate
    return z <= -1 ? -.infinity : log1p(z)
  }

  /// Posterior weight of P at a loss: d l / d l'.
  private func weight(_ loss: Double, _ inner: Double) -> Double {
    let other = (1 - rate) * exp(-loss)
    return other < 0.5 ? 1 - other : rate * exp(inner - loss)
  }

  private func mixed(_ inner: LossContent, weight: Double, positionError: Double) -> LossContent {
    LossContent(
      p: (1 - rate) * inner.q + rate * inner.p, q: inner.q,
      ratio: inner.ratio.isFinite ? 1 / (1 - weight * (1 - 1 / inner.ratio)) : .infinity,
      error: inner.error + 2 * unitRoundoff + positionError,
      ratioError: inner.ratioError + 16 * unitRoundoff)
  }

  func content(below upper: Double, width: Double) -> LossContent {
    let inner = inverse(upper)
    guard inner > -.infinity else { return LossContent() }
    let w = weight(upper, inner)
    let z = -expm1(-width) / w
    // The width of the inner bin directly from the width of the outer one, so that it keeps all its digits.
    let innerWidth = z < 0.5 ? -log1p(-z) : inner - inverse(upper - width)
    let rounding = 4 * unitRoundoff * max(abs(upper), min(abs(expm1(-upper)), 1))
    var all = mixed(base.content(below: inner, width: innerWidth), weight: w, positionError: 0)
    // The inner position has the rounding of the loss over the slope; the width, where it is a difference, twice that.
    let shift = rounding / w + 4 * unitRoundoff * abs(inner)
    let slope = base.logDensitySlope(near: inner) + (z < 0.5 ? 0 : 4 / innerWidth)
    all.error += shift * slope
    if z >= 0.5 { all.ratioError += 4 * shift }
    all.ratioError += 16 * unitRoundoff * min(width, 1)
    if width > LossContent.narrow && width < .infinity {
      // The ratio may be infinite inside, where 1/ratio is not 0.
      let innerContent = base.content(below: inner, width: innerWidth)
      let innerFall = innerContent.fall ?? innerContent.ratio * exp(-innerWidth)
      let fall = 1 / ((1 - rate) * exp(width - upper) + w * exp(width - innerWidth) / innerFall)
      all.fall = fall <= 1 ? fall : fall > 1 ? 1 : nil
      all.ratioError += 4 * unitRoundoff * (abs(inner) + abs(upper))
    }
    return all
  }

  func tail(above lower: Double) -> LossContent {
    let inner = inverse(lower)
    guard inner > -.infinity else { return LossContent(p: 1, q: 1, ratio: exp(lower), error: 0, ratioError: unitRoundoff) }
    let w = weight(lower, inner)
    let rounding = 4 * unitRoundoff * max(abs(lower), min(abs(expm1(-lower)), 1))
    let shift = rounding / w + 4 * unitRoundoff * abs(inner)
    return mixed(base.tail(above: inner), weight: w, positionError: shift * (base.logDensitySlope(near: inner) + 2))
  }
}

/// The pair (Q, P): the loss changes sign.
struct SwappedLoss<Base: ContinuousLoss>: ContinuousLoss {
  let base: Base

  var nodeWork: Double { base.nodeWork }

  var support: (lower: Double, upper: Double) { (-base.support.upper, -base.support.lower) }
  var extent: (lower: Double, upper: Double) { (-base.extentUnderQ.upper, -base.extentUnderQ.lower) }
  var extentUnderQ: (lower: Double, upper: Double) { (-base.extent.upper, -base.extent.lower) }

  func content(below upper: Double, width: Double) -> LossContent {
    if width == .infinity {
      let all = base.tail(above: -upper)
      return LossContent(p: all.q, q: all.p, ratio: 1 / all.ratio, error: all.error, ratioError: all.ratioError)
    }
    return base.content(below: width - upper, width: width).swapped(width: width)
  }

  func tail(above lower: Double) -> LossContent {
    let all = base.content(below: -lower, width: .infinity)
    return LossContent(p: all.q, q: all.p, ratio: all.ratio > 0 ? 1 / all.ratio : 1, error: all.error, ratioError: all.ratioError)
  }
}

/// The pair whose profile is that of (P, Q) for e^ε ≥ 1 and 1 − γ + γδ(1/γ) below: the losses above 0 of (P, Q), and their mirror
/// image with P and Q exchanged. What is missing to 1 is an atom at loss 0, which is not part of this.
///
/// It dominates every pair both of whose orders obey the profile of (P, Q) for e^ε ≥ 1 (replace-one; Zhu, Dong and Wang 2022,
/// proposition 2 and theorem 11; Lebeda et al. 2024 on why two compositions, one per order, would not do).
struct MirroredLoss<Base: ContinuousLoss>: ContinuousLoss {
  let base: Base

  var nodeWork: Double { base.nodeWork }

  var support: (lower: Double, upper: Double) { (-base.support.upper, base.support.upper) }
  var extent: (lower: Double, upper: Double) { (-max(base.extentUnderQ.upper, 0), max(base.extent.upper, 0)) }
  var extentUnderQ: (lower: Double, upper: Double) { (-max(base.extent.upper, 0), max(base.extentUnderQ.upper, 0)) }

  /// Bins do not straddle 0: it is an edge of every grid.
  func content(below upper: Double, width: Double) -> LossContent {
    if upper > 0 { return base.content(below: upper, width: width) }
    if width == .infinity {
      let all = base.tail(above: -upper)
      return LossContent(p: all.q, q: all.p, ratio: 1 / all.ratio, error: all.error, ratioError: all.ratioError)
    }
    return base.content(below: width - upper, width: width).swapped(width: width)
  }

  func tail(above lower: Double) -> LossContent { base.tail(above: lower) }
}
