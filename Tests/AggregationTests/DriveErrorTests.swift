import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

/// The error of ``Drive`` with both scales, against the paper. A Gaussian vector has a uniform direction, and so has its rotation,
/// whatever the rotation is: over such vectors the averages over uniform rotations hold exactly.
@Suite("Error of DRIVE")
struct DriveErrorTests {
  /// ‖decoded − x‖²/‖x‖².
  private func error(_ decoded: [Float], _ values: [Float]) -> Double {
    meanSquare(zip(decoded, values).map { Double($0) - Double($1) }) / meanSquare(values.map(Double.init))
  }

  private func meanSquare(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } / Double(values.count) }

  private func errors(count: Int, draws: Int) throws -> (leastSquares: [Double], unbiased: [Double]) {
    var (short, long): ([Double], [Double]) = ([], [])
    let source = testNoise(UInt64(count))
    for draw in 0..<draws {
      let values = (0..<count).map { _ in Float(source.gaussian()) }
      short.append(error(try Drive(scale: .leastSquares).throughBytes(values, shared: UInt64(draw)), values))
      long.append(error(try Drive().throughBytes(values, shared: UInt64(draw)), values))
    }
    return (short, long)
  }

  private func expect(_ sample: [Double], mean expected: Double, sourceLocation: SourceLocation = #_sourceLocation) {
    let n = Double(sample.count)
    let mean = sample.reduce(0, +) / n
    let variance = sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    #expect(abs(mean - expected) < 6 * (variance / n).squareRoot() + 1e-6, "\(mean), \(expected)", sourceLocation: sourceLocation)
  }

  @Test(
    "‖Rx‖₁/n has the error (1 − 2/π)(1 − 1/n) on average, ‖x‖²/‖Rx‖₁ that of 1/L − 1 (6 standard errors: 2e-9 each)",
    arguments: [2, 4, 16, 256])
  func scales(count: Int) throws {
    let (short, long) = try errors(count: count, draws: 4000)
    expect(short, mean: (1 - 2 / Double.pi) * (1 - 1 / Double(count)))
    // 1 − L and 1/L − 1 in every draw.
    for (a, b) in zip(short, long) { #expect(abs((1 - a) * (1 + b) - 1) < 1e-5) }
    // For two elements at the angle θ, 1/L = 2/(1 + |sin 2θ|), of mean 4/π.
    if count == 2 { expect(long, mean: 4 / Double.pi - 1) }
    if count == 256 { #expect(abs(long.reduce(0, +) / 4000 - (Double.pi / 2 - 1)) < 0.01) }
  }

  @Test("for any vector neither exceeds its bound: 1 − 1/n and n − 1")
  func bounds() throws {
    for values in [[1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1, 1], [3, 1, 0, 0, 0, 0, 0, 0], [1, -1, 0, 0, 0, 0, 0, 1e-3]] as [[Float]]
    {
      for shared in 0..<50 as Range<UInt64> {
        #expect(error(try Drive(scale: .leastSquares).throughBytes(values, shared: shared), values) <= 1 - 1.0 / 8 + 1e-5)
        #expect(error(try Drive().throughBytes(values, shared: shared), values) <= 7 + 1e-4)
      }
    }
  }

  /// Errors of means over the same update with rotations of their own: (π/2 − 1)/m and (1 − 2/π)² + (2/π)(1 − 2/π)/m, the second with a
  /// bias of 1 − 2/π along the update. Spreads are about √(2/1024) of a value.
  @Test(
    "the mean of m clients: 0.57/m unbiased, 0.13 + 0.23/m least squares; the first is better from three clients on", arguments: [1, 3, 30])
  func means(clients: Int) throws {
    let values = EncodingCases.gaussian(1024, seed: 8)
    func meanError(_ encoder: Drive, seed: UInt64) throws -> (error: Double, alongUpdate: Double) {
      var mean = [Double](repeating: 0, count: values.count)
      for client in 0..<clients {
        let decoded = try encoder.throughBytes(values, shared: seed + UInt64(client))
        VectorMath.accumulate(decoded, scaledBy: 1 / Double(clients), into: &mean)
      }
      let along = zip(mean, values).reduce(0) { $0 + $1.0 * Double($1.1) } / VectorMath.sumOfSquares(values)
      return (error(mean.map { Float($0) }, values), along)
    }
    var (unbiased, short, along) = (0.0, 0.0, 0.0)
    let trials = 60
    for trial in 0..<trials {
      unbiased += try meanError(Drive(), seed: UInt64(1000 * trial)).error / Double(trials)
      let least = try meanError(Drive(scale: .leastSquares), seed: UInt64(1000 * trial))
      short += least.error / Double(trials)
      along += least.alongUpdate / Double(trials)
    }
    let (m, left) = (Double(clients), 1 - 2 / Double.pi)
    #expect(abs(unbiased * m / (Double.pi / 2 - 1) - 1) < 0.04, "\(unbiased)")
    #expect(abs(short / (left * left + 2 / Double.pi * left / m) - 1) < 0.04, "\(short)")
    #expect(abs(along - 2 / Double.pi) < 0.01)
    #expect((unbiased < short) == (clients >= 3))
  }

  @Test("sizes: FedJAX's 67 bits of a tensor of three, ours with a header, a scale and the padded signs")
  func sizes() throws {
    #expect(try Drive().nominalBitCount(count: 3) == 67)
    #expect(try Drive().nominalBitCount(count: 8, tensors: TensorPartition(counts: [3, 5])) == 136)
    #expect(throws: AggregationError.self) { try Drive().nominalBitCount(count: 9, tensors: TensorPartition(counts: [3, 5])) }
    #expect(throws: AggregationError.self) { try Drive().nominalBitCount(count: -1) }
    for count in [1, 3, 1000, 1025] {
      let update = EncodingCases.gaussian(count)
      let bytes = try Drive().encode(update, randomness: .simulation(seed: 1, purpose: .rounding), shared: 1).bytes.count
      var padded = 1
      while padded < count { padded *= 2 }
      #expect(bytes == 2 + 4 + (padded + 7) / 8)
    }
  }
}
