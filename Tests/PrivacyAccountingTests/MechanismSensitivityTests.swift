import Foundation
import PrivacyAccounting
import Testing

@Suite("Sensitivity of correlated-noise strategies")
struct MechanismSensitivityTests {
  /// All participation patterns of at most `count` of `steps`, at least `separation` apart.
  static func patterns(steps: Int, count: Int, separation: Int) -> [[Int]] {
    var all: [[Int]] = []
    for mask in 1..<(1 << steps) {
      let chosen = (0..<steps).filter { mask >> $0 & 1 == 1 }
      guard chosen.count <= count, zip(chosen, chosen.dropFirst()).allSatisfy({ $1 - $0 >= separation }) else { continue }
      all.append(chosen)
    }
    return all
  }

  /// The greatest ‖Σ_{i∈π} s_i C[:,i]‖ over all patterns and all signs s.
  static func bruteForce(_ rows: [[Double]], columns: Int, count: Int, separation: Int) -> Double {
    var best = 0.0
    for chosen in patterns(steps: columns, count: count, separation: separation) {
      for signs in 0..<(1 << (chosen.count - 1)) {
        let square = rows.reduce(0.0) { sum, row in
          let value = chosen.enumerated().reduce(0.0) { $0 + (signs >> $1.offset & 1 == 1 ? -1 : 1) * row[$1.element] }
          return sum + value * value
        }
        best = max(best, square)
      }
    }
    return best.squareRoot()
  }

  static func toeplitzRows(_ coefficients: [Double], _ steps: Int) -> [[Double]] {
    (0..<steps).map { i in (0..<steps).map { j in i >= j && i - j < coefficients.count ? coefficients[i - j] : 0 } }
  }

  static func treeRows(_ steps: Int) -> [[Double]] {
    var rows: [[Double]] = []
    var block = 1
    while block <= steps {
      for node in 0..<(steps / block) { rows.append((0..<steps).map { $0 / block == node ? 1 : 0 }) }
      block *= 2
    }
    return rows
  }

  @Test("one participation in a binary tree: √⌈log2(n + 1)⌉, the figure of dp_accounting, for every n to 4096")
  func treeSingle() throws {
    let once = try ParticipationPattern(maximumParticipations: 1, minimumSeparation: 1)
    for steps in 1...4096 {
      let levels = (log2(Double(steps + 1)) - 1e-12).rounded(.up)
      let value = try StrategySensitivity.binaryTree(steps: steps, participation: once)
      #expect(abs(value - levels.squareRoot()) <= value.ulp && value * value >= levels.nextDown)
    }
    #expect(try StrategySensitivity.binaryTree(steps: 8, participation: once) == 2)
  }

  @Test("binary tree: at least the maximum over all patterns, and equal to it for one participation")
  func treeBruteForce() throws {
    for steps in 1...11 {
      for count in 1...4 {
        for separation in 1...5 {
          let pattern = try ParticipationPattern(maximumParticipations: count, minimumSeparation: separation)
          let bound = try StrategySensitivity.binaryTree(steps: steps, participation: pattern)
          let rows = Self.treeRows(steps)
          let exact =
            Self.patterns(steps: steps, count: count, separation: separation).map { chosen in
              rows.reduce(0.0) { sum, row in sum + pow(chosen.reduce(0.0) { $0 + row[$1] }, 2) }.squareRoot()
            }.max() ?? 0
          #expect(bound >= exact, "n=\(steps) k=\(count) b=\(separation)")
          if count == 1 { #expect(bound <= exact.nextUp) }
        }
      }
    }
  }

  @Test("a matrix: at least the maximum over all patterns and signs, exact for one participation and for bands up to b")
  func matrixBruteForce() throws {
    var generator = SplitMix(state: 7)
    for steps in [1, 2, 5, 8] {
      for bands in [1, 2, 3, steps] {
        let rows = (0..<steps).map { i in
          (0..<steps).map { j in j <= i && i - j < bands ? Double.random(in: -1...1, using: &generator) : 0 }
        }
        for count in 1...4 {
          for separation in 1...4 {
            let pattern = try ParticipationPattern(maximumParticipations: count, minimumSeparation: separation)
            let bound = try StrategySensitivity.matrix(rows, participation: pattern)
            let exact = Self.bruteForce(rows, columns: steps, count: count, separation: separation)
            #expect(bound >= exact * (1 - 1e-15), "n=\(steps) bands=\(bands) k=\(count) b=\(separation)")
            if count == 1 || bands <= separation {
              #expect(bound <= exact * (1 + 1e-12), "n=\(steps) bands=\(bands) k=\(count) b=\(separation)")
            }
          }
        }
      }
    }
  }

  @Test("Toeplitz, non-negative and non-increasing: exact against all patterns; otherwise at least the maximum")
  func toeplitzBruteForce() throws {
    let sequences: [[Double]] = [
      [1, 0.5, 0.375, 0.3125, 0.27, 0.2, 0.1, 0.05, 0.01], [1, 1, 1], [1], [1, -0.5, 0.3], [0.2, 1, 0.4, 0.9],
    ]
    for (index, coefficients) in sequences.enumerated() {
      for steps in [1, 3, 6, 9] {
        for count in 1...4 {
          for separation in 1...4 {
            let pattern = try ParticipationPattern(maximumParticipations: count, minimumSeparation: separation)
            let bound = try StrategySensitivity.toeplitz(coefficients: coefficients, steps: steps, participation: pattern)
            let rows = Self.toeplitzRows(coefficients, steps)
            let exact = Self.bruteForce(rows, columns: steps, count: count, separation: separation)
            #expect(bound >= exact * (1 - 1e-15), "\(coefficients) n=\(steps) k=\(count) b=\(separation)")
            if index < 3 || count == 1 { #expect(bound <= exact * (1 + 1e-12), "\(coefficients) n=\(steps) k=\(count) b=\(separation)") }
          }
        }
      }
    }
  }

  @Test("a buffered strategy has the sensitivity of its Toeplitz coefficients")
  func buffered() throws {
    for (scales, decays) in [([0.3, 0.2], [0.9, 0.5]), ([0.5, 0.5], [1, 0]), ([], []), ([0.05, 0.2, 0.01], [0.999, 0.7, 1])] {
      for steps in [1, 2, 17, 300] {
        let coefficients = (0..<steps).map { t in
          t == 0 ? 1 : zip(scales, decays).reduce(0.0) { $0 + $1.0 * pow($1.1, Double(t - 1)) }
        }
        for (count, separation) in [(1, 1), (3, 1), (4, 7), (1000, 10), (2, 299)] {
          let pattern = try ParticipationPattern(maximumParticipations: count, minimumSeparation: separation)
          let closed = try StrategySensitivity.bufferedToeplitz(
            outputScales: scales, decays: decays, steps: steps, participation: pattern)
          let summed = try StrategySensitivity.toeplitz(coefficients: coefficients, steps: steps, participation: pattern)
          #expect(relativeDifference(closed, summed) < 1e-12, "\(scales) n=\(steps) k=\(count) b=\(separation)")
        }
      }
    }
    let pattern = try ParticipationPattern(maximumParticipations: 4, minimumSeparation: 3)
    let falling = try StrategySensitivity.bufferedToeplitz(outputScales: [-0.4], decays: [0.8], steps: 9, participation: pattern)
    let rows = Self.toeplitzRows([1] + (0..<8).map { -0.4 * pow(0.8, Double($0)) }, 9)
    #expect(falling >= Self.bruteForce(rows, columns: 9, count: 4, separation: 3))
  }

  @Test("ten million steps: the closed form and the short band need no array of steps")
  func large() throws {
    let pattern = try ParticipationPattern(maximumParticipations: 100, minimumSeparation: 90_000)
    let buffered = try StrategySensitivity.bufferedToeplitz(
      outputScales: [0.1, 0.2], decays: [0.999_999, 0.9], steps: 10_000_000, participation: pattern)
    // mpmath, 40 digits, by the closed sums with every power formed exactly.
    #expect(relativeDifference(buffered, 3132.0077347546490783) < 1e-12)
    // 10¹⁰ operations by columns: the recurrence. All coefficients 1 and one person always: Σ t².
    let always = try ParticipationPattern(maximumParticipations: 100_000, minimumSeparation: 1)
    let ones = try StrategySensitivity.toeplitz(
      coefficients: [Double](repeating: 1, count: 100_000), steps: 100_000, participation: always)
    let n = 100_000.0
    #expect(relativeDifference(ones, (n * (n + 1) * (2 * n + 1) / 6).squareRoot()) < 1e-9 && ones * ones >= n * (n + 1) * (2 * n + 1) / 6)
    let band = try StrategySensitivity.toeplitz(coefficients: [1, 0.5, 0.25], steps: 10_000_000, participation: pattern)
    #expect(relativeDifference(band, (100 * 1.3125).squareRoot()) < 1e-13)
  }

  @Test("hostile input is an error")
  func hostile() throws {
    let pattern = try ParticipationPattern(maximumParticipations: 2, minimumSeparation: 1)
    #expect(throws: AccountingError.self) { try ParticipationPattern(maximumParticipations: 0, minimumSeparation: 1) }
    #expect(throws: AccountingError.self) { try ParticipationPattern(maximumParticipations: 1, minimumSeparation: -3) }
    #expect(throws: AccountingError.self) { try StrategySensitivity.binaryTree(steps: 0, participation: pattern) }
    #expect(throws: AccountingError.self) { try StrategySensitivity.matrix([[1], [.nan, 1]], participation: pattern) }
    #expect(throws: AccountingError.self) { try StrategySensitivity.matrix([[1, 2], [1, 1]], participation: pattern) }
    #expect(throws: AccountingError.self) { try StrategySensitivity.matrix([[1], [1]], participation: pattern) }
    #expect(throws: AccountingError.self) { try StrategySensitivity.matrix([], participation: pattern) }
    #expect(throws: AccountingError.self) {
      try StrategySensitivity.toeplitz(coefficients: [1, .infinity], steps: 3, participation: pattern)
    }
    #expect(throws: AccountingError.self) {
      try StrategySensitivity.toeplitz(coefficients: [1e200, 1e200], steps: 3, participation: pattern)
    }
    #expect(throws: AccountingError.self) {
      try StrategySensitivity.bufferedToeplitz(outputScales: [0.1], decays: [1.5], steps: 3, participation: pattern)
    }
    let huge = try ParticipationPattern(maximumParticipations: 1 << 53, minimumSeparation: 1 << 53)
    #expect(try StrategySensitivity.binaryTree(steps: 1 << 53, participation: huge) > 7)
  }
}

/// A small generator for reproducible tests (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
