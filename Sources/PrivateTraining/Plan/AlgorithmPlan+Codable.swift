import NeuralNetworks

/// A client's SGD stands as `clientLearningRate` and `clientMomentum`, every other optimizer as `clientOptimizer`: a plan has one form,
/// hence one hash, however it was written.
extension AlgorithmPlan: Codable {
  private enum Key: String, CodingKey {
    case rounds, weighting, clientEpochs, clientBatchSize, clientLearningRate, clientMomentum, clientOptimizer, serverOptimizer
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    rounds = try container.decode(Int.self, forKey: .rounds)
    weighting = try container.decode(Weighting.self, forKey: .weighting)
    clientEpochs = try container.decode(Int.self, forKey: .clientEpochs)
    clientBatchSize = try container.decode(Int.self, forKey: .clientBatchSize)
    clientOptimizer =
      try container.decodeIfPresent(OptimizerConfiguration.self, forKey: .clientOptimizer)
      ?? .sgd(
        learningRate: try container.decode(Double.self, forKey: .clientLearningRate),
        momentum: try container.decode(Double.self, forKey: .clientMomentum))
    serverOptimizer = try container.decode(OptimizerConfiguration.self, forKey: .serverOptimizer)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(rounds, forKey: .rounds)
    try container.encode(weighting, forKey: .weighting)
    try container.encode(clientEpochs, forKey: .clientEpochs)
    try container.encode(clientBatchSize, forKey: .clientBatchSize)
    if case .sgd(let learningRate, let momentum) = clientOptimizer {
      try container.encode(learningRate, forKey: .clientLearningRate)
      try container.encode(momentum, forKey: .clientMomentum)
    } else {
      try container.encode(clientOptimizer, forKey: .clientOptimizer)
    }
    try container.encode(serverOptimizer, forKey: .serverOptimizer)
  }
}
