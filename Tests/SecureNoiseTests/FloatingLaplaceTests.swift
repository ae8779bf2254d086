import Foundation
import SecureNoise
import Testing

@Suite("Laplace numbers")
struct FloatingLaplaceTests {
  /// Distribution function of scale 1.
  private func cumulative(_ x: Double) -> Double { x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x) }

  @Test("Ten million numbers pass the Kolmogorov–Smirnov and the chi-square test (false alarm below 1e-6 each)")
  func distribution() {
    let random = RandomSource.simulation(seed: 4, purpose: .testing)
    let draws = 10_000_000
    let bins = 1_000
    var counts = [Int](repeating: 0, count: bins)
    for _ in 0..<draws { counts[min(bins - 1, Int(cumulative(random.laplace()) * Double(bins)))] += 1 }
    let expected = Double(draws) / Double(bins)
    let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    #expect(statistic < chiSquareLimit(bins - 1))
    // The greatest distance at the bins' edges is at most the Kolmogorov–Smirnov statistic, whose tail is 2 exp(−2 n D²).
    var total = 0
    var distance = 0.0
    for (index, count) in counts.enumerated() {
      total += count
      distance = max(distance, abs(Double(total) / Double(draws) - Double(index + 1) / Double(bins)))
    }
    #expect(distance < (log(2 / 1e-6) / (2 * Double(draws))).squareRoot())
  }

  @Test("Mean 0, variance 2, fourth moment 24 and symmetric tails (10 million draws, 6σ bands: false alarm below 1e-8 each)")
  func moments() {
    let random = RandomSource.simulation(seed: 5, purpose: .testing)
    let draws = 10_000_000
    var sums = [Double](repeating: 0, count: 5)
    var above = 0
    for _ in 0..<draws {
      let x = random.laplace()
      if x > 0 { above += 1 }
      var power = 1.0
      for index in sums.indices {
        sums[index] += power
        power *= x
      }
    }
    let n = Double(draws)
    // E xᵏ = k! for even k: the variance of x² is 24 − 4, that of x⁴ is 40,320 − 576.
    #expect(abs(sums[1] / n) < 6 * (2 / n).squareRoot())
    #expect(abs(sums[2] / n - 2) < 6 * (20 / n).squareRoot())
    #expect(abs(sums[3] / n) < 6 * (720 / n).squareRoot())
    #expect(abs(sums[4] / n - 24) < 6 * (39_744 / n).squareRoot())
    #expect(abs(Double(above) - n / 2) < 3 * n.squareRoot())
  }

  @Test("Magnitudes beyond 53 log 2 = 36.7 can occur: leading zeros go on in the next word")
  func tails() {
    /// A stream of words with their first bits zero.
    final class Zeros: RandomByteSource {
      var words: [UInt64] = [0, 0, 1]
      func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        for offset in stride(from: 0, to: bytes.count, by: 8) {
          bytes.storeBytes(of: words.isEmpty ? UInt64.max : words.removeFirst(), toByteOffset: offset, as: UInt64.self)
        }
      }
    }
    // V just above ½, 64 and then 63 leading zeros: (127 + 1) log 2.
    #expect(abs(RandomSource(Zeros()).laplace() - 128 * log(2)) < 1e-12)
  }

  @Test("Noise is added to every element, scaled; at scale 0 nothing is drawn or changed")
  func addition() {
    let random = RandomSource.simulation(seed: 6, purpose: .testing)
    var values = [1.0, 2, 3]
    random.addLaplace(scale: 0, to: &values)
    #expect(values == [1, 2, 3])
    random.addLaplace(scale: 2, to: &values)
    let again = RandomSource.simulation(seed: 6, purpose: .testing)
    #expect(values == [1 + 2 * again.laplace(), 2 + 2 * again.laplace(), 3 + 2 * again.laplace()])
    var empty: [Double] = []
    random.addLaplace(scale: 1, to: &empty)
    #expect(empty.isEmpty)
  }
}
