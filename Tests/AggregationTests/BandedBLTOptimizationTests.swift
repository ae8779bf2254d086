import Aggregation
import Foundation
import Testing

@Suite("Optimised Toeplitz strategies")
struct BandedBLTOptimizationTests {
  /// No factorisation whatever of the prefix sums, Toeplitz or not, has a smaller root mean squared error at one participation than the
  /// sum of A's singular values over n, which are 1/(2 sin((2j − 1)π/(4n + 2))) (Henzinger, Upadhyay and Upadhyay 2023, theorem 3).
  private func lowerBound(_ n: Int) -> Double {
    var total = 0.0
    for j in 1...n {
      let angle: Double = Double(2 * j - 1) * Double.pi / Double(4 * n + 2)
      total += 0.5 / sin(angle)
    }
    return total / Double(n)
  }

  @Test("the dense optimum lies between the lower bound of every factorisation and the square root of A, within 7 % of the bound")
  func denseOptimum() throws {
    for (n, excess) in [(16, 1.08), (64, 1.07), (256, 1.06), (512, 1.055)] {
      let best = try ToeplitzStrategy.optimizedBanded(rounds: n, bands: n).prefixError(rounds: n, participation: .once)
      let root = try ToeplitzStrategy.squareRoot(bands: n).prefixError(rounds: n, participation: .once)
      #expect(lowerBound(n) < best && best < excess * lowerBound(n) && best < 0.985 * root)
    }
  }

  @Test("the square root of A, cut to n bands, squares to A, and its error is Σ (n − t) c_t²/n times Σ c_t²")
  func squareRoot() throws {
    let n = 40
    let strategy = try ToeplitzStrategy.squareRoot(bands: n)
    let c = strategy.coefficients(count: n)
    for t in 0..<n { #expect(abs((0...t).reduce(0) { $0 + c[$1] * c[t - $1] } - 1) < 1e-13) }
    var error = 0.0
    for t in 0..<n { error += Double(n - t) * c[t] * c[t] / Double(n) }
    let norm = c.reduce(0) { $0 + $1 * $1 }
    #expect(abs(strategy.prefixError(rounds: n, participation: .once) / (error * norm).squareRoot() - 1) < 1e-12)
  }

  @Test("two bands: the optimum of (1 + c²) Σ (n − t) a_t², found by golden section", arguments: [2, 3, 10, 300])
  func twoBands(n: Int) throws {
    func error(_ c: Double) -> Double {
      // a_t = Σ_{s ≤ t} (−c)^s.
      var (sum, power, response) = (0.0, 1.0, 0.0)
      for t in 0..<n {
        response += power
        power *= -c
        sum += Double(n - t) * response * response
      }
      return (1 + c * c) * sum
    }
    var (low, high) = (0.0, 0.9999)
    for _ in 0..<100 {
      let (left, right) = (high - 0.6180339887498949 * (high - low), low + 0.6180339887498949 * (high - low))
      if error(left) < error(right) { high = right } else { low = left }
    }
    let found = try ToeplitzStrategy.optimizedBanded(rounds: n, bands: 2).coefficients(count: 2)
    #expect(abs(found[1] - low) < 1e-4 && error(found[1]) <= error(low) * (1 + 1e-10))
  }

  @Test("banded optima beat the cut square root, are stationary, fall, and improve with every band; the same run gives the same numbers")
  func banded() throws {
    let n = 2000
    var last = Double.infinity
    for bands in [1, 2, 8, 32, 64, 128] {
      let best = try ToeplitzStrategy.optimizedBanded(rounds: n, bands: bands)
      let error = best.prefixError(rounds: n, participation: .once)
      #expect(error < last)
      last = error
      let c = best.coefficients(count: bands)
      #expect(c[0] == 1 && zip(c, c.dropFirst()).allSatisfy { $0 >= $1 } && c.allSatisfy { $0 > 0 })
      #expect(try ToeplitzStrategy.optimizedBanded(rounds: n, bands: bands) == best)
      guard bands > 1 else { continue }
      #expect(try error < 0.97 * ToeplitzStrategy.squareRoot(bands: bands).prefixError(rounds: n, participation: .once))
      // Near a minimum the error is flat: ±1e-4 in a coefficient changes it by less than 1e-6 relatively, and never lowers it much.
      for index in [1, bands / 2, bands - 1] where index > 0 {
        for step in [-1e-4, 1e-4] {
          var moved = c
          moved[index] += step
          let changed = ToeplitzStrategy.banded(coefficients: moved).prefixError(rounds: n, participation: .once)
          #expect(changed > error * (1 - 1e-9))
        }
      }
    }
    // A column's norm is all that participation adds while bands do not overlap.
    let best = try ToeplitzStrategy.optimizedBanded(rounds: 100, bands: 10)
    let four = try ParticipationLimit(maximumParticipations: 4, minimumSeparation: 10)
    #expect(
      abs(best.prefixError(rounds: 100, participation: four) / best.prefixError(rounds: 100, participation: .once) - 2) < 1e-12)
  }

  @Test("buffered strategies are within 1 % of the dense optimum with 2 buffers, 0.1 % with 3, and fit the event")
  func buffered() throws {
    let n = 512
    let best = try ToeplitzStrategy.optimizedBanded(rounds: n, bands: n).prefixError(rounds: n, participation: .once)
    for (buffers, excess) in [(1, 1.1), (2, 1.01), (3, 1.001), (4, 1.001), (5, 1.0005)] {
      let strategy = try ToeplitzStrategy.optimizedBuffered(rounds: n, buffers: buffers)
      let error = strategy.prefixError(rounds: n, participation: .once)
      #expect(best * (1 - 1e-6) < error && error < excess * best)
      try strategy.validate()
      try checkFalling(strategy)
    }
    // One buffer, against a grid of both parameters.
    let one = try ToeplitzStrategy.optimizedBuffered(rounds: 50, buffers: 1).prefixError(rounds: 50, participation: .once)
    for i in 1..<60 {
      for j in 1..<60 {
        let other = ToeplitzStrategy.buffered(outputScales: [Double(i) / 60], decays: [Double(j) / 60])
        #expect(one <= other.prefixError(rounds: 50, participation: .once) * (1 + 1e-9))
      }
    }
  }

  @Test("with several participations buffered strategies are within 6 % of the optimum of b bands, and far below independent noise")
  func participations() throws {
    for (n, k, b) in [(2052, 6, 342), (1000, 10, 100), (300, 3, 100)] {
      let limit = try ParticipationLimit(maximumParticipations: k, minimumSeparation: b)
      let strategy = try ToeplitzStrategy.optimizedBuffered(rounds: n, buffers: 4, participation: limit)
      let error = strategy.prefixError(rounds: n, participation: limit)
      let banded = try ToeplitzStrategy.optimizedBanded(rounds: n, bands: b).prefixError(rounds: n, participation: limit)
      #expect(error < 1.06 * banded)
      #expect(error < 0.25 * ToeplitzStrategy.banded(coefficients: [1]).prefixError(rounds: n, participation: limit))
      // Tuned to the participation: better there than the one for a single pass.
      let single = try ToeplitzStrategy.optimizedBuffered(rounds: n, buffers: 4)
      #expect(error < single.prefixError(rounds: n, participation: limit))
      try checkFalling(strategy)
    }
  }

  /// Scales that add up to at most 1: no coefficient exceeds the one before, which makes the sensitivity exact.
  private func checkFalling(_ strategy: ToeplitzStrategy) throws {
    guard case .buffered(let scales, let decays) = strategy else { throw AggregationError.stateMismatch(technique: "a banded one") }
    #expect(scales.allSatisfy { $0 >= 0 } && scales.reduce(0, +) <= 1 && decays.allSatisfy { $0 >= 0 && $0 < 1 })
  }

  @Test("the shortest runs are defined")
  func shortest() throws {
    #expect(try ToeplitzStrategy.optimizedBanded(rounds: 1, bands: 1) == .banded(coefficients: [1]))
    let one = try ToeplitzStrategy.optimizedBuffered(rounds: 1, buffers: 3)
    #expect(abs(one.prefixError(rounds: 1, participation: .once) - 1) < 1e-12)
    #expect(one.meanPrefixVariance(rounds: 0) == 0 && one.columnNorm(rounds: 0) == 0)
  }
}
