import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

/// Spec: aggregation 2.10 and departure 4.
@Suite("Distributed differential privacy")
struct DistributedSumTests {
  private func makePipeline(
    _ noise: DistributedNoise = .skellam, multiplier: Double, clients: Int, minimum: Int? = nil, parameters: Int, norm: Double = 1,
    bits: Int = 16, rotation: DistributedSum.RotationKind = .hadamard
  ) throws -> AggregationPipeline {
    try AggregationPipeline.mean().distributed(
      DistributedSum(
        noise: noise, noiseMultiplier: multiplier, expectedClients: clients, minimumClients: minimum ?? clients,
        parameterCount: parameters, norm: .fixed(norm), bits: bits, rotation: rotation))
  }

  private func mean(
    _ pipeline: AggregationPipeline, _ updates: [[Float]], seed: UInt64
  ) throws -> AggregationResult {
    let round = try pipeline.round(count: updates[0].count, state: pipeline.initialState(), roundSeed: seed)
    var sum = round.emptySum()
    for (client, update) in updates.enumerated() {
      try round.add(update, weight: 1, to: &sum, own: .simulation(seed: seed, purpose: .rounding, client: UInt64(client)))
    }
    return try round.finish(sum, noise: .simulation(seed: seed, purpose: .noise))
  }

  @Test("the mean comes back with noise of deviation z C/n per coordinate, for both noises and both rotations (6 standard errors: 2e-9)")
  func noise() throws {
    let (clients, count) = (20, 3_000)
    for (noise, rotation) in [
      (DistributedNoise.skellam, DistributedSum.RotationKind.hadamard), (.discreteGaussian, .hadamard), (.skellam, .fourier),
    ] {
      let pipeline = try makePipeline(noise, multiplier: 1, clients: clients, parameters: count, norm: 0.5, rotation: rotation)
      let updates: [[Float]] = (0..<clients).map { client in
        (0..<count).map { index in Float(sin(Double(client + 3 * index))) * 0.01 }
      }
      let result = try mean(pipeline, updates, seed: 3)
      var (total, squares) = (0.0, 0.0)
      for index in 0..<count {
        let exact = updates.reduce(0.0) { $0 + Double($1[index]) } / Double(clients)
        let deviation = (result.update[index] - exact) * Double(clients) / 0.5
        total += deviation
        squares += deviation * deviation
      }
      let n = Double(count)
      #expect(abs(total / n) < 6 / n.squareRoot())
      // Rounding adds at most a quarter of a squared step per client and coordinate to the variance.
      #expect(squares / n > 1 - 6 * (2 / n).squareRoot() && squares / n < 1.02 + 6 * (2 / n).squareRoot())
    }
  }

  @Test("the event counts the noise of the least number of clients, and a round below it is refused")
  func dropouts() throws {
    func skellam(_ minimum: Int) throws -> (variance: Double, l2: Double, dimension: Int) {
      let pipeline = try makePipeline(multiplier: 1, clients: 100, minimum: minimum, parameters: 1_000)
      guard case .skellam(let variance, _, let l2, let dimension) = pipeline.privacyEvent else {
        Issue.record("another event")
        return (0, 0, 0)
      }
      return (variance, l2, dimension)
    }
    let (all, some) = (try skellam(100), try skellam(80))
    #expect(abs(some.variance / all.variance - 0.8) < 1e-12 && some.l2 == all.l2 && all.dimension == 1_024)
    // 80 of 100 clients: the multiplier is 0.894 of the planned one; rounding enlarges the norm a little.
    let multiplier = some.variance.squareRoot() / some.l2
    #expect(multiplier < 0.8.squareRoot() && multiplier > 0.97 * 0.8.squareRoot())
    let pipeline = try makePipeline(multiplier: 1, clients: 4, minimum: 3, parameters: 8)
    #expect(throws: AggregationError.tooFewClients(found: 2, needed: 3)) {
      try mean(pipeline, [[Float](repeating: 0, count: 8), [Float](repeating: 0, count: 8)], seed: 1)
    }
  }

  @Test("a client whose update is not finite still sends its noise, so that the event holds for it too")
  func rejectedNoise() throws {
    let pipeline = try makePipeline(multiplier: 1, clients: 2, parameters: 4)
    let round = try pipeline.round(count: 4, state: pipeline.initialState(), roundSeed: 1)
    var sum = round.emptySum()
    try round.add([.nan, 0, 0, 0], weight: 1, to: &sum, own: .simulation(seed: 1, purpose: .rounding))
    try round.add([0, 0, 0, 0], weight: 1, to: &sum, own: .simulation(seed: 2, purpose: .rounding))
    let result = try round.finish(sum, noise: .simulation(seed: 3, purpose: .noise))
    #expect(result.update.contains { $0 != 0 })
    #expect(result.measurements.first { $0.name == .rejectedUpdates }?.value == 1)
  }

  @Test("the scale, the standard deviations and the events are those of the reference's formulas")
  func parameters() throws {
    // computed with tff 0.87.0: clip probability 1e-4 gives k = 3.890592
    let parameters = try DistributedNoiseParameters(
      noiseMultiplier: 1, expectedClients: 100, dimension: 1_024, bits: 16, wrapProbability: 1e-4)
    #expect(abs(parameters.scale / 2566.9330014335333 - 1) < 1e-6)
    #expect(abs(parameters.localVariance.squareRoot() / (0.1 * 2566.9330014335333) - 1) < 1e-6)
    // L2 of the integers: (1 + √d/scale) × scale at β = 0.
    let certain = parameters.scale + 32
    #expect(abs(Double(parameters.greatestSquaredNorm).squareRoot() / certain - 1) < 1e-6)
    let (l2, l1) = parameters.sensitivity
    #expect(l1 >= l2 && l1 <= (32 * l2).rounded(.up))
    guard
      case .zeroConcentratedDP(let rho) = try DistributedNoiseParameters(
        noise: .discreteGaussian, noiseMultiplier: 1, expectedClients: 100, dimension: 1_024, bits: 16
      ).event(honestClients: 100)
    else {
      Issue.record("another event")
      return
    }
    // ½ Δ²/(nσ²) where σ is large: the sum is nearly a discrete Gaussian.
    let ratio = l2 / (10 * (0.1 * parameters.scale).rounded(.up))
    #expect(abs(rho / (0.5 * ratio * ratio) - 1) < 1e-6)
  }

  @Test("too few bits, no clients and exact counts are refused; what would do is named")
  func refusals() throws {
    #expect(throws: AggregationError.self) { try makePipeline(multiplier: 1, clients: 1_000, parameters: 10, bits: 8) }
    #expect(throws: AggregationError.self) { try makePipeline(multiplier: 1, clients: 10, minimum: 11, parameters: 10) }
    #expect(throws: AggregationError.self) { try makePipeline(multiplier: 0, clients: 10, parameters: 10) }
    #expect(throws: AggregationError.self) {
      try DistributedSum(
        noiseMultiplier: 1, expectedClients: 10, minimumClients: 10, parameterCount: 10,
        norm: .adaptive(QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2)))
    }
    // An outer technique may not add noised counts that the zero-out relation does not cover.
    #expect(throws: AggregationError.self) {
      try makePipeline(multiplier: 1, clients: 10, parameters: 10).zeroing(privateWithClientsPerRound: 10)
    }
  }

  @Test("an adaptive norm moves with the noised count, and its count stands in the event with multiplier σ")
  func adaptive() throws {
    let estimator = try QuantileEstimator(
      initialEstimate: 1, targetQuantile: 1, learningRate: 1, release: .noised(standardDeviation: 40, expectedClients: 100))
    let sum = try DistributedSum(
      noiseMultiplier: 1, expectedClients: 100, minimumClients: 100, parameterCount: 4, norm: .adaptive(estimator))
    let pipeline = try AggregationPipeline.mean().distributed(sum)
    guard case .composed(let events) = pipeline.privacyEvent else {
      Issue.record("one event only")
      return
    }
    #expect(events.count == 2 && events[1] == .gaussian(noiseMultiplier: 40))
    let result = try mean(pipeline, Array(repeating: [2, 0, 0, 0], count: 100), seed: 5)
    #expect(result.measurements.first { $0.name == .nextClippingNorm }.map { $0.value > 1 } == true)
  }
}
