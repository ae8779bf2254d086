/// A first-order optimizer and its settings.
///
/// The serialised form has one key, for instance `{"sgd":{"learningRate":0.1,"momentum":0}}`. Of the settings only `learningRate` must
/// be given. The others are unless given: momentum 0; β₁ = 0.9, β₂ = 0.999; λ = 0.004; ρ = 0.9; ε = 10⁻⁷, but 10⁻³ for Yogi; p₀ = 10⁻⁶
/// for Yogi and 0.1 for Adagrad. Unknown keys are errors.
///
/// Where a denominator is exactly zero, which needs ε = 0, that parameter does not move.
public enum OptimizerConfiguration: Hashable, Sendable {
  /// Gradient descent with momentum m: a ← m a + g, w ← w − η a.
  case sgd(learningRate: Double, momentum: Double)
  /// Adam (Kingma and Ba 2015) in the form of its section 2, last paragraph: a ← a + (1 − β₁)(g − a), p ← p + (1 − β₂)(g² − p),
  /// w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · a / (√p + ε).
  case adam(learningRate: Double, beta1: Double, beta2: Double, epsilon: Double)
  /// Adam with decoupled weight decay λ (Loshchilov and Hutter 2019, algorithm 2): beside Adam's step w ← w − η λ w.
  case adamW(learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)
  /// Yogi (Zaheer, Reddi, Sachan, Kale and Kumar 2018, algorithm 2) with Adam's bias correction: a as in Adam,
  /// p ← p + (1 − β₂) sign(g² − p) g² from p₀ = `initialAccumulator`, and Adam's step.
  case yogi(learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, initialAccumulator: Double)
  /// Adagrad (Duchi, Hazan and Singer 2011, diagonal): p ← p + g² from p₀ = `initialAccumulator`, w ← w − η g / √(p + ε), with ε inside
  /// the root.
  case adagrad(learningRate: Double, epsilon: Double, initialAccumulator: Double)
  /// RMSprop (Tieleman and Hinton 2012, lecture 6e) with decay ρ: p ← p + (1 − ρ)(g² − p), w ← w − η g / (√p + ε).
  case rmsprop(learningRate: Double, decay: Double, epsilon: Double)

  /// Throws `NeuralNetworkError.invalidOptimizer` for the first setting outside its range: momentum, β₁, β₂ or ρ outside [0, 1); anything
  /// else negative or not finite as a `Float`.
  public func validate() throws(NeuralNetworkError) {
    switch self {
    case .sgd(let learningRate, let momentum):
      try Self.checkFinite("learningRate", learningRate)
      try Self.checkDecay("momentum", momentum)
    case .adam(let learningRate, let beta1, let beta2, let epsilon):
      try Self.checkMoments(learningRate, beta1, beta2, epsilon)
    case .adamW(let learningRate, let beta1, let beta2, let epsilon, let weightDecay):
      try Self.checkMoments(learningRate, beta1, beta2, epsilon)
      try Self.checkFinite("weightDecay", weightDecay)
    case .yogi(let learningRate, let beta1, let beta2, let epsilon, let initialAccumulator):
      try Self.checkMoments(learningRate, beta1, beta2, epsilon)
      try Self.checkFinite("initialAccumulator", initialAccumulator)
    case .adagrad(let learningRate, let epsilon, let initialAccumulator):
      try Self.checkFinite("learningRate", learningRate)
      try Self.checkFinite("epsilon", epsilon)
      try Self.checkFinite("initialAccumulator", initialAccumulator)
    case .rmsprop(let learningRate, let decay, let epsilon):
      try Self.checkFinite("learningRate", learningRate)
      try Self.checkDecay("decay", decay)
      try Self.checkFinite("epsilon", epsilon)
    }
  }

  private static func checkMoments(_ learningRate: Double, _ beta1: Double, _ beta2: Double, _ epsilon: Double) throws(NeuralNetworkError) {
    try checkFinite("learningRate", learningRate)
    try checkDecay("beta1", beta1)
    try checkDecay("beta2", beta2)
    try checkFinite("epsilon", epsilon)
  }

  private static func checkFinite(_ name: String, _ value: Double) throws(NeuralNetworkError) {
    guard Float(value).isFinite, value >= 0 else {
      throw .invalidOptimizer(parameter: name, value: value, remedy: "give a number of at least 0 and below 3e38")
    }
  }

  private static func checkDecay(_ name: String, _ value: Double) throws(NeuralNetworkError) {
    guard value >= 0, value < 1 else {
      throw .invalidOptimizer(parameter: name, value: value, remedy: "give a number of at least 0 and below 1")
    }
  }

  /// The state before the first step for `count` parameters: zeros, but p₀ for the second moments of Yogi and Adagrad. Without momentum
  /// nothing is stored.
  public func initialState(count: Int) -> OptimizerState {
    let moments = momentCounts(count)
    return OptimizerState(
      stepCount: 0, firstMoment: [Float](repeating: 0, count: moments.first),
      secondMoment: [Float](repeating: initialSecondMoment, count: moments.second))
  }

  /// One step: moves `parameters` against `gradient`, both `[parameters]`, and advances `state`.
  ///
  /// Check a state that was read from a file with `OptimizerState.validate(for:count:)` first. A gradient that is not finite makes moments
  /// and parameters so: leave it out.
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
      Adam.step(
        &parameters, gradient, mean: &state.firstMoment, square: &state.secondMoment,
        Adam.Factors(learningRate, beta1, beta2, epsilon, step: state.stepCount))
    case .adamW(let learningRate, let beta1, let beta2, let epsilon, let weightDecay):
      AdamW.decay(&parameters, learningRate: learningRate, weightDecay: weightDecay)
      Adam.step(
        &parameters, gradient, mean: &state.firstMoment, square: &state.secondMoment,
        Adam.Factors(learningRate, beta1, beta2, epsilon, step: state.stepCount))
    case .yogi(let learningRate, let beta1, let beta2, let epsilon, _):
      Yogi.step(
        &parameters, gradient, mean: &state.firstMoment, square: &state.secondMoment,
        Adam.Factors(learningRate, beta1, beta2, epsilon, step: state.stepCount))
    case .adagrad(let learningRate, let epsilon, _):
      Adagrad.step(
        &parameters, gradient, accumulator: &state.secondMoment, learningRate: Float(learningRate), epsilon: Float(epsilon))
    case .rmsprop(let learningRate, let decay, let epsilon):
      RMSprop.step(
        &parameters, gradient, square: &state.secondMoment, learningRate: Float(learningRate), gain: Float(1 - decay),
        epsilon: Float(epsilon))
    }
  }

  /// Lengths of the two moments for `count` parameters.
  func momentCounts(_ count: Int) -> (first: Int, second: Int) {
    switch self {
    case .sgd(_, let momentum): (momentum == 0 ? 0 : count, 0)
    case .adam, .adamW, .yogi: (count, count)
    case .adagrad, .rmsprop: (0, count)
    }
  }

  /// What every second moment starts from.
  private var initialSecondMoment: Float {
    switch self {
    case .yogi(_, _, _, _, let initial), .adagrad(_, _, let initial): Float(initial)
    case .sgd, .adam, .adamW, .rmsprop: 0
    }
  }
}
