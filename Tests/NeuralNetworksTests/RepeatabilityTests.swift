import Foundation
import NeuralNetworks
import Testing

@Suite("Repeatability")
struct RepeatabilityTests {
  /// Five steps of gradient descent, then the bits of everything that came out.
  private static func run(_ graph: ModelGraph, offset: Int = 0) throws -> [UInt32] {
    let model = try CompiledModel(graph, batchSize: 10)
    // Other lengths before the data move it to another alignment.
    let padding = [Float](repeating: 1, count: offset)
    let features = uniform(14 * model.exampleSize, seed: 3)
    let labels = (0..<14).map { Int32($0 % model.classCount) }
    var parameters = try graph.initialParameters(seed: 2)
    var gradient = [Float](repeating: 0, count: parameters.count)
    let order: [Int32] = [4, 1, 13, 0, 7, 2, 9, 3, 5, 11, 6, 8, 12]
    let optimizer = OptimizerConfiguration.sgd(learningRate: 0.1, momentum: 0)
    var state = optimizer.initialState(count: parameters.count)
    var losses: [UInt32] = []
    for step in 0..<5 {
      let batch = step == 3 ? order[10...] : order[..<10]
      let metrics = try model.lossAndGradient(
        parameters: parameters, features: features, labels: labels, indices: batch, dropoutSeed: UInt64(step), gradient: &gradient)
      optimizer.update(&parameters, gradient: gradient, state: &state)
      losses.append(Float(metrics.lossSum).bitPattern)
    }
    return losses + (parameters + gradient).map(\.bitPattern) + (padding.count == offset ? [] : [1])
  }

  @Test("bits are equal in every run and in every instance", arguments: ["emnist-conv", "emnist-dense", "emnist-logistic", "fashion-cnn"])
  func sameBitsAgain(_ name: String) throws {
    let graph = try ModelGraph.named(name)
    let first = try Self.run(graph)
    for offset in [1, 5, 1000] { #expect(try Self.run(graph, offset: offset) == first) }
  }

  @Test("bits are equal on threads that run at the same time", arguments: ["emnist-conv", "emnist-dense", "fashion-cnn"])
  func sameBitsOnThreads(_ name: String) async throws {
    let graph = try ModelGraph.named(name)
    let expected = try Self.run(graph)
    let results = try await withThrowingTaskGroup(of: [UInt32].self) { group in
      for offset in 0..<4 { group.addTask { try Self.run(graph, offset: offset) } }
      return try await group.reduce(into: [[UInt32]]()) { $0.append($1) }
    }
    #expect(results.count == 4)
    #expect(results.allSatisfy { $0 == expected })
  }

  @Test("a model made on one thread computes the same on another")
  func modelMovesBetweenThreads() throws {
    final class Courier: @unchecked Sendable {
      let model: CompiledModel
      var gradient: [Float]
      var failure: (any Error)?
      init(_ model: CompiledModel) {
        self.model = model
        gradient = [Float](repeating: 0, count: model.parameterCount)
      }
      func run(_ parameters: [Float], _ features: [Float]) {
        do {
          _ = try model.lossAndGradient(
            parameters: parameters, features: features, labels: [1, 2, 3], examples: 0..<3, dropoutSeed: 1, gradient: &gradient)
        } catch { failure = error }
      }
    }
    let graph = try ModelGraph.named("fashion-cnn")
    let courier = Courier(try CompiledModel(graph, batchSize: 4))
    let (parameters, features) = (try graph.initialParameters(seed: 1), uniform(3 * 784, seed: 8))
    courier.run(parameters, features)
    let here = courier.gradient
    courier.gradient = [Float](repeating: 0, count: here.count)
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      courier.run(parameters, features)
      done.signal()
    }
    done.wait()
    #expect(courier.failure == nil)
    #expect(courier.gradient == here)
  }

  @Test("the address of parameters, data and gradient does not change a bit", arguments: ["emnist-dense", "mnist-logistic", "fashion-cnn"])
  func alignmentIsIrrelevant(_ name: String) throws {
    let graph = try ModelGraph.named(name)
    let parameters = try graph.initialParameters(seed: 3)
    let model = try CompiledModel(graph, batchSize: 5)
    let (features, labels) = (uniform(5 * 784, seed: 6), [Int32](0..<5))
    // Everything stays alive, so that each new array lies elsewhere; the odd lengths in between vary the offset from a cache line.
    var kept: [[Float]] = []
    var offsets: Set<UInt> = []
    var results: Set<[UInt32]> = []
    for length in 1...12 {
      kept.append([Float](repeating: 0, count: length * 4))
      kept.append(parameters.map { $0 })
      kept.append([Float](repeating: 0, count: parameters.count))
      offsets.insert(kept[kept.count - 2].withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) % 64 })
      _ = try model.lossAndGradient(
        parameters: kept[kept.count - 2], features: features, labels: labels, examples: 0..<5, dropoutSeed: 9,
        gradient: &kept[kept.count - 1])
      results.insert(kept[kept.count - 1].map(\.bitPattern))
    }
    #expect(results.count == 1, "offsets from a cache line: \(offsets)")
  }

  @Test("initial parameters are a function of the seed, these numbers on every machine")
  func initialParametersAreFixed() throws {
    let graph = ModelGraph(inputShape: [4], layers: [.dense(units: 2)])
    let parameters = try graph.initialParameters(seed: 42)
    #expect(parameters == (try graph.initialParameters(seed: 42)))
    #expect(parameters != (try graph.initialParameters(seed: 43)))
    #expect(parameters.suffix(2) == [0, 0])
    // (2u − 1) √(6 / (4 + 2)); u by a separate program from the published constants of SplitMix64.
    #expect(parameters.prefix(3) == [-0.2260514497756958, 0.8426344394683838, -0.8337674140930176])
  }

  @Test("Glorot weights have the variance 2 / (fan in + fan out)")
  func glorotVariance() throws {
    let graph = try ModelGraph.named("emnist-dense")
    let weights = try graph.initialParameters(seed: 7)[..<(784 * 200)].map(Double.init)
    let mean = weights.reduce(0, +) / Double(weights.count)
    let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(weights.count)
    // The seed is fixed, so this cannot fail by chance; the standard error of the ratio is 0.0023.
    #expect(abs(variance / (2 / 984) - 1) < 0.01)
    #expect(abs(mean) < 4 * (2 / 984 / Double(weights.count)).squareRoot())
  }
}
