/// Inverted dropout: the expectation of every value is unchanged, so evaluation does nothing.
struct DropoutLayer: LayerDefinition {
  let rate: Double

  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape {
    guard rate >= 0, rate < 1 else {
      throw .invalidLayer(
        index: index, kind: "dropout", problem: "a rate of \(rate)", remedy: "give a rate of at least 0 and below 1")
    }
    return input
  }

  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError) {
    if rate > 0 { try builder.appendDropout(rate: rate, stream: UInt64(placement.index)) }
  }
}
