import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

/// The steps of the argument in ``CentralLaplace``'s documentation.
@Suite("Central Laplace noise on the grid")
struct GridLaplaceTests {
  private func integers(_ update: [Float], scale: Double = 1, norm: Double) throws -> [Int64]? {
    let mechanism = try CentralLaplace(noiseMultiplier: 1, clientsPerRound: 1, norm: .fixed(norm))
    var sum = [Int64](repeating: 0, count: update.count)
    var report = [0.0, 0][...]
    let isAdded = try mechanism.add(
      ScaledVector(values: update, scale: scale), to: &sum, report: &report, state: mechanism.initialState(), randomness: nil)
    return isAdded ? sum : nil
  }

  @Test("step 1: the integers of 2,000 random updates have the L1 norm 2^30 at most, and fall short of the update by a step per coordinate")
  func norms() throws {
    let source = testNoise(12)
    var greatest: UInt64 = 0
    for trial in 0..<2_000 {
      let count = [1, 2, 3, 17, 1_000][trial % 5]
      let size = Float(pow(10, 60 * (Double(source.nextUInt64() >> 11) * 0x1p-53 - 0.5)))
      let update = (0..<count).map { _ in Float(source.gaussian()) * size }
      let norm = pow(10, 24 * (Double(source.nextUInt64() >> 11) * 0x1p-53 - 0.5))
      let steps = try #require(try integers(update, norm: norm))
      let total = steps.reduce(UInt64(0)) { $0 + $1.magnitude }
      #expect(total <= 1 << 30)
      greatest = max(greatest, total)
      let factor = min(1, norm / VectorMath.l1Norm(update))
      for (step, value) in zip(steps, update) where factor.isFinite {
        let exact = Double(value) * factor / norm * 0x1p30
        #expect(abs(Double(step)) <= abs(exact) * (1 + 1e-12) && abs(Double(step) - exact) < 1.001 + 1e-12 * abs(exact))
      }
    }
    // A clipped update uses the bound but for the steps that truncation takes.
    #expect(greatest > 1 << 30 - 4)
  }

  @Test("a bound that the factors miss is checked in integers: one step too many is refused, the bound itself is not")
  func integerCheck() throws {
    // L2 norms far below the bound, so that only the check of the L1 norm can refuse: 4 coordinates of 2^28 steps reach 2^30 exactly.
    let technique = try CentralLaplace(noiseMultiplier: 1, clientsPerRound: 1, norm: .fixed(1))
    // Room for the kernel's own factor, a little below 1.
    let exact = try #require(technique.onGrid([1, -1, 1, -1], factor: 0.25 * (1 + 0x1p-40)))
    #expect(exact.map(\.magnitude) == [1 << 28, 1 << 28, 1 << 28, 1 << 28])
    #expect(technique.onGrid([1, -1, 1, -1, 0x1p-28], factor: 0.25 * (1 + 0x1p-40)) == nil)
    let steps = try #require(try integers([Float](repeating: 0x1p-10, count: 1025), norm: 1))
    #expect(steps.reduce(0, +) <= 1 << 30 && steps.allSatisfy { $0 == steps[0] })
    let one = try #require(try integers([5], norm: 2))
    #expect(one[0] <= 1 << 30 && one[0] > 1 << 30 - 4)
    let negative = try #require(try integers([5, -3], scale: -1, norm: 4))
    #expect(negative[0] < 0 && negative[1] > 0 && negative[1] - negative[0] <= 1 << 30)
    #expect(try integers([.leastNonzeroMagnitude, 0], norm: 1) == [0, 0])
    #expect(try integers([0, 0, 0], norm: 1e-300) == [0, 0, 0])
    #expect(try integers([], norm: 1) == [])
    // Whatever leaves the range of floating point is left out, never added.
    for (update, norm) in [([1e-30, 1], 0x1p-1030), ([.nan, 1], 1), ([.infinity, 1], 1), ([3e38, -3e38], 1e-300)] as [([Float], Double)] {
      let steps = try integers(update, norm: norm)
      #expect((steps ?? []).reduce(UInt64(0)) { $0 + $1.magnitude } <= 1 << 30)
    }
    #expect(try integers([.nan, 1], norm: 1) == nil)
  }

  @Test(
    "steps 2 to 4: releases lie on the grid, and are the exact sum plus noise of scale z C (20,000 values, 6 standard errors: 2e-9)"
  )
  func released() throws {
    let (z, norm, clients) = (1.5, 0.7, 4.0)
    let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: z, clientsPerRound: clients, clippingNorm: norm)
    let count = 20_000
    let round = try pipeline.round(count: count, state: pipeline.initialState())
    var sum = round.emptySum()
    let update = (0..<count).map { Float(sin(Double($0))) * 0.0001 }
    for _ in 0..<3 { try round.add(update, weight: 1, to: &sum) }
    let exact = sum.integers
    #expect(exact.reduce(UInt64(0)) { $0 + $1.magnitude } <= 3 << 30)
    let result = try round.finish(sum, noise: testNoise(4))
    let step = norm * 0x1p-30 / clients
    var (total, squares, magnitudes) = (0.0, 0.0, 0.0)
    for (value, steps) in zip(result.update, exact) {
      let position = value / step
      #expect(abs(position - position.rounded()) < 1e-5)
      let noise = (position.rounded() - Double(steps)) * 0x1p-30 / z
      total += noise
      squares += noise * noise
      magnitudes += abs(noise)
    }
    let n = Double(count)
    #expect(abs(total / n) < 6 * (2 / n).squareRoot())
    #expect(abs(squares / n - 2) < 6 * (20 / n).squareRoot())
    #expect(abs(magnitudes / n - 1) < 6 / n.squareRoot())
  }

  @Test("a bound of any size, where single roundings of the clip are not covered, still holds in integers or refuses")
  func extremeBounds() throws {
    for norm in [0x1p-1060, 1e-300, 1e-200, 1e200, 1e300] {
      let pipeline = try AggregationPipeline.mean().laplace(noiseMultiplier: 0, clientsPerRound: 1, clippingNorm: norm)
      let round = try pipeline.round(count: 2, state: pipeline.initialState())
      var sum = round.emptySum()
      try round.add([2, -3], weight: 1, to: &sum)
      #expect(sum.integers.reduce(UInt64(0)) { $0 + $1.magnitude } <= 1 << 30)
    }
  }
}
