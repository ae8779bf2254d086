extension OptimizerConfiguration: Codable {
  public init(from decoder: any Decoder) throws {
    let node = try SingleNode(from: decoder, kinds: ["sgd", "adam"])
    if node.kind == "sgd" {
      let settings = try node.settings(["learningRate", "momentum"])
      self = .sgd(
        learningRate: try settings.decode(Double.self, forKey: "learningRate"),
        momentum: try settings.decodeIfPresent(Double.self, forKey: "momentum") ?? 0)
    } else {
      let settings = try node.settings(["learningRate", "beta1", "beta2", "epsilon"])
      self = .adam(
        learningRate: try settings.decode(Double.self, forKey: "learningRate"),
        beta1: try settings.decodeIfPresent(Double.self, forKey: "beta1") ?? 0.9,
        beta2: try settings.decodeIfPresent(Double.self, forKey: "beta2") ?? 0.999,
        epsilon: try settings.decodeIfPresent(Double.self, forKey: "epsilon") ?? 1e-7)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: NodeKey.self)
    switch self {
    case .sgd(let learningRate, let momentum):
      var settings = container.nestedContainer(keyedBy: NodeKey.self, forKey: "sgd")
      try settings.encode(learningRate, forKey: "learningRate")
      try settings.encode(momentum, forKey: "momentum")
    case .adam(let learningRate, let beta1, let beta2, let epsilon):
      var settings = container.nestedContainer(keyedBy: NodeKey.self, forKey: "adam")
      try settings.encode(learningRate, forKey: "learningRate")
      try settings.encode(beta1, forKey: "beta1")
      try settings.encode(beta2, forKey: "beta2")
      try settings.encode(epsilon, forKey: "epsilon")
    }
  }
}
