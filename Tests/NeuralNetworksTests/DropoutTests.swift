import NeuralNetworks
import Testing

@Suite("Dropout")
struct DropoutTests {
  @Test("keeps the share 1 − rate of the elements and the expectation of the sum", arguments: [0.25, 0.5, 0.9])
  func keepsExpectation(_ rate: Double) throws {
    // One class's score is the sum of all inputs after dropout, the other is 0; the gradient of the weights shows the inputs themselves.
    let count = 20_000
    let graph = ModelGraph(inputShape: [count], layers: [.dropout(rate: rate), .dense(units: 2)])
    let model = try CompiledModel(graph, batchSize: 1)
    let parameters = [Float](repeating: 0, count: model.parameterCount)
    var gradient = parameters
    let features = [Float](repeating: 1, count: count)
    for seed in [1, 2, 3] as [UInt64] {
      _ = try model.lossAndGradient(
        parameters: parameters, features: features, labels: [0], examples: 0..<1, dropoutSeed: seed, gradient: &gradient)
      // Equal scores: the gradient of a weight towards the wrong class is half its input.
      let inputs = (0..<count).map { 2 * gradient[2 * $0 + 1] }
      let scale = Float(1 / (1 - rate))
      #expect(inputs.allSatisfy { $0 == 0 || abs($0 - scale) < 1e-5 })
      // Fixed seeds; over seeds the mean has the standard error below, and 4 of them are passed once in 16,000.
      let mean = inputs.reduce(0) { $0 + Double($1) } / Double(count)
      #expect(abs(mean - 1) < 4 * (rate / (1 - rate) / Double(count)).squareRoot())
    }
  }

  @Test("drops other elements for another seed, another layer and another example, the same for the same seed")
  func seedsDiffer() throws {
    let graph = ModelGraph(inputShape: [64], layers: [.dropout(rate: 0.5), .dense(units: 2)])
    let later = ModelGraph(inputShape: [64], layers: [.flatten, .dropout(rate: 0.5), .dense(units: 2)])
    func kept(_ graph: ModelGraph, seed: UInt64) throws -> [Bool] {
      let model = try CompiledModel(graph, batchSize: 1)
      var gradient = [Float](repeating: 0, count: model.parameterCount)
      _ = try model.lossAndGradient(
        parameters: [Float](repeating: 0, count: model.parameterCount), features: [Float](repeating: 1, count: 64), labels: [0],
        examples: 0..<1, dropoutSeed: seed, gradient: &gradient)
      return gradient.map { $0 != 0 }
    }
    #expect(try kept(graph, seed: 1) == kept(graph, seed: 1))
    #expect(try kept(graph, seed: 1) != kept(graph, seed: 2))
    #expect(try kept(graph, seed: 1) != kept(later, seed: 1))
  }

  @Test("does nothing in evaluation")
  func evaluationHasNone() throws {
    let dense: [Layer] = [.dense(units: 3)]
    let with = try CompiledModel(ModelGraph(inputShape: [9], layers: [.dropout(rate: 0.5)] + dense), batchSize: 4)
    let without = try CompiledModel(ModelGraph(inputShape: [9], layers: dense), batchSize: 4)
    let (parameters, features) = (uniform(30, seed: 1), uniform(36, seed: 2))
    let a = try with.evaluate(parameters: parameters, features: features, labels: [0, 1, 2, 0], examples: 0..<4)
    #expect(a == (try without.evaluate(parameters: parameters, features: features, labels: [0, 1, 2, 0], examples: 0..<4)))
  }
}
