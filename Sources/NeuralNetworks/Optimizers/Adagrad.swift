/// Steps of Adagrad on flat buffers of equal length.
enum Adagrad {
  /// p ← p + g², w ← w − η g / √(p + ε)
  static func step(
    _ parameters: inout [Float], _ gradient: [Float], accumulator: inout [Float], learningRate: Float, epsilon: Float
  ) {
    for index in parameters.indices {
      let slope = gradient[index]
      let p = SecondMoment.finite(accumulator[index] + slope * slope)
      accumulator[index] = p
      parameters[index] -= learningRate * SecondMoment.quotient(slope, (p + epsilon).squareRoot())
    }
  }
}
