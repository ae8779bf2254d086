import ParameterVectors
import Testing

@Suite("Sums on an integer grid")
struct GridTests {
  /// trunc(factor · x) and the sum of its squares, in plain arithmetic; nil where a product does not fit into 32 bits or the sum exceeds `greatest`.
  private func reference(_ x: [Float], factor: Double, greatest: UInt64) -> [Int64]? {
    var squares: UInt64 = 0
    var integers: [Int64] = []
    for value in x {
      guard let integer = Int32(exactly: (factor * Double(value)).rounded(.towardZero)) else { return nil }
      let (sum, overflow) = squares.addingReportingOverflow(UInt64(Int64(integer) * Int64(integer)))
      guard !overflow && sum <= greatest else { return nil }
      squares = sum
      integers.append(Int64(integer))
    }
    return integers
  }

  @Test("every level adds the integers of plain arithmetic, any number of vectors at once", arguments: KernelLevel.available)
  func levels(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    var generator = TestGenerator(state: 11)
    let few = [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17]
    // Long vectors in groups of groups, which are added piece by piece.
    for (count, vectorCounts) in KernelLevelTests.counts.map({ ($0, few) }) + [(4096, [16, 33]), (4099, [15, 45]), (9000, [24, 70])] {
      for vectorCount in vectorCounts {
        let vectors = (0..<vectorCount).map { _ in generator.floats(count) }
        let factors = (0..<vectorCount).map { _ in Double.random(in: -1200...1200, using: &generator) }
        // Now and then too little for a vector, so that groups with and without such are there.
        let greatest = UInt64.random(in: 0..<(1 << UInt64.random(in: 50...61, using: &generator)), using: &generator)
        var sum = (0..<count).map { _ in Int64.random(in: .min / 2 ... .max / 2, using: &generator) }
        var expected = sum
        var expectedAdded: [Bool] = []
        for (x, factor) in zip(vectors, factors) {
          let integers = reference(x, factor: factor, greatest: greatest)
          expectedAdded.append(integers != nil)
          for (index, integer) in (integers ?? []).enumerated() { expected[index] += integer }
        }
        #expect(kernels.addOnGrid(vectors, scaledBy: factors, greatestSquaredNorm: greatest, into: &sum) == expectedAdded)
        #expect(sum == expected)
      }
    }
  }

  @Test("a value that is NaN, infinite or too large anywhere keeps its vector out and no other", arguments: KernelLevel.available)
  func hostileValues(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    let count = 37
    for bad in [Float.nan, -.nan, .signalingNaN, .infinity, -.infinity, .greatestFiniteMagnitude, 0x1p31, -0x1p31, -0x1.000002p31] {
      for position in 0..<count {
        for place in [0, 3, 7, 8] {
          var vectors = [[Float]](repeating: [Float](repeating: 2.5, count: count), count: 9)
          vectors[place][position] = bad
          var sum = [Int64](repeating: 7, count: count)
          let added = kernels.addOnGrid(
            vectors, scaledBy: [Double](repeating: -1, count: 9), greatestSquaredNorm: (1 << 62) - 1, into: &sum)
          #expect(added == (0..<9).map { $0 != place })
          #expect(sum == [Int64](repeating: 7 - 8 * 2, count: count))
        }
      }
    }
    // As many squares of 2⁶² as 64 bits cannot hold: the sum of squares must not come round to something small.
    for length in [4, 16, 32, 64, 128, 256] {
      var sum = [Int64](repeating: 0, count: length)
      let x = [Float](repeating: -0x1p31, count: length)
      #expect(kernels.addOnGrid([x], scaledBy: [1], greatestSquaredNorm: (1 << 62) - 1, into: &sum) == [false])
      #expect(kernels.addOnGrid([x], scaledBy: [0.5], greatestSquaredNorm: (1 << 62) - 1, into: &sum) == [false])
      #expect(sum.allSatisfy { $0 == 0 })
    }
  }

  @Test("subnormal values and factors, zeros and factors that are not numbers", arguments: KernelLevel.available)
  func extremes(level: KernelLevel) {
    let kernels = VectorKernels(level: level)
    func integers(_ x: [Float], _ factor: Double) -> [Int64]? {
      var sum = [Int64](repeating: 0, count: x.count)
      return kernels.addOnGrid([x], scaledBy: [factor], greatestSquaredNorm: 1 << 61, into: &sum) == [true] ? sum : nil
    }
    let least = Float.leastNonzeroMagnitude
    #expect(integers([least, -least, 3 * least, 0, -0.0], 0x1p149 * 1.5) == [1, -1, 4, 0, 0])
    #expect(integers([1, -2, 3e38], .leastNonzeroMagnitude) == [0, 0, 0])
    #expect(integers([0x1p30, -0x1p30], 1) == [1 << 30, -1 << 30])
    #expect(integers([0x1p30, -0x1p30, 1], 1) == nil)
    #expect(integers([1], .infinity) == nil && integers([1], .nan) == nil && integers([0], .infinity) == nil)
    #expect(integers([], .nan) == [])
  }

  @Test("integers of 64 bits are added with the baseline's result and overflow flag", arguments: KernelLevel.available)
  func integerSums(level: KernelLevel) {
    let (kernels, baseline) = (VectorKernels(level: level), VectorKernels(level: .baseline))
    var generator = TestGenerator(state: 12)
    for count in KernelLevelTests.counts {
      let start = (0..<count).map { _ in Int64.random(in: .min ... .max, using: &generator) }
      let more = (0..<count).map { _ in Int64.random(in: -5...5, using: &generator) }
      var (a, b) = (start, start)
      #expect(kernels.add(more, into: &a) == baseline.add(more, into: &b) && a == b)
    }
  }

  @Test("products are truncated toward zero, the squared norm is exact, and a vector above it leaves no trace")
  func truncation() {
    var sum: [Int64] = [10, 10, 10, 10]
    func add(_ x: [Float], _ factor: Double, _ greatest: UInt64) -> Bool {
      VectorMath.accumulateOnGrid([x], scaledBy: [factor], greatestSquaredNorm: greatest, into: &sum) == [true]
    }
    #expect(add([0.99, -0.99, 2.5, -2.5], 1, 8))
    #expect(sum == [10, 10, 12, 8])
    #expect(!add([0.99, -0.99, 2.5, -2.5], 1, 7))
    #expect(sum == [10, 10, 12, 8])
    // 2³⁰ in one component has the squared norm 2⁶⁰, and one more is too much.
    #expect(add([1, 0, 0, 0], 0x1p30, 1 << 60))
    #expect(!add([1, 0, 1e-9, 0], 0x1p30, 1 << 60))
    #expect(!add([.nan, 0, 0, 0], 1, 1 << 61))
    #expect(!add([.infinity, -.infinity, 3e38, 0], 1e30, 1 << 61))
    #expect(sum == [10 + 1 << 30, 10, 12, 8])
  }

  @Test("a vector of norm 1 is always added, with integers of norm 2^bits at most, alone or among others")
  func unitVectors() {
    var generator = TestGenerator(state: 13)
    // Few values are the hard case: many lose more by truncation than any rounding of the norm gains.
    for count in [1, 2, 3, 5, 16, 100, 5000] {
      let vectors = (0..<11).map { _ in generator.floats(count).map { $0 == 0 ? 1 : $0 } }
      let factors = vectors.map { 1 / VectorMath.norm($0) }
      var sum = [Int64](repeating: 0, count: count)
      #expect(VectorMath.accumulateUnitVectors(vectors, scaledBy: factors, bits: 30, into: &sum) == vectors.map { _ in true })
      var singly = [Int64](repeating: 0, count: count)
      for (x, factor) in zip(vectors, factors) {
        var own = [Int64](repeating: 0, count: count)
        #expect(VectorMath.accumulateUnitVector(x, scaledBy: factor, bits: 30, into: &own))
        #expect(own.reduce(0) { $0 + UInt64($1 * $1) } <= 1 << 60)
        #expect(VectorMath.add(own, into: &singly))
      }
      #expect(sum == singly)
    }
  }

  @Test("overflow of 64 bits is reported at both ends")
  func overflow() {
    var sum: [Int64] = [.max, 0]
    #expect(!VectorMath.add([1, 0], into: &sum))
    sum = [.min, 0]
    #expect(!VectorMath.add([-1, 0], into: &sum))
    sum = [.max, .min]
    #expect(VectorMath.add([-5, 5], into: &sum) && sum == [.max - 5, .min + 5])
  }
}
