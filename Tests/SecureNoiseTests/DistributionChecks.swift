import SecureNoise
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Words of SplitMix64 (Steele, Lea and Flood 2014) after given ones: a stream that is easy to repeat in another language.
final class ScriptedSource: RandomByteSource {
  private var words: ArraySlice<UInt64>
  private var state: UInt64

  init(_ words: [UInt64] = [], seed: UInt64) {
    self.words = words[...]
    state = seed
  }

  func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    for offset in stride(from: 0, to: bytes.count, by: 8) {
      bytes.storeBytes(of: next().littleEndian, toByteOffset: offset, as: UInt64.self)
    }
  }

  private func next() -> UInt64 {
    if let word = words.popFirst() { return word }
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// How often each integer was drawn, against the probabilities that it should have.
struct IntegerCounts {
  private let lowest: Int64
  private let counts: [Int]
  private let total: Int

  init(_ values: [Int64]) {
    let lowest = values.min() ?? 0
    var counts = [Int](repeating: 0, count: Int((values.max() ?? 0) - lowest) + 1)
    for value in values { counts[Int(value - lowest)] += 1 }
    (self.lowest, self.counts, total) = (lowest, counts, values.count)
  }

  private func count(in range: Range<Int64>) -> Int {
    let inside = range.clamped(to: lowest..<(lowest + Int64(counts.count)))
    return inside.reduce(0) { $0 + counts[Int($1 - lowest)] }
  }

  init(_ draws: Int, _ draw: () throws -> Int64) rethrows {
    var values = [Int64](repeating: 0, count: draws)
    for index in values.indices { values[index] = try draw() }
    self.init(values)
  }

  /// χ² over all integers with an expected count of 25 or more, the rest of either side together (limit of Laurent and Massart,
  /// 1e-6), and √n times the Kolmogorov–Smirnov distance (2.70: 1e-6 by Dvoretzky, Kiefer, Wolfowitz and Massart, who allow
  /// any distribution).
  func expect(
    in range: ClosedRange<Int64>, _ probability: (Int64) -> Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var cells: [(observed: Int, expected: Double)] = [(count(in: .min..<range.lowerBound), 0)]
    var distance = 0.0
    var (observedBelow, expectedBelow) = (Double(cells[0].observed), 0.0)
    for value in range {
      let expected = probability(value) * Double(total)
      let observed = count(in: value..<(value + 1))
      cells[cells.count - 1].observed += observed
      cells[cells.count - 1].expected += expected
      if cells[cells.count - 1].expected >= 25 { cells.append((0, 0)) }
      observedBelow += Double(observed)
      expectedBelow += expected
      distance = max(distance, abs(observedBelow - expectedBelow))
    }
    // What is left at the end joins the last whole cell.
    let rest = cells.removeLast()
    cells[cells.count - 1].observed += rest.observed + count(in: (range.upperBound + 1)..<Int64.max)
    cells[cells.count - 1].expected += rest.expected
    #expect(
      abs(expectedBelow - Double(total)) < 1e-3 * Double(total).squareRoot(), "the range holds the mass", sourceLocation: sourceLocation)
    let statistic = cells.reduce(0) { $0 + pow(Double($1.observed) - $1.expected, 2) / $1.expected }
    #expect(statistic < chiSquareLimit(cells.count - 1), sourceLocation: sourceLocation)
    #expect(distance / Double(total).squareRoot() < 2.70, sourceLocation: sourceLocation)
  }
}

/// Sums of powers of a sample and of products of neighbours.
struct SampleMoments {
  let mean: Double
  let variance: Double
  /// Standardised fourth moment and correlation of neighbours.
  let kurtosis: Double
  let neighbourCorrelation: Double

  init(_ values: [Int64]) {
    let n = Double(values.count)
    let mean = values.reduce(0) { $0 + Double($1) } / n
    let variance = values.reduce(0) { $0 + pow(Double($1) - mean, 2) } / n
    let fourth = values.reduce(0) { $0 + pow(Double($1) - mean, 4) } / n
    let neighbours = zip(values, values.dropFirst()).reduce(0) { $0 + (Double($1.0) - mean) * (Double($1.1) - mean) }
    (self.mean, self.variance) = (mean, variance)
    kurtosis = fourth / (variance * variance)
    neighbourCorrelation = neighbours / n / variance
  }
}

/// ρ(k)/Σρ of N_Z(0, σ²).
func discreteGaussianProbabilities(_ sigma: Double) -> (range: ClosedRange<Int64>, probability: (Int64) -> Double) {
  let end = Int64(12 * sigma) + 12
  let weight = { (k: Int64) in exp(-Double(k) * Double(k) / (2 * sigma * sigma)) }
  let total = (-end...end).reduce(0) { $0 + weight($1) }
  return (-end...end, { weight($0) / total })
}

func poissonProbability(_ k: Int64, mean: Double) -> Double {
  k < 0 ? 0 : exp(Double(k) * log(mean) - mean - lgamma(Double(k) + 1))
}

/// The law of the difference of two Poisson numbers, by direct convolution.
func skellamProbability(_ k: Int64, variance: Double) -> Double {
  let mean = variance / 2
  let end = Int64(mean + 14 * mean.squareRoot()) + 30
  return (0...end).reduce(0) { $0 + poissonProbability($1, mean: mean) * poissonProbability($1 + abs(k), mean: mean) }
}
