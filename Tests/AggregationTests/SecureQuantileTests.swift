import Aggregation
import Foundation
import SecureNoise
import Testing

@Suite("Quantiles by secure sum")
struct SecureQuantileTests {
  /// Estimates after each of `rounds`, from the plain sum and from that of the integers.
  private func trajectories(
    _ estimator: QuantileEstimator, values: [Double], rounds: Int
  ) throws -> (plain: [Double], secure: [Double]) {
    let secure = SecureQuantile(estimator)
    var (a, b) = (estimator.initialEstimate, estimator.initialEstimate)
    let (noiseA, noiseB) = (testNoise(3), testNoise(3))
    var result: (plain: [Double], secure: [Double]) = ([], [])
    for _ in 0..<rounds {
      let bits = values.reduce(0) { $0 + estimator.centeredBit(value: $1, estimate: a) }
      let fraction = try estimator.advance(&a, sumOfCenteredBits: bits, participants: values.count, noise: noiseA)
      let codes = values.reduce(0) { $0 + secure.encode(value: $1, estimate: b) }
      #expect(try secure.advance(&b, sum: codes, clients: values.count, noise: noiseB) == fraction)
      result.plain.append(a)
      result.secure.append(b)
    }
    return result
  }

  @Test("golden: 0.5, 1.5 and 2.5 from 1 at rate 1 over three rounds, the same as the plain estimate and as the closed form")
  func golden() throws {
    let (plain, secure) = try trajectories(
      .unnoised(initialEstimate: 1, targetQuantile: 0.5, learningRate: 1), values: [0.5, 1.5, 2.5], rounds: 3)
    #expect(plain == secure)
    // Below 1 is a third of the clients, below e^(1/6) = 1.18 and e^(1/3) = 1.40 too.
    #expect(isClose(secure, [exp(1.0 / 6), exp(1.0 / 3), exp(0.5)], relative: 1e-12))
  }

  @Test("equal to the bit for any number of clients, with and without noise")
  func equality() throws {
    for count in [0, 1, 2, 999, 10_000] {
      let values = (0..<count).map { 0.01 * Double(($0 * 37) % 1000) }
      for estimator in [
        try QuantileEstimator.unnoised(initialEstimate: 1, targetQuantile: 0.7, learningRate: 0.5),
        try .noised(initialEstimate: 1, targetQuantile: 0.7, clientsPerRound: 100),
      ] {
        let (plain, secure) = try trajectories(estimator, values: values, rounds: 5)
        #expect(plain == secure)
      }
    }
  }

  @Test("a client's integer is one of two, apart by half the range; sums that no clients can have are errors")
  func hostile() throws {
    let secure = SecureQuantile(try .unnoised(initialEstimate: 1, targetQuantile: 0.5, learningRate: 1))
    let (below, above) = (secure.encode(value: 0, estimate: 1), secure.encode(value: 2, estimate: 1))
    #expect(below > above && above >= 0 && below <= Int64(UInt32.max) && abs((below - above) - 1 << 31) <= 1)
    #expect(secure.encode(value: .nan, estimate: 1) == above && secure.encode(value: .infinity, estimate: 1) == above)
    var estimate = 1.0
    for (sum, clients) in [(3 * below, 2), (0, 2), (Int64.max, 2), (.min, 2), (below, -1), (0, .max), (below, 0)] as [(Int64, Int)] {
      #expect(throws: AggregationError.self) { try secure.advance(&estimate, sum: sum, clients: clients, noise: testNoise()) }
      #expect(estimate == 1)
    }
    #expect(try secure.advance(&estimate, sum: 0, clients: 0, noise: testNoise()) == 0.5 && estimate == 1)
  }
}
