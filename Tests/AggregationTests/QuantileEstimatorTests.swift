import Aggregation
import Foundation
import SecureNoise
import Testing

/// A generator for tests; nothing that it protects is private.
func testNoise(_ seed: UInt64 = 1) -> RandomSource { .simulation(seed: seed, purpose: .testing) }

@Suite("Quantile estimation")
struct QuantileEstimatorTests {
  /// Estimates after each of `rounds` rounds in which every client holds one of `values`.
  private func trajectory(_ estimator: QuantileEstimator, values: [Double], rounds: Int, noise: RandomSource = testNoise()) throws
    -> [Double]
  {
    var estimate = estimator.initialEstimate
    return try (0..<rounds).map { _ in
      let sum = values.reduce(0) { $0 + estimator.centeredBit(value: $1, estimate: estimate) }
      _ = try estimator.advance(&estimate, sumOfCenteredBits: sum, participants: values.count, noise: noise)
      return estimate
    }
  }

  /// Vectors of the reference implementation (TensorFlow Federated), as facts.
  @Test("reference trajectories, exact and noised without noise")
  func reference() throws {
    let cases: [(QuantileEstimator.Update, Double, Double, Double, [Double], [Double])] = [
      (.arithmetic, 10, 0, 1, [8.5, 7.25], [9, 8, 7.5, 7, 7]), (.arithmetic, 0, 1, 1, [1.5, 2.75], [1, 2, 2.5, 3, 3]),
      (.geometric, 0.5, 1, log(2), [1.5, 3], [1, 2, 2.8284271247461903, 4, 4]),
      (.geometric, 3.14159, 0.61803, 2.71828, [4.14159, 5.14159], [16.8560160651796]),
    ]
    for (update, initial, quantile, rate, values, expected) in cases {
      for release in [QuantileEstimator.Release.exact, .noised(standardDeviation: 0, expectedClients: Double(values.count))] {
        let estimator = try QuantileEstimator(
          initialEstimate: initial, targetQuantile: quantile, learningRate: rate, update: update, release: release)
        for (found, wanted) in zip(try trajectory(estimator, values: values, rounds: expected.count), expected) {
          #expect(abs(found - wanted) <= 1e-6 * wanted)
        }
      }
    }
  }

  @Test("default trajectories of the reference's zeroing and clipping bounds")
  func defaultTrajectories() throws {
    let zeroing = try QuantileEstimator(
      initialEstimate: 10, targetQuantile: 0.98, learningRate: log(10), multiplier: 2, increment: 1)
    let below = [20.099853515625, 19.240219116210938, 18.419275283813477, 17.63528060913086, 16.88656997680664]
    let outlier = [25.045291900634766, 29.908802032470703, 35.75602722167969, 42.78593826293945, 51.23775100708008]
    for (values, expected) in [([Double](repeating: 1, count: 10), below), ([Double](repeating: 1, count: 9) + [100], outlier)] {
      for (found, wanted) in zip(try trajectory(zeroing, values: values, rounds: 5), expected) {
        #expect(abs(zeroing.report(found) - wanted) <= 2e-6 * wanted)
      }
    }
    let clipping = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.8, learningRate: 0.2)
    let values = [0.1, 0.2, 0.5, 0.9, 1.5, 2, 3, 4, 5, 10]
    let expected = [
      1.0832871198654175, 1.173511028289795, 1.2712494134902954, 1.3771281242370605, 1.4918251037597656, 1.6160749197006226,
      1.7160074710845947, 1.8221195936203003, 1.93479323387146, 2.054434299468994,
    ]
    for (found, wanted) in zip(try trajectory(clipping, values: values, rounds: 10), expected) {
      #expect(abs(found - wanted) <= 2e-6 * wanted)
    }
  }

  @Test("converges on the median of 21 equally spaced values, with and without noise", arguments: [0.0, 0.01])
  func convergence(deviation: Double) throws {
    let values = (0...20).map { Double($0) / 2 }
    for update in QuantileEstimator.Update.allCases {
      for initial in [1.0, 10] {
        let estimator = try QuantileEstimator(
          initialEstimate: initial, targetQuantile: 0.5, learningRate: 1, update: update,
          release: .noised(standardDeviation: deviation, expectedClients: 21))
        for estimate in try trajectory(estimator, values: values, rounds: 50).suffix(10) { #expect(abs(estimate - 5) <= 0.25) }
      }
    }
  }

  @Test("geometric, q = 0.5, η = 0.2: from 100 times above and below, 0.4 to 0.6 lie below within 60 rounds")
  func reachesFromAfar() throws {
    let noise = testNoise(3)
    let norms = (0..<100).map { _ in exp(0.5 * noise.gaussian()) }
    for start in [0.01, 100] {
      // σ_b = n/20 as by default; 60 rounds of e^(±0.1) cover a factor of 400.
      for deviation in [0.0, 5] {
        let estimator = try QuantileEstimator(
          initialEstimate: start, targetQuantile: 0.5, learningRate: 0.2,
          release: .noised(standardDeviation: deviation, expectedClients: 100))
        let estimate = try #require(try trajectory(estimator, values: norms, rounds: 60, noise: noise).last)
        let below = Double(norms.count { $0 <= estimate }) / 100
        #expect(below >= 0.4 && below <= 0.6, "from \(start) with σ_b = \(deviation): \(below)")
      }
    }
  }

  @Test("noise of the fraction has the stated standard deviation (20,000 draws, 6σ band: false alarm below 1e-8)")
  func noiseScale() throws {
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 0.5, learningRate: 0, release: .noised(standardDeviation: 5, expectedClients: 100))
    let noise = testNoise(11)
    var sum = 0.0
    var squares = 0.0
    for _ in 0..<20_000 {
      var estimate = 1.0
      let fraction = try estimator.advance(&estimate, sumOfCenteredBits: 0, participants: 100, noise: noise)
      sum += fraction - 0.5
      squares += (fraction - 0.5) * (fraction - 0.5)
    }
    #expect(abs(sum / 20_000) < 6 * 0.05 / (20_000.0).squareRoot())
    #expect(abs((squares / 20_000).squareRoot() / 0.05 - 1) < 6 / (40_000.0).squareRoot())
  }

  @Test("nobody taking part moves nothing, and the estimate stays a positive number whatever happens")
  func extremes() throws {
    let exact = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2)
    var estimate = 1.0
    #expect(try exact.advance(&estimate, sumOfCenteredBits: 0, participants: 0, noise: testNoise()) == 0.5)
    #expect(estimate == 1)
    let wild = try QuantileEstimator(initialEstimate: 1, targetQuantile: 0, learningRate: 1e6)
    _ = try wild.advance(&estimate, sumOfCenteredBits: 5, participants: 10, noise: testNoise())
    #expect(estimate > 0)
    let up = try QuantileEstimator(initialEstimate: 1, targetQuantile: 1, learningRate: 1e6)
    for _ in 0..<3 { _ = try up.advance(&estimate, sumOfCenteredBits: -5, participants: 10, noise: testNoise()) }
    #expect(estimate.isFinite)
  }

  @Test("parameters out of range are refused by name")
  func parameters() {
    #expect(throws: AggregationError.self) { try QuantileEstimator(initialEstimate: 0, targetQuantile: 0.5, learningRate: 0.2) }
    #expect(throws: AggregationError.self) { try QuantileEstimator(initialEstimate: 1, targetQuantile: 1.5, learningRate: 0.2) }
    #expect(throws: AggregationError.self) { try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: -1) }
    #expect(throws: AggregationError.self) { try QuantileEstimator(initialEstimate: 1, targetQuantile: .nan, learningRate: 0.2) }
    #expect(throws: AggregationError.self) {
      try QuantileEstimator(
        initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2, release: .noised(standardDeviation: -1, expectedClients: 10))
    }
    #expect(throws: AggregationError.self) {
      try QuantileEstimator(
        initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2, release: .noised(standardDeviation: 1, expectedClients: 0))
    }
  }
}
