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
  /// P-mass at infinity.
  private(set) var infinity = 0.0

  /// Σ n log|φ| and Σ n arg φ per frequency, and Σ nγ/|φ| for the error.
  private var logMagnitude: [Double]
  private var phase: [Double]
  private var relativeRounding: [Double]
  private var logSurvival = 0.0
  private var logMoment = 0.0
  /// Bound on the rounding of ΣnK.
  private var momentRounding = 0.0
  private var offset = 0
  private var nodes = (low: 0, high: 0)
  private var logAbove = 0.0
  private var logBelow = 0.0
  /// Relative error of all masses together.
  private var relativeError = 0.0
  /// Error of the losses.
  private var lossError = 0.0
  /// Error of the tilted sum Σ t w, absolute: rounding of the transforms, and for each side the aliases.
  private var sumError = 0.0
  /// Error of each tilted mass, and the tilted masses outside the window.
  private var massError = 0.0
  private var outside = (above: 0.0, below: 0.0)

  init(theta: Double, spacing: Double, size: Int) {
    self.theta = theta
    self.spacing = spacing
    self.size = size
    logMagnitude = [Double](repeating: 0, count: size / 2 + 1)
    phase = logMagnitude
    relativeRounding = logMagnitude
  }

  /// Multiplies by the `count`-th power of one law's transform.
  mutating func add(
    _ p: [Double], infinity: Double, grid: LossGrid, count: Int, logMoment: Double, center: Int, window: GridAccountant.Window,
    transform: RealTransform
  ) {
    let n = Double(count)
    let u = unitRoundoff
    let real = transform.real
    for k in 0..<size { real[k] = 0 }
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
    self.logMoment += n * logMoment
    momentRounding += 4 * u * abs(n * logMoment)
    offset += count * center
    nodes = (nodes.low + count * low, nodes.high + count * high)
    logAbove += n * log(above)
    logBelow += n * log(below)
    logSurvival += n * log1p(-min(1, infinity))
    lossError += n * grid.lossError
    // The exponent carries the rounding of two products and a difference; several folded terms may share a slot.
    let folds = Double(p.count / size + 1)
    relativeError += n * (3 * largest + 4 * abs(logMoment) + 6 + folds) * u

    transform.forward()
    // Every output of the transform is off by at most γ × total; the power's phase n·arg φ is rounded too.
    let gamma = RealTransform.roundingBound(size: size) * total + 16 * u
    let spectrum = transform.spectrum
    for k in 0...(size / 2) {
      let (re, im) = (spectrum[2 * k], spectrum[2 * k + 1])
      let magnitude = (re * re + im * im).squareRoot()
      let high = magnitude + gamma
      logMagnitude[k] += n * log(high)
      relativeRounding[k] += n * gamma / high
      // A coefficient that is negligible needs no phase: its size is counted as error.
      if logMagnitude[k] > -90 && magnitude > 0 {
        phase[k] += (n * atan2(im, re)).remainder(dividingBy: 2 * Double.pi)
      }
    }
  }

  mutating func finish(_ transform: RealTransform, firstNode: Int, window: GridAccountant.Window) {
    let u = unitRoundoff
    let spectrum = transform.spectrum
    var (errors, values) = (0.0, 0.0)
    for k in 0...(size / 2) {
      // |Π(φ + η)^n − Πφ^n| ≤ Π(|φ̂| + γ)^n Σ nγ/(|φ̂| + γ), for |η| ≤ γ on either side; here the magnitude is taken at |φ̂| + γ,
      // which is off by as much again, and e^x has the rounding of x ≤ 90.
      let bound = exp(logMagnitude[k])
      let both = k == 0 || k == size / 2 ? 1.0 : 2.0
      let used = logMagnitude[k] > -80
      let value = used ? bound : 0
      let error = used ? bound * min(2 * relativeRounding[k] + 400 * u, 2) : bound
      errors += both * error * error
      values += both * value * value
      spectrum[2 * k] = value * cos(phase[k])
      spectrum[2 * k + 1] = k == 0 || k == size / 2 ? 0 : value * sin(phase[k])
      if k == size / 2 { spectrum[2 * k] = value * (cos(phase[k]) < 0 ? -1 : 1) }
    }
    logMagnitude = []
    phase = []
    relativeRounding = []
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
    masses = [Double](repeating: 0, count: size)
    for j in 0..<size {
      masses[j] = transform.real[slot] * scale
      slot += 1
      if slot == size { slot = 0 }
    }
  }

  /// A = Σ t e^(−θv) and D = Σ t e^(−θv)(1 − e^(−v)) over the losses kh = (node)h + v, v ≥ 0.
  private func sums(from node: Int) -> (a: Double, d: Double) {
    var (a, d) = (0.0, 0.0)
    let start = max(node - firstNode, 0)
    guard start < size else { return (0, 0) }
    var j = start
    while j < size {
      // Blocks, so that the rounding of a long sum does not grow with its length.
      let end = min(size, j + 512)
      var (blockA, blockD) = (0.0, 0.0)
      while j < end {
        let v = Double(firstNode + j - node) * spacing
        let term = masses[j] * exp(-theta * v)
        blockA += term
        blockD -= term * expm1(-v)
        j += 1
      }
      a += blockA
      d += blockD
      // What is left is at most e^(−θv) of mass 1.
      if theta * Double(firstNode + j - node) * spacing > 90 { break }
    }
    return (a, d)
  }

  /// Rounding of `sums`: blocks of 512, and the exponent θv ≤ 90.
  private var sumRounding: Double { (1024 + 400 + Double(size) / 512) * unitRoundoff }

  /// Factor from the tilted sum at loss x to the probability.
  private func logFactor(_ x: Double) -> Double { logMoment - theta * x }

  private func rounding(_ x: Double) -> Double { relativeError + sumRounding + 4 * unitRoundoff * abs(theta * x) }

  /// δ at `epsilon`, rounded outward.
  func delta(_ epsilon: Double, upper: Bool) -> Double {
    let at = upper ? epsilon - lossError : epsilon + lossError
    let node = max(Int((at / spacing).rounded(.up)), firstNode)
    let (a, d) = sums(from: node)
    let gap = max(0, Double(node) * spacing - at)
    // Between nodes D(ε) = e^(−gap) D + (1 − e^(−gap)) A.
    let sum = (exp(-gap) * d - expm1(-gap) * a) * exp(-theta * gap)
    let error = sumError + exp(-88)
    let relative = rounding(at)
    let value = upper ? (sum + error) * (1 + relative) : (sum - error) * (1 - relative)
    let factor = logFactor(at)
    if upper { return (exp(factor) * max(0, value) + infinity * (1 + 8 * unitRoundoff)).nextUp }
    return max(0, exp(factor) * max(0, value) + infinity * (1 - 8 * unitRoundoff)).nextDown
  }

  /// ε at `delta`, rounded outward: above, the least ε found whose bound on δ is at most `delta`; below, the largest whose bound is
  /// at least that.
  func epsilon(_ delta: Double, upper: Bool) -> Double {
    let mass = delta - infinity * (upper ? 1 + 8 * unitRoundoff : 1 - 8 * unitRoundoff)
    guard mass > 0 else { return .infinity }
    let logTarget = log(mass) - logMoment
    // The target of the tilted sum at a node; the error term holds anywhere in the step below the node.
    func target(_ node: Int) -> Double {
      let x = Double(node) * spacing
      let relative = rounding(x) + 4 * unitRoundoff * abs(log(mass))
      let value = exp(min(700, logTarget + theta * x))
      let error = (sumError + exp(-88)) * exp(min(700, theta * spacing))
      return upper ? value * (1 - relative) - error : value * (1 + relative) + error
    }
    // D at the node below, from A and D at a node: D′ = e^(−(θ+1)h) D + e^(−θh)(1 − e^(−h)) A.
    let decay = exp(-theta * spacing)
    let (keep, gain) = (exp(-spacing) * decay, -expm1(-spacing) * decay)
    let bottom = max(firstNode, 0)
    var node = firstNode + size - 1
    guard node >= bottom else { return 0 }
    var a = masses[size - 1]
    var d = 0.0
    let growth = exp(theta * spacing)
    var threshold = target(node)
    while node > bottom {
      let (nextA, nextD) = (decay * a + masses[node - 1 - firstNode], keep * d + gain * a)
      node -= 1
      // Only a search: the exponential is refreshed now and then, and the crossing is verified below.
      threshold = node % 64 == 0 || threshold <= 0 ? target(node) : threshold / growth
      (a, d) = (nextA, nextD)
      if d > threshold { break }
    }
    // The crossing lies between this node and the one above it, or there is none above 0.
    node = min(node + 1, firstNode + size - 1)
    for _ in 0..<64 {
      let exact = sums(from: node)
      let wanted = target(node)
      if exact.d > wanted {
        // Above: not verified here, so look higher. Below: this node already reaches δ.
        if upper {
          node += 1
          if node >= firstNode + size { return .infinity }
          continue
        }
      } else if !upper && node > bottom {
        let lowerSums = sums(from: node - 1)
        if lowerSums.d <= target(node - 1) {
          node -= 1
          continue
        }
      }
      // D(node − f) = D + (1 − e^(−f))(A − D), in the scale of this node.
      let room = (wanted - exact.d) / (exact.a - exact.d)
      let step = exact.a > exact.d ? max(0, min(room < 1 ? -log1p(-room) : spacing, spacing)) : (upper ? spacing : 0)
      let x = Double(node) * spacing
      if upper { return max(0, (x - step * (1 - 1e-12) + lossError).nextUp) }
      let value = x - min(spacing, step * (1 + 1e-12)) - lossError
      return exact.d > wanted || lowerReaches(node, step, wanted, exact) ? max(0, value.nextDown) : 0
    }
    return upper ? .infinity : 0
  }

  private func lowerReaches(_ node: Int, _ step: Double, _ wanted: Double, _ sums: (a: Double, d: Double)) -> Bool {
    sums.d - expm1(-min(spacing, step * (1 + 1e-12))) * (sums.a - sums.d) >= wanted * (1 - 1e-13)
  }

  /// Node by node the best bounds of several tilts over one window, as one law.
  static func atoms(upper: [ComposedGrid], lower: [ComposedGrid]) -> LossAtoms {
    let grid = upper[0]
    var (high, low) = (LossAtoms.Table(atoms: [], infinity: 0), LossAtoms.Table(atoms: [], infinity: 0))
    var kept = 0.0
    for j in 0..<grid.size {
      let loss = Double(grid.firstNode + j) * grid.spacing
      // Aliases only add to the masses.
      var (most, least) = (1.0, 0.0)
      for g in upper {
        most = min(most, exp(g.logFactor(loss)) * (max(0, g.masses[j]) + g.massError) * (1 + g.rounding(loss)))
      }
      for g in lower {
        let mass = g.masses[j] - g.massError - g.outside.above - g.outside.below
        least = max(least, exp(g.logFactor(loss)) * max(0, mass) * (1 - g.rounding(loss)))
      }
      high.atoms.append(LossAtom(loss: loss, probability: most))
      if least > 0 { low.atoms.append(LossAtom(loss: loss, probability: min(least, most))) }
      kept += min(least, most)
    }
    // Losses above the window are infinite, those below are rounded up to its first node; P(L > x) = E_θ e^(ΣnK − θL) 1(L > x).
    let end = Double(grid.firstNode + grid.size) * grid.spacing
    var beyond = 1.0
    for g in upper { beyond = min(beyond, exp(g.logFactor(end)) * g.outside.above * (1 + g.rounding(end))) }
    let infinity = upper.reduce(1) { min($0, $1.infinity) } * (1 + 8 * unitRoundoff)
    high.infinity = min(1, infinity + beyond)
    low.infinity = lower.reduce(0) { max($0, $1.infinity) } * (1 - 8 * unitRoundoff)
    let missing = max(0, 1 - kept - low.infinity) + 1e-15
    high.atoms[0].probability = min(1, high.atoms[0].probability + missing)
    let lossError = (upper + lower).reduce(0) { max($0, $1.lossError) }
    return LossAtoms(
      upper: high, lower: low, relativeError: 8 * unitRoundoff, lossError: lossError, spacing: grid.spacing, coversQ: false)
  }
}
