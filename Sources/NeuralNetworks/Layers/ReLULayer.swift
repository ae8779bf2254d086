/// max(0, x), with derivative 0 at 0. Behind a convolution or a dense layer it is part of that layer's kernel.
struct ReLULayer: LayerDefinition {
  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape { input }

  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError) { builder.appendReLU() }
}
