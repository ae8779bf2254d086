import NeuralNetworks
import Testing

@Suite("Forward pass")
struct ForwardTests {
  @Test("agrees with plain loops in double precision to 1e-5 in the loss", arguments: Fixture.all)
  func agreesWithReference(_ fixture: Fixture) throws {
    let count = 6
    let (features, labels, parameters) = (fixture.features(count), try fixture.labels(count), try fixture.parameters())
    let model = try CompiledModel(fixture.graph, batchSize: count)
    let metrics = try model.evaluate(parameters: parameters, features: features, labels: labels, examples: 0..<count)
    let reference = ReferenceModel(graph: fixture.graph, dropoutSeed: nil)
    let expected = reference.loss(parameters.map(Double.init), features, labels)
    #expect(abs(metrics.meanLoss - expected) < 1e-5)
    let scores = reference.logits(parameters.map(Double.init), features, count: count)
    let hits = zip(scores, labels).count { row, label in row.firstIndex(of: row.max() ?? 0) == Int(label) }
    #expect(metrics.correct == hits)
    #expect(metrics.count == count)
  }

  @Test("every class score agrees with plain loops to 1e-5", arguments: Fixture.all)
  func scoresAgree(_ fixture: Fixture) throws {
    // The loss with label c is logSumExp − score c, so differences of losses are differences of scores.
    let features = fixture.features(1)
    let parameters = try fixture.parameters()
    let model = try CompiledModel(fixture.graph, batchSize: 2)
    let scores = ReferenceModel(graph: fixture.graph, dropoutSeed: nil).logits(parameters.map(Double.init), features, count: 1)[0]
    let losses = try (0..<Int32(model.classCount)).map {
      try model.evaluate(parameters: parameters, features: features, labels: [$0], examples: 0..<1).lossSum
    }
    for label in 1..<model.classCount {
      #expect(abs((losses[0] - losses[label]) - (scores[label] - scores[0])) < 1e-5)
    }
  }

  @Test("more examples than the batch size are evaluated batch by batch")
  func evaluatesLongRanges() throws {
    let fixture = Fixture.all[1]
    let (features, labels, parameters) = (fixture.features(23), try fixture.labels(23), try fixture.parameters())
    let small = try CompiledModel(fixture.graph, batchSize: 5)
    let metrics = try small.evaluate(parameters: parameters, features: features, labels: labels, examples: 2..<23)
    var sum = BatchMetrics()
    for example in 2..<23 {
      sum.merge(try small.evaluate(parameters: parameters, features: features, labels: labels, examples: example..<example + 1))
    }
    #expect(metrics.count == 21)
    #expect(metrics.correct == sum.correct)
    #expect(abs(metrics.lossSum - sum.lossSum) < 1e-4)
  }

  @Test("large logits neither overflow nor lose the loss")
  func softmaxIsStable() throws {
    let graph = ModelGraph(inputShape: [1], layers: [.dense(units: 2)])
    let model = try CompiledModel(graph, batchSize: 1)
    var gradient = [Float](repeating: 0, count: 4)
    let metrics = try model.lossAndGradient(
      parameters: [1000, -1000, 0, 0], features: [1], labels: [1], examples: 0..<1, dropoutSeed: 0, gradient: &gradient)
    #expect(metrics.lossSum == 2000)
    #expect(metrics.correct == 0)
    #expect(gradient == [1, -1, 1, -1])
  }
}
