extension OptimizerConfiguration: Codable {
  public init(from decoder: any Decoder) throws {
    let node = try SingleNode(from: decoder, kinds: ["sgd", "adam", "adamW", "yogi", "adagrad", "rmsprop"])
    let moments = ["learningRate", "beta1", "beta2", "epsilon"]
    switch node.kind {
    case "sgd":
      let settings = try Settings(node, ["learningRate", "momentum"])
      self = .sgd(learningRate: try settings.learningRate(), momentum: try settings.value("momentum", default: 0))
    case "adam":
      let settings = try Settings(node, moments)
      self = .adam(
        learningRate: try settings.learningRate(), beta1: try settings.value("beta1", default: 0.9),
        beta2: try settings.value("beta2", default: 0.999), epsilon: try settings.value("epsilon", default: 1e-7))
    case "adamW":
      let settings = try Settings(node, moments + ["weightDecay"])
      self = .adamW(
        learningRate: try settings.learningRate(), beta1: try settings.value("beta1", default: 0.9),
        beta2: try settings.value("beta2", default: 0.999), epsilon: try settings.value("epsilon", default: 1e-7),
        weightDecay: try settings.value("weightDecay", default: 0.004))
    case "yogi":
      let settings = try Settings(node, moments + ["initialAccumulator"])
      self = .yogi(
        learningRate: try settings.learningRate(), beta1: try settings.value("beta1", default: 0.9),
        beta2: try settings.value("beta2", default: 0.999), epsilon: try settings.value("epsilon", default: 1e-3),
        initialAccumulator: try settings.value("initialAccumulator", default: 1e-6))
    case "adagrad":
      let settings = try Settings(node, ["learningRate", "epsilon", "initialAccumulator"])
      self = .adagrad(
        learningRate: try settings.learningRate(), epsilon: try settings.value("epsilon", default: 1e-7),
        initialAccumulator: try settings.value("initialAccumulator", default: 0.1))
    default:
      let settings = try Settings(node, ["learningRate", "decay", "epsilon"])
      self = .rmsprop(
        learningRate: try settings.learningRate(), decay: try settings.value("decay", default: 0.9),
        epsilon: try settings.value("epsilon", default: 1e-7))
    }
  }

  /// The settings of one optimizer as they stand in a document.
  private struct Settings {
    private let container: KeyedDecodingContainer<NodeKey>

    init(_ node: SingleNode, _ known: [String]) throws { container = try node.settings(known) }

    func learningRate() throws -> Double { try container.decode(Double.self, forKey: "learningRate") }

    func value(_ key: NodeKey, default fallback: Double) throws -> Double {
      try container.decodeIfPresent(Double.self, forKey: key) ?? fallback
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: NodeKey.self)
    var settings = container.nestedContainer(keyedBy: NodeKey.self, forKey: NodeKey(stringValue: name))
    for (key, value) in self.settings { try settings.encode(value, forKey: key) }
  }

  /// The key of the serialised form.
  private var name: String {
    switch self {
    case .sgd: "sgd"
    case .adam: "adam"
    case .adamW: "adamW"
    case .yogi: "yogi"
    case .adagrad: "adagrad"
    case .rmsprop: "rmsprop"
    }
  }

  /// Every setting under its key.
  private var settings: [(NodeKey, Double)] {
    switch self {
    case .sgd(let learningRate, let momentum): [("learningRate", learningRate), ("momentum", momentum)]
    case .adam(let learningRate, let beta1, let beta2, let epsilon):
      [("learningRate", learningRate), ("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon)]
    case .adamW(let learningRate, let beta1, let beta2, let epsilon, let weightDecay):
      [("learningRate", learningRate), ("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon), ("weightDecay", weightDecay)]
    case .yogi(let learningRate, let beta1, let beta2, let epsilon, let initial):
      [("learningRate", learningRate), ("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon), ("initialAccumulator", initial)]
    case .adagrad(let learningRate, let epsilon, let initial):
      [("learningRate", learningRate), ("epsilon", epsilon), ("initialAccumulator", initial)]
    case .rmsprop(let learningRate, let decay, let epsilon):
      [("learningRate", learningRate), ("decay", decay), ("epsilon", epsilon)]
    }
  }
}
