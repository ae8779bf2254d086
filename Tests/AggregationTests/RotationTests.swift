import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

@Suite("Rotations")
struct RotationTests {
  static func rotations() throws -> [any Rotation] { [HadamardRotation.once, try HadamardRotation(repeats: 3), FourierRotation()] }

  /// Vectors of the reference (TensorFlow Federated 0.87.0).
  @Test("the orthonormal transform of 1…4 and 0…7")
  func golden() {
    let rows: [([Float], [Double])] = [
      ([1, 2, 3, 4], [5, -1, -2, 0]),
      ([0, 1, 2, 3, 4, 5, 6, 7], [9.899495124816895, -1.4142135381698608, -2.8284270763397217, 0, -5.656854152679443, 0, 0, 0]),
    ]
    for (input, expected) in rows {
      var x = input
      VectorKernels.best.walshHadamard(&x)
      for (found, wanted) in zip(x, expected) {
        #expect(abs(Double(found) / Double(input.count).squareRoot() - wanted) < 1e-6 * max(1, abs(wanted)))
      }
    }
  }

  @Test("unit vectors become rows of the Walsh–Hadamard matrix, for every size to 2²² and every instruction-set level")
  func unitVectors() {
    for level in KernelLevel.available {
      for size in 0...22 {
        let count = 1 << size
        for index in Set([0, 1, count / 2 + count / 8 + 1, count - 1].map { $0 % count }) {
          var x = [Float](repeating: 0, count: count)
          x[index] = 1
          VectorKernels(level: level).walshHadamard(&x)
          var wrong = 0
          for (row, value) in x.enumerated() where value != ((row & index).nonzeroBitCount % 2 == 0 ? 1 : -1) { wrong += 1 }
          #expect(wrong == 0, "\(level), size \(count), unit vector \(index)")
        }
      }
    }
  }

  @Test("all levels transform to the same bits, and twice is n times the vector")
  func levels() {
    for size in [3, 6, 10, 13, 17] {
      let values = EncodingCases.gaussian(1 << size)
      var expected = values
      VectorKernels(level: .baseline).walshHadamard(&expected)
      for level in KernelLevel.available {
        var x = values
        VectorKernels(level: level).walshHadamard(&x)
        #expect(x == expected)
        VectorKernels(level: level).walshHadamard(&x)
        #expect(zip(x, values).allSatisfy { abs($0 / Float(values.count) - $1) < 1e-4 })
      }
    }
  }

  @Test("signs, scale and padding in the first pass give the bits of doing them first, at every level")
  func signed() {
    let random = RandomSource.simulation(seed: 3, purpose: .testing)
    for size in [0, 1, 3, 4, 5, 7, 10, 11, 12, 13, 15, 18, 19] {
      let count = 1 << size
      let signs = (0..<(count + 7) / 8).map { _ in UInt8(truncatingIfNeeded: random.nextUInt64()) }
      for length in Set([count, count - 1, count * 3 / 4 + 1, count / 2, 1, 0]) where length <= count {
        let values = EncodingCases.gaussian(length)
        var expected = values.enumerated().map { (signs[$0 / 8] >> ($0 % 8)) & 1 == 1 ? -(0.37 * $1) : 0.37 * $1 }
        expected += [Float](repeating: 0, count: count - length)
        VectorKernels(level: .baseline).walshHadamard(&expected)
        for level in KernelLevel.available {
          var x = values
          #expect(VectorKernels(level: level).walshHadamard(&x, scaledBy: 0.37, signs: signs, paddedTo: count))
          #expect(x == expected, "\(level), size \(count), \(length) values")
          guard length > 0 else { continue }
          for bad in [Float.nan, .infinity, .greatestFiniteMagnitude] {
            // Two of the greatest number overflow in one place and cancel in another.
            x = [Float](repeating: 0, count: length)
            x[length - 1] = bad
            x[length / 2] = bad
            let isFinite = VectorKernels(level: level).walshHadamard(&x, scaledBy: 0.9, signs: signs, paddedTo: count)
            #expect(isFinite == x.allSatisfy(\.isFinite))
          }
        }
      }
    }
  }

  @Test("the inverse gives the vector back and norms stay within their stated growth, for all lengths")
  func inverse() throws {
    for rotation in try Self.rotations() {
      for count in [0, 1, 2, 3, 4, 5, 7, 16, 17, 100, 1000, 1024, 4099, 100_000] {
        let values = EncodingCases.gaussian(count)
        var rotated = values
        try rotation.forward(&rotated, seed: 77)
        #expect(rotated.count == (try rotation.paddedCount(count)))
        let norm = VectorMath.norm(values)
        let growth = rotation.worstCaseNormGrowth(count: count)
        #expect(growth < 1 + 1e-5 && VectorMath.norm(rotated) <= norm * growth && VectorMath.norm(rotated) >= norm * (2 - growth))
        if count >= 16 { #expect(zip(values, rotated).contains { abs($0 - $1) > 0.1 }) }
        try rotation.inverse(&rotated, count: count, seed: 77)
        #expect(rotated.count == count)
        #expect(zip(values, rotated).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(rotation.name) of \(count)")
      }
    }
  }

  @Test("rotations are linear, so sums rotate back; another seed is another rotation")
  func linear() throws {
    for rotation in try Self.rotations() {
      let a = EncodingCases.gaussian(50, seed: 1)
      let b = EncodingCases.gaussian(50, seed: 2)
      var x = a
      var y = b
      try rotation.forward(&x, seed: 3)
      try rotation.forward(&y, seed: 3)
      var sum = zip(x, y).map { $0 + $1 }
      try rotation.inverse(&sum, count: 50, seed: 3)
      for (index, value) in sum.enumerated() { #expect(abs(value - a[index] - b[index]) < 1e-5) }
      var other = a
      try rotation.forward(&other, seed: 4)
      #expect(zip(other, x).contains { abs($0 - $1) > 0.1 })
    }
  }

  /// The definition, with the phases read from the stream that the rotation documents.
  @Test("the Fourier rotation is the transform of the phased pairs")
  func fourier() throws {
    for count in [1, 2, 9, 10, 22] {
      let values = EncodingCases.gaussian(count)
      var rotated = values
      try FourierRotation().forward(&rotated, seed: 6)
      let half = (count + 1) / 2
      var words = [UInt32](repeating: 0, count: half)
      words.withUnsafeMutableBytes { SimulationStream(seed: 6, purpose: .rotation).fill($0) }
      for k in 0..<half {
        var real = 0.0
        var imaginary = 0.0
        for j in 0..<half {
          let angle = Double(words[j]) * 2 * .pi / 0x1p32 - 2 * .pi * Double(j * k % half) / Double(half)
          let x = Double(values[j])
          let y = half + j < count ? Double(values[half + j]) : 0
          real += x * cos(angle) - y * sin(angle)
          imaginary += x * sin(angle) + y * cos(angle)
        }
        let scale = 1 / Double(half).squareRoot()
        #expect(abs(Double(rotated[k]) - scale * real) < 1e-5 && abs(Double(rotated[half + k]) - scale * imaginary) < 1e-5)
      }
    }
  }

  /// The sum of 4096 fair signs exceeds 6.5 · 64 with probability at most 2 exp(−6.5²/2) = 1.4e-9 (Hoeffding): 1.8e-7 for 127 sums.
  @Test("signs of different seeds are fair and independent of each other")
  func signs() throws {
    var columns: [[Float]] = []
    for seed in 0..<64 {
      var x = [Float](repeating: 1, count: 4096)
      // Transforming back what was not transformed leaves the signs alone: D H (H 1) / n = D 1.
      VectorKernels.best.walshHadamard(&x)
      try HadamardRotation.once.inverse(&x, count: 4096, seed: UInt64(seed))
      let signs = x.map { $0 > 0 ? Float(1) : -1 }
      #expect(abs(signs.reduce(0, +)) <= 6.5 * 64)
      if let last = columns.last { #expect(abs(zip(signs, last).reduce(0) { $0 + $1.0 * $1.1 }) <= 6.5 * 64) }
      columns.append(signs)
    }
  }

  @Test("wrong lengths and values that are not finite are errors")
  func errors() throws {
    for rotation in try Self.rotations() {
      var short: [Float] = [1, 2, 3]
      #expect(throws: AggregationError.self) { try rotation.inverse(&short, count: 100, seed: 1) }
      #expect(throws: AggregationError.self) { try rotation.paddedCount(-1) }
      #expect(throws: AggregationError.self) { try rotation.paddedCount(Int.max) }
      var wild: [Float] = [1, .nan, 3]
      #expect(throws: AggregationError.self) { try rotation.forward(&wild, seed: 1) }
      var huge = [Float](repeating: .greatestFiniteMagnitude, count: 64)
      #expect(throws: AggregationError.self) { for seed in 0..<64 { try rotation.forward(&huge, seed: UInt64(seed)) } }
    }
    #expect(throws: AggregationError.self) { try HadamardRotation(repeats: 0) }
  }
}
