import CVectorKernels
import Foundation
import ParameterVectors
import Testing

/// A small generator (splitmix64, Steele, Lea and Flood 2014), so that failures can be repeated.
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Floats of very different sizes and both signs, with zeros and subnormals among them.
  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      let exponent = Int.random(in: -20...20, using: &self)
      let value = Float(sign: .plus, exponent: exponent, significand: Float.random(in: 1..<2, using: &self))
      switch Int.random(in: 0..<20, using: &self) {
      case 0: return 0
      case 1: return -0.0
      case 2: return Float.leastNonzeroMagnitude * Float(Int.random(in: 1...1000, using: &self))
      default: return Bool.random(using: &self) ? value : -value
      }
    }
  }
}

@Suite("Every instruction-set level returns the bits of the baseline")
struct KernelLevelTests {
  static let counts = [0, 1, 2, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 100, 127, 128, 1000, 4097]
  let baseline = VectorKernels(level: .baseline)

  @Test(arguments: KernelLevel.available)
  func reductions(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    var generator = TestGenerator(state: 1)
    for count in Self.counts {
      let x = generator.floats(count)
      let wide = x.map { Double($0) * 1.000_000_1 }
      #expect(kernels.sumOfSquares(x).bitPattern == baseline.sumOfSquares(x).bitPattern)
      #expect(kernels.sumOfSquares(wide).bitPattern == baseline.sumOfSquares(wide).bitPattern)
      #expect(kernels.l1Norm(x).bitPattern == baseline.l1Norm(x).bitPattern)
      #expect(kernels.maximumMagnitude(x).bitPattern == baseline.maximumMagnitude(x).bitPattern)
    }
  }

  @Test("Products in fixed point are those of wide integers, rounded to the nearest", arguments: KernelLevel.available)
  func fixedPoint(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    var generator = TestGenerator(state: 5)
    for count in Self.counts {
      for bits in [3, 31, 33, 61] as [Int64] {
        let x = (0..<count).map { _ in Int64(bitPattern: generator.next()) >> (63 - bits) }
        let sums = (0..<count).map { _ in Int64(bitPattern: generator.next()) }
        let range = count / 3..<count
        let seen = x[range].reduce(0) { $0 | ($1 < 0 ? ~$1 : $1) }
        for factor in [0, 1, -1, 1 << 24, Int64(UInt32.max), 1 << 32, -(1 << 40), Int64(bitPattern: generator.next())] {
          var result = Array(sums[range])
          #expect(kernels.subtract(x, in: range, times: .integer(factor), from: &result) == seen)
          #expect(result == range.map { sums[$0] &- factor &* x[$0] })
        }
        for factor in [0, 1, 1 << 31, 1 << 32, generator.next() >> 32, (1 << 32) - 1] as [UInt64] {
          func product(_ value: Int64) -> Int64 { Int64(truncatingIfNeeded: (Int128(value) * Int128(factor) + 1 << 31) >> 32) }
          var result = Array(sums[range])
          #expect(kernels.subtract(x, in: range, times: .fraction(factor), from: &result) == seen)
          #expect(result == range.map { sums[$0] &- product(x[$0]) })
          let added = sums.map { $0 >> 30 }
          #expect(kernels.decayed(x, by: factor, plus: added, shift: 24) == zip(x, added).map { product($0) &+ $1 << 24 })
        }
      }
    }
  }

  @Test(arguments: KernelLevel.available)
  func elementwiseOperations(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    var generator = TestGenerator(state: 2)
    for count in Self.counts {
      let x = generator.floats(count)
      let y = generator.floats(count)
      let sums = generator.floats(count).map { Double($0) / 3 }

      func bits(_ kernels: VectorKernels) -> [[UInt64]] {
        var accumulated = sums
        kernels.accumulate(x, scaledBy: 0.123_456_789, into: &accumulated)
        var merged = sums
        kernels.add(accumulated, into: &merged)
        var added = y
        kernels.add(x, scaledBy: 0.337, into: &added)
        var scaled = x
        kernels.scale(&scaled, by: 1.7)
        let narrow = [added, scaled, kernels.difference(x, y)].map { $0.map { UInt64($0.bitPattern) } }
        return [accumulated.map(\.bitPattern), merged.map(\.bitPattern)] + narrow
      }
      #expect(bits(kernels) == bits(baseline))
    }
  }

  @Test("NaN and infinity at any position reach the sums", arguments: KernelLevel.available)
  func nonFiniteValues(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    for count in [1, 5, 32, 70] {
      for position in 0..<count {
        var x = [Float](repeating: 1, count: count)
        x[position] = .nan
        #expect(kernels.sumOfSquares(x).bitPattern == baseline.sumOfSquares(x).bitPattern)
        #expect(kernels.sumOfSquares(x).isNaN && kernels.l1Norm(x).isNaN && kernels.maximumMagnitude(x).isNaN)
        #expect(kernels.sumOfSquares(x.map(Double.init)).isNaN)
        x[position] = -.infinity
        #expect(kernels.sumOfSquares(x) == .infinity && kernels.l1Norm(x) == .infinity)
        #expect(kernels.maximumMagnitude(x) == .infinity)
        #expect(kernels.sumOfSquares(x.map(Double.init)) == .infinity)
      }
    }
  }

  @Test("Turning numbers are summed before every step, as their sines and cosines say", arguments: KernelLevel.available)
  func turns(level: KernelLevel) {
    var generator = TestGenerator(state: 6)
    for (groups, steps) in [(0, 3), (1, 1), (1, 2), (3, 5), (7, 48), (20, 49)] {
      let angles = (0..<8 * groups).map { _ in Double.random(in: -3...3, using: &generator) }
      let weights = (0..<8 * groups).map { _ in Double.random(in: 0..<1, using: &generator) }
      var turn = [Double](repeating: 0, count: 16 * groups)
      var state = turn
      for index in angles.indices {
        let slot = 16 * (index / 8) + index % 8
        (turn[slot], turn[slot + 8], state[slot]) = (cos(angles[index]), sin(angles[index]), weights[index])
      }
      var (sums, baselineState) = ([Double](repeating: .nan, count: 2 * steps), state)
      var baselineSums = sums
      cvk_turn_f64(level.rawValue, groups, turn, &state, steps, &sums)
      cvk_turn_f64(KernelLevel.baseline.rawValue, groups, turn, &baselineState, steps, &baselineSums)
      #expect(sums == baselineSums && state == baselineState, "\(groups) × \(steps)")
      for step in 0..<steps {
        let real = zip(weights, angles).reduce(0) { $0 + $1.0 * cos(Double(step) * $1.1) }
        let imaginary = zip(weights, angles).reduce(0) { $0 + $1.0 * sin(Double(step) * $1.1) }
        #expect(abs(sums[2 * step] - real) < 1e-11 && abs(sums[2 * step + 1] - imaginary) < 1e-11, "\(groups), step \(step)")
      }
    }
  }
}
