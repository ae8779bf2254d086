/// The largest value of each window; windows do not overlap.
struct MaxPool2DLayer: LayerDefinition {
  let size: Int

  func outputShape(of input: LayerShape, at index: Int) throws(NeuralNetworkError) -> LayerShape {
    guard case .image(let height, let width, let channels) = input else {
      throw .invalidLayer(
        index: index, kind: "maxPool2D", problem: "its input is a vector of \(input) values", remedy: "put it before flatten")
    }
    guard size >= 1, size <= min(height, width) else {
      throw .invalidLayer(
        index: index, kind: "maxPool2D", problem: "a window of \(size) does not fit the image of \(input)",
        remedy: "use a size from 1 to \(min(height, width))")
    }
    return .image(height: height / size, width: width / size, channels: channels)
  }

  func append(to builder: KernelBuilder, at placement: LayerPlacement) throws(NeuralNetworkError) {
    try builder.appendMaxPool(size: size)
  }
}
