import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

/// A seeded stream as Swift's own samplers take it.
private struct SeededGenerator: RandomNumberGenerator {
  let source: RandomSource
  mutating func next() -> UInt64 { source.nextUInt64() }
}

/// The steps of the argument in ``CentralGaussian``'s documentation.
@Suite("Central noise on the grid")
struct GridNoiseTests {
  private func integers(_ update: [Float], scale: Double = 1, norm: Double, noiseMultiplier: Double = 1) throws -> [Int64]? {
    let mechanism = try CentralGaussian(noiseMultiplier: noiseMultiplier, clientsPerRound: 1, norm: .fixed(norm))
    var sum = [Int64](repeating: 0, count: update.count)
    var report = [0.0, 0][...]
    let isAdded = try mechanism.add(
      ScaledVector(values: update, scale: scale), to: &sum, report: &report, state: mechanism.initialState(), randomness: nil)
    return isAdded ? sum : nil
  }

  @Test("step 1: the integers of 2,000 random updates have the norm 2^30 at most, and fall short of the update by a step per coordinate")
  func norms() throws {
    var generator = SeededGenerator(source: .simulation(seed: 12, purpose: .testing))
    for trial in 0..<2_000 {
      let count = [1, 2, 3, 17, 1_000][trial % 5]
      let size = Float(pow(10, Double.random(in: -30...30, using: &generator)))
      let update = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) * size }
      let norm = pow(10, Double.random(in: -12...12, using: &generator))
      let steps = try #require(try integers(update, norm: norm))
      let squared = steps.reduce(UInt64(0)) { $0 + $1.magnitude * $1.magnitude }
      #expect(squared <= 1 << 60)
      let factor = min(1, norm / VectorMath.norm(update))
      for (step, value) in zip(steps, update) where factor.isFinite {
        let exact = Double(value) * factor / norm * 0x1p30
        #expect(abs(Double(step)) <= abs(exact) * (1 + 1e-12) && abs(Double(step) - exact) < 1.001 + 2e-6 * abs(exact))
      }
    }
  }

  @Test("a single coordinate at the bound, subnormal updates and empty ones")
  func corners() throws {
    let one = try #require(try integers([5], norm: 2))
    #expect(one[0] <= 1 << 30 && one[0] > 1 << 30 - 4)
    // Signs of values and of the factor before them are kept, clipped or not.
    for norm in [0.5, 100] {
      let plain = try #require(try integers([3, -4], norm: norm))
      #expect(plain[0] > 0 && plain[1] < 0)
      #expect(try integers([3, -4], scale: -1, norm: norm) == plain.map { -$0 })
      #expect(try integers([-3, 4], norm: norm) == plain.map { -$0 })
    }
    #expect(try integers([.leastNonzeroMagnitude, 0], norm: 1) == [0, 0])
    #expect(try integers([0, 0, 0], norm: 1e-300) == [0, 0, 0])
    #expect(try integers([], norm: 1) == [])
    // A greater multiplier takes a coarser grid, never one whose noise leaves 31 bits.
    #expect(try CentralGaussian(noiseMultiplier: 100, clientsPerRound: 1, norm: .fixed(1)).gridBits == 23)
    #expect(throws: AggregationError.self) { try CentralGaussian(noiseMultiplier: .infinity, clientsPerRound: 1, norm: .fixed(1)) }
  }

  @Test(
    "steps 2 to 4: releases lie on the grid, and are the exact sum plus noise of deviation z C (20,000 values, 6 standard errors: 2e-9)"
  )
  func released() throws {
    let (z, norm, clients) = (1.5, 0.7, 4.0)
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: z, clientsPerRound: clients, clippingNorm: norm)
    let count = 20_000
    let round = try pipeline.round(count: count, state: pipeline.initialState())
    var sum = round.emptySum()
    let update = (0..<count).map { Float(sin(Double($0))) * 0.001 }
    for _ in 0..<3 { try round.add(update, weight: 1, to: &sum) }
    let exact = sum.integers
    let result = try round.finish(sum, noise: .simulation(seed: 4, purpose: .noise))
    let step = norm * 0x1p-29 / clients
    var (total, squares) = (0.0, 0.0)
    for (value, steps) in zip(result.update, exact) {
      let position = value / step
      #expect(abs(position - position.rounded()) < 1e-6)
      let noise = (position.rounded() - Double(steps)) * 0x1p-29
      total += noise / z
      squares += noise * noise / (z * z)
    }
    let n = Double(count)
    #expect(abs(total / n) < 6 / n.squareRoot())
    #expect(abs(squares / n - 1) < 6 * (2 / n).squareRoot())
  }

  @Test("without noise the mean of clipped updates comes back to a part in 2^29")
  func noiseless() throws {
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 0, clientsPerRound: 2, clippingNorm: 1)
    let round = try pipeline.round(count: 2, state: pipeline.initialState())
    var sum = round.emptySum()
    try round.add([3, 4], weight: 1, to: &sum)
    try round.add([0.03, 0.04], weight: 1, to: &sum)
    let update = try round.finish(sum, noise: .simulation(seed: 1, purpose: .noise)).update
    #expect(abs(update[0] - 0.315) < 1e-8 && abs(update[1] - 0.42) < 1e-8)
  }

  @Test("an update that is not finite adds nothing and is counted, whatever the others send")
  func rejected() throws {
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 0, clientsPerRound: 1, clippingNorm: 10)
    let round = try pipeline.round(count: 1, state: pipeline.initialState())
    var sum = round.emptySum()
    for update: Float in [.nan, .infinity, 2] { try round.add([update], weight: 1, to: &sum) }
    let result = try round.finish(sum, noise: .simulation(seed: 1, purpose: .noise))
    #expect(abs(result.update[0] - 2) < 1e-7)
    #expect(result.measurements.first { $0.name == .rejectedUpdates }?.value == 2)
  }
}
