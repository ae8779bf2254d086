/// Steps of stochastic gradient descent on flat buffers of equal length.
enum GradientDescent {
  /// w ← w − η g
  static func step(_ parameters: inout [Float], _ gradient: [Float], learningRate: Float) {
    for index in parameters.indices {
      parameters[index] -= learningRate * gradient[index]
    }
  }

  /// a ← m a + g, w ← w − η a
  static func step(
    _ parameters: inout [Float], _ gradient: [Float], accumulator: inout [Float], learningRate: Float, momentum: Float
  ) {
    for index in parameters.indices {
      let advanced = momentum * accumulator[index] + gradient[index]
      accumulator[index] = advanced
      parameters[index] -= learningRate * advanced
    }
  }
}
