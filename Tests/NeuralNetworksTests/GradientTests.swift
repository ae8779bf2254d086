import NeuralNetworks
import Testing

@Suite("Gradient")
struct GradientTests {
  /// Single precision: products of a few hundred terms of order 1 leave an absolute error near 1e-6.
  private func expectClose(_ actual: [Float], _ expected: [Double], at positions: [Int], _ name: String) {
    for (position, value) in zip(positions, expected) {
      let difference = abs(Double(actual[position]) - value)
      #expect(difference < 2e-5 + 1e-4 * abs(value), "\(name), parameter \(position): \(actual[position]) for \(value)")
    }
  }

  /// All positions of a small model, every third or so of a larger one.
  private func positions(_ count: Int) -> [Int] { Array(stride(from: 0, to: count, by: count / 250 + 1)) }

  @Test("agrees with central differences in double precision, dropout included", arguments: Fixture.all)
  func agreesWithDifferences(_ fixture: Fixture) throws {
    let count = 4
    let (features, labels, parameters) = (fixture.features(count), try fixture.labels(count), try fixture.parameters())
    let model = try CompiledModel(fixture.graph, batchSize: count)
    var gradient = [Float](repeating: .nan, count: parameters.count)
    let metrics = try model.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 0..<count, dropoutSeed: 99, gradient: &gradient)
    let reference = ReferenceModel(graph: fixture.graph, dropoutSeed: 99)
    #expect(abs(metrics.meanLoss - reference.loss(parameters.map(Double.init), features, labels)) < 1e-5)
    let sampled = positions(parameters.count)
    expectClose(gradient, reference.gradient(parameters, features, labels, at: sampled), at: sampled, fixture.name)
  }

  @Test("of a short batch is the mean over its own examples", arguments: Fixture.all)
  func shortBatch(_ fixture: Fixture) throws {
    let (features, labels, parameters) = (fixture.features(8), try fixture.labels(8), try fixture.parameters())
    let model = try CompiledModel(fixture.graph, batchSize: 8)
    var gradient = [Float](repeating: .nan, count: parameters.count)
    // A full batch first, so that stale values would show.
    _ = try model.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 0..<8, dropoutSeed: 1, gradient: &gradient)
    let metrics = try model.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 5..<8, dropoutSeed: 99, gradient: &gradient)
    #expect(metrics.count == 3)
    let size = features.count / 8
    let reference = ReferenceModel(graph: fixture.graph, dropoutSeed: 99)
    let sampled = positions(parameters.count)
    let expected = reference.gradient(parameters, Array(features[(5 * size)...]), Array(labels[5...]), at: sampled)
    expectClose(gradient, expected, at: sampled, fixture.name)
  }

  @Test("of a short batch is that of a model compiled for that size", arguments: Fixture.all)
  func shortBatchEqualsSmallModel(_ fixture: Fixture) throws {
    let (features, labels, parameters) = (fixture.features(3), try fixture.labels(3), try fixture.parameters())
    let large = try CompiledModel(fixture.graph, batchSize: 20)
    let small = try CompiledModel(fixture.graph, batchSize: 3)
    var (first, second) = ([Float](repeating: 0, count: parameters.count), [Float](repeating: 0, count: parameters.count))
    let a = try large.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 0..<3, dropoutSeed: 4, gradient: &first)
    let b = try small.lossAndGradient(
      parameters: parameters, features: features, labels: labels, examples: 0..<3, dropoutSeed: 4, gradient: &second)
    #expect(abs(a.lossSum - b.lossSum) < 1e-5)
    #expect(a.correct == b.correct)
    #expect(zip(first, second).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test("of gathered examples is that of the same examples in a row")
  func gathersByIndex() throws {
    let fixture = try #require(Fixture.all.last)
    let (features, labels, parameters) = (fixture.features(9), try fixture.labels(9), try fixture.parameters())
    let model = try CompiledModel(fixture.graph, batchSize: 4)
    let order: [Int32] = [8, 3, 3, 0, 5]
    var (gathered, inRow) = ([Float](repeating: 0, count: parameters.count), [Float](repeating: 0, count: parameters.count))
    let a = try model.lossAndGradient(
      parameters: parameters, features: features, labels: labels, indices: order[1...], dropoutSeed: 4, gradient: &gathered)
    let size = features.count / 9
    let rowFeatures = order[1...].flatMap { features[Int($0) * size..<(Int($0) + 1) * size] }
    let b = try model.lossAndGradient(
      parameters: parameters, features: rowFeatures, labels: order[1...].map { labels[Int($0)] }, examples: 0..<4, dropoutSeed: 4,
      gradient: &inRow)
    #expect(a == b)
    #expect(gathered == inRow)
  }
}
