/// Convolution with square kernels, stride 1, no padding.
struct Conv2DLayer: LayerDefinition {
  let filters: Int
  let kernel: Int

  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape {
    guard case .image(let height, let width, _) = input else {
      throw .invalidLayer(
        index: index, kind: "conv2D", problem: "its input is a vector of \(input) values",
        remedy: "give the model an inputShape of [height, width, channels] and put conv2D before flatten")
    }
    guard filters >= 1 else {
      throw .invalidLayer(index: index, kind: "conv2D", problem: "\(filters) filters", remedy: "give at least 1 filter")
    }
    guard kernel >= 1, kernel <= min(height, width) else {
      throw .invalidLayer(
        index: index, kind: "conv2D", problem: "a kernel of \(kernel) does not fit the image of \(input)",
        remedy: "use a kernel from 1 to \(min(height, width))")
    }
    guard let output = LayerShape([height - kernel + 1, width - kernel + 1, filters]) else {
      throw .invalidLayer(
        index: index, kind: "conv2D", problem: "\(filters) filters make an output of 2^31 values or more", remedy: "use fewer filters")
    }
    return output
  }

  func tensors(input: LayerShape, name: String, at index: Int) throws(NeuralNetworkError) -> [ParameterTensor] {
    guard case .image(_, _, let channels) = input else { return [] }
    // The kernel fits an image that has fewer than 2^31 values, so only the product with the filters can overflow.
    return try ParameterTensor.weightsAndBias(
      name: name, weights: [kernel, kernel, channels, filters], fanIn: kernel * kernel * channels,
      fanOut: kernel * kernel * filters, at: index, kind: "conv2D")
  }

  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError) {
    try builder.appendConvolution(
      filters: filters, kernel: kernel, weights: placement.parameterOffset,
      bias: placement.parameterOffset + placement.tensors[0].count, rectify: placement.followedByReLU)
  }
}
