import Aggregation
import Foundation
import ParameterVectors
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Gaussian noise by groups of tensors")
struct GroupedGaussianTests {
  private let layout = ParameterLayout([
    .init(name: "dense1/weights", shape: [2, 2]), .init(name: "dense1/bias", shape: [2]), .init(name: "dense2/weights", shape: [2, 1]),
    .init(name: "dense2/bias", shape: [1]),
  ])

  private func groups(_ weights: ClippingNorm = .fixed(1), _ biases: ClippingNorm = .fixed(0.5)) -> [TensorGroup] {
    [
      TensorGroup(name: "weights", tensors: ["dense1/weights", "dense2/weights"], norm: weights),
      TensorGroup(name: "biases", tensors: ["dense2/bias", "dense1/bias"], norm: biases),
    ]
  }

  private func pipeline(_ z: Double, _ n: Double, _ groups: [TensorGroup], _ division: TensorGroup.NoiseDivision = .equal) throws
    -> AggregationPipeline
  {
    try AggregationPipeline.mean().gaussian(
      grouped: GroupedGaussian(noiseMultiplier: z, clientsPerRound: n, layout: layout, groups: groups, division: division))
  }

  @Test("each group is clipped by its own norm over all of its tensors")
  func clipping() throws {
    // Weights (1, 1, 1, 1 | 0, 0) of norm 2, biases (0.3, 0 | 0.4) of norm 0.5.
    let result = try aggregate(pipeline(0, 2, groups(.fixed(1), .fixed(0.6))), [[1, 1, 1, 1, 0.3, 0, 0, 0, 0.4]])
    #expect(isClose(result.update, [0.25, 0.25, 0.25, 0.25, 0.15, 0, 0, 0, 0.2], relative: 1e-6))
    let clipped = result.measurements.filter { $0.name == .clippedCount }
    #expect(clipped.map(\.value) == [1, 0] && clipped.map(\.group) == ["weights", "biases"])
    #expect(clipped.allSatisfy { $0.protection == .nonPrivate })
    #expect(isClose([result.value(.clippingNorm) ?? 0], [(1 + 0.36).squareRoot()], relative: 1e-14))
  }

  @Test("no group exceeds its bound, in integers on its own grid, whatever was sent and however it was scaled before")
  func certified() throws {
    let noise = testNoise(6)
    let mechanism = try GroupedGaussian(
      noiseMultiplier: 1, clientsPerRound: 1, layout: layout, groups: groups(.fixed(0.7), .fixed(0.1)))
    let limit = Int64(1) << Int64(2 * mechanism.gridBits)
    for scale in [1, -1, 1e-20, 0.3, 1e20] {
      for _ in 0..<100 {
        let update = (0..<9).map { _ in Float(max(-1e38, min(1e38, noise.gaussian() * exp(20 * noise.gaussian())))) }
        var sum = [Int64](repeating: 0, count: 9)
        var report = [0.0, 0, 0, 0][...]
        #expect(
          try mechanism.add(
            ScaledVector(values: update, scale: scale), to: &sum, report: &report, state: mechanism.initialState(), randomness: nil))
        for group in [[4, 5, 8], [0, 1, 2, 3, 6, 7]] { #expect(group.reduce(0) { $0 + sum[$1] * sum[$1] } <= limit) }
        // A clipped group loses next to nothing of its length.
        for (index, group) in [[0, 1, 2, 3, 6, 7], [4, 5, 8]].enumerated() where report[2 * index] == 1 {
          #expect(Double(group.reduce(0) { $0 + sum[$1] * sum[$1] }) > Double(limit) * (1 - 1e-5))
        }
      }
    }
  }

  @Test("groups and counts together are one Gaussian of multiplier z: Σ 1/z_g² + Σ 1/(2σ)² = 1/z²")
  func total() throws {
    func precision(_ event: PrivacyEvent) -> Double {
      switch event {
      case .gaussian(let z): 1 / (z * z)
      case .composed(let events): events.reduce(0) { $0 + precision($1) }
      default: .nan
      }
    }
    let adaptive = ClippingNorm.adaptive(
      try .noised(initialEstimate: 0.1, targetQuantile: 0.5, clientsPerRound: 50, standardDeviation: 3))
    for z in [0.5, 1, 3] {
      for division in [TensorGroup.NoiseDivision.equal, .leastNoise, .shares([0.9, 0.1])] {
        #expect(abs(precision(try pipeline(z, 50, groups(), division).privacyEvent) * z * z - 1) < 1e-13)
        #expect(abs(precision(try pipeline(z, 50, groups(adaptive, adaptive), division).privacyEvent) * z * z - 1) < 1e-13)
        let zeroed = try pipeline(z, 50, groups(adaptive, .fixed(1)), division).zeroing(privateWithClientsPerRound: 100)
        #expect(abs(precision(zeroed.privacyEvent) * z * z - 1) < 1e-13)
      }
    }
    #expect(
      try pipeline(1, 50, groups()).privacyEvent
        == .composed([
          .gaussian(noiseMultiplier: 1 / (0.5 as Double).squareRoot()), .gaussian(noiseMultiplier: 1 / (0.5 as Double).squareRoot()),
        ]))
    // Counts that use up z leave nothing for the groups.
    let loud = ClippingNorm.adaptive(try .noised(initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: 50, standardDeviation: 0.5))
    #expect(throws: AggregationError.self) { try pipeline(1, 50, groups(loud, loud)) }
  }

  @Test("one group of all tensors is the plain mechanism, event and sums")
  func single() throws {
    let one = [TensorGroup(name: "all", tensors: layout.tensors.map(\.name), norm: .fixed(1))]
    let grouped = try pipeline(1.5, 3, one)
    let plain = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1.5, clientsPerRound: 3, clippingNorm: 1)
    #expect(grouped.privacyEvent == plain.privacyEvent)
    // The same grid and the same draws: the same bits.
    let updates: [[Float]] = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [0.1, 0, 0, 0, 0, 0, 0, 0, 0]]
    #expect(try aggregate(grouped, updates, noise: testNoise(4)).update == aggregate(plain, updates, noise: testNoise(4)).update)
  }

  @Test("the least-noise division is that of the closed form, and no other division has less total variance")
  func leastNoise() throws {
    func variance(_ division: TensorGroup.NoiseDivision) throws -> Double {
      let mechanism = try GroupedGaussian(noiseMultiplier: 1, clientsPerRound: 1, layout: layout, groups: groups(), division: division)
      // Six weights of bound 1, three biases of bound 0.5.
      return 6 / mechanism.shares[0] + 3 * 0.25 / mechanism.shares[1]
    }
    let least = try variance(.leastNoise)
    #expect(abs(least - pow(6.0.squareRoot() + 0.5 * 3.0.squareRoot(), 2)) < 1e-12)
    #expect(try variance(.equal) > least)
    for share in stride(from: 0.05, to: 1, by: 0.05) { #expect(try variance(.shares([share, 1 - share])) >= least - 1e-12) }
  }

  @Test("noise of group g has deviation z_g C_g / n in its tensors (40,000 draws each, 6σ: false alarm below 1e-8)")
  func noiseScale() throws {
    let wide = ParameterLayout([.init(name: "a", shape: [200, 100]), .init(name: "b", shape: [40_000]), .init(name: "c", shape: [20_000])])
    let groups = [
      TensorGroup(name: "outer", tensors: ["a", "c"], norm: .fixed(2)), TensorGroup(name: "inner", tensors: ["b"], norm: .fixed(0.1)),
    ]
    let mechanism = try GroupedGaussian(
      noiseMultiplier: 1, clientsPerRound: 4, layout: wide, groups: groups, division: .shares([0.8, 0.2]))
    let pipeline = try AggregationPipeline.mean().gaussian(grouped: mechanism)
    let result = try aggregate(pipeline, [[Float](repeating: 0, count: 80_000)], noise: testNoise(2))
    func deviation(_ values: some Sequence<Double>) -> Double { (values.reduce(0) { $0 + $1 * $1 } / 40_000).squareRoot() }
    let outer = deviation([result.update[..<20_000], result.update[60_000...]].joined())
    let inner = deviation(result.update[20_000..<60_000])
    let band = 6 / 80_000.0.squareRoot()
    let expected = (2 / (4 * (0.8 as Double).squareRoot()), 0.1 / (4 * (0.2 as Double).squareRoot()))
    #expect(abs(outer / expected.0 - 1) < band && abs(inner / expected.1 - 1) < band)
    let stated = result.measurements.filter { $0.name == .noiseStandardDeviation }
    #expect(stated.map(\.group) == [nil, "outer", "inner"])
    let overall = ((expected.0 * expected.0 + expected.1 * expected.1) / 2).squareRoot()
    #expect(isClose(stated.map(\.value), [overall, expected.0, expected.1], relative: 1e-12))
  }

  @Test("each group's bound follows its own quantile, in its own measurements")
  func adaptive() throws {
    let estimator = try QuantileEstimator.noised(
      initialEstimate: 1, targetQuantile: 0.5, clientsPerRound: 2, standardDeviation: 0, learningRate: 1)
    let pipeline = try pipeline(0, 2, groups(.adaptive(estimator), .adaptive(estimator)))
    // Weights long in both clients, biases short in both.
    let update: [Float] = [9, 9, 9, 9, 0.1, 0, 9, 9, 0.1]
    let result = try aggregate(pipeline, [update, update])
    let next = result.measurements.filter { $0.name == .nextClippingNorm }
    #expect(next.map(\.group) == ["weights", "biases"] && next.allSatisfy { $0.protection == .released })
    #expect(isClose(next.map(\.value), [exp(0.5), exp(-0.5)], relative: 1e-12))
    let second = try aggregate(pipeline, [update, update], state: result.state)
    let bounds = second.measurements.filter { $0.name == .clippingNorm && $0.group != nil }
    #expect(isClose(bounds.map(\.value), [exp(0.5), exp(-0.5)], relative: 1e-12))
  }

  @Test("rejected updates and empty draws are safe; updates of another length than the layout's are an error")
  func edges() throws {
    let pipeline = try pipeline(1, 4, groups())
    var bad = [Float](repeating: 1, count: 9)
    bad[3] = .nan
    let result = try aggregate(pipeline, [bad], noise: testNoise(1))
    #expect(result.value(.rejectedUpdates) == 1 && result.update.allSatisfy { $0.isFinite && $0 != 0 })
    #expect(throws: AggregationError.lengthMismatch(expected: 9, found: 2)) { try aggregate(pipeline, [], noise: testNoise(1)) }
    #expect(throws: AggregationError.lengthMismatch(expected: 9, found: 3)) { try aggregate(pipeline, [[1, 2, 3]]) }
    let silent = try self.pipeline(0, 1, groups())
    let huge = try aggregate(silent, [[Float](repeating: 3e38, count: 9)])
    #expect(huge.update.allSatisfy { $0.isFinite })
  }

  @Test("groups must hold every tensor once; shares, weights, numbers and un-noised counts are checked")
  func refusals() throws {
    let exact = ClippingNorm.adaptive(try QuantileEstimator(initialEstimate: 1, targetQuantile: 0.5, learningRate: 0.2))
    let all = layout.tensors.map(\.name)
    let wrong: [[TensorGroup]] = [
      [], [groups()[0]], groups() + [groups()[0]], groups(.fixed(0)), groups(.fixed(.nan)), groups(exact),
      [TensorGroup(name: "all", tensors: all + ["dense3/bias"], norm: .fixed(1))],
      [TensorGroup(name: "all", tensors: all + [all[0]], norm: .fixed(1))],
      [TensorGroup(name: "all", tensors: all, norm: .fixed(1)), TensorGroup(name: "none", tensors: [], norm: .fixed(1))],
      groups().map { TensorGroup(name: "same", tensors: $0.tensors, norm: $0.norm) },
    ]
    for groups in wrong { #expect(throws: AggregationError.self) { try pipeline(1, 10, groups) } }
    for shares in [[], [1], [0.5, 0.6], [1, 0], [-1, 2], [.nan, 0.5], [0.2, 0.3, 0.5]] as [[Double]] {
      #expect(throws: AggregationError.self) { try pipeline(1, 10, groups(), .shares(shares)) }
    }
    for (z, n) in [(-1, 10), (.nan, 10), (1, 0), (1, .infinity)] as [(Double, Double)] {
      #expect(throws: AggregationError.self) { try pipeline(z, n, groups()) }
    }
    let mechanism = try GroupedGaussian(noiseMultiplier: 1, clientsPerRound: 10, layout: layout, groups: groups())
    #expect(throws: AggregationError.self) { try AggregationPipeline.mean(weighted: true).gaussian(grouped: mechanism) }
    #expect(throws: AggregationError.self) { try pipeline(1, 10, groups()).gaussian(grouped: mechanism) }
    #expect(throws: AggregationError.self) {
      try AggregationPipeline.mean().laplace(noiseMultiplier: 1, clientsPerRound: 10, clippingNorm: 1).gaussian(grouped: mechanism)
    }
  }
}
