import SecureNoise
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Gaussian, gamma and Dirichlet numbers")
struct GaussianTests {
  static let count = 1_000_000
  static let sample: [Double] = {
    var values = [Double](repeating: 0, count: count)
    RandomSource.simulation(seed: 10, purpose: .testing).addGaussian(standardDeviation: 1, to: &values)
    return values.sorted()
  }()

  static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// Dvoretzky–Kiefer–Wolfowitz with Massart's constant: P(√n D > 2.70) <= 2 exp(−2 · 2.70²) < 1e-6.
  @Test("A million numbers pass the Kolmogorov–Smirnov test")
  func kolmogorovSmirnov() {
    var distance = 0.0
    for (index, value) in Self.sample.enumerated() {
      let p = Self.cumulative(value)
      distance = max(distance, p - Double(index) / Double(Self.count), Double(index + 1) / Double(Self.count) - p)
    }
    #expect(distance * Double(Self.count).squareRoot() < 2.70)
  }

  /// Each moment within 5 standard deviations of its estimate: 6e-7.
  @Test("Mean, variance, skewness and fourth moment are those of the standard Gaussian")
  func moments() {
    let n = Double(Self.count)
    func moment(_ k: Int) -> Double { Self.sample.reduce(0) { $0 + pow($1, Double(k)) } / n }
    #expect(abs(moment(1)) < 5 / n.squareRoot())
    #expect(abs(moment(2) - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(moment(3)) < 5 * (15 / n).squareRoot())
    #expect(abs(moment(4) - 3) < 5 * (96 / n).squareRoot())
  }

  /// Counts within 5 standard deviations: 6e-7 each where the count is large; beyond 6 the expected count is 0.002.
  @Test("The tails have their weight")
  func tails() {
    for limit in [1.0, 2, 3, 4] {
      for sign in [-1.0, 1] {
        let expected = Double(Self.count) * Self.cumulative(-limit)
        let found = Double(Self.sample.count { $0 * sign > limit })
        #expect(abs(found - expected) < 5 * expected.squareRoot() + 5, "beyond \(sign * limit)")
      }
    }
    #expect(Self.sample.count { abs($0) > 6 } <= 1)
  }

  @Test("The largest magnitude that bits can give is beyond 11 standard deviations")
  func extremeBits() {
    final class Zeros: RandomByteSource {
      func fill(_ bytes: UnsafeMutableRawBufferPointer) { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
    }
    let source = RandomSource(Zeros())
    let value = source.gaussian()
    #expect(value > 8.5 && value < 13)
    #expect(source.uniformOpenDouble() > 0)
  }

  @Test("Bulk noise is the sequence of single draws, for every parity and with a number left over")
  func bulkEqualsSingles() {
    for skipped in 0..<3 {
      for count in 0..<6 {
        let single = RandomSource.simulation(seed: 11, purpose: .testing)
        let bulk = RandomSource.simulation(seed: 11, purpose: .testing)
        for _ in 0..<skipped { #expect(single.gaussian() == bulk.gaussian()) }
        let expected = (0..<count).map { 1 + 0.5 * (single.gaussian() + 0 * Double($0)) }
        var values = [Double](repeating: 1, count: count)
        bulk.addGaussian(standardDeviation: 0.5, to: &values)
        #expect(values == expected)
        #expect(single.gaussian() == bulk.gaussian())
      }
    }
    let source = RandomSource.simulation(seed: 11, purpose: .testing)
    var values = [1.0, 2]
    source.addGaussian(standardDeviation: 0, to: &values)
    #expect(values == [1, 2])
  }

  /// Correlation of neighbours within 5 standard deviations: 6e-7.
  @Test("Numbers of a pair and neighbouring pairs are uncorrelated, and so are their squares")
  func independence() {
    let source = RandomSource.simulation(seed: 12, purpose: .testing)
    let values = (0..<400_000).map { _ in source.gaussian() }
    for lag in 1...3 {
      var plain = 0.0
      var squares = 0.0
      for index in 0..<(values.count - lag) {
        plain += values[index] * values[index + lag]
        squares += (values[index] * values[index] - 1) * (values[index + lag] * values[index + lag] - 1) / 2
      }
      #expect(abs(plain) < 5 * Double(values.count).squareRoot())
      #expect(abs(squares) < 5 * Double(values.count).squareRoot())
    }
  }

  /// Mean and variance of a gamma number are its shape. 5 standard deviations of each estimate: 6e-7.
  @Test("Gamma numbers have mean and variance equal to their shape", arguments: [0.05, 0.5, 1, 2.5, 40])
  func gammaMoments(shape: Double) {
    let source = RandomSource.simulation(seed: 13, purpose: .testing)
    let n = 400_000
    let values = (0..<n).map { _ in source.gamma(shape: shape) }
    let mean = values.reduce(0, +) / Double(n)
    let variance = values.reduce(0) { $0 + ($1 - shape) * ($1 - shape) } / Double(n)
    #expect(abs(mean - shape) < 5 * (shape / Double(n)).squareRoot())
    // The fourth central moment of a gamma number is 3k² + 6k.
    #expect(abs(variance - shape) < 5 * ((2 * shape * shape + 6 * shape) / Double(n)).squareRoot())
  }

  /// Component means within 5 standard deviations: 6e-7 each.
  @Test("Dirichlet components have the right means and add up to 1")
  func dirichletMeans() {
    let source = RandomSource.simulation(seed: 14, purpose: .testing)
    let concentrations = [0.1, 0, 2, 0.9]
    let n = 100_000
    var sums = [Double](repeating: 0, count: 4)
    for _ in 0..<n {
      let point = source.dirichlet(concentrations)
      #expect(abs(point.reduce(0, +) - 1) < 1e-12)
      for index in 0..<4 { sums[index] += point[index] }
    }
    let total = concentrations.reduce(0, +)
    for index in 0..<4 {
      let mean = concentrations[index] / total
      let deviation = (mean * (1 - mean) / (total + 1) / Double(n)).squareRoot()
      #expect(abs(sums[index] / Double(n) - mean) <= 5 * deviation)
    }
  }

  @Test("Concentrations of any size give a point of the simplex", arguments: [Double.leastNonzeroMagnitude, 1e-300, 1e-5, 1, 1e6, 1e300])
  func extremeConcentrations(concentration: Double) {
    let source = RandomSource.simulation(seed: 15, purpose: .testing)
    for _ in 0..<100 {
      let point = source.dirichlet([concentration, concentration, concentration])
      #expect(point.allSatisfy { $0 >= 0 && $0 <= 1 })
      #expect(abs(point.reduce(0, +) - 1) < 1e-12)
    }
  }
}
