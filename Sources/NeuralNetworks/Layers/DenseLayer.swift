/// Every input to every unit: output = input × weights + bias.
struct DenseLayer: LayerDefinition {
  let units: Int

  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape {
    guard case .flat = input else {
      throw .invalidLayer(
        index: index, kind: "dense", problem: "its input is an image of \(input)", remedy: "put a flatten layer before it")
    }
    guard units >= 1, units <= LayerShape.largestCount else {
      throw .invalidLayer(index: index, kind: "dense", problem: "\(units) units", remedy: "give at least 1 unit and fewer than 2^31")
    }
    return .flat(units)
  }

  func tensors(input: LayerShape, name: String, at index: Int) throws(NeuralNetworkError) -> [ParameterTensor] {
    try ParameterTensor.weightsAndBias(
      name: name, weights: [input.count, units], fanIn: input.count, fanOut: units, at: index, kind: "dense")
  }

  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError) {
    try builder.appendDense(
      units: units, weights: placement.parameterOffset, bias: placement.parameterOffset + placement.tensors[0].count,
      rectify: placement.followedByReLU)
  }
}
