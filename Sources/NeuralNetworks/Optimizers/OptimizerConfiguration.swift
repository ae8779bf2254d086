/// A first-order optimizer and its settings.
///
/// The serialised form has one key, for instance `{"sgd":{"learningRate":0.1,"momentum":0}}`. Of the settings only `learningRate` must
/// be given: momentum is 0 unless given; β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁷. Unknown keys are errors.
public enum OptimizerConfiguration: Hashable, Sendable {
  /// Gradient descent with momentum m: a ← m a + g, w ← w − η a.
  case sgd(learningRate: Double, momentum: Double)
  /// Adam (Kingma and Ba 2015) in the form of its section 2, last paragraph: a ← a + (1 − β₁)(g − a), p ← p + (1 − β₂)(g² − p),
  /// w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · a / (√p + ε).
  case adam(learningRate: Double, beta1: Double, beta2: Double, epsilon: Double)

  /// Throws `NeuralNetworkError.invalidOptimizer` for the first setting outside its range: a learning rate that is negative or not finite,
  /// momentum, β₁ or β₂ outside [0, 1), ε negative or not finite.
  public func validate() throws(NeuralNetworkError) {
    switch self {
    case .sgd(let learningRate, let momentum):
      try Self.checkFinite("learningRate", learningRate)
      try Self.checkDecay("momentum", momentum)
    case .adam(let learningRate, let beta1, let beta2, let epsilon):
      try Self.checkFinite("learningRate", learningRate)
      try Self.checkDecay("beta1", beta1)
      try Self.checkDecay("beta2", beta2)
      try Self.checkFinite("epsilon", epsilon)
    }
  }

  private static func checkFinite(_ name: String, _ value: Double) throws(NeuralNetworkError) {
    guard value.isFinite, value >= 0 else {
      throw .invalidOptimizer(parameter: name, value: value, remedy: "give a finite number of at least 0")
    }
  }

  private static func checkDecay(_ name: String, _ value: Double) throws(NeuralNetworkError) {
    guard value >= 0, value < 1 else {
      throw .invalidOptimizer(parameter: name, value: value, remedy: "give a number of at least 0 and below 1")
    }
  }

  /// The state before the first step for `count` parameters: zeros. Without momentum nothing is stored.
  public func initialState(count: Int) -> OptimizerState {
    let moments = momentCounts(count)
    return OptimizerState(
      stepCount: 0, firstMoment: [Float](repeating: 0, count: moments.first), secondMoment: [Float](repeating: 0, count: moments.second))
  }

  /// One step: moves `parameters` against `gradient`, both `[parameters]`, and advances `state`.
  ///
  /// Check a state that was read from a file with `OptimizerState.validate(for:count:)` first.
  /// - Precondition: `gradient` and `state` have the size of `parameters`.
  public func update(_ parameters: inout [Float], gradient: [Float], state: inout OptimizerState) {
    let moments = momentCounts(parameters.count)
    precondition(gradient.count == parameters.count, "gradient and parameters differ in length")
    precondition(
      state.firstMoment.count == moments.first && state.secondMoment.count == moments.second,
      "the optimizer state is for another optimizer or number of parameters")
    state.stepCount += 1
    switch self {
    case .sgd(let learningRate, let momentum):
      if momentum == 0 {
        GradientDescent.step(&parameters, gradient, learningRate: Float(learningRate))
      } else {
        GradientDescent.step(
          &parameters, gradient, accumulator: &state.firstMoment, learningRate: Float(learningRate), momentum: Float(momentum))
      }
    case .adam(let learningRate, let beta1, let beta2, let epsilon):
      let rate =
        learningRate * (1 - Adam.power(beta2, state.stepCount)).squareRoot() / (1 - Adam.power(beta1, state.stepCount))
      Adam.step(
        &parameters, gradient, mean: &state.firstMoment, square: &state.secondMoment,
        rate: Float(rate), gain1: Float(1 - beta1), gain2: Float(1 - beta2), epsilon: Float(epsilon))
    }
  }

  /// Lengths of the two moments for `count` parameters.
  func momentCounts(_ count: Int) -> (first: Int, second: Int) {
    switch self {
    case .sgd(_, let momentum): (momentum == 0 ? 0 : count, 0)
    case .adam: (count, count)
    }
  }
}
