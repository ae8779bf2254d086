import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Recommended compositions")
struct RecommendedPipelineTests {
  private func run(
    _ pipeline: AggregationPipeline, _ updates: [[Float]], weights: [Double], state: AggregationState? = nil
  ) throws -> AggregationResult {
    let round = try pipeline.round(count: updates[0].count, state: state ?? pipeline.initialState(), roundSeed: 3)
    var sum = round.emptySum()
    for (client, update) in updates.enumerated() {
      try round.add(update, weight: weights[client], to: &sum, own: .simulation(seed: 2, purpose: .rounding, client: UInt64(client)))
    }
    return try round.finish(sum, noise: .simulation(seed: 1, purpose: .noise))
  }

  private func value(_ result: AggregationResult, _ name: AggregationMeasurementName) -> Double? {
    result.measurements.first { $0.name == name }?.value
  }

  /// computed with TensorFlow Federated 0.87.0
  @Test("robust: [3, 4] and [30, 40] with weights 1 and 3 give [0.15, 0.2]; one zeroed at 21, one clipped at 1")
  func robust() throws {
    let result = try run(.robust(), [[3, 4], [30, 40]], weights: [1, 3])
    #expect(abs(result.update[0] - 0.15) < 1e-6 && abs(result.update[1] - 0.2) < 1e-6)
    #expect(value(result, .clippingNorm) == 1 && value(result, .clippedCount) == 1)
    #expect(value(result, .zeroingNorm) == 21 && value(result, .zeroedCount) == 1)
  }

  /// computed with TensorFlow Federated 0.87.0
  @Test("private without noise: [3, 4] and [0.03, 0.04] give [0.045, 0.06] at the first clip of 0.1; the un-noised zeroing is a leak")
  func referencePrivate() throws {
    let pipeline = try AggregationPipeline.referencePrivate(noiseMultiplier: 0, clientsPerRound: 2)
    let result = try run(pipeline, [[3, 4], [0.03, 0.04]], weights: [1, 1])
    #expect(abs(result.update[0] - 0.045) < 1e-8 && abs(result.update[1] - 0.06) < 1e-8)
    #expect(value(result, .zeroingNorm) == 21 && value(result, .zeroedCount) == 0)
    #expect(pipeline.leaks.count == 1)
  }

  @Test("Epsilon's private default leaks nothing: update and both counts together are one Gaussian of multiplier z")
  func differentiallyPrivate() throws {
    let pipeline = try AggregationPipeline.differentiallyPrivate(noiseMultiplier: 0.8, clientsPerRound: 100)
    #expect(pipeline.leaks.isEmpty)
    guard case .composed(let events) = pipeline.privacyEvent else {
      Issue.record("one event only")
      return
    }
    let precision = events.reduce(0.0) { sum, event in
      guard case .gaussian(let multiplier) = event else { return .nan }
      return sum + 1 / (multiplier * multiplier)
    }
    #expect(events.count == 3 && abs(precision.squareRoot() * 0.8 - 1) < 1e-12)
  }

  @Test("compression, entropy coding and secure sums give the robust mean up to their rounding; order: zeroing, clipping, then they")
  func encoded() throws {
    let updates: [[Float]] = [(0..<64).map { sin(Float($0)) * 0.1 }, (0..<64).map { cos(Float($0)) * 0.1 }]
    let plain = try run(.robust(), updates, weights: [1, 2]).update
    for (pipeline, tolerance) in [
      (try AggregationPipeline.compressed(threshold: 10), 2e-3), (try .entropyCompressed(stepSize: 0.001), 1e-3), (try .secure(), 1e-6),
    ] {
      #expect(pipeline.techniques.map(\.name).prefix(2) == ["zeroing", "clipping"])
      let result = try run(pipeline, updates, weights: [1, 2]).update
      for (a, b) in zip(result, plain) { #expect(abs(a - b) < tolerance) }
    }
  }

  /// Rounds of both pipelines with the same updates and seeds: the same means and the same figures, to the bit.
  private func expectEqual(
    _ composite: AggregationPipeline, _ built: AggregationPipeline, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(composite.techniques.map(\.name) == built.techniques.map(\.name), sourceLocation: sourceLocation)
    #expect(composite.denominator == built.denominator && composite.leaks == built.leaks, sourceLocation: sourceLocation)
    #expect(composite.privacyEvent == built.privacyEvent, sourceLocation: sourceLocation)
    var states = (composite.initialState(), built.initialState())
    let source = RandomSource.simulation(seed: 5, purpose: .testing)
    for _ in 0..<4 {
      // Norms from a hundredth to some hundred, so that every bound matters.
      let updates = (0..<20).map { client in (0..<8).map { _ in Float(source.gaussian() * pow(10, Double(client % 5) - 2)) } }
      let weights = (0..<20).map { Double(1 + $0 % 3) }
      let (a, b) = try (run(composite, updates, weights: weights, state: states.0), run(built, updates, weights: weights, state: states.1))
      #expect(a.update == b.update && a.measurements == b.measurements, sourceLocation: sourceLocation)
      states = (a.state, b.state)
    }
  }

  @Test("each is what the tutorial composes step by step, with its constants, over several rounds")
  func equivalents() throws {
    let ten = try QuantileEstimator(
      initialEstimate: 10, targetQuantile: 0.98, learningRate: log(10), multiplier: 2, increment: 1)
    let one = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.8, learningRate: 0.2)
    func robust(around inner: AggregationPipeline) throws -> AggregationPipeline {
      try inner.clipping(adaptive: one).zeroing(adaptive: ten, order: .maximum)
    }
    let (weighted, plain) = (AggregationPipeline.mean(weighted: true), AggregationPipeline.mean())
    try expectEqual(.robust(), robust(around: weighted))
    try expectEqual(.robust(weighted: false), robust(around: plain))
    try expectEqual(.robust(zeroing: false), weighted.clipping(adaptive: one))
    try expectEqual(.robust(clipping: false), weighted.zeroing(adaptive: ten, order: .maximum))
    try expectEqual(
      .compressed(threshold: 4), robust(around: weighted.compression(QuantizeAboveThreshold(bits: 8, threshold: 4))))
    try expectEqual(
      .entropyCompressed(), robust(around: weighted.compression(StochasticDiscretization(stepSize: 0.5), measuresDistortion: true)))
    let bound = try QuantileEstimator(initialEstimate: 50, targetQuantile: 0.95, learningRate: 1, multiplier: 2)
    try expectEqual(.secure(), robust(around: weighted.secureSum(.real, bounds: .symmetric(bound))))

    // σ_b = 0.05 × 20.
    try expectEqual(
      .referencePrivate(noiseMultiplier: 0.7, clientsPerRound: 20),
      plain.gaussianAdaptive(
        noiseMultiplier: 0.7, clientsPerRound: 20, initialClippingNorm: 0.1, targetUnclippedQuantile: 0.5, learningRate: 0.2,
        clippedCountStandardDeviation: 1
      )
      .zeroing(adaptive: ten, order: .maximum))
  }

  @Test("distributed DP: the composite is its parts, one event for update and count, one leak, and a small round is refused")
  func distributedSecure() throws {
    let pipeline = try AggregationPipeline.distributedSecure(
      noiseMultiplier: 0.5, expectedClients: 20, minimumClients: 18, parameterCount: 8)
    let tenth = try QuantileEstimator(
      initialEstimate: 0.1, targetQuantile: 0.5, learningRate: 0.2, release: .noised(standardDeviation: 1, expectedClients: 20))
    let ten = try QuantileEstimator(
      initialEstimate: 10, targetQuantile: 0.98, learningRate: log(10), multiplier: 2, increment: 1)
    let sum = try DistributedSum(
      noise: .skellam, noiseMultiplier: 0.5, expectedClients: 20, minimumClients: 18, parameterCount: 8, norm: .adaptive(tenth), bits: 20,
      rotation: .hadamard)
    try expectEqual(pipeline, AggregationPipeline.mean().distributed(sum).zeroing(adaptive: ten, order: .maximum))
    guard case .composed(let events) = pipeline.privacyEvent, case .skellam = events[0] else {
      Issue.record("no Skellam event")
      return
    }
    #expect(events.count == 2 && events[1] == .gaussian(noiseMultiplier: 1) && pipeline.leaks.count == 1)
    #expect(
      try AggregationPipeline.distributedSecure(
        noiseMultiplier: 0.5, expectedClients: 20, minimumClients: 18, parameterCount: 8, zeroing: false
      ).leaks.isEmpty)
    let few = (0..<17).map { _ in [Float](repeating: 0.01, count: 8) }
    #expect(throws: AggregationError.tooFewClients(found: 17, needed: 18)) {
      try run(pipeline, few, weights: [Double](repeating: 1, count: 17))
    }
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.distributedSecure(noiseMultiplier: 0.5, expectedClients: 0, minimumClients: 1, parameterCount: 8)
    }
  }
}
