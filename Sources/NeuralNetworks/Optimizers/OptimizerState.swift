/// What an optimizer carries from step to step.
public struct OptimizerState: Codable, Hashable, Sendable {
  /// Steps taken.
  public var stepCount: Int
  /// The momentum accumulator or Adam's mean of gradients, `[parameters]`; empty where the optimizer has none.
  public var firstMoment: [Float]
  /// Adam's mean of squared gradients, `[parameters]`; empty where the optimizer has none.
  public var secondMoment: [Float]

  /// A state with the given moments.
  public init(stepCount: Int, firstMoment: [Float], secondMoment: [Float]) {
    self.stepCount = stepCount
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
  }

  /// Throws `NeuralNetworkError.wrongCount` unless this is a state of `optimizer` for `count` parameters.
  public func validate(for optimizer: OptimizerConfiguration, count: Int) throws(NeuralNetworkError) {
    let moments = optimizer.momentCounts(count)
    for (actual, expected) in [(firstMoment.count, moments.first), (secondMoment.count, moments.second)] where actual != expected {
      throw .wrongCount(buffer: "moments", expected: expected, actual: actual)
    }
    guard stepCount >= 0, stepCount < Int.max else {
      throw .invalidOptimizer(parameter: "stepCount", value: Double(stepCount), remedy: "give the number of steps taken")
    }
  }
}
