import Aggregation
import Foundation
import SecureNoise
import Testing

@Suite("Compression and rotation in a pipeline")
struct CompressionPipelineTests {
  private func run(_ pipeline: AggregationPipeline, _ updates: [[Float]]) throws -> AggregationResult {
    let round = try pipeline.round(count: updates[0].count, state: pipeline.initialState(), roundSeed: 9)
    var sum = round.emptySum()
    for (client, update) in updates.enumerated() {
      try round.add(update, weight: 1, to: &sum, own: .simulation(seed: 2, purpose: .rounding, client: UInt64(client)))
    }
    return try round.finish(sum, noise: .simulation(seed: 1, purpose: .noise))
  }

  @Test("a rotation comes back, whatever its padding, and what stands inside sees rotated values")
  func rotation() throws {
    let updates: [[Float]] = [[1, 0, 0, 0, 5], [0, 2, 0, 0, 0], [0, 0, -3, 0, 0]]
    for rotation in [HadamardRotation.once as any Rotation, FourierRotation()] {
      let result = try run(.mean().rotation(rotation), updates)
      for (value, expected) in zip(result.update, [1.0 / 3, 2.0 / 3, -1, 0, 5.0 / 3]) { #expect(abs(value - expected) < 1e-6) }
    }
    // One coordinate of 100 is clipped by a sum bounded by 60, its rotation is not.
    let spike: [[Float]] = [[100, 0, 0, 0, 0, 0, 0, 0]]
    let bounds = SecureSum.Bounds.fixed(lower: -60, upper: 60)
    let plain = try run(.mean().secureSum(bounds: bounds), spike)
    #expect(abs(plain.update[0] - 60) < 1e-6)
    let rotated = try run(.mean().secureSum(bounds: bounds).rotation(HadamardRotation.once), spike)
    #expect(abs(rotated.update[0] - 100) < 1e-4)
  }

  @Test("a rotation between clip and noise is refused, outside it is not")
  func order() throws {
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.mean().rotation(HadamardRotation.once)
        .gaussianFixed(noiseMultiplier: 1, clientsPerRound: 2, clippingNorm: 1)
    }
    _ = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 2, clippingNorm: 1)
      .rotation(HadamardRotation.once)
  }

  @Test("compression measures the bytes that travel and the error that it makes")
  func compression() throws {
    let update = (0..<400).map { Float(cos(Double($0))) }
    let encoder = try QuantizeAboveThreshold(bits: 8, threshold: 100)
    let result = try run(.mean().compression(encoder, measuresDistortion: true), [update, update])
    let bytes = try #require(result.measurements.first { $0.name == .encodedBytes }?.value)
    #expect(bytes > 2 * 400 && bytes < 2 * 460)
    let distortion = try #require(result.measurements.first { $0.name == .distortion }?.value)
    // Stochastic rounding on steps of 2/255 has the variance p(1 − p) ≤ ¼ of a squared step.
    #expect(distortion > 0 && distortion < 0.25 * pow(2.0 / 255, 2))
    for (value, expected) in zip(result.update, update) { #expect(abs(value - Double(expected)) < 2.0 / 255 + 1e-6) }
  }
}
