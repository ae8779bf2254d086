/// The rules of one kind of layer: what it accepts, what it gives, what it learns, and which kernels compute it.
protocol LayerDefinition {
  /// Shape of the output, or an error that names `index` and the remedy.
  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape

  /// The layer's parameters in storage order, with names that start with `name`.
  func tensors(input: LayerShape, name: String, at index: Int) throws(NeuralNetworkError) -> [ParameterTensor]

  /// Appends the kernels that compute the layer.
  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError)
}

extension LayerDefinition {
  func tensors(input: LayerShape, name: String, at index: Int) throws(NeuralNetworkError) -> [ParameterTensor] { [] }
}

/// What a layer needs to know of its surroundings when its kernels are made.
struct LayerPlacement {
  let index: Int
  /// Position of the layer's first parameter in the flat buffer.
  let parameterOffset: Int
  let tensors: [ParameterTensor]
  /// The next layer is `relu`, which this one may take over.
  let followedByReLU: Bool
}
