import Foundation
import NeuralNetworks
import Testing

@Suite("Optimizers")
struct OptimizerTests {
  /// Weights after each step under the gradients, starting at 1.
  private func trajectory(_ optimizer: OptimizerConfiguration, _ gradients: [Float]) throws -> [Float] {
    try optimizer.validate()
    // Three equal weights: a vector of one would not show a step that stops early.
    var weights: [Float] = [1, 1, 1]
    var state = optimizer.initialState(count: 3)
    var path: [Float] = [1]
    for gradient in gradients {
      optimizer.update(&weights, gradient: [gradient, gradient, gradient], state: &state)
      #expect(Set(weights).count == 1)
      path.append(weights[0])
    }
    #expect(state.stepCount == gradients.count)
    try state.validate(for: optimizer, count: 3)
    return path
  }

  private func expectEqual(
    _ path: [Float], _ expected: [Double], within tolerance: Double = 1e-6, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(path.count == expected.count, sourceLocation: sourceLocation)
    for (weight, value) in zip(path, expected) { #expect(abs(Double(weight) - value) < tolerance, sourceLocation: sourceLocation) }
  }

  /// One optimizer of each kind, and the vectors that it stores.
  static let kinds: [(optimizer: OptimizerConfiguration, moments: Int)] = [
    (.sgd(learningRate: 0.1, momentum: 0), 0), (.sgd(learningRate: 0.1, momentum: 0.5), 1),
    (.adam(learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0), 2),
    (.adamW(learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0, weightDecay: 0.01), 2),
    (.yogi(learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0, initialAccumulator: 0), 2),
    (.adagrad(learningRate: 0.1, epsilon: 0, initialAccumulator: 0), 1), (.rmsprop(learningRate: 0.1, decay: 0.9, epsilon: 0), 1),
  ]

  // Expected weights: TensorFlow Federated 0.87.0 (golden/federated.json, optimizers), under the constant gradient 2.
  @Test(
    "follow the trajectories of TensorFlow Federated",
    arguments: [
      (OptimizerConfiguration.adam(learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 0), [1, 0.9, 0.8, 0.7, 0.6]),
      (.adagrad(learningRate: 0.01, epsilon: 0, initialAccumulator: 0), [1, 0.99, 0.9829289, 0.9771554, 0.9721554]),
      (.sgd(learningRate: 0.01, momentum: 0), [1, 0.98, 0.96, 0.94, 0.92]),
      (.sgd(learningRate: 0.01, momentum: 0.5), [1, 0.98, 0.95, 0.915, 0.8775]),
      (.rmsprop(learningRate: 0.01, decay: 0.5, epsilon: 0), [1, 0.98585784, 0.9743108, 0.96362036, 0.9532924]),
    ])
  func goldenTrajectories(_ optimizer: OptimizerConfiguration, _ expected: [Double]) throws {
    expectEqual(try trajectory(optimizer, [2, 2, 2, 2]), expected)
  }

  /// The same row for Yogi is rounded: with p = 4 (1 − β₂) t and a = 2 (1 − β₁ᵗ) step t is η √((1 − β₂ᵗ) / ((1 − β₂) t)), which is η at
  /// t = 1 only and makes 0.8000250, 0.7000750, 0.6001500.
  @Test("Yogi under a constant gradient takes steps by the closed form, within 2e-4 of the reference's rounded row")
  func yogiConstantGradient() throws {
    let path = try trajectory(.yogi(learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 0, initialAccumulator: 0), [2, 2, 2, 2])
    var exact = [1.0]
    for t in 1...4 { exact.append(exact[t - 1] - 0.1 * ((1 - pow(0.999, Double(t))) / (0.001 * Double(t))).squareRoot()) }
    expectEqual(path, exact)
    expectEqual(path, [1, 0.9, 0.8, 0.7, 0.6], within: 2e-4)
  }

  // golden/federated.json, computed_with_tff_0.87.0, optimizer_trajectories_alternating_grad_2_-1.
  @Test(
    "with their defaults and the rate 0.1 follow TensorFlow Federated under gradients of 2 and −1 in turn",
    arguments: [
      (
        #"{"adam":{"learningRate":0.1}}"#,
        [1.0, 0.9000001549720764, 0.8733665943145752, 0.8154184222221375, 0.7887848019599915, 0.7405800223350525]
      ),
      (
        #"{"yogi":{"learningRate":0.1}}"#,
        [1.0, 0.9015686511993408, 0.8753195405006409, 0.8180075883865356, 0.7916626930236816, 0.7439113259315491]
      ),
      (
        #"{"adagrad":{"learningRate":0.1}}"#,
        [1.0, 0.9012270569801331, 0.945507824420929, 0.8792084455490112, 0.9106742739677429, 0.8574119210243225]
      ),
      (
        #"{"rmsprop":{"learningRate":0.1}}"#,
        [1.0, 0.6837723255157471, 0.8312142491340637, 0.609538733959198, 0.7191314697265625, 0.5325769782066345]
      ),
      (
        #"{"sgd":{"learningRate":0.1,"momentum":0.9}}"#,
        [1.0, 0.800000011920929, 0.7200000286102295, 0.4480000436306, 0.3032000660896301, -0.02711990475654602]
      ),
      (
        #"{"adamW":{"learningRate":0.1}}"#,
        [1.0, 0.8996001482009888, 0.8726067543029785, 0.8143095374107361, 0.7873502373695374, 0.73883056640625]
      ),
    ])
  func goldenDefaults(_ json: String, _ expected: [Double]) throws {
    expectEqual(try trajectory(JSONDecoder().decode(OptimizerConfiguration.self, from: Data(json.utf8)), [2, -1, 2, -1, 2]), expected)
  }

  @Test("Adagrad: ε stands inside the root, and without it step t of a constant gradient is η/√t")
  func adagradByHand() throws {
    // √(½ + ½² + ¼) = 1; outside the root ε would make √¾ + ¼.
    expectEqual(try trajectory(.adagrad(learningRate: 0.1, epsilon: 0.25, initialAccumulator: 0.5), [0.5]), [1, 0.95])
    let harmonic = [1.0, 0.9, 0.9 - 0.1 / 2.0.squareRoot(), 0.9 - 0.1 / 2.0.squareRoot() - 0.1 / 3.0.squareRoot()]
    expectEqual(try trajectory(.adagrad(learningRate: 0.1, epsilon: 0, initialAccumulator: 0), [3, 3, 3]), harmonic)
  }

  @Test("RMSprop: ε stands outside the root, and squares fade with the decay")
  func rmspropByHand() throws {
    // p = ¼·4 = 1, then ¾ + ¼ = 1, then ¾ + 0 = ¾: no step without a slope.
    expectEqual(try trajectory(.rmsprop(learningRate: 0.1, decay: 0.75, epsilon: 1), [2, -1, 0]), [1, 0.9, 0.95, 0.95])
    // p = ¼·4 = 1, ¾ + 9 = 9¾.
    expectEqual(
      try trajectory(.rmsprop(learningRate: 0.1, decay: 0.75, epsilon: 0), [2, 6]), [1, 0.8, 0.8 - 0.6 / 9.75.squareRoot()])
  }

  @Test("Yogi: squares above p raise it by (1 − β₂) g², squares below lower it by as much, equal ones leave it")
  func yogiByHand() throws {
    let optimizer = OptimizerConfiguration.yogi(learningRate: 0.1, beta1: 0, beta2: 0.5, epsilon: 0.5, initialAccumulator: 4)
    var (weights, state) = ([1, 1, 1] as [Float], optimizer.initialState(count: 3))
    #expect(state.secondMoment == [4, 4, 4])
    optimizer.update(&weights, gradient: [2, 4, -1], state: &state)
    #expect(state.secondMoment == [4, 12, 3.5] && state.firstMoment == [2, 4, -1])
    for (weight, (slope, p)) in zip(weights, [(2.0, 4.0), (4, 12), (-1, 3.5)]) {
      #expect(abs(Double(weight) - (1 - 0.1 * 0.5.squareRoot() * slope / (p.squareRoot() + 0.5))) < 1e-6)
    }
    let before = weights
    optimizer.update(&weights, gradient: [0, 0, 0], state: &state)
    #expect(state.secondMoment == [4, 12, 3.5] && weights == before)
  }

  @Test("AdamW without a slope shrinks the weights by 1 − ηλ, and without decay is Adam")
  func adamWByHand() throws {
    expectEqual(
      try trajectory(.adamW(learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.2), [0, 0, 0]),
      [1, 0.9, 0.81, 0.729])
    let gradients: [Float] = [2, -1, 0.5, 3]
    let without = try trajectory(.adamW(learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0), gradients)
    let adam = try trajectory(.adam(learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7), gradients)
    #expect(without == adam)
  }

  @Test("no slope moves nothing, though ε is 0; nor do no parameters", arguments: kinds)
  func noSlope(_ optimizer: OptimizerConfiguration, moments: Int) throws {
    var (weights, state) = ([1, -2] as [Float], optimizer.initialState(count: 2))
    optimizer.update(&weights, gradient: [0, 0], state: &state)
    // AdamW's decay is no gradient.
    if case .adamW = optimizer { #expect(weights == [0.999, -1.998]) } else { #expect(weights == [1, -2]) }
    try state.validate(for: optimizer, count: 2)
    var (none, empty) = ([] as [Float], optimizer.initialState(count: 0))
    optimizer.update(&none, gradient: [], state: &empty)
    #expect(none.isEmpty && empty.stepCount == 1)
    try empty.validate(for: optimizer, count: 0)
  }

  @Test("a gradient whose square overflows or vanishes leaves numbers", arguments: kinds)
  func extremeSlope(_ optimizer: OptimizerConfiguration, moments: Int) throws {
    var (weights, state) = ([1, 1, 1, 1] as [Float], optimizer.initialState(count: 4))
    for _ in 0..<20 {
      optimizer.update(&weights, gradient: [1e30, -1e19, 1e-30, .leastNonzeroMagnitude], state: &state)
      try state.validate(for: optimizer, count: 4)
    }
    #expect(weights.allSatisfy { $0.isFinite })
    for _ in 0..<20 { optimizer.update(&weights, gradient: [1, 1, 1, 1], state: &state) }
    try state.validate(for: optimizer, count: 4)
    #expect(weights.allSatisfy { $0.isFinite })
  }

  @Test("agree with the rule in double precision on a changing gradient")
  func adamRule() throws {
    let optimizer = OptimizerConfiguration.adam(learningRate: 0.05, beta1: 0.8, beta2: 0.99, epsilon: 0.01)
    var weights: [Float] = [0.5, -2]
    var state = optimizer.initialState(count: 2)
    var (w, a, p) = ([0.5, -2.0], [0.0, 0.0], [0.0, 0.0])
    for step in 1...50 {
      let gradient = (0..<2).map { sin(Double(step * (2 * $0 + 1))) }
      optimizer.update(&weights, gradient: gradient.map(Float.init), state: &state)
      for i in 0..<2 {
        a[i] += 0.2 * (gradient[i] - a[i])
        p[i] += 0.01 * (gradient[i] * gradient[i] - p[i])
        w[i] -= 0.05 * (1 - pow(0.99, Double(step))).squareRoot() / (1 - pow(0.8, Double(step))) * a[i] / (p[i].squareRoot() + 0.01)
      }
    }
    for i in 0..<2 { #expect(abs(Double(weights[i]) - w[i]) < 1e-5) }
  }

  @Test("Yogi, Adagrad, RMSprop and AdamW agree with their rules in double precision on a changing gradient")
  func otherRules() throws {
    let (rate, epsilon) = (0.05, 0.01)
    let optimizers: [OptimizerConfiguration] = [
      .yogi(learningRate: rate, beta1: 0.8, beta2: 0.95, epsilon: epsilon, initialAccumulator: 0.3),
      .adagrad(learningRate: rate, epsilon: epsilon, initialAccumulator: 0.3), .rmsprop(learningRate: rate, decay: 0.95, epsilon: epsilon),
      .adamW(learningRate: rate, beta1: 0.8, beta2: 0.95, epsilon: epsilon, weightDecay: 0.1),
    ]
    for optimizer in optimizers {
      var (weights, state) = ([0.5, -2] as [Float], optimizer.initialState(count: 2))
      var (w, a) = ([0.5, -2.0], [0.0, 0.0])
      var p = state.secondMoment.map(Double.init)
      for step in 1...50 {
        let gradient = (0..<2).map { sin(Double(step * (2 * $0 + 1))) }
        optimizer.update(&weights, gradient: gradient.map(Float.init), state: &state)
        let corrected = rate * (1 - pow(0.95, Double(step))).squareRoot() / (1 - pow(0.8, Double(step)))
        for (i, g) in gradient.enumerated() {
          a[i] = 0.8 * a[i] + 0.2 * g
          switch optimizer {
          case .yogi:
            p[i] += 0.05 * (g * g > p[i] ? 1 : g * g < p[i] ? -1 : 0) * g * g
            w[i] -= corrected * a[i] / (p[i].squareRoot() + epsilon)
          case .adagrad:
            p[i] += g * g
            w[i] -= rate * g / (p[i] + epsilon).squareRoot()
          case .rmsprop:
            p[i] = 0.95 * p[i] + 0.05 * g * g
            w[i] -= rate * g / (p[i].squareRoot() + epsilon)
          default:
            p[i] = 0.95 * p[i] + 0.05 * g * g
            w[i] -= rate * 0.1 * w[i] + corrected * a[i] / (p[i].squareRoot() + epsilon)
          }
        }
      }
      for i in 0..<2 { #expect(abs(Double(weights[i]) - w[i]) < 1e-5, "\(optimizer)") }
    }
  }

  @Test("store what they need and no more", arguments: kinds)
  func sizes(_ optimizer: OptimizerConfiguration, moments: Int) {
    let state = optimizer.initialState(count: 1000)
    #expect(state.firstMoment.count + state.secondMoment.count == 1000 * moments)
    #expect((state.firstMoment + state.secondMoment).allSatisfy { $0 == 0 })
  }

  @Test("second moments start at the initial accumulator of Yogi and Adagrad")
  func initialAccumulators() {
    let yogi = OptimizerConfiguration.yogi(learningRate: 1, beta1: 0, beta2: 0, epsilon: 0, initialAccumulator: 0.25).initialState(count: 2)
    #expect(yogi.firstMoment == [0, 0] && yogi.secondMoment == [0.25, 0.25])
    let adagrad = OptimizerConfiguration.adagrad(learningRate: 1, epsilon: 0, initialAccumulator: 0.5).initialState(count: 2)
    #expect(adagrad.firstMoment.isEmpty && adagrad.secondMoment == [0.5, 0.5])
  }

  @Test(
    "settings outside their range are errors that name the setting",
    arguments: [
      (OptimizerConfiguration.sgd(learningRate: -1, momentum: 0), "learningRate"),
      (.sgd(learningRate: .nan, momentum: 0), "learningRate"),
      (.sgd(learningRate: .infinity, momentum: 0), "learningRate"),
      (.sgd(learningRate: 1, momentum: 1), "momentum"),
      (.adam(learningRate: 1, beta1: -0.1, beta2: 0.9, epsilon: 0), "beta1"),
      (.adam(learningRate: 1, beta1: 0.9, beta2: 1, epsilon: 0), "beta2"),
      (.adam(learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: -1e-9), "epsilon"),
      (.adam(learningRate: 1e39, beta1: 0.9, beta2: 0.9, epsilon: 0), "learningRate"),
      (.adamW(learningRate: -1, beta1: 0.9, beta2: 0.9, epsilon: 0, weightDecay: 0), "learningRate"),
      (.adamW(learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 0, weightDecay: -0.1), "weightDecay"),
      (.adamW(learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 0, weightDecay: .infinity), "weightDecay"),
      (.yogi(learningRate: 1, beta1: 1, beta2: 0.9, epsilon: 0, initialAccumulator: 0), "beta1"),
      (.yogi(learningRate: 1, beta1: 0.9, beta2: .nan, epsilon: 0, initialAccumulator: 0), "beta2"),
      (.yogi(learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: .nan, initialAccumulator: 0), "epsilon"),
      (.yogi(learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 0, initialAccumulator: -1e-6), "initialAccumulator"),
      (.adagrad(learningRate: .nan, epsilon: 0, initialAccumulator: 0), "learningRate"),
      (.adagrad(learningRate: 1, epsilon: -1, initialAccumulator: 0), "epsilon"),
      (.adagrad(learningRate: 1, epsilon: 0, initialAccumulator: 1e39), "initialAccumulator"),
      (.rmsprop(learningRate: -1, decay: 0.9, epsilon: 0), "learningRate"), (.rmsprop(learningRate: 1, decay: 1, epsilon: 0), "decay"),
      (.rmsprop(learningRate: 1, decay: 0.9, epsilon: .infinity), "epsilon"),
    ])
  func badSettings(_ optimizer: OptimizerConfiguration, _ setting: String) {
    let error = #expect(throws: NeuralNetworkError.self) { try optimizer.validate() }
    #expect(error?.description.contains(setting) == true)
  }

  @Test("a state of another optimizer or size is an error")
  func foreignState() throws {
    let momentum = OptimizerConfiguration.sgd(learningRate: 1, momentum: 0.5)
    let adam = OptimizerConfiguration.adam(learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 0)
    #expect(throws: NeuralNetworkError.self) { try momentum.initialState(count: 3).validate(for: adam, count: 3) }
    #expect(throws: NeuralNetworkError.self) { try adam.initialState(count: 3).validate(for: adam, count: 4) }
    #expect(throws: NeuralNetworkError.self) {
      try OptimizerState(stepCount: -1, firstMoment: [], secondMoment: [])
        .validate(for: .sgd(learningRate: 1, momentum: 0), count: 3)
    }
    let adagrad = OptimizerConfiguration.adagrad(learningRate: 1, epsilon: 0, initialAccumulator: 0)
    #expect(throws: NeuralNetworkError.self) { try adam.initialState(count: 3).validate(for: adagrad, count: 3) }
    #expect(throws: NeuralNetworkError.self) { try adagrad.initialState(count: 3).validate(for: momentum, count: 3) }
    for bad in [-1, .nan, .infinity] as [Float] {
      let state = OptimizerState(stepCount: 1, firstMoment: [], secondMoment: [1, bad])
      let error = #expect(throws: NeuralNetworkError.self) { try state.validate(for: adagrad, count: 2) }
      #expect(error?.description.contains("secondMoment") == true)
    }
    #expect(throws: NeuralNetworkError.self) {
      try OptimizerState(stepCount: 1, firstMoment: [.nan], secondMoment: []).validate(for: momentum, count: 1)
    }
  }

  @Test("configuration and state read back what they write; unknown keys are errors")
  func serialisation() throws {
    let unusual: [OptimizerConfiguration] = [
      .sgd(learningRate: 0.1, momentum: 0.9), .adam(learningRate: 1, beta1: 0.8, beta2: 0.99, epsilon: 0.01),
      .adamW(learningRate: 1, beta1: 0.8, beta2: 0.99, epsilon: 0.01, weightDecay: 0.1),
      .yogi(learningRate: 1, beta1: 0.8, beta2: 0.99, epsilon: 0.01, initialAccumulator: 0.2),
      .adagrad(learningRate: 1, epsilon: 0.01, initialAccumulator: 0.2), .rmsprop(learningRate: 1, decay: 0.8, epsilon: 0.01),
    ]
    for optimizer in unusual {
      #expect(try JSONDecoder().decode(OptimizerConfiguration.self, from: JSONEncoder().encode(optimizer)) == optimizer)
      var (state, weights) = (optimizer.initialState(count: 2), [1, 2] as [Float])
      optimizer.update(&weights, gradient: [0.1, 0.2], state: &state)
      #expect(try JSONDecoder().decode(OptimizerState.self, from: JSONEncoder().encode(state)) == state)
    }
    let decoder = JSONDecoder()
    #expect(
      try decoder.decode(OptimizerConfiguration.self, from: Data(#"{"sgd":{"learningRate":0.5}}"#.utf8))
        == .sgd(learningRate: 0.5, momentum: 0))
    #expect(
      try decoder.decode([OptimizerConfiguration].self, from: Data(Self.bare.utf8)) == [
        .adam(learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7),
        .adamW(learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.004),
        .yogi(learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, initialAccumulator: 1e-6),
        .adagrad(learningRate: 1, epsilon: 1e-7, initialAccumulator: 0.1), .rmsprop(learningRate: 1, decay: 0.9, epsilon: 1e-7),
      ])
    for bad in [
      #"{"sgd":{"learningRate":0.5,"nesterov":true}}"#, #"{"sgd":{}}"#, #"{"lion":{"learningRate":1}}"#, #"{"adamW":{}}"#, #"{"yogi":{}}"#,
      #"{"adagrad":{"epsilon":1}}"#, #"{"rmsprop":{"decay":0.5}}"#, #"{"adam":{"learningRate":1,"weightDecay":0.1}}"#,
      #"{"yogi":{"learningRate":1,"decay":0.1}}"#, #"{"adagrad":{"learningRate":1,"beta1":0.1}}"#,
      #"{"rmsprop":{"learningRate":1,"momentum":0.1}}"#, #"{"rmsprop":{"learningRate":"fast"}}"#,
      #"{"yogi":{"learningRate":1},"adam":{"learningRate":1}}"#,
    ] {
      #expect(throws: DecodingError.self) { try decoder.decode(OptimizerConfiguration.self, from: Data(bad.utf8)) }
    }
  }

  private static let bare =
    #"[{"adam":{"learningRate":1}},{"adamW":{"learningRate":1}},{"yogi":{"learningRate":1}},{"adagrad":{"learningRate":1}},"#
    + #"{"rmsprop":{"learningRate":1}}]"#
}
