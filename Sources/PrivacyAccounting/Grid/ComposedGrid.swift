import Foundation

/// The n-fold tilted convolution of one side's lattice measures, with bounds on everything that is not exact.
///
/// With t_k the tilted masses, P(L = kh) = t_k exp(Σ n K − θkh), where K is any number close to the log-moment: it need not be
/// exact, only the same in both places.
struct ComposedGrid {
  let theta: Double
  let spacing: Double
  let size: Int
  /// Tilted masses of the window, from node `firstNode`; before `finish` empty.
  private(set) var masses: [Double] = []
  private(set) var firstNode = 0
  /// e^(−θw) and 1 − e^(−w) over a block of losses w.
  let weights: [(decay: Double, rise: Double)]
  /// P-mass at infinity.
  private(set) var infinity = 0.0

  /// Π φ^n of the laws so far but the last, per frequency, with what its error is bounded by; empty before the second law.
  private var product: [Factor] = []
  /// Σ |error|² and Σ |value|² over the final spectrum.
  private var spectrumSquares = (errors: 0.0, values: 0.0)
  private var logSurvival = 0.0
  private(set) var logMoment = 0.0
  /// Bound on the rounding of ΣnK.
  private var momentRounding = 0.0
  private var offset = 0
  private var nodes = (low: 0, high: 0)
  private var logAbove = 0.0
  private var logBelow = 0.0
  /// Relative error of all masses together.
  private(set) var relativeError = 0.0
  /// Error of the losses.
  private(set) var lossError = 0.0
  /// Error of the tilted sum Σ t w, absolute: rounding of the transforms, and for each side the aliases.
  private(set) var sumError = 0.0
  /// Error of each tilted mass, and the tilted masses outside the window.
  private(set) var massError = 0.0
  private(set) var outside = (above: 0.0, below: 0.0)

  init(theta: Double, spacing: Double, size: Int) {
    self.theta = theta
    self.spacing = spacing
    self.size = size
    weights = (0..<512).map { (exp(-theta * (Double($0) * spacing)), -expm1(-Double($0) * spacing)) }
  }

  /// A coefficient of the spectrum: its value, a bound on the magnitude of the true one, and Σ nγ/(|φ| + γ).
  private struct Factor {
    var re = 1.0
    var im = 0.0
    var bound = 1.0
    var rounding = 0.0

    /// φ^n by squaring. A product of complex numbers is off by √5 u (Brent, Percival and Zimmermann 2007) and the errors of equal
    /// factors add, so the power is off by less than √5 n u, for which γ has room.
    func raised(_ count: Int) -> Factor {
      var result = Factor(rounding: rounding * Double(count))
      var (re, im, bound) = (re, im, bound)
      var rest = count
      while true {
        if rest & 1 == 1 {
          (result.re, result.im) = (result.re * re - result.im * im, result.re * im + result.im * re)
          result.bound *= bound
        }
        rest >>= 1
        if rest == 0 { return result }
        (re, im) = (re * re - im * im, 2 * re * im)
        bound *= bound
      }
    }

    mutating func multiply(_ other: Factor) {
      (re, im) = (re * other.re - im * other.im, re * other.im + im * other.re)
      bound *= other.bound
      rounding += other.rounding
    }
  }

  /// Coefficients of a smaller magnitude count as error only.
  private static let negligible = exp(-85.0)

  /// Multiplies by the `count`-th power of one law's transform; that of the last law leaves the product in `transform`.
  mutating func add(
    _ p: [Double], infinity: Double, grid: LossGrid, count: Int, logMoment: Double, center: Int, window: GridAccountant.Window,
    isLast: Bool, transform: RealTransform
  ) {
    let n = Double(count)
    let u = unitRoundoff
    let real = transform.real
    real.update(repeating: 0, count: size)
    var (total, above, below, largest) = (0.0, 0.0, 0.0, 0.0)
    var slot = (grid.first - center) % size
    if slot < 0 { slot += size }
    var (low, high) = (Int.max, Int.min)
    p.withUnsafeBufferPointer { p in
      for j in p.indices {
        if p[j] > 0 {
          let node = grid.first + j
          let exponent = theta * (Double(node) * spacing) - logMoment
          largest = max(largest, abs(exponent))
          let distance = Double(node - center) * spacing
          let t = p[j] * exp(exponent)
          real[slot] += t
          total += t
          above += p[j] * exp(exponent + window.tiltAbove * distance)
          below += p[j] * exp(exponent - window.tiltBelow * distance)
          if low == .max { low = node }
          high = node
        }
        slot += 1
        if slot == size { slot = 0 }
      }
    }
    if low == .max { (low, high) = (center, center) }
    // The tilted masses are scaled to a sum of 1, so that powers neither overflow nor vanish.
    let scale = total > 0 ? 1 / total : 1
    self.logMoment += n * (logMoment - log(scale))
    momentRounding += 4 * u * abs(n * logMoment) + n * (4 + 4 * abs(log(scale))) * u
    offset += count * center
    nodes = (nodes.low + count * low, nodes.high + count * high)
    logAbove += n * log(above * scale)
    logBelow += n * log(below * scale)
    logSurvival += n * log1p(-min(1, infinity))
    lossError += n * grid.lossError
    // The exponent carries the rounding of two products and a difference; several folded terms may share a slot.
    let folds = Double(p.count / size + 1)
    relativeError += n * (3 * largest + 4 * abs(logMoment) + 6 + folds) * u

    transform.forward()
    // Every output of the transform is off by at most γ times the sum of its inputs; the power is rounded too.
    let gamma = RealTransform.roundingBound(size: size) + 16 * u
    // Alone, a smaller coefficient needs no power: its size is counted as error.
    let least = exp(log(Self.negligible) / n)
    let spectrum = transform.spectrum
    func power(_ k: Int) -> Factor {
      let (re, im) = (spectrum[2 * k] * scale, spectrum[2 * k + 1] * scale)
      let high = (re * re + im * im).squareRoot() + gamma
      if high < least { return Factor(re: 0, im: 0, bound: Self.negligible, rounding: 1) }
      return Factor(re: re, im: im, bound: high, rounding: gamma / high).raised(count)
    }
    if !isLast {
      if product.isEmpty { product = [Factor](repeating: Factor(), count: size / 2 + 1) }
      product.withUnsafeMutableBufferPointer { product in
        for k in product.indices where product[k].bound > Self.negligible { product[k].multiply(power(k)) }
      }
      return
    }
    var (errors, values) = (0.0, 0.0)
    product.withUnsafeBufferPointer { product in
      for k in 0...(size / 2) {
        var factor = power(k)
        if !product.isEmpty { factor.multiply(product[k]) }
        // |Π(φ + η)^n − Πφ^n| ≤ Π(|φ̂| + γ)^n Σ nγ/(|φ̂| + γ), for |η| ≤ γ on either side; the bound itself is rounded.
        let error = factor.bound * min(2 * factor.rounding + 32 * u, 2)
        let isReal = k == 0 || k == size / 2
        let both = isReal ? 1.0 : 2.0
        errors += both * error * error
        values += both * factor.bound * factor.bound
        spectrum[2 * k] = factor.re
        spectrum[2 * k + 1] = isReal ? 0 : factor.im
      }
    }
    product = []
    spectrumSquares = (errors, values)
  }

  /// Transforms back what the last law left in `transform`.
  mutating func finish(_ transform: RealTransform, firstNode: Int, window: GridAccountant.Window) {
    let u = unitRoundoff
    let (errors, values) = spectrumSquares
    transform.inverse()
    let scale = 1 / Double(size)
    // Euclidean norms in the time domain (Parseval): the error of the spectrum, and the rounding of the inverse transform.
    let noise = (errors * scale).squareRoot() + 1.01 * RealTransform.roundingBound(size: size) * (values * scale).squareRoot()
    // ‖w‖₂ of the weights w(v) = e^(−θv)(1 − e^(−v)), v = loss − ε: an integral, and one peak because w rises and falls once.
    let peak = exp(theta * log(theta / (1 + theta))) / (1 + theta)
    let weights = 1 / (spacing * theta * (2 * theta + 1) * (2 * theta + 2)) + peak * peak
    let norm = min(weights, Double(size)).squareRoot()
    // Tilted mass outside the window by Chernoff's bound at two more tilts; none where the window holds every node.
    let lastNode = firstNode + size - 1
    let above =
      nodes.high <= lastNode ? 0 : exp(min(700, logAbove - window.tiltAbove * Double(lastNode + 1 - offset) * spacing))
    let below = nodes.low >= firstNode ? 0 : exp(min(700, logBelow + window.tiltBelow * Double(firstNode - 1 - offset) * spacing))
    massError = noise
    outside = (above * 1.001, below * 1.001)
    sumError = (noise * norm + 1.001 * (above + below) * peak) * (1 + 1e-6)
    relativeError += momentRounding + 64 * u
    lossError += 8 * u * max(abs(Double(firstNode)), abs(Double(lastNode))) * spacing
    infinity = -expm1(logSurvival)

    self.firstNode = firstNode
    var slot = (firstNode - offset) % size
    if slot < 0 { slot += size }
    masses = [Double](unsafeUninitializedCapacity: size) { masses, count in
      for j in 0..<size {
        masses[j] = transform.real[slot] * scale
        slot += 1
        if slot == size { slot = 0 }
      }
      count = size
    }
  }
}
