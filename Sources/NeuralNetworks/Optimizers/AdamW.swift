/// Steps of AdamW on flat buffers of equal length.
enum AdamW {
  /// w ← (1 − ηλ) w, the decay that AdamW takes beside Adam's step: from the weights, not through the gradient's moments.
  static func decay(_ parameters: inout [Float], learningRate: Double, weightDecay: Double) {
    let kept = Float(1 - learningRate * weightDecay)
    for index in parameters.indices { parameters[index] *= kept }
  }
}
