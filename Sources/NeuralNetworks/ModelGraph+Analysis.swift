/// What a checked graph is made of.
struct GraphAnalysis {
  struct PlacedLayer {
    let layer: Layer
    let input: LayerShape
    let output: LayerShape
    let tensors: [ParameterTensor]
    /// Position of the layer's first parameter in the flat buffer.
    let parameterOffset: Int
  }

  let input: LayerShape
  let layers: [PlacedLayer]
  let parameterCount: Int
  let classCount: Int
}

extension ModelGraph {
  /// Follows the shapes through the layers and checks each of them.
  func analysis() throws(NeuralNetworkError) -> GraphAnalysis {
    guard let input = LayerShape(inputShape) else { throw .invalidInputShape(inputShape) }
    var placed: [GraphAnalysis.PlacedLayer] = []
    var shape = input
    var offset = 0
    var numbers: [String: Int] = [:]
    for (index, layer) in layers.enumerated() {
      let definition = layer.definition
      let output = try definition.outputShape(of: shape, at: index)
      numbers[layer.kind, default: 0] += 1
      let tensors = try definition.tensors(input: shape, name: "\(layer.kind)\(numbers[layer.kind, default: 1])", at: index)
      placed.append(.init(layer: layer, input: shape, output: output, tensors: tensors, parameterOffset: offset))
      for tensor in tensors {
        offset += tensor.count
        guard offset <= LayerShape.largestCount else {
          throw .invalidLayer(
            index: index, kind: layer.kind, problem: "the model would have 2^31 parameters or more up to this layer",
            remedy: "use fewer units or filters, or pool the image first")
        }
      }
      shape = output
    }
    guard case .flat(let classCount) = shape else {
      throw .noClassScores(problem: "it ends in an image of \(shape)", remedy: "end with flatten and dense")
    }
    guard classCount >= 2 else {
      throw .noClassScores(problem: "it ends in a single value", remedy: "give the last dense layer one unit for each class, at least 2")
    }
    guard offset > 0 else {
      throw .noClassScores(problem: "no layer has parameters", remedy: "add a dense layer with one unit for each class")
    }
    return GraphAnalysis(input: input, layers: placed, parameterCount: offset, classCount: classCount)
  }
}
