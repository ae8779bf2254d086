/// One tensor that a layer learns.
struct ParameterTensor {
  /// How the tensor starts.
  enum Initialiser {
    case zeros
    /// Uniform in ±√(6 / (fanIn + fanOut)).
    case glorotUniform(fanIn: Int, fanOut: Int)
  }

  let name: String
  let shape: [Int]
  /// Number of scalars.
  let count: Int
  let initialiser: Initialiser

  /// Weights and bias of a layer; throws when they would be 2^31 scalars or more.
  static func weightsAndBias(
    name: String, weights: [Int], fanIn: Int, fanOut: Int, at index: Int, kind: String
  ) throws(NeuralNetworkError) -> [ParameterTensor] {
    guard let count = LayerShape.product(weights), let outputs = weights.last else {
      throw .invalidLayer(
        index: index, kind: kind, problem: "its weights \(weights) would be 2^31 parameters or more",
        remedy: "use fewer units or filters, or pool the image first")
    }
    return [
      .init(name: "\(name)/weights", shape: weights, count: count, initialiser: .glorotUniform(fanIn: fanIn, fanOut: fanOut)),
      .init(name: "\(name)/bias", shape: [outputs], count: outputs, initialiser: .zeros),
    ]
  }

  /// Appends the starting values, a function of `key` alone.
  func appendInitialValues(to parameters: inout [Float], key: UInt64) {
    switch initialiser {
    case .zeros:
      parameters.append(contentsOf: repeatElement(0, count: count))
    case .glorotUniform(let fanIn, let fanOut):
      let limit = Float((6 / (Double(fanIn) + Double(fanOut))).squareRoot())
      parameters.reserveCapacity(parameters.count + count)
      for index in 0..<count {
        parameters.append((2 * BitMixer.uniform(key, UInt64(index)) - 1) * limit)
      }
    }
  }
}
