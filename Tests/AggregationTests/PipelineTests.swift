import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

/// Runs one round over `updates` and returns its result.
func aggregate(
  _ pipeline: AggregationPipeline, _ updates: [[Float]], weights: [Double]? = nil, state: AggregationState? = nil,
  noise: RandomSource = testNoise()
) throws -> AggregationResult {
  let round = try pipeline.round(count: updates.first?.count ?? 2, state: state ?? pipeline.initialState())
  var sum = round.emptySum()
  for (index, update) in updates.enumerated() { try round.add(update, weight: weights?[index] ?? 1, to: &sum) }
  return try round.finish(sum, noise: noise)
}

extension AggregationResult {
  func value(_ name: AggregationMeasurementName) -> Double? { measurements.first { $0.name == name }?.value }
}

func isClose(_ a: [Double], _ b: [Double], relative: Double = 1e-6) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= relative * max(1e-9, abs($1)) }
}

@Suite("Means and clipping")
struct PipelineTests {
  @Test("weighted and plain means; the mean over nobody moves nothing")
  func means() throws {
    let updates: [[Float]] = [[1, 2], [3, 4], [5, 6]]
    #expect(isClose(try aggregate(.mean(), updates).update, [3, 4]))
    #expect(isClose(try aggregate(.mean(weighted: true), updates, weights: [1, 2, 1]).update, [3, 4]))
    #expect(isClose(try aggregate(.mean(weighted: true), updates, weights: [3, 0, 1]).update, [2, 3]))
    #expect(try aggregate(.mean(), []).update == [0, 0])
    #expect(try aggregate(.mean(weighted: true), updates, weights: [0, 0, 0]).update == [0, 0])
  }

  /// Vectors of the reference: clip 2, values 1, 3, 5 with weights 1, 2, 1 give 1.75 and two clipped clients.
  @Test("clipping by a fixed norm, strict at the boundary")
  func clipping() throws {
    let values: [[Float]] = [[1], [3], [5]]
    let result = try aggregate(.mean(weighted: true).clipping(norm: 2), values, weights: [1, 2, 1])
    #expect(isClose(result.update, [1.75]) && result.value(.clippedCount) == 2)
    let boundary = try aggregate(.mean().clipping(norm: 3), [[3]])
    #expect(boundary.update == [3] && boundary.value(.clippedCount) == 0)
    let plane = try aggregate(.mean().clipping(norm: 3), [[1, 1], [3, 4]])
    #expect(isClose(plane.update.map { 2 * $0 }, [2.8, 3.4], relative: 1e-3))
  }

  @Test("the reference's robust default: clip 1 of [3,4] and [30,40] with weights 1 and 3 gives [0.6, 0.8]")
  func robust() throws {
    // The reference zeroes the second client first (weight kept), which leaves 0.15, 0.2; here its clipped update stays.
    let result = try aggregate(.mean(weighted: true).clipping(norm: 1), [[3, 4], [30, 40]], weights: [1, 3])
    #expect(isClose(result.update, [0.6, 0.8]))
  }

  @Test("an adaptive norm uses the bound of before the round and reports that of after")
  func adaptive() throws {
    let pipeline = try AggregationPipeline.mean().clipping(adaptive: nil)
    var state = pipeline.initialState()
    let values: [[Float]] = [[0.1], [0.2], [0.5], [0.9], [1.5], [2], [3], [4], [5], [10]]
    for (bound, next) in [(1.0, 1.0832871198654175), (1.0832871198654175, 1.173511028289795)] {
      let result = try aggregate(pipeline, values, state: state)
      #expect(isClose([result.value(.clippingNorm) ?? 0, result.value(.nextClippingNorm) ?? 0], [bound, next]))
      state = result.state
    }
    #expect(pipeline.privacyEvent == .nonPrivate)
    #expect(
      try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1).clipping(adaptive: nil).leaks
        .count == 1)
  }

  @Test("techniques compose outside in on clients: the outer clip acts first and changes what the inner one sees")
  func order() throws {
    // Outer norm 4, inner quantile estimator at 5: the inner technique sees norm 4 and counts it as within.
    let inner = try AggregationPipeline.mean().gaussianAdaptive(
      noiseMultiplier: 0, clientsPerRound: 1, initialClippingNorm: 5, targetUnclippedQuantile: 0, learningRate: log(2))
    let outer = try inner.clipping(norm: 4)
    let result = try aggregate(outer, [[30, 40]])
    #expect(isClose([result.value(.nextClippingNorm) ?? 0], [2.5]))
    #expect(isClose(result.update, [2.4, 3.2]))
  }

  @Test("updates that are not finite never reach the sum and still count as participants")
  func rejected() throws {
    let updates: [[Float]] = [[1, 1], [.nan, 0], [.infinity, 1], [0, 0], [3, 3]]
    let mean = try aggregate(.mean(), updates)
    #expect(isClose(mean.update, [0.8, 0.8]) && mean.value(.participants) == 5 && mean.value(.rejectedUpdates) == 2)
    let weighted = try aggregate(.mean(weighted: true), [[1, 1], [.nan, 0], [3, 3]], weights: [1, 7, 1])
    #expect(isClose(weighted.update, [2, 2]))
    for weight in [-1, .nan, .infinity] {
      #expect(isClose(try aggregate(.mean(weighted: true), [[1, 1], [5, 5]], weights: [1, weight]).update, [1, 1]))
    }
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 0, clientsPerRound: 5, clippingNorm: 100)
    #expect(isClose(try aggregate(pipeline, updates).update, [0.8, 0.8]))
  }

  @Test("huge finite updates are clipped, not rejected")
  func huge() throws {
    let result = try aggregate(.mean().clipping(norm: 1), [[3e38, 3e38]])
    #expect(isClose(result.update, [Double](repeating: (0.5 as Double).squareRoot(), count: 2)))
  }

  @Test("partial sums merged in any grouping agree, and a permutation of clients changes nothing beyond rounding")
  func merging() throws {
    let noise = testNoise(5)
    let updates = (0..<37).map { _ in (0..<50).map { _ in Float(noise.gaussian()) } }
    let pipeline = try AggregationPipeline.mean().clipping(norm: 3)
    let round = try pipeline.round(count: 50, state: pipeline.initialState())
    var total = round.emptySum()
    for start in stride(from: 0, to: 37, by: 5) {
      var part = round.emptySum()
      for update in updates[start..<min(37, start + 5)] { try round.add(update, weight: 1, to: &part) }
      try total.merge(part)
    }
    let merged = try round.finish(total, noise: testNoise()).update
    #expect(isClose(merged, try aggregate(pipeline, updates).update, relative: 1e-12))
    #expect(isClose(merged, try aggregate(pipeline, updates.reversed()).update, relative: 1e-12))
  }

  @Test("wrong lengths, foreign states and impossible compositions are errors")
  func errors() throws {
    let pipeline = try AggregationPipeline.mean().clipping(norm: 1)
    let round = try pipeline.round(count: 3, state: pipeline.initialState())
    var sum = round.emptySum()
    #expect(throws: AggregationError.lengthMismatch(expected: 3, found: 2)) { try round.add([1, 2], weight: 1, to: &sum) }
    #expect(throws: AggregationError.self) { try pipeline.round(count: 3, state: AggregationPipeline.mean().initialState()) }
    #expect(throws: AggregationError.self) {
      try pipeline.round(
        count: 3, state: AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: 1).initialState())
    }
    #expect(throws: AggregationError.self) { try pipeline.clipping(norm: 2) }
    for norm in [0, -1, .nan, .infinity] { #expect(throws: AggregationError.self) { try AggregationPipeline.mean().clipping(norm: norm) } }
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.mean(weighted: true).gaussianFixed(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1)
    }
  }

  @Test("several updates at once give the state, figures and bits of one after the other", arguments: [0, 1, 3, 8, 9, 21])
  func together(clients: Int) throws {
    let pipelines: [AggregationPipeline] = [
      .mean(weighted: true), try .mean(weighted: true).clipping(norm: 1).zeroing(norm: 20),
      try .mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 2),
      try .mean().gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: 100).zeroing(privateWithClientsPerRound: 100),
      try .mean().distributed(
        DistributedSum(
          noise: .skellam, noiseMultiplier: 1, expectedClients: 10, minimumClients: 1, parameterCount: 70, norm: .fixed(1), bits: 20,
          rotation: .hadamard)),
    ]
    let random = RandomSource.simulation(seed: 5, purpose: .testing)
    var updates = (0..<clients).map { _ in (0..<70).map { _ in Float(Int32(truncatingIfNeeded: random.nextUInt64())) * 0x1p-32 } }
    if clients > 2 { updates[1][69] = .nan }
    if clients > 8 { updates[8][0] = .infinity }
    let weights = (0..<clients).map { Double($0 % 3) }
    func own(_ index: Int) -> RandomSource { .simulation(seed: 6, purpose: .testing, client: UInt64(index)) }
    for pipeline in pipelines {
      let round = try pipeline.round(count: 70, state: pipeline.initialState())
      var (single, together) = (round.emptySum(), round.emptySum())
      for index in updates.indices { try round.add(updates[index], weight: weights[index], to: &single, own: own(index)) }
      try round.add(updates, weights: weights, to: &together, own: updates.indices.map(own))
      #expect(single.values == together.values && single.integers == together.integers && single.weight == together.weight)
      #expect(single.participants == clients && together.participants == clients && single.rejected == together.rejected)
      #expect(single.rejected == (clients > 8 ? 2 : clients > 2 ? 1 : 0))
      guard clients > 0 else { continue }
      let results = try [single, together].map { try round.finish($0, noise: testNoise()) }
      #expect(results[0].update == results[1].update)
      #expect(results[0].measurements.map(\.value) == results[1].measurements.map(\.value))
    }
    let round = try pipelines[0].round(count: 2, state: pipelines[0].initialState())
    var sum = round.emptySum()
    #expect(throws: AggregationError.self) { try round.add([[1, 2]], weights: [], to: &sum) }
    #expect(throws: AggregationError.self) { try round.add([[1, 2], [1]], weights: [1, 1], to: &sum) }
  }
}
