/// Steps of Adam on flat buffers of equal length.
enum Adam {
  /// a ← a + (1 − β₁)(g − a), p ← p + (1 − β₂)(g² − p), w ← w − rate · a / (√p + ε), with `rate` bias-corrected
  static func step(
    _ parameters: inout [Float], _ gradient: [Float], mean: inout [Float], square: inout [Float],
    rate: Float, gain1: Float, gain2: Float, epsilon: Float
  ) {
    for index in parameters.indices {
      let slope = gradient[index]
      let a = mean[index] + gain1 * (slope - mean[index])
      let p = square[index] + gain2 * (slope * slope - square[index])
      mean[index] = a
      square[index] = p
      parameters[index] -= rate * a / (p.squareRoot() + epsilon)
    }
  }

  /// base^exponent by repeated squaring, whose rounding is the same on every machine.
  static func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var factor = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}
