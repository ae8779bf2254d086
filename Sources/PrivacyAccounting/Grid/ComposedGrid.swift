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
  /// e^(−θw) over a block of losses w, eight at a time.
  let decays: [SIMD8<Double>]
  /// 1 − e^(−w) over the same block.
  let rises: [SIMD8<Double>]
  /// P-mass at infinity.
  private(set) var infinity = 0.0

  /// Nodes that are summed before their sum is added to that of the others.
  static let blockLength = 512

  /// Π φ^n of the laws so far but the last, for four frequencies each, with what its error is bounded by; empty before the second law.
  private var product: [Factors] = []
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
    func block(_ value: (Double) -> Double) -> [SIMD8<Double>] {
      (0..<Self.blockLength / 8).map { group in
        var lanes = SIMD8<Double>()
        for lane in 0..<8 { lanes[lane] = value(Double(8 * group + lane) * spacing) }
        return lanes
      }
    }
    decays = block { exp(-theta * $0) }
    rises = block { -expm1(-$0) }
  }

  /// Four coefficients of the spectrum: their values, a bound on the magnitude of the true ones, and Σ nγ/(|φ| + γ).
  private struct Factors {
    var re = SIMD4<Double>(repeating: 1)
    var im = SIMD4<Double>.zero
    var bound = SIMD4<Double>(repeating: 1)
    var rounding = SIMD4<Double>.zero

    /// φ^n by squaring, for the coefficients φ of one transform, each of which is off by at most γ. A product of complex numbers is off
    /// by √5 u (Brent, Percival and Zimmermann 2007) and the errors of equal factors add, so the power is off by less than √5 n u, for
    /// which γ has room. Alone, a coefficient below `least` needs no power: its size is counted as error.
    @inline(__always) init(re first: SIMD4<Double>, im second: SIMD4<Double>, gamma: Double, least: Double, count: Int) {
      let magnitude = (first * first + second * second).squareRoot() + gamma
      let isNegligible = magnitude .< least
      var (re, im) = (first.replacing(with: 0, where: isNegligible), second.replacing(with: 0, where: isNegligible))
      var bound = magnitude.replacing(with: 1, where: isNegligible)
      rounding = (Double(count) * gamma / magnitude).replacing(with: 1, where: isNegligible)
      var rest = count
      while true {
        if rest & 1 == 1 {
          (self.re, self.im) = (self.re * re - self.im * im, self.re * im + self.im * re)
          self.bound *= bound
        }
        rest >>= 1
        if rest == 0 { break }
        (re, im) = (re * re - im * im, 2 * re * im)
        bound *= bound
      }
      self.bound.replace(with: ComposedGrid.negligible, where: isNegligible)
    }

    init() {}

    @inline(__always) mutating func multiply(_ other: Factors) {
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
    let tilted = tilt(p, first: grid.first, logMoment: logMoment, center: center, window: window, into: transform.real)
    var (low, high) = (tilted.low, tilted.high)
    let (total, above, below, largest) = (tilted.total, tilted.above, tilted.below, tilted.largest)
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
    // The exponent carries the rounding of two products and a difference, and that of its split; several folded terms may share a slot.
    let folds = Double(p.count / size + 1)
    relativeError += n * (3 * largest + 4 * abs(logMoment) + 6 + Self.greatestGrowth + 4 + folds) * u

    transform.forward()
    // Every output of the transform is off by at most γ times the sum of its inputs; the power is rounded too.
    let gamma = RealTransform.roundingBound(size: size) + 16 * u
    let least = exp(log(Self.negligible) / n)
    let spectrum = transform.spectrum
    let last = size / 2
    /// The coefficients 4 × `group` …, 0 beyond the last.
    func power(_ group: Int) -> Factors {
      var pairs = SIMD8<Double>.zero
      if 4 * group + 3 <= last {
        pairs = UnsafeRawPointer(spectrum + 8 * group).loadUnaligned(as: SIMD8<Double>.self)
      } else {
        for index in 0..<2 * (last + 1 - 4 * group) { pairs[index] = spectrum[8 * group + index] }
      }
      return Factors(re: pairs.evenHalf * scale, im: pairs.oddHalf * scale, gamma: gamma, least: least, count: count)
    }
    let groups = last / 4 + 1
    if !isLast {
      if product.isEmpty { product = [Factors](repeating: Factors(), count: groups) }
      product.withUnsafeMutableBufferPointer { product in
        for group in product.indices where any(product[group].bound .> Self.negligible) { product[group].multiply(power(group)) }
      }
      return
    }
    var (errors, values) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    product.withUnsafeBufferPointer { product in
      for group in 0..<groups {
        var factors = power(group)
        if !product.isEmpty { factors.multiply(product[group]) }
        // |Π(φ + η)^n − Πφ^n| ≤ Π(|φ̂| + γ)^n Σ nγ/(|φ̂| + γ), for |η| ≤ γ on either side; the bound itself is rounded.
        let share = 2 * factors.rounding + 32 * u
        let error = factors.bound * share.replacing(with: 2, where: share .> 2)
        // All stand for two but the first and the last, which are real.
        var times = SIMD4<Double>(repeating: 2)
        if group == 0 {
          times[0] = 1
          factors.im[0] = 0
        }
        if group == groups - 1 {
          for lane in (last % 4)..<4 { times[lane] = lane == last % 4 ? 1 : 0 }
          factors.im[last % 4] = 0
        }
        errors += times * error * error
        values += times * factors.bound * factors.bound
        if 4 * group + 3 <= last {
          var pairs = SIMD8<Double>()
          pairs.evenHalf = factors.re
          pairs.oddHalf = factors.im
          UnsafeMutableRawPointer(spectrum + 8 * group).storeBytes(of: pairs, as: SIMD8<Double>.self)
        } else {
          for lane in 0...(last % 4) {
            spectrum[8 * group + 2 * lane] = factors.re[lane]
            spectrum[8 * group + 2 * lane + 1] = factors.im[lane]
          }
        }
      }
    }
    product = []
    spectrumSquares = (errors.sum(), values.sum())
  }

  /// Nats that the tilted masses may grow by over a block whose exponentials come from a table.
  private static let greatestGrowth = 8.0

  /// Puts p e^(θkh − K) into the slots, and adds up that and what Chernoff's bounds need.
  private func tilt(
    _ p: [Double], first: Int, logMoment: Double, center: Int, window: GridAccountant.Window, into real: UnsafeMutablePointer<Double>
  ) -> (total: Double, above: Double, below: Double, largest: Double, low: Int, high: Int) {
    real.update(repeating: 0, count: size)
    var (total, above, below, largest) = (0.0, 0.0, 0.0, 0.0)
    var slot = (first - center) % size
    if slot < 0 { slot += size }
    var (low, high) = (Int.max, Int.min)
    // e^(rate × i) for the three exponents of a block's nodes, so that a block takes three exponentials instead of three a node.
    let rates = (spacing * theta, spacing * (theta + window.tiltAbove), spacing * (theta - window.tiltBelow))
    let fastest = max(rates.0, rates.1, abs(rates.2))
    let length = max(1, min(256, Int(min(256, Self.greatestGrowth / fastest))))
    let tables = (0..<length).map { (exp(rates.0 * Double($0)), exp(rates.1 * Double($0)), exp(rates.2 * Double($0))) }
    p.withUnsafeBufferPointer { p in
      for start in stride(from: 0, to: p.count, by: length) {
        let base = first + start
        let exponent = theta * (Double(base) * spacing) - logMoment
        let distance = Double(base - center) * spacing
        let plain = exp(exponent)
        let raised = exp(exponent + window.tiltAbove * distance)
        let lowered = exp(exponent - window.tiltBelow * distance)
        largest = max(largest, abs(exponent), abs(exponent + rates.0 * Double(length)))
        for j in start..<min(start + length, p.count) {
          let mass = p[j]
          if mass > 0 {
            let factors = tables[j - start]
            let t = mass * (plain * factors.0)
            real[slot] += t
            total += t
            above += mass * (raised * factors.1)
            below += mass * (lowered * factors.2)
            if low == .max { low = first + j }
            high = first + j
          }
          slot += 1
          if slot == size { slot = 0 }
        }
      }
    }
    return (total, above, below, largest, low, high)
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
      for j in slot..<size { masses[j - slot] = transform.real[j] * scale }
      for j in 0..<slot { masses[size - slot + j] = transform.real[j] * scale }
      count = size
    }
  }
}
