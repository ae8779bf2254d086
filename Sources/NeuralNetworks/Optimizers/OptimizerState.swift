/// What an optimizer carries from step to step.
public struct OptimizerState: Codable, Hashable, Sendable {
  /// Steps taken.
  public var stepCount: Int
  /// The momentum accumulator, or the mean of gradients of Adam, AdamW and Yogi, `[parameters]`; empty where the optimizer has none.
  public var firstMoment: [Float]
  /// What the step is divided by the root of: a mean of squared gradients, or with Adagrad their sum, `[parameters]`; empty where the
  /// optimizer has none.
  public var secondMoment: [Float]

  /// A state with the given moments.
  public init(stepCount: Int, firstMoment: [Float], secondMoment: [Float]) {
    self.stepCount = stepCount
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
  }

  /// Throws unless this is a state of `optimizer` for `count` parameters: `NeuralNetworkError.wrongCount` for moments of another size,
  /// `.invalidOptimizer` for a number of steps or a moment that no run reaches, such as a negative square.
  public func validate(for optimizer: OptimizerConfiguration, count: Int) throws(NeuralNetworkError) {
    let moments = optimizer.momentCounts(count)
    for (actual, expected) in [(firstMoment.count, moments.first), (secondMoment.count, moments.second)] where actual != expected {
      throw .wrongCount(buffer: "moments", expected: expected, actual: actual)
    }
    guard stepCount >= 0, stepCount < Int.max else {
      throw .invalidOptimizer(parameter: "stepCount", value: Double(stepCount), remedy: "give the number of steps taken")
    }
    if let bad = firstMoment.first(where: { !$0.isFinite }) {
      throw .invalidOptimizer(parameter: "firstMoment", value: Double(bad), remedy: "give finite numbers")
    }
    if let bad = secondMoment.first(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .invalidOptimizer(parameter: "secondMoment", value: Double(bad), remedy: "give finite numbers of at least 0")
    }
  }
}
