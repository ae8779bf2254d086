import Aggregation
import Foundation
import PrivacyEvents
import SecureNoise
import Testing

@Suite("Medians, trimmed means and measurements")
struct RobustTests {
  private func updates(_ clients: Int, _ length: Int, seed: UInt64) -> [[Float]] {
    let noise = testNoise(seed)
    // Values on a coarse grid, so that ties occur.
    return (0..<clients).map { _ in (0..<length).map { _ in Float((4 * noise.gaussian()).rounded()) / 4 } }
  }

  @Test("agree with sorting every coordinate, for every number of clients up to 40 and lengths around 16")
  func againstSorting() throws {
    let median = CoordinateMedian()
    for clients in Array(1...40) + [101, 128, 129] {
      for length in [1, 15, 16, 17, 40] {
        let updates = updates(clients, length, seed: UInt64(clients))
        let columns = (0..<length).map { index in updates.map { Double($0[index]) }.sorted() }
        #expect(try median.aggregate(updates) == columns.map { 0.5 * ($0[(clients - 1) / 2] + $0[clients / 2]) })
        for fraction in [0, 0.1, 0.25, 0.49] {
          let trimmed = try TrimmedMean(trimmedFraction: fraction)
          let k = trimmed.trimmedPerSide(of: clients)
          let expected = columns.map { column in column[k..<(clients - k)].reduce(0, +) / Double(clients - 2 * k) }
          #expect(try trimmed.aggregate(updates) == expected)
        }
      }
    }
  }

  @Test("hostile clients below the breaking point cannot move a coordinate out of the others' range; a mean they can")
  func robust() throws {
    let honest = updates(11, 20, seed: 3)
    let least = (0..<20).map { index in Double(honest.map { $0[index] }.min() ?? 0) }
    let greatest = (0..<20).map { index in Double(honest.map { $0[index] }.max() ?? 0) }
    for attack in [Float(3e38), -3e38, 1e-30] {
      let hostile = [[Float]](repeating: [Float](repeating: attack, count: 20), count: 10)
      for result in [
        try CoordinateMedian().aggregate(honest + hostile), try TrimmedMean(trimmedFraction: 0.48).aggregate(hostile + honest),
      ] {
        #expect(zip(result, zip(least, greatest)).allSatisfy { $0 >= $1.0 && $0 <= $1.1 })
      }
    }
    let mean = try TrimmedMean(trimmedFraction: 0).aggregate(honest + [[Float](repeating: 3e38, count: 20)])
    #expect(mean.allSatisfy { $0 > 1e37 })
  }

  @Test("⌊βn⌋ values go on each side, products that miss an integer by rounding included, and never all")
  func trimming() throws {
    for (fraction, count, expected) in [
      (0.1, 30, 3), (0.29, 100, 29), (0.1, 9, 0), (0.49, 2, 0), (0.49, 1, 0), (0.499, 1_000, 499), (0, 5, 0),
    ] {
      #expect(try TrimmedMean(trimmedFraction: fraction).trimmedPerSide(of: count) == expected)
    }
    for fraction in [-0.1, 0.5, 1, .nan, .infinity] {
      #expect(throws: AggregationError.self) { try TrimmedMean(trimmedFraction: fraction) }
    }
  }

  @Test("updates that are not finite are left out, over none but such the result is zero, over nobody an error")
  func rejected() throws {
    let values: [[Float]] = [[1, 1], [.nan, 0], [3, 5], [.infinity, 9], [2, 2]]
    #expect(try CoordinateMedian().aggregate(values) == [2, 2])
    #expect(try TrimmedMean(trimmedFraction: 0.4).aggregate(values) == [2, 2])
    #expect(try CoordinateMedian().aggregate([[.nan, 1]]) == [0, 0])
    #expect(try TrimmedMean(trimmedFraction: 0.2).aggregate([[.nan, 1]]) == [0, 0])
    #expect(try CoordinateMedian().aggregate([[], []]) == [])
    #expect(throws: AggregationError.self) { try CoordinateMedian().aggregate([]) }
    #expect(throws: AggregationError.self) { try TrimmedMean(trimmedFraction: 0.2).aggregate([]) }
    #expect(throws: AggregationError.lengthMismatch(expected: 1, found: 2)) { try CoordinateMedian().aggregate([[1], [1, 2]]) }
    #expect(try CoordinateMedian().aggregate([[3e38], [3e38]]) == [Double(Float(3e38))])
  }

  @Test("the order of clients changes nothing")
  func permutation() throws {
    let updates = updates(33, 50, seed: 8)
    #expect(try CoordinateMedian().aggregate(updates) == CoordinateMedian().aggregate(updates.reversed()))
    let trimmed = try TrimmedMean(trimmedFraction: 0.2)
    #expect(try trimmed.aggregate(updates) == trimmed.aggregate(updates.reversed()))
  }

  /// W₁ = 4, W₂ = 10: c = 16/6. Norms 5 and 10 with weights 1 and 3: average 35/4, mean square 325/4.
  @Test("norms by hand: weighted average, its deviation with the correction for weights, size of the mean")
  func measurements() throws {
    let updates: [[Float]] = [[3, 4], [-6, 8]]
    let weighted = try aggregate(.mean(weighted: true).measuringNorms(), updates, weights: [1, 3])
    #expect(isClose(weighted.update, [-3.75, 7]))
    #expect(isClose([weighted.value(.averageClientNorm) ?? 0], [8.75], relative: 1e-14))
    let variance = 16.0 / 6 * (325.0 / 4 - 8.75 * 8.75)
    #expect(isClose([weighted.value(.clientNormDeviation) ?? 0], [variance.squareRoot()], relative: 1e-12))
    #expect(weighted.value(.serverUpdateMaximum) == 7 && weighted.value(.serverUpdateMinimum) == -3.75)
    #expect(isClose([weighted.value(.serverUpdateNorm) ?? 0], [(3.75 * 3.75 + 49).squareRoot()], relative: 1e-14))
    // Unweighted it is the usual deviation of a sample: norms 5 and 10.
    let plain = try aggregate(.mean().measuringNorms(), updates, weights: [1, 3])
    #expect(plain.value(.averageClientNorm) == 7.5)
    #expect(isClose([plain.value(.clientNormDeviation) ?? 0], [(12.5 as Double).squareRoot()], relative: 1e-12))
    #expect(plain.measurements.allSatisfy { $0.protection == .nonPrivate })
  }

  @Test("norms are those at its place: innermost after zeroing and clipping, outermost before; the aggregate stays the same")
  func place() throws {
    let updates: [[Float]] = [[3, 4], [30, 40]]
    let inside = try aggregate(.mean().measuringNorms().clipping(norm: 1).zeroing(norm: 21), updates)
    #expect(isClose([inside.value(.averageClientNorm) ?? 0], [0.5]))
    let outside = try aggregate(.mean().clipping(norm: 1).zeroing(norm: 21).measuringNorms(), updates)
    #expect(isClose([outside.value(.averageClientNorm) ?? 0], [27.5]))
    #expect(inside.update == outside.update)
    // Around a mechanism the mean is by the expected cohort and noised already.
    let dp = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: 1, clientsPerRound: 4, clippingNorm: 1).measuringNorms()
    let result = try aggregate(dp, updates, noise: testNoise(2))
    #expect(isClose([result.value(.averageClientNorm) ?? 0], [27.5]))
    let norm = result.update.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(isClose([result.value(.serverUpdateNorm) ?? 0], [norm], relative: 1e-12))
    #expect(dp.privacyEvent == .gaussian(noiseMultiplier: 1))
  }

  @Test("a single client, nobody, rejected updates and huge weights give a defined figure or none")
  func edges() throws {
    let pipeline = try AggregationPipeline.mean(weighted: true).measuringNorms()
    let one = try aggregate(pipeline, [[3, 4]], weights: [2])
    #expect(one.value(.averageClientNorm) == 5 && one.value(.clientNormDeviation) == 0)
    let nobody = try aggregate(pipeline, [])
    #expect(nobody.value(.averageClientNorm) == 0 && nobody.value(.serverUpdateNorm) == 0)
    let rejected = try aggregate(pipeline, [[3, 4], [.nan, 0], [5, 5]], weights: [2, 9, .nan])
    #expect(rejected.value(.averageClientNorm) == 5 && rejected.value(.clientNormDeviation) == 0)
    let huge = try aggregate(pipeline, [[3, 4], [1, 1]], weights: [1e200, 1e200])
    #expect(huge.value(.averageClientNorm) == nil && huge.value(.serverUpdateNorm) != nil)
    #expect(try aggregate(pipeline, [[], []]).value(.serverUpdateMaximum) == nil)
    let equal = try aggregate(pipeline, [[Float]](repeating: [0.1, 0.2], count: 30))
    #expect((equal.value(.clientNormDeviation) ?? 1) < 1e-7)
  }
}
