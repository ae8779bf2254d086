/// Steps of RMSprop on flat buffers of equal length.
enum RMSprop {
  /// p ← p + (1 − ρ)(g² − p), w ← w − η g / (√p + ε)
  static func step(
    _ parameters: inout [Float], _ gradient: [Float], square: inout [Float], learningRate: Float, gain: Float, epsilon: Float
  ) {
    for index in parameters.indices {
      let slope = gradient[index]
      let p = square[index] + gain * (SecondMoment.finite(slope * slope) - square[index])
      square[index] = p
      parameters[index] -= learningRate * SecondMoment.quotient(slope, p.squareRoot() + epsilon)
    }
  }
}
