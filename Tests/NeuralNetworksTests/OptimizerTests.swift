import Foundation
import NeuralNetworks
import Testing

@Suite("Optimizers")
struct OptimizerTests {
  /// Weights after each step under the constant gradient 2, starting at 1.
  private func trajectory(_ optimizer: OptimizerConfiguration, steps: Int) throws -> [Float] {
    try optimizer.validate()
    // Three equal weights: a vector of one would not show a step that stops early.
    var weights: [Float] = [1, 1, 1]
    var state = optimizer.initialState(count: 3)
    var path: [Float] = [1]
    for _ in 0..<steps {
      optimizer.update(&weights, gradient: [2, 2, 2], state: &state)
      #expect(Set(weights).count == 1)
      path.append(weights[0])
    }
    #expect(state.stepCount == steps)
    try state.validate(for: optimizer, count: 3)
    return path
  }

  // Expected weights: TensorFlow Federated 0.87.0, optimizers under a constant gradient.
  @Test(
    "follow the trajectories of TensorFlow Federated",
    arguments: [
      (OptimizerConfiguration.adam(learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 0), [1, 0.9, 0.8, 0.7, 0.6] as [Float]),
      (.sgd(learningRate: 0.01, momentum: 0), [1, 0.98, 0.96, 0.94, 0.92]),
      (.sgd(learningRate: 0.01, momentum: 0.5), [1, 0.98, 0.95, 0.915, 0.8775]),
    ])
  func goldenTrajectories(_ optimizer: OptimizerConfiguration, _ expected: [Float]) throws {
    // Adam's correction of the second moment cancels 1 − 0.999^t against sums in single precision, hence the tolerance of 1e-5.
    for (weight, value) in zip(try trajectory(optimizer, steps: 4), expected) { #expect(abs(weight - value) < 1e-5) }
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

  @Test("without momentum nothing is stored for each parameter")
  func noMomentumNoMemory() {
    let plain = OptimizerConfiguration.sgd(learningRate: 1, momentum: 0).initialState(count: 1000)
    #expect(plain.firstMoment.isEmpty && plain.secondMoment.isEmpty)
    #expect(OptimizerConfiguration.sgd(learningRate: 1, momentum: 0.9).initialState(count: 1000).firstMoment.count == 1000)
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
  }

  @Test("configuration and state read back what they write; unknown keys are errors")
  func serialisation() throws {
    for optimizer in [
      OptimizerConfiguration.sgd(learningRate: 0.1, momentum: 0.9), .adam(learningRate: 1, beta1: 0.9, beta2: 0.99, epsilon: 0.01),
    ] {
      #expect(try JSONDecoder().decode(OptimizerConfiguration.self, from: JSONEncoder().encode(optimizer)) == optimizer)
      var (state, weights) = (optimizer.initialState(count: 2), [1, 2] as [Float])
      optimizer.update(&weights, gradient: [0.1, 0.2], state: &state)
      #expect(try JSONDecoder().decode(OptimizerState.self, from: JSONEncoder().encode(state)) == state)
    }
    let decoder = JSONDecoder()
    #expect(
      try decoder.decode(OptimizerConfiguration.self, from: Data(#"{"sgd":{"learningRate":0.5}}"#.utf8))
        == .sgd(learningRate: 0.5, momentum: 0))
    for bad in [#"{"sgd":{"learningRate":0.5,"nesterov":true}}"#, #"{"sgd":{}}"#, #"{"lion":{"learningRate":1}}"#] {
      #expect(throws: DecodingError.self) { try decoder.decode(OptimizerConfiguration.self, from: Data(bad.utf8)) }
    }
  }
}
