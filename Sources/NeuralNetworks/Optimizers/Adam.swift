/// Steps of Adam on flat buffers of equal length.
enum Adam {
  /// The numbers of one step.
  struct Factors {
    /// η √(1 − β₂ᵗ) / (1 − β₁ᵗ): the learning rate of step t, corrected for moments that started at zero.
    let rate: Float
    /// 1 − β₁
    let gain1: Float
    /// 1 − β₂
    let gain2: Float
    let epsilon: Float

    init(_ learningRate: Double, _ beta1: Double, _ beta2: Double, _ epsilon: Double, step: Int) {
      rate = Float(learningRate * (1 - power(beta2, step)).squareRoot() / (1 - power(beta1, step)))
      gain1 = Float(1 - beta1)
      gain2 = Float(1 - beta2)
      self.epsilon = Float(epsilon)
    }
  }

  /// a ← a + (1 − β₁)(g − a), p ← p + (1 − β₂)(g² − p), w ← w − rate · a / (√p + ε)
  static func step(
    _ parameters: inout [Float], _ gradient: [Float], mean: inout [Float], square: inout [Float], _ factors: Factors
  ) {
    for index in parameters.indices {
      let slope = gradient[index]
      let a = mean[index] + factors.gain1 * (slope - mean[index])
      let p = square[index] + factors.gain2 * (SecondMoment.finite(slope * slope) - square[index])
      mean[index] = a
      square[index] = p
      parameters[index] -= factors.rate * SecondMoment.quotient(a, p.squareRoot() + factors.epsilon)
    }
  }

  /// base^exponent by repeated squaring, whose rounding is the same on every machine.
  private static func power(_ base: Double, _ exponent: Int) -> Double {
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
