import NeuralNetworks

extension OptimizerConfiguration {
  /// Reads the optimizer at `path`; SGD without a learning rate has `sgdLearningRate`, if there is one.
  init(_ node: PlanNode, path: String, sgdLearningRate: Double? = nil) throws(PlanError) {
    var (name, reader) = try PlanReader.choice(node, path: path, among: ["sgd", "adam", "adamW", "yogi", "adagrad", "rmsprop"])
    let learningRate = try reader.positive("learningRate", default: name == "sgd" ? sgdLearningRate : nil)
    switch name {
    case "sgd": self = .sgd(learningRate: learningRate, momentum: try reader.notNegative("momentum", default: 0))
    case "adam":
      self = .adam(
        learningRate: learningRate, beta1: try reader.notNegative("beta1", default: 0.9),
        beta2: try reader.notNegative("beta2", default: 0.999), epsilon: try reader.positive("epsilon", default: 1e-7))
    case "adamW":
      self = .adamW(
        learningRate: learningRate, beta1: try reader.notNegative("beta1", default: 0.9),
        beta2: try reader.notNegative("beta2", default: 0.999), epsilon: try reader.positive("epsilon", default: 1e-7),
        weightDecay: try reader.notNegative("weightDecay", default: 0.004))
    case "yogi":
      self = .yogi(
        learningRate: learningRate, beta1: try reader.notNegative("beta1", default: 0.9),
        beta2: try reader.notNegative("beta2", default: 0.999), epsilon: try reader.positive("epsilon", default: 1e-3),
        initialAccumulator: try reader.notNegative("initialAccumulator", default: 1e-6))
    case "adagrad":
      self = .adagrad(
        learningRate: learningRate, epsilon: try reader.positive("epsilon", default: 1e-7),
        initialAccumulator: try reader.notNegative("initialAccumulator", default: 0.1))
    default:
      self = .rmsprop(
        learningRate: learningRate, decay: try reader.notNegative("decay", default: 0.9),
        epsilon: try reader.positive("epsilon", default: 1e-7))
    }
    try reader.finish()
    do throws(NeuralNetworkError) { try validate() } catch {
      throw PlanError(place: node.place, path: path, problem: "is not usable (\(error.description))", remedy: "correct the value")
    }
  }
}
