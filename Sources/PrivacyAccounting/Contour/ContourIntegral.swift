import Foundation

/// δ(ε) of a number of rounds from one table, with its error.
///
/// For c > 0 (Alghamdi, Gomez, Asoodeh, Calmon, Kosut and Sankar 2023, theorem 1)
///
///     δ(ε) = (1/2πi) ∫ exp(ΣK(z) − zε) / (z(z+1)) dz   over Re z = c.
///
/// The trapezoidal rule of step h on that line is, by Poisson's summation formula, exactly
///
///     Σ_m e^{cmΛ} δ(ε + mΛ),   Λ = 2π/h,
///
/// over all integers m. All terms are positive, so that the rule never falls below δ(ε), and the others are bounded by Chernoff's bound
/// δ(ε) ≤ exp(ΣK(c′) − c′ε) c′^c′/(1+c′)^{1+c′} at another c′ on the far side. What is left is the tail of the sum (``ModulusBound``), the
/// error of K, and rounding: each is bounded and added. Where the table leaves out the bulk of the losses (``BulkSplit``), δ(ε) stands for
/// what the others add to it.
struct ContourIntegral {
  private let table: ContourTable
  /// exp(ΣK(z) − ΣK(c)) / (z(z+1)), the first halved; less the same of the bulk where that is left out.
  private var real: [Double]
  private var imaginary: [Double]
  /// rounds × ΣK(c).
  private let base: Double
  /// Error of the sum that does not depend on ε, and its part that grows with ε.
  private var fixedError = 0.0
  private var errorPerEpsilon = 0.0
  private let tail: Double

  /// log δ and its slope, with the errors of δ relative to its value.
  struct Value {
    var logDelta: Double
    /// d log δ / dε, below 0.
    var slope: Double
    /// How much smaller and greater δ can be, relative to the value: without the other periods.
    var relativeError: Double
  }

  init(_ table: ContourTable, rounds: Double) {
    self.table = table
    let count = table.line.real.count
    let origin = table.line.real[0]
    base = rounds * origin
    real = Array(repeating: 0, count: count)
    imaginary = real
    var last = 0
    // Rotations of at most 32 steps, and sums of 32 terms that are summed.
    let summation = Self.unit * (140 + Double(count) / 32)
    let first = Self.point(0, of: table, rounds: rounds, limits: Limits())?.size ?? exp(-table.logPole[0])
    let limits = Limits(first: first, count: count)
    for index in 0..<count {
      guard let point = Self.point(index, of: table, rounds: rounds, limits: limits) else {
        // Known by a bound of the modulus only, which is φ(c)^T.
        fixedError += 2 * exp(-table.logPole[index])
        continue
      }
      guard let value = point.value else {
        fixedError += point.error
        continue
      }
      last = index
      let half = index == 0 ? 0.5 : 1
      real[index] = half * value.real
      imaginary[index] = half * value.imaginary
      fixedError += half * (point.error + point.size * summation)
      errorPerEpsilon += half * point.size * Double(index) * table.step * Self.unit * 2
    }
    real.removeSubrange((last + 1)...)
    imaginary.removeSubrange((last + 1)...)
    tail = exp(table.tail.logBound(rounds: rounds)) / table.height / table.step
  }

  private static let unit = 2.3e-16

  /// A term of the sum.
  private struct Point {
    var size = 0.0
    /// Nil where it counts by its size only, as an error.
    var value: Complex?
    /// Bound of the error of `value`, or of the modulus.
    var error: Double
  }

  /// Sizes from which on a point is left out and counted as an error.
  private struct Limits {
    /// One part in 1e20 of the first point.
    var negligible = 0.0
    /// All points together are negligible if they are smaller than this.
    var invisible = 0.0
    var logInvisible = -Double.infinity

    init() {}

    init(first: Double, count: Int) {
      negligible = 1e-20 * first
      invisible = negligible / Double(count)
      logInvisible = log(invisible)
    }
  }

  /// A term of the sum with a bound of its error; nil where the error is as large as the term can be.
  private static func point(
    _ index: Int, of table: ContourTable, rounds: Double, limits: Limits
  ) -> Point? {
    let origin = table.line.real[0]
    let fall = rounds * (table.line.real[index] - origin)
    let phase = rounds * table.line.imaginary[index]
    let relative = rounds * table.line.error[index] + unit * (rounds * (abs(table.line.real[index]) + abs(origin)) + 2 * abs(phase))
    let logWhole = fall - table.logPole[index]
    guard let bulk = table.bulk?.line else {
      // Most points of a table that was made for fewer rounds: together they are negligible.
      if logWhole < limits.logInvisible && relative < 0.5 { return Point(error: 2 * limits.invisible) }
      let whole = exp(logWhole)
      guard relative < 0.5 else {
        // What is known still bounds the modulus.
        return relative < 30 ? Point(error: 2 * exp(min(0, fall + relative) - table.logPole[index])) : nil
      }
      let turn = phase - table.poleAngle[index]
      return Point(size: whole, value: Complex(whole * cos(turn), whole * sin(turn)), error: whole * relative * (1 + relative))
    }
    let whole = exp(logWhole)
    // φ^T − φ_b^T = φ^T (1 − e^w), without the cancellation.
    let (a, b) = (rounds * bulk.real[index], rounds * bulk.imaginary[index])
    let own = rounds * bulk.error[index] + unit * (8 + 4 * abs(a) + 4 * abs(b))
    guard relative < 0.5, own < 0.5, a < 300 else { return nil }
    if logWhole + max(0, a) + 1.1 < limits.logInvisible { return Point(error: 2 * limits.invisible) }
    let grown = expm1(a)
    // Where both terms are too small their difference does not matter.
    if whole * (2 + grown) < limits.negligible { return Point(error: whole * (2 + grown) * 2) }
    let (sine, cosine) = (sin(0.5 * b), cos(0.5 * b))
    let factor = Complex(2 * sine * sine - grown * (cosine - sine) * (cosine + sine), -2 * (1 + grown) * sine * cosine)
    let size = whole * factor.modulus
    let error = size * (relative * (1 + relative) + 8 * unit) + whole * (1 + grown) * own * (1 + own)
    if size < limits.negligible { return Point(error: size + error) }
    let turn = phase - table.poleAngle[index]
    return Point(
      size: size, value: Complex(whole * cos(turn), whole * sin(turn)) * factor, error: error)
  }

  /// The rule at `epsilon`; nil where its sum is not positive within its own error.
  func value(at epsilon: Double) -> Value? {
    var sum = 0.0
    var weighted = 0.0
    var (blockSum, blockWeighted) = (0.0, 0.0)
    let turn = (cos(table.step * epsilon), -sin(table.step * epsilon))
    var rotation = (1.0, 0.0)
    for index in real.indices {
      if index.isMultiple(of: 32) {
        let phase = Double(index) * table.step * epsilon
        rotation = (cos(phase), -sin(phase))
        sum += blockSum
        weighted += blockWeighted
        (blockSum, blockWeighted) = (0, 0)
      }
      let a = real[index] * rotation.0 - imaginary[index] * rotation.1
      let b = real[index] * rotation.1 + imaginary[index] * rotation.0
      blockSum += a
      blockWeighted += table.c * a - Double(index) * table.step * b
      rotation = (rotation.0 * turn.0 - rotation.1 * turn.1, rotation.0 * turn.1 + rotation.1 * turn.0)
    }
    sum += blockSum
    weighted += blockWeighted
    let error = fixedError * 1.1 + errorPerEpsilon * (epsilon + 1) + tail
    guard sum > error else { return nil }
    let exponent = base - table.c * epsilon
    return Value(
      logDelta: log(sum) + exponent + log(table.step / Double.pi), slope: -weighted / sum,
      relativeError: error / sum + 2.3e-16 * (abs(base) + table.c * epsilon + 8))
  }
}
