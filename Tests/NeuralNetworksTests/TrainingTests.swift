import NeuralNetworks
import Testing

@Suite("Training")
struct TrainingTests {
  /// Images of 8 × 8 with a bright bar in one of four places, plus noise.
  private func bars(_ count: Int, seed: UInt64) -> (features: [Float], labels: [Int32]) {
    var features = uniform(count * 64, seed: seed).map { 0.3 * $0 }
    let labels = (0..<count).map { Int32($0 % 4) }
    for example in 0..<count {
      for pixel in 0..<8 {
        let place = Int(labels[example])
        let position = place < 2 ? (2 + 3 * place) * 8 + pixel : pixel * 8 + 2 + 3 * (place - 2)
        features[example * 64 + position] += 1
      }
    }
    return (features, labels)
  }

  @Test(
    "learns a separable problem with each optimizer",
    arguments: [
      OptimizerConfiguration.sgd(learningRate: 0.1, momentum: 0), .sgd(learningRate: 0.02, momentum: 0.9),
      .adam(learningRate: 0.005, beta1: 0.9, beta2: 0.999, epsilon: 1e-7),
      .adamW(learningRate: 0.005, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.004),
      .yogi(learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, initialAccumulator: 1e-6),
      .adagrad(learningRate: 0.05, epsilon: 1e-7, initialAccumulator: 0.1), .rmsprop(learningRate: 0.005, decay: 0.9, epsilon: 1e-7),
    ])
  func learns(_ optimizer: OptimizerConfiguration) throws {
    let graph = ModelGraph(
      inputShape: [8, 8, 1],
      layers: [
        .conv2D(filters: 6, kernel: 3), .relu, .maxPool2D(size: 2), .dropout(rate: 0.1), .flatten, .dense(units: 16), .relu,
        .dense(units: 4),
      ])
    let model = try CompiledModel(graph, batchSize: 16)
    let training = bars(200, seed: 1)
    let test = bars(80, seed: 2)
    var parameters = try graph.initialParameters(seed: 3)
    var gradient = [Float](repeating: 0, count: parameters.count)
    var state = optimizer.initialState(count: parameters.count)
    let before = try model.evaluate(parameters: parameters, features: test.features, labels: test.labels, examples: 0..<80)
    for epoch in 0..<15 {
      for start in stride(from: 0, to: 200, by: 16) {
        _ = try model.lossAndGradient(
          parameters: parameters, features: training.features, labels: training.labels, examples: start..<min(start + 16, 200),
          dropoutSeed: UInt64(epoch * 1000 + start), gradient: &gradient)
        optimizer.update(&parameters, gradient: gradient, state: &state)
      }
    }
    let after = try model.evaluate(parameters: parameters, features: test.features, labels: test.labels, examples: 0..<80)
    #expect(before.accuracy < 0.6)
    #expect(after.accuracy > 0.97)
    #expect(after.meanLoss < 0.1)
  }
}
