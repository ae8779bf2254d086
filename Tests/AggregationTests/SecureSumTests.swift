import Aggregation
import Foundation
import SecureNoise
import Testing

/// Vectors of the reference implementation (spec: aggregation 2.9), and what must hold for any bounds.
@Suite("Secure sums")
struct SecureSumTests {
  /// One round over scalar clients; returns the sum (the mean times the number of clients).
  private func run(
    _ pipeline: AggregationPipeline, _ values: [Float], state: AggregationState? = nil
  ) throws -> (sum: Double, result: AggregationResult) {
    let round = try pipeline.round(count: 1, state: state ?? pipeline.initialState())
    var sum = round.emptySum()
    for value in values { try round.add([value], weight: 1, to: &sum) }
    let result = try round.finish(sum, noise: .simulation(seed: 1, purpose: .testing))
    return (result.update[0] * Double(values.count), result)
  }

  private func measured(_ result: AggregationResult, _ name: AggregationMeasurementName) -> Double? {
    result.measurements.first { $0.name == name }?.value
  }

  @Test("integers between bounds: sum 1, two clipped above, one below")
  func integers() throws {
    let pipeline = try AggregationPipeline.mean().secureSum(.integer, bounds: .fixed(lower: -1, upper: 1))
    let (sum, result) = try run(pipeline, [-2, -1, 0, 1, 2, 3])
    #expect(abs(sum - 1) < 1e-12)
    #expect(measured(result, .secureUpperClippedCount) == 2 && measured(result, .secureLowerClippedCount) == 1)
  }

  @Test("real numbers between bounds: sum 1.5, two clipped above, one below")
  func reals() throws {
    let pipeline = try AggregationPipeline.mean().secureSum(.real, bounds: .fixed(lower: -1, upper: 1))
    let (sum, result) = try run(pipeline, [-2.5, -0.5, 0, 1, 1.5, 2.5])
    #expect(abs(sum - 1.5) < 1e-8)
    #expect(measured(result, .secureUpperClippedCount) == 2 && measured(result, .secureLowerClippedCount) == 1)
    let large = try AggregationPipeline.mean().secureSum(.real, bounds: .fixed(lower: -17_179_869_184, upper: 17_179_869_184))
    #expect(abs(try run(large, [8_589_934_592, 8_589_934_592, 17_179_869_184]).sum - 34_359_738_368) < 16)
  }

  @Test("bounds ±1, ±2, ±3 in turn, as a process of the reference gives them: sums 1.5, 2, 2.5, and fewer clipped")
  func bounds() throws {
    for (bound, sum, above, below) in [(1.0, 1.5, 2.0, 1.0), (2, 2, 1, 1), (3, 2.5, 1, 0)] {
      let pipeline = try AggregationPipeline.mean().secureSum(bounds: .fixed(lower: -bound, upper: bound))
      let (found, result) = try run(pipeline, [-2.5, -0.5, 0, 1, 1.5, 3.5])
      #expect(abs(found - sum) < 1e-7)
      #expect(measured(result, .secureUpperClippedCount) == above && measured(result, .secureLowerClippedCount) == below)
    }
  }

  @Test("codes of single clients are those of the reference, for real numbers, integers and spans above 32 bits")
  func codes() throws {
    func codes(_ components: SecureSum.Components, _ lower: Double, _ upper: Double, _ values: [Double]) throws -> [Int64] {
      let sum = try SecureSum(components, bounds: .fixed(lower: lower, upper: upper))
      var report = [0.0, 0, 0, 0][...]
      return try sum.encode(values, report: &report, state: sum.initialState(), randomness: nil)
    }
    #expect(try codes(.real, -1, 1, [-2, -1, 1, 2]) == [0, 0, 4_294_967_295, 4_294_967_295])
    #expect(
      try codes(.integer, -255, 256, [0, 1, 2, 3, 5, -254, -255, -256, 255, 256, 257])
        == [255, 256, 257, 258, 260, 1, 0, 0, 510, 511, 511])
    #expect(
      try codes(
        .integer, 0, 4_294_967_295,
        [-1, 0, 2_147_483_648, 4_294_967_296, 4_294_967_295, 4_294_967_294, 4_294_967_293, 0x1p63])
        == [0, 0, 1_073_741_824, 2_147_483_647, 2_147_483_647, 2_147_483_647, 2_147_483_646, 2_147_483_647])
    #expect(
      try codes(
        .integer, 0, 4_294_967_294, [-1, 0, 2_147_483_648, 4_294_967_296, 4_294_967_295, 4_294_967_294, 4_294_967_293])
        == [0, 0, 2_147_483_648, 4_294_967_294, 4_294_967_294, 4_294_967_294, 4_294_967_293])
    #expect(
      try codes(
        .integer, 0, 4_294_967_296,
        [-1, 0, 2_147_483_648, 4_294_967_296, 4_294_967_297, 4_294_967_294, 4_294_967_293, 0x1p63])
        == [0, 0, 1_073_741_824, 2_147_483_648, 2_147_483_648, 2_147_483_647, 2_147_483_646, 2_147_483_648])
    #expect(try codes(.real, 1.1, 1.1, [0, 1.1, 5]) == [0, 0, 0])
  }

  @Test("equal bounds decode to the number of clients times the bound; 0…255 and 4…20 saturate")
  func saturation() throws {
    let equal = try AggregationPipeline.mean().secureSum(.real, bounds: .fixed(lower: 1.5, upper: 1.5))
    #expect(try run(equal, [1, 2, 3]).sum == 4.5)
    // So near that no step is left between them: never 0/0.
    let near = try AggregationPipeline.mean().secureSum(.real, bounds: .fixed(lower: 0, upper: .leastNonzeroMagnitude))
    #expect(try run(near, [1, 2, 3]).sum == 0)
    for (lower, upper, values, expected) in [
      (0.0, 255.0, [0, 1, 255, 22] as [Float], 278.0), (0, 255, [-10, 256], 255), (4, 20, [21], 20), (4, 20, [4, 4], 8),
      (4, 20, [10, 12, 20], 42),
    ] {
      let pipeline = try AggregationPipeline.mean().secureSum(.integer, bounds: .fixed(lower: lower, upper: upper))
      #expect(abs(try run(pipeline, values).sum - expected) < 1e-9)
    }
    for (values, expected) in [([0, 0.1, 0.7, 1] as [Float], 1.8), ([-0.5, 1.9], 1.0)] {
      let pipeline = try AggregationPipeline.mean().secureSum(.real, bounds: .fixed(lower: 0, upper: 1))
      #expect(abs(try run(pipeline, values).sum - expected) < 1e-7)
    }
  }

  @Test("an adaptive bound follows the greatest magnitude: 100, then lower by e^(−(1 − 0.95)), fewer clipped as it rises")
  func adaptive() throws {
    let pipeline = try AggregationPipeline.mean().secureSum()
    let (sum, first) = try run(pipeline, [1, -2, 3])
    #expect(abs(sum - 2) < 1e-6 && measured(first, .secureUpperBound) == 100)
    let (_, second) = try run(pipeline, [1, -2, 3], state: first.state)
    #expect(abs(try #require(measured(second, .secureUpperBound)) - 100 * exp(-0.05)) < 1e-9)
    let small = try AggregationPipeline.mean().secureSum(
      bounds: .symmetric(try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.9, learningRate: 1)))
    let (_, low) = try run(small, [-2.5, 5, 7])
    #expect(measured(low, .secureUpperClippedCount) == 2 && measured(low, .secureLowerClippedCount) == 1)
    let (_, next) = try run(small, [-2.5, 5, 7], state: low.state)
    #expect(abs(try #require(measured(next, .secureUpperBound)) - exp(0.9)) < 1e-12)
  }

  @Test("modular sums: the reference's vectors, plain and symmetric")
  func modular() throws {
    let plain: [(Int64, [Float], Double)] = [
      (2, [0, 1, 1], 0), (2, [0, 1, 1, 1], 1), (8, [1, 2, 3, 4], 2), (22, [22], 0), (22, [220], 0), (22, [-1, 7], 6),
    ]
    for (modulus, values, expected) in plain {
      #expect(abs(try run(.mean().secureModularSum(modulus: modulus), values).sum - expected) < 1e-12)
    }
    let symmetric: [(Int64, [Float], Double)] = [
      (2, [0, 1], 1), (2, [0, 1, 1, 1], 0), (2, [0, -1], -1), (2, [0, -1, -1], 1), (2, [0, -1, -1, -1], 0), (8, [1, 2, 3, 4], -5),
      (8, [-1, -2, -3, -4], 5), (22, [22], -21), (22, [-22], 21),
    ]
    for (modulus, values, expected) in symmetric {
      #expect(abs(try run(.mean().secureModularSum(modulus: modulus, isSymmetric: true), values).sum - expected) < 1e-12)
    }
  }

  @Test("modular clipping: the reference's vectors for one client and for sums, to the ends of 32 bits")
  func modularClipping() throws {
    let single: [(Int64, Int64, Int64, Int64)] = [
      (-5, 10, 5, 5), (-5, 10, 20, 5), (-5, 10, 10, -5), (-20, -10, -15, -15), (-20, -10, -5, -15), (20, 40, 10, 30), (20, 40, 50, 30),
      (-2_147_483_647, 0, 5, -2_147_483_642), (0, 2_147_483_647, -5, 2_147_483_642),
    ]
    for (lower, upper, value, expected) in single {
      #expect(try ModularRange(lower: lower, upper: upper).wrap(value) == expected)
    }
    for (lower, upper, values, expected) in [
      (-3, 3, [-3, 3, 3, 3] as [Float], 0.0), (-2, 2, [-3, 3, 5], 1), (-2, 2, [-4, -2, 1, 2, 7], 0),
    ] as [(Int64, Int64, [Float], Double)] {
      #expect(abs(try run(.mean().modularClipping(range: ModularRange(lower: lower, upper: upper)), values).sum - expected) < 1e-12)
    }
    #expect(try ModularRange(lower: -3, upper: 4).wrap(.min) == ModularRange(lower: -3, upper: 4).wrap(.min + 7))
    #expect(throws: AggregationError.self) { try ModularRange(lower: .min, upper: .max) }
    #expect(throws: AggregationError.self) { try ModularRange(lower: 2, upper: 2) }
  }

  @Test("the spread of a wrapped Gaussian is recovered: 20,000 draws of deviation 30 in a range of 128 (5 standard errors: 6e-7)")
  func wrappedDeviation() throws {
    let source = RandomSource.simulation(seed: 7, purpose: .testing)
    let range = try ModularRange(lower: -64, upper: 64)
    let values = (0..<20_000).map { _ in Int64((30 * source.gaussian() + 11).rounded()) }
    let estimate = try #require(range.estimatedStandardDeviation(values))
    // For the mean resultant ρ the estimate has standard error about (width/2π)² (1 − ρ²) / (σ ρ √(2n)).
    let scale = 128 / (2 * Double.pi)
    let resultant = exp(-0.5 * pow(30 / scale, 2))
    let error = scale * scale * (1 - resultant * resultant) / (30 * resultant * (2.0 * 20_000).squareRoot())
    #expect(abs(estimate - 30) < 5 * error)
    #expect(range.estimatedStandardDeviation([]) == nil)
  }

  @Test("secure sums stand innermost, take no noised bounds and refuse bounds without order")
  func refusals() throws {
    #expect(throws: AggregationError.self) { try AggregationPipeline.mean().clipping(norm: 1).secureSum() }
    #expect(throws: AggregationError.self) {
      try SecureSum(.real, bounds: .fixed(lower: 1, upper: -1))
    }
    #expect(throws: AggregationError.self) { try SecureSum(.integer, bounds: .fixed(lower: 0, upper: 0.5)) }
    #expect(throws: AggregationError.self) { try SecureSum(.real, bounds: .fixed(lower: -1e308, upper: 1e308)) }
    let noised = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 0.5, learningRate: 1, release: .noised(standardDeviation: 1, expectedClients: 2))
    #expect(throws: AggregationError.self) { try SecureSum(.real, bounds: .symmetric(noised)) }
    // Techniques wrap around it: a clipped vector is what is summed.
    let clipped = try AggregationPipeline.mean().secureSum(.real, bounds: .fixed(lower: -4, upper: 4)).clipping(norm: 2)
    #expect(abs(try run(clipped, [1, 3, 5]).sum - 5) < 1e-7)
  }
}
