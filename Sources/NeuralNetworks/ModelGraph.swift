public import ParameterVectors

/// A model as a value: the shape of one example and the layers that turn it into class scores (logits).
///
/// Nothing is checked at construction; every use checks the whole graph and throws a `NeuralNetworkError` that names the layer at fault.
/// The tensors in the flat parameter buffer are named by kind and number, for instance `conv2D1/weights`, `conv2D1/bias`, `dense1/weights`.
/// Their storage order is plain and row-major: dense weights [inputs, units], convolution weights [kernel height, kernel width, input
/// channels, filters], biases [units] or [filters].
public struct ModelGraph: Hashable, Sendable {
  /// Extents of one example: `[height, width, channels]`, channels last, or `[count]`.
  public var inputShape: [Int]
  /// The layers in the order in which they are applied.
  public var layers: [Layer]

  /// A graph of `layers` on examples of `inputShape`.
  public init(inputShape: [Int], layers: [Layer]) {
    self.inputShape = inputShape
    self.layers = layers
  }

  /// Where each tensor of the model lies in the flat parameter buffer.
  ///
  /// - Throws: `NeuralNetworkError` when the graph is not a valid classifier.
  public func parameterLayout() throws(NeuralNetworkError) -> ParameterLayout {
    ParameterLayout(try analysis().layers.flatMap { layer in layer.tensors.map { .init(name: $0.name, shape: $0.shape) } })
  }

  /// Number of classes, the length of the vector of scores.
  ///
  /// - Throws: `NeuralNetworkError` when the graph is not a valid classifier.
  public func outputCount() throws(NeuralNetworkError) -> Int { try analysis().classCount }

  /// Glorot-uniform weights and zero biases, `[parameters]`.
  ///
  /// Weights are uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio 2010, equation 16). The same seed gives the same bits on every
  /// machine.
  /// - Throws: `NeuralNetworkError` when the graph is not a valid classifier.
  public func initialParameters(seed: UInt64) throws(NeuralNetworkError) -> [Float] {
    var parameters: [Float] = []
    var tensorIndex: UInt64 = 0
    for layer in try analysis().layers {
      for tensor in layer.tensors {
        tensor.appendInitialValues(to: &parameters, key: BitMixer.key(seed, tensorIndex))
        tensorIndex += 1
      }
    }
    return parameters
  }
}

extension ModelGraph: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: NodeKey.self)
    try SingleNode.refuseUnknownKeys(in: container, known: ["inputShape", "layers"], of: "a model")
    inputShape = try container.decode([Int].self, forKey: "inputShape")
    layers = try container.decode([Layer].self, forKey: "layers")
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: NodeKey.self)
    try container.encode(inputShape, forKey: "inputShape")
    try container.encode(layers, forKey: "layers")
  }
}
