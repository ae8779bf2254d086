import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Recommended compositions")
struct RecommendedPipelineTests {
  private func run(_ pipeline: AggregationPipeline, _ updates: [[Float]], weights: [Double]) throws -> AggregationResult {
    let round = try pipeline.round(count: updates[0].count, state: pipeline.initialState(), roundSeed: 3)
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
}
