import CVectorKernels
import Foundation

/// K(z) on the points z = c + ikh, k = 0, 1, … of a line, with a bound of each error.
struct CumulantLine: Sendable {
  /// Real and imaginary part of K, principal branch.
  var real: [Double]
  var imaginary: [Double]
  /// Bound of |error of K|: quadrature and rounding.
  var error: [Double]

  private static let unit = 2.3e-16

  /// K(z) = z(z+1)/(2σ²).
  static func gaussian(noiseMultiplier sigma: Double, c: Double, step: Double, count: Int) -> CumulantLine {
    var line = CumulantLine(count: count)
    let scale = 0.5 / (sigma * sigma)
    for index in 0..<count {
      let y = Double(index) * step
      line.real[index] = (c * (c + 1) - y * y) * scale
      line.imaginary[index] = y * (2 * c + 1) * scale
      line.error[index] = unit * scale * (2 * c * (c + 1) + 2 * y * y + 2 * y * (2 * c + 1))
    }
    return line
  }

  init(count: Int) {
    real = Array(repeating: 0, count: count)
    imaginary = real
    error = real
  }

  /// From nodes.
  ///
  /// Where E_P e^{cL} is of order 1, E e^{zL} − 1 is formed as E[e^{zL} − 1 − z(1 − e^{−L})], whose linear part has mean zero: losses with
  /// |zL| ≤ ½ all along the line enter through their moments, Σ_k E[L^k/k!] z(z^{k−1} + (−1)^k), the others one by one.
  ///
  /// - Throws: `.notConverged` where memory or the limit of work does not allow the sums.
  init(nodes: LossNodes, c: Double, step: Double, count: Int) throws(AccountingError) {
    self.init(count: count)
    var shift = 0.0
    for (loss, logMass) in zip(nodes.losses, nodes.logMasses) { shift = max(shift, logMass + c * loss) }
    let isSmall = shift == 0
    let height = Double(count) * step
    let greatest = max(1, (c * c + height * height).squareRoot())

    var moments = [Double](repeating: 0, count: Self.terms + 1)
    var weights: [Double] = []
    var frequencies: [Double] = []
    var constant = 0.0
    var linear = 0.0
    var scale = 0.0
    for (loss, logMass) in zip(nodes.losses, nodes.logMasses) {
      if isSmall && abs(loss) * greatest <= 0.5 {
        var term = exp(logMass) * loss
        for k in 2...Self.terms {
          term *= loss / Double(k)
          moments[k] += term
        }
      } else {
        let weight = exp(logMass + c * loss - shift)
        weights.append(weight)
        frequencies.append(loss)
        scale += weight
        if isSmall {
          constant += exp(logMass)
          linear += LossNodes.difference(loss: loss, logMass: logMass)
        }
      }
    }
    let moment = zip(weights, frequencies).reduce(0) { $0 + $1.0 * abs($1.1) }
    let sums = try Self.exponentialSums(weights: weights, frequencies: frequencies, step: step, count: count)
    for index in 0..<count {
      let z = Complex(c, Double(index) * step)
      var value = Complex(sums.real[index], sums.imaginary[index])
      // The phase yL carries the rounding of y, L and their product.
      var bound =
        sums.error[index] + Self.unit * (4 * scale + 4 * z.imaginary * moment)
        + (nodes.relativeError + nodes.cutError) * (scale + (isSmall ? 1 : 0))
      if isSmall {
        value = value - Complex(constant, 0) - linear * z + Self.polynomial(moments, z)
        let size = z.modulus
        bound += Self.unit * 4 * (constant + abs(linear) * size + moments[2] * size * (size + 1)) + nodes.linearError * (1 + size)
        let squared = (1 + value.real) * (1 + value.real) + value.imaginary * value.imaginary
        // log|1 + v|² = log1p(2 Re v + |v|²)
        real[index] = 0.5 * log1p(2 * value.real + value.real * value.real + value.imaginary * value.imaginary)
        imaginary[index] = atan2(value.imaginary, 1 + value.real)
        error[index] = Self.logError(bound / squared.squareRoot()) + Self.unit * 2 * (abs(real[index]) + abs(imaginary[index]))
      } else {
        real[index] = shift + 0.5 * log(value.real * value.real + value.imaginary * value.imaginary)
        imaginary[index] = atan2(value.imaginary, value.real)
        error[index] = Self.logError(bound / value.modulus) + Self.unit * 2 * (abs(real[index]) + abs(imaginary[index]))
      }
    }
  }

  /// Error of the logarithm for a relative error of its argument.
  private static func logError(_ relative: Double) -> Double { relative < 0.5 ? relative * (1 + relative) : .infinity }

  /// log(1 − φ_t/φ), the logarithm of the bulk's share of the transform whose own logarithm is `whole`.
  ///
  /// - Parameter nodes: with a tail's share each, on which `whole` was evaluated too.
  init(bulkShareOf whole: CumulantLine, nodes: LossNodes, c: Double, step: Double) throws(AccountingError) {
    let count = whole.real.count
    self.init(count: count)
    let origin = whole.real[0]
    var weights: [Double] = []
    var frequencies: [Double] = []
    for ((loss, logMass), share) in zip(zip(nodes.losses, nodes.logMasses), nodes.tailShares) {
      // Relative to φ(c).
      let weight = exp(logMass + c * loss - origin) * share
      guard weight > 1e-40 else { continue }
      weights.append(weight)
      frequencies.append(loss)
    }
    let scale = weights.reduce(0, +)
    let moment = zip(weights, frequencies).reduce(0) { $0 + $1.0 * abs($1.1) }
    let sums = try Self.exponentialSums(weights: weights, frequencies: frequencies, step: step, count: count)
    for index in 0..<count {
      let y = Double(index) * step
      // φ_t/φ at this point, from φ_t/φ(c) and φ/φ(c).
      let modulus = exp(origin - whole.real[index])
      let (cosine, sine) = (cos(whole.imaginary[index]), sin(whole.imaginary[index]))
      let ratio = Complex(
        modulus * (sums.real[index] * cosine + sums.imaginary[index] * sine),
        modulus * (sums.imaginary[index] * cosine - sums.real[index] * sine))
      // What was cut counts against the whole, the rule and rounding against the tail alone.
      let absolute =
        sums.error[index] + Self.unit * (16 * scale + 4 * y * moment) + 2 * nodes.relativeError * scale + nodes.cutError
        + 1e-40 * Double(nodes.losses.count)
      let relative = whole.error[index] + Self.unit * (8 + abs(origin) + abs(whole.real[index]) + 2 * abs(whole.imaginary[index]))
      let bound = modulus * absolute + (relative < 0.5 ? ratio.modulus * relative * (1 + relative) : .infinity)
      let rest = Complex(1 - ratio.real, -ratio.imaginary)
      real[index] = 0.5 * log1p(-2 * ratio.real + ratio.real * ratio.real + ratio.imaginary * ratio.imaginary)
      imaginary[index] = atan2(rest.imaginary, rest.real)
      error[index] = Self.logError(bound / rest.modulus) + Self.unit * 4 * (abs(real[index]) + abs(imaginary[index]))
      if !error[index].isFinite { error[index] = .infinity }
    }
  }

  private static let terms = 16

  /// Σ_{k ≥ 2} M_k z (z^{k−1} + (−1)^k).
  private static func polynomial(_ moments: [Double], _ z: Complex) -> Complex {
    var power = z
    var sum = Complex(0, 0)
    for k in 2...terms {
      sum = sum + moments[k] * (power + Complex(k.isMultiple(of: 2) ? 1 : -1, 0))
      power = power * z
    }
    return sum * z
  }

  /// Nanoseconds that the sums of one table may take; beyond it a grid is faster.
  private static let greatestCost = 1e9

  /// The instructions that the direct sums use; with wider ones than these the processor lowers its clock for what comes between.
  private static let level = min(cvk_best_level(), CVK_LEVEL_AVX2)

  private static func directCost(nodes: Int, count: Int) -> Double {
    (level == CVK_LEVEL_AVX2 ? 0.5 : 1.2) * Double(nodes) * Double(count)
  }

  /// About how many nanoseconds a line takes.
  static func cost(nodes: Int, count: Int) -> Double {
    min(directCost(nodes: nodes, count: count), NonuniformTransform.cost(nodes: nodes, count: count)) + 60 * Double(count)
  }

  /// Σ w e^{ikh·f} for k = 0 … count−1, with a bound of the error of each.
  private static func exponentialSums(
    weights: [Double], frequencies: [Double], step: Double, count: Int
  ) throws(AccountingError) -> (real: [Double], imaginary: [Double], error: [Double]) {
    guard cost(nodes: weights.count, count: count) <= greatestCost else {
      throw .notConverged(what: "contour integral", reason: "it needs \(count) points on \(weights.count) quadrature nodes")
    }
    // The direct sum rounds less, and is taken as long as it is quick.
    let direct = directCost(nodes: weights.count, count: count)
    if direct > 3e6 && NonuniformTransform.cost(nodes: weights.count, count: count) < 0.5 * direct {
      let sums = try NonuniformTransform(weights: weights, angles: frequencies.map { $0 * step }, count: count)
      return (sums.real, sums.imaginary, sums.error)
    }
    let (real, imaginary) = directSums(weights: weights, frequencies: frequencies, step: step, count: count)
    // Three units for every two steps of a recurrence, and as many for the one over its starts; eight sums run beside each other.
    let bound = (3 * Double(restart) + Double(weights.count) / 8) * unit * weights.reduce(0, +)
    return (real, imaginary, Array(repeating: bound, count: count))
  }

  /// Steps of a recurrence before it starts from a state of its own; and how many such states come from one another before they are
  /// computed anew.
  private static let restart = 48

  private static func directSums(
    weights: [Double], frequencies: [Double], step: Double, count: Int
  ) -> (real: [Double], imaginary: [Double]) {
    let groups = (weights.count + 7) / 8
    /// Each number's e^{iyf} times its factor, in groups of eight real and eight imaginary parts.
    func fill(_ vectors: inout [Double], _ y: Double, _ factors: [Double]?) {
      for (index, frequency) in frequencies.enumerated() {
        let factor = factors?[index] ?? 1
        let slot = 16 * (index / 8) + index % 8
        vectors[slot] = factor * cos(y * frequency)
        vectors[slot + 8] = y == 0 ? 0 : factor * sin(y * frequency)
      }
    }
    let zero = [Double](repeating: 0, count: 16 * groups)
    var (turn, long, start, state) = (zero, zero, zero, zero)
    fill(&turn, step, nil)
    if count > restart { fill(&long, Double(restart) * step, nil) }
    var sums = [Double](repeating: 0, count: 2 * count)
    // What the recurrence over the starts gives besides the next start is not needed.
    var unused = [0.0, 0.0]
    for (section, first) in stride(from: 0, to: count, by: restart).enumerated() {
      if section % restart == 0 {
        fill(&start, Double(first) * step, weights)
      } else {
        cvk_turn_f64(level, groups, long, &start, 1, &unused)
      }
      state = start
      sums.withUnsafeMutableBufferPointer {
        cvk_turn_f64(level, groups, turn, &state, min(restart, count - first), $0.baseAddress.map { $0 + 2 * first })
      }
    }
    return (
      (0..<count).map { sums[2 * $0] }, (0..<count).map { sums[2 * $0 + 1] }
    )
  }
}

/// A complex number, with what the contour needs.
struct Complex {
  var real: Double
  var imaginary: Double

  @inline(__always) init(_ real: Double, _ imaginary: Double) {
    self.real = real
    self.imaginary = imaginary
  }

  var modulus: Double { (real * real + imaginary * imaginary).squareRoot() }

  @inline(__always) static func + (a: Complex, b: Complex) -> Complex { Complex(a.real + b.real, a.imaginary + b.imaginary) }
  @inline(__always) static func - (a: Complex, b: Complex) -> Complex { Complex(a.real - b.real, a.imaginary - b.imaginary) }
  @inline(__always) static func * (a: Complex, b: Complex) -> Complex {
    Complex(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
  }
  @inline(__always) static func * (a: Double, b: Complex) -> Complex { Complex(a * b.real, a * b.imaginary) }
}
