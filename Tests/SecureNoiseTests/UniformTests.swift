import SecureNoise
import Testing

/// Fixed streams: a test that passes once passes always. The false-alarm probabilities are those over all seeds.
private func stream(_ number: UInt64) -> RandomSource { .simulation(seed: number, purpose: .testing) }

/// The value that a chi-square number with `degrees` degrees of freedom exceeds with probability below 1e-6
/// (Laurent and Massart, Annals of Statistics 28, 2000, lemma 1, with x = ln 1e6).
func chiSquareLimit(_ degrees: Int) -> Double {
  let x = 13.816
  return Double(degrees) + 2 * (Double(degrees) * x).squareRoot() + 2 * x
}

@Suite("Uniform numbers and what is made of them")
struct UniformTests {
  /// False-alarm probability below 1e-6 per bound.
  @Test("Integers are equally frequent", arguments: [2, 3, 10, 62, 1000] as [UInt64])
  func integerFrequencies(bound: UInt64) {
    let source = stream(bound)
    let draws = 200_000
    var counts = [Int](repeating: 0, count: Int(bound))
    for _ in 0..<draws { counts[Int(source.uniformInteger(below: bound))] += 1 }
    let expected = Double(draws) / Double(bound)
    let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    #expect(statistic < chiSquareLimit(Int(bound) - 1))
  }

  /// Without rejection, two thirds of the numbers would fall below 2⁶³. 5 standard deviations: 6e-7.
  @Test("Integers are unbiased where plain scaling is most biased")
  func largeBounds() {
    let source = stream(1)
    let bound: UInt64 = 3 << 62
    let draws = 100_000
    let low = (0..<draws).count { _ in source.uniformInteger(below: bound) < 1 << 62 }
    #expect(abs(Double(low) - Double(draws) / 3) < 5 * (Double(draws) * 2 / 9).squareRoot())
    #expect(source.uniformInteger(below: 1 as UInt64) == 0)
    #expect(source.uniformInteger(below: UInt64.max) < UInt64.max)
  }

  /// Mean within 5 standard deviations: 6e-7.
  @Test("Doubles lie in their interval with the mean ½")
  func doubles() {
    let source = stream(2)
    let draws = 200_000
    let closed = (0..<draws).map { _ in source.uniformDouble() }
    let open = (0..<draws).map { _ in source.uniformOpenDouble() }
    #expect(closed.allSatisfy { $0 >= 0 && $0 < 1 } && open.allSatisfy { $0 > 0 && $0 < 1 })
    for values in [closed, open] {
      let mean = values.reduce(0, +) / Double(draws)
      #expect(abs(mean - 0.5) < 5 / (12 * Double(draws)).squareRoot())
    }
  }

  /// 5 standard deviations each: 6e-7.
  @Test("An event happens at its rate", arguments: [1e-4, 0.01, 0.3, 0.5, 0.99])
  func bernoulliRate(probability: Double) {
    let source = stream(3)
    let draws = 500_000
    let hits = (0..<draws).count { _ in source.bernoulli(probability: probability) }
    let deviation = (Double(draws) * probability * (1 - probability)).squareRoot()
    #expect(abs(Double(hits) - Double(draws) * probability) < 5 * deviation + 1)
  }

  @Test("Probability 1 always happens, 0 and anything below 2⁻⁶⁴ never: the rate is rounded down")
  func bernoulliLimits() {
    /// All bits zero: the draw that makes every event of probability at least 2⁻⁶⁴ happen.
    final class Zeros: RandomByteSource {
      func fill(_ bytes: UnsafeMutableRawBufferPointer) { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
    }
    final class Ones: RandomByteSource {
      func fill(_ bytes: UnsafeMutableRawBufferPointer) { bytes.initializeMemory(as: UInt8.self, repeating: 0xFF) }
    }
    let lowest = RandomSource(Zeros())
    let highest = RandomSource(Ones())
    #expect(highest.bernoulli(probability: 1))
    #expect(!highest.bernoulli(probability: 1.0.nextDown))
    #expect(lowest.bernoulli(probability: 0x1p-64))
    #expect(!lowest.bernoulli(probability: 0x1p-64.nextDown))
    #expect(!lowest.bernoulli(probability: .leastNonzeroMagnitude))
    #expect(!lowest.bernoulli(probability: 0))
  }

  /// False-alarm probability below 1e-6.
  @Test("All 24 orders of four elements are equally frequent")
  func shuffles() {
    let source = stream(4)
    let draws = 120_000
    var counts: [[Int]: Int] = [:]
    for _ in 0..<draws {
      var order = [0, 1, 2, 3]
      source.shuffle(&order)
      counts[order, default: 0] += 1
    }
    let expected = Double(draws) / 24
    let statistic = counts.values.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    #expect(counts.count == 24 && statistic < chiSquareLimit(23))
    var empty: [Int] = []
    source.shuffle(&empty)
    #expect(empty.isEmpty)
  }
}
