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
/// error of K, and rounding: each is bounded and added.
struct ContourIntegral {
  private let table: ContourTable
  private let rounds: Double
  /// exp(ΣK(z) − ΣK(c)) / (z(z+1)), the first halved.
  private var real: [Double]
  private var imaginary: [Double]
  /// rounds × ΣK(c).
  private let base: Double
  /// Error of the sum that does not depend on ε, and its part that grows with ε.
  private var fixedError = 0.0
  private var errorPerEpsilon = 0.0
  private let tail: Double
  /// log of the size, relative to that of the first point, from which on a point is left out and counted as an error.
  private static let negligible = -46.0

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
    self.rounds = rounds
    let count = table.line.real.count
    let unit = 2.3e-16
    let origin = table.line.real[0]
    base = rounds * origin
    real = Array(repeating: 0, count: count)
    imaginary = real
    var last = 0
    // Rotations of at most 32 steps, and sums of 32 terms that are summed.
    let summation = 140 + Double(count) / 32
    for index in 0..<count {
      let y = Double(index) * table.step
      let fall = rounds * (table.line.real[index] - origin) - table.logPole[index]
      // A point this far below the first one counts by its size only.
      if fall < Self.negligible - table.logPole[0] {
        let known = rounds * table.line.error[index]
        fixedError += known < 1 ? exp(fall + known) : exp(min(0, rounds * (table.line.real[index] - origin) + known) - table.logPole[index])
        continue
      }
      last = index
      let size = exp(fall) * (index == 0 ? 0.5 : 1)
      let phase = rounds * table.line.imaginary[index]
      let angle = phase - table.poleAngle[index]
      real[index] = size * cos(angle)
      imaginary[index] = size * sin(angle)
      let relative =
        rounds * table.line.error[index] + unit * (rounds * (abs(table.line.real[index]) + abs(origin)) + 2 * abs(phase) + summation)
      if relative < 0.5 {
        fixedError += size * relative * (1 + relative)
      } else {
        // The point is known by a bound of its modulus only.
        let bound = min(0, rounds * (table.line.real[index] - origin + table.line.error[index]))
        fixedError += 2 * exp(bound - table.logPole[index]) + size
      }
      errorPerEpsilon += size * y * unit * 2
    }
    real.removeSubrange((last + 1)...)
    imaginary.removeSubrange((last + 1)...)
    tail = exp(rounds * table.logTail) / table.height / table.step
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
