import NeuralNetworks
import Testing

@Suite("Malformed graphs and batches")
struct MalformedGraphTests {
  struct Case: CustomTestStringConvertible {
    let shape: [Int]
    let layers: [Layer]
    let message: String
    var testDescription: String { message }
  }

  static let cases: [Case] = [
    .init(shape: [], layers: [.dense(units: 2)], message: "input shape [] is not usable"),
    .init(shape: [28, 28], layers: [.dense(units: 2)], message: "give [count] or [height, width, channels]"),
    .init(shape: [0], layers: [.dense(units: 2)], message: "input shape [0] is not usable"),
    .init(shape: [-4, 4, 1], layers: [.flatten, .dense(units: 2)], message: "input shape [-4, 4, 1]"),
    .init(shape: [Int.max, Int.max, 3], layers: [.flatten, .dense(units: 2)], message: "fewer than 2^31 scalars"),
    .init(shape: [4], layers: [.dense(units: 0)], message: "layer 0 (dense): 0 units; give at least 1 unit"),
    .init(shape: [4], layers: [.relu, .dense(units: -7)], message: "layer 1 (dense): -7 units"),
    .init(shape: [4], layers: [.dense(units: Int.max)], message: "layer 0 (dense)"),
    .init(shape: [4, 4, 1], layers: [.dense(units: 2)], message: "layer 0 (dense): its input is an image of 4x4x1; put a flatten layer"),
    .init(shape: [100_000], layers: [.dense(units: 100_000)], message: "layer 0 (dense): its weights [100000, 100000] would be 2^31"),
    .init(
      shape: [40_000], layers: [.dense(units: 40_000), .dense(units: 40_000)],
      message: "layer 1 (dense): the model would have 2^31 parameters"),
    .init(shape: [16], layers: [.conv2D(filters: 2, kernel: 3)], message: "layer 0 (conv2D): its input is a vector of 16 values"),
    .init(shape: [4, 4, 1], layers: [.conv2D(filters: 0, kernel: 3)], message: "layer 0 (conv2D): 0 filters"),
    .init(
      shape: [4, 4, 1], layers: [.conv2D(filters: 2, kernel: 5)],
      message: "layer 0 (conv2D): a kernel of 5 does not fit the image of 4x4x1; use a kernel from 1 to 4"),
    .init(shape: [4, 4, 1], layers: [.conv2D(filters: 2, kernel: 0)], message: "layer 0 (conv2D): a kernel of 0"),
    .init(shape: [4, 4, 1], layers: [.conv2D(filters: Int.max, kernel: 2)], message: "layer 0 (conv2D)"),
    .init(shape: [4, 4, 1], layers: [.maxPool2D(size: 5)], message: "layer 0 (maxPool2D): a window of 5 does not fit the image of 4x4x1"),
    .init(shape: [4, 4, 1], layers: [.maxPool2D(size: 0)], message: "use a size from 1 to 4"),
    .init(shape: [4, 4, 1], layers: [.flatten, .maxPool2D(size: 2)], message: "layer 1 (maxPool2D): its input is a vector of 16 values"),
    .init(shape: [4], layers: [.dropout(rate: 1), .dense(units: 2)], message: "layer 0 (dropout): a rate of 1.0; give a rate"),
    .init(shape: [4], layers: [.dropout(rate: -0.1), .dense(units: 2)], message: "layer 0 (dropout): a rate of -0.1"),
    .init(shape: [4], layers: [.dropout(rate: .nan), .dense(units: 2)], message: "layer 0 (dropout): a rate of nan"),
    .init(shape: [4, 4, 1], layers: [.conv2D(filters: 2, kernel: 3)], message: "it ends in an image of 2x2x2; end with flatten and dense"),
    .init(shape: [4], layers: [.dense(units: 1)], message: "it ends in a single value"),
    .init(shape: [4], layers: [.relu], message: "no layer has parameters"),
    .init(shape: [4], layers: [], message: "no layer has parameters"),
  ]

  @Test("are errors that name the place and the remedy", arguments: cases)
  func areErrors(_ bad: Case) {
    let graph = ModelGraph(inputShape: bad.shape, layers: bad.layers)
    let error = #expect(throws: NeuralNetworkError.self) { try graph.parameterLayout() }
    #expect(error?.description.contains(bad.message) == true, "\(String(describing: error))")
    #expect(throws: NeuralNetworkError.self) { try graph.outputCount() }
    #expect(throws: NeuralNetworkError.self) { try graph.initialParameters(seed: 1) }
    #expect(throws: NeuralNetworkError.self) { try CompiledModel(graph, batchSize: 2) }
  }

  @Test("batch sizes that cannot be are errors", arguments: [0, -1, Int.max, 1 << 31])
  func badBatchSizes(_ size: Int) {
    #expect(throws: NeuralNetworkError.self) { try CompiledModel(ModelGraph(inputShape: [4], layers: [.dense(units: 2)]), batchSize: size) }
  }

  @Test("buffers of the wrong size, bad indices and bad labels are errors")
  func badBatches() throws {
    let model = try CompiledModel(ModelGraph(inputShape: [2], layers: [.dense(units: 2)]), batchSize: 2)
    func attempt(
      _ parameters: Int = 6, _ features: Int = 6, labels: [Int32] = [0, 1, 0], indices: [Int32] = [0, 2], gradient: Int = 6
    ) throws {
      var result = [Float](repeating: 0, count: gradient)
      let (weights, data) = ([Float](repeating: 0, count: parameters), [Float](repeating: 0, count: features))
      _ = try model.lossAndGradient(
        parameters: weights, features: data, labels: labels, indices: indices[...], dropoutSeed: 0, gradient: &result)
    }
    try attempt()
    #expect(throws: NeuralNetworkError.wrongCount(buffer: "parameters", expected: 6, actual: 5)) { try attempt(5) }
    #expect(throws: NeuralNetworkError.wrongCount(buffer: "parameters", expected: 6, actual: 0)) { try attempt(0) }
    #expect(throws: NeuralNetworkError.wrongCount(buffer: "features", expected: 6, actual: 7)) { try attempt(6, 7) }
    #expect(throws: NeuralNetworkError.wrongCount(buffer: "gradient", expected: 6, actual: 7)) { try attempt(gradient: 7) }
    #expect(throws: NeuralNetworkError.emptyBatch) { try attempt(indices: []) }
    #expect(throws: NeuralNetworkError.batchTooLarge(count: 3, batchSize: 2)) { try attempt(indices: [0, 1, 2]) }
    #expect(throws: NeuralNetworkError.exampleOutOfRange(index: 3, exampleCount: 3)) { try attempt(indices: [3]) }
    #expect(throws: NeuralNetworkError.exampleOutOfRange(index: -1, exampleCount: 3)) { try attempt(indices: [-1]) }
    #expect(throws: NeuralNetworkError.labelOutOfRange(example: 2, classCount: 2)) { try attempt(labels: [0, 1, 2]) }
    #expect(throws: NeuralNetworkError.labelOutOfRange(example: 0, classCount: 2)) { try attempt(labels: [-1, 1, 2]) }
    // Labels of examples that are not in the batch are none of its business.
    try attempt(labels: [0, 9, 1])
    let weights = [Float](repeating: 0, count: 6)
    #expect(throws: NeuralNetworkError.emptyBatch) {
      try model.evaluate(parameters: weights, features: weights, labels: [0, 1, 0], examples: 1..<1)
    }
    #expect(throws: NeuralNetworkError.exampleOutOfRange(index: 3, exampleCount: 3)) {
      try model.evaluate(parameters: weights, features: weights, labels: [0, 1, 0], examples: 1..<4)
    }
    #expect(throws: NeuralNetworkError.exampleOutOfRange(index: -1, exampleCount: 3)) {
      try model.evaluate(parameters: weights, features: weights, labels: [0, 1, 0], examples: -1..<2)
    }
  }

  @Test("non-finite parameters and features crash nothing and leave no trace in later batches", arguments: Fixture.all)
  func nonFiniteValues(_ fixture: Fixture) throws {
    let (features, labels, parameters) = (fixture.features(3), try fixture.labels(3), try fixture.parameters())
    let model = try CompiledModel(fixture.graph, batchSize: 4)
    var (before, after) = ([Float](repeating: 0, count: parameters.count), [Float](repeating: 0, count: parameters.count))
    _ = try model.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 0..<2, dropoutSeed: 4, gradient: &before)
    for bad in [Float.nan, .infinity, -.infinity] {
      let metrics = try model.lossAndGradient(
        parameters: [Float](repeating: bad, count: parameters.count), features: features, labels: labels, examples: 0..<3, dropoutSeed: 4,
        gradient: &after)
      #expect((0...3).contains(metrics.correct))
      #expect(metrics.count == 3)
      _ = try model.lossAndGradient(
        parameters: parameters, features: features.map { _ in bad }, labels: labels, examples: 0..<3, dropoutSeed: 4, gradient: &after)
    }
    _ = try model.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 0..<2, dropoutSeed: 4, gradient: &after)
    #expect(before == after)
  }
}
