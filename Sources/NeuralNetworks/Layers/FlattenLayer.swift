/// An image as a vector in storage order; a vector stays as it is.
struct FlattenLayer: LayerDefinition {
  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape { .flat(input.count) }

  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError) { try builder.makePlain() }
}
