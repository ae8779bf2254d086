import Aggregation
import Foundation
import SecureNoise
import Testing

@Suite("Correlated noise of Toeplitz strategies")
struct BandedBLTNoiseTests {
  static let strategies: [ToeplitzStrategy] = [
    .banded(coefficients: [1]), .banded(coefficients: [1, 0.5]), .banded(coefficients: [1, 0.6, 0.3, 0.2]),
    .banded(coefficients: [1, -0.4, 0.2]), .buffered(outputScales: [0.3], decays: [0.9]),
    .buffered(outputScales: [0.25, 0.1, 0.15], decays: [0.2, 0.99, 0.7]), .buffered(outputScales: [0.5], decays: [0]),
  ]

  /// C⁻¹ by forward substitution in the dense matrix.
  private func denseInverse(_ strategy: ToeplitzStrategy, _ n: Int) -> [[Double]] {
    let c = strategy.coefficients(count: n)
    var inverse = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
    for column in 0..<n {
      for row in column..<n {
        var value = row == column ? 1.0 : 0
        for k in column..<row { value -= c[row - k] * inverse[k][column] }
        inverse[row][column] = value
      }
    }
    return inverse
  }

  /// The stream's noise for fresh noise that is given, in steps.
  private func next(_ stream: inout CorrelatedStream, fresh: [Double]) throws -> [Int64] {
    try stream.next(count: fresh.count) { block, range in
      for (place, i) in range.enumerated() { block[place] = Int64((Double(block[place]) * 0x1p-24 + fresh[i]).rounded()) }
    }
  }

  @Test("the noise is C⁻¹ times the fresh noise, C dense, within half a step for each number that goes into it", arguments: strategies)
  func dense(strategy: ToeplitzStrategy) throws {
    let n = 23
    let noise = testNoise(5)
    let fresh = (0..<n).map { _ in (0..<4).map { _ in 0x1p20 * noise.gaussian() } }
    var stream = try CorrelatedStream(strategy: strategy)
    let inverse = denseInverse(stream.strategy, n)
    for t in 0..<n {
      let values = try next(&stream, fresh: fresh[t])
      for i in 0..<4 {
        let expected = (0...t).reduce(0) { $0 + inverse[t][$1] * fresh[$1][i] }
        #expect(abs(Double(values[i]) - expected) < 0.501 * (0...t).reduce(0) { $0 + abs(inverse[t][$1]) })
      }
    }
    // Memory: bands − 1 vectors, or one a buffer.
    switch strategy {
    case .banded(let coefficients): #expect(stream.buffers.count == coefficients.count - 1)
    case .buffered(_, let decays): #expect(stream.buffers.count == decays.count)
    }
  }

  @Test(
    "covariance of the noise is C⁻¹C⁻ᵀ over 6 rounds, 60,000 draws (147 figures, 6.5σ: false alarm below 2e-8)",
    arguments: strategies)
  func covariance(strategy: ToeplitzStrategy) throws {
    let (n, draws) = (6, 60_000)
    var stream = try CorrelatedStream(strategy: strategy)
    let outputs = try (0..<n).map { t in
      try stream.next(count: draws, deviation: 0x1p20, noise: testNoise(UInt64(300 + t))).map { Double($0) * 0x1p-20 }
    }
    let inverse = denseInverse(strategy, n)
    let exact = inverse.map { a in inverse.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
    for s in 0..<n {
      for t in 0...s {
        let bound = ((exact[s][s] * exact[t][t] + exact[s][t] * exact[s][t]) / Double(draws)).squareRoot()
        #expect(abs(meanProduct(outputs[s], outputs[t]) - exact[s][t]) < 6.5 * bound)
      }
    }
  }

  @Test("prefix variances, column norms and the squares of patterns agree with dense matrices", arguments: strategies)
  func figures(strategy: ToeplitzStrategy) throws {
    let n = 17
    let inverse = denseInverse(strategy, n)
    var total = 0.0
    for row in 0..<n {
      for column in 0...row {
        let entry = (column...row).reduce(0) { $0 + inverse[$1][column] }
        total += entry * entry
      }
    }
    #expect(abs(strategy.meanPrefixVariance(rounds: n) / (total / Double(n)) - 1) < 1e-12)
    let c = strategy.coefficients(count: n)
    #expect(abs(strategy.columnNorm(rounds: n) - c.reduce(0) { $0 + $1 * $1 }.squareRoot()) < 1e-13)
    for (k, b) in [(1, 1), (3, 5), (17, 1), (2, 16), (4, 4)] {
      var column = [Double](repeating: 0, count: n)
      for j in 0..<k where j * b < n { for t in 0..<(n - j * b) { column[t + j * b] += c[t] } }
      let expected = (column.reduce(0) { $0 + $1 * $1 } * total / Double(n)).squareRoot()
      let limit = try ParticipationLimit(maximumParticipations: k, minimumSeparation: b)
      #expect(abs(strategy.prefixError(rounds: n, participation: limit) / expected - 1) < 1e-12)
    }
  }

  @Test("a stream read back from JSON continues bit by bit", arguments: strategies)
  func resume(strategy: ToeplitzStrategy) throws {
    for stop in [0, 1, 2, 9] {
      var whole = try CorrelatedStream(strategy: strategy)
      func run(_ stream: inout CorrelatedStream, _ range: Range<Int>) throws -> [[Int64]] {
        try range.map { t in try stream.next(count: 3, deviation: 1e6, noise: testNoise(UInt64(t))) }
      }
      _ = try run(&whole, 0..<stop)
      var resumed = try reread(whole)
      #expect(try run(&resumed, stop..<25) == run(&whole, stop..<25))
      #expect(resumed == whole)
    }
  }

  @Test("wrong strategies, lengths and damaged states are errors")
  func errors() throws {
    for strategy in [
      .banded(coefficients: []), .banded(coefficients: [0.5]), .banded(coefficients: [1, .nan]), .banded(coefficients: [1, .infinity]),
      .buffered(outputScales: [], decays: []), .buffered(outputScales: [0.1], decays: [1]), .buffered(outputScales: [-0.1], decays: [0.5]),
      .buffered(outputScales: [0.1, 0.1], decays: [0.5]), .buffered(outputScales: [.nan], decays: [0.5]),
      .banded(coefficients: [Double](repeating: 1, count: 2000)), .buffered(outputScales: [1.5], decays: [0.5]),
    ] as [ToeplitzStrategy] {
      #expect(throws: AggregationError.self) { try CorrelatedStream(strategy: strategy) }
    }
    var stream = try CorrelatedStream(strategy: .banded(coefficients: [1, 0.5, 0.25]))
    _ = try stream.next(count: 2, deviation: 1, noise: testNoise())
    #expect(throws: AggregationError.lengthMismatch(expected: 2, found: 1)) { try stream.next(count: 1, deviation: 1, noise: testNoise()) }
    let text = String(decoding: try JSONEncoder().encode(stream), as: UTF8.self)
    for rounds in ["-1", "2", "0"] {
      var broken = try JSONDecoder().decode(
        CorrelatedStream.self, from: Data(text.replacingOccurrences(of: "\"rounds\":1", with: "\"rounds\":\(rounds)").utf8))
      #expect(throws: AggregationError.self) { try broken.next(count: 2, deviation: 1, noise: testNoise()) }
    }
    // A strategy that is not in fixed point.
    var other = try JSONDecoder().decode(
      CorrelatedStream.self, from: Data(text.replacingOccurrences(of: "0.25", with: "0.3").utf8))
    #expect(other != stream)
    #expect(throws: AggregationError.self) { try other.next(count: 2, deviation: 1, noise: testNoise()) }
    for deviation in [-1, .nan, .infinity] {
      #expect(throws: AggregationError.self) { try stream.next(count: 2, deviation: deviation, noise: testNoise()) }
    }
    #expect(throws: AggregationError.self) { try stream.next(count: -2, deviation: 1, noise: testNoise()) }
    for (rounds, bands) in [(0, 1), (10, 11), (10, 0), (-5, 2), (100_000, 500), (Int.max, 2)] {
      #expect(throws: AggregationError.self) { try ToeplitzStrategy.optimizedBanded(rounds: rounds, bands: bands) }
    }
    for (rounds, buffers) in [(0, 1), (10, 0), (10, 9), (-5, 2), (Int.max, 2)] {
      #expect(throws: AggregationError.self) { try ToeplitzStrategy.optimizedBuffered(rounds: rounds, buffers: buffers) }
    }
    #expect(throws: AggregationError.self) { try ToeplitzStrategy.squareRoot(bands: 0) }
    #expect(ToeplitzStrategy.banded(coefficients: [1, 2]).coefficients(count: -3).isEmpty)
  }
}
