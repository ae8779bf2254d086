import ParameterVectors
import Testing

@Suite("Sums on an integer grid")
struct GridTests {
  @Test("every level gives the integers, squares and overflow flags of the baseline", arguments: KernelLevel.available)
  func levels(level: KernelLevel) {
    let (kernels, baseline) = (VectorKernels(level: level), VectorKernels(level: .baseline))
    var generator = TestGenerator(state: 11)
    for count in KernelLevelTests.counts {
      let x = generator.floats(count) + [.nan, .infinity, -.infinity, 3e38]
      let start = x.indices.map { _ in Int64.random(in: .min ... .max, using: &generator) }
      var (a, b) = (start, start)
      for subtracting in [false, true] {
        let first = kernels.accumulateOnGrid(x, scaledBy: 12_345.678, subtracting: subtracting, into: &a)
        let second = baseline.accumulateOnGrid(x, scaledBy: 12_345.678, subtracting: subtracting, into: &b)
        #expect(a == b && first.high == second.high && first.low == second.low)
      }
      #expect(a == start)
      let more = x.indices.map { _ in Int64.random(in: -5...5, using: &generator) }
      let flags = (kernels.add(more, into: &a), baseline.add(more, into: &b))
      #expect(a == b && flags.0 == flags.1)
    }
  }

  @Test("products are truncated toward zero, the squared norm is exact, and a vector above it leaves no trace")
  func truncation() {
    var sum: [Int64] = [10, 10, 10, 10]
    #expect(VectorMath.accumulateOnGrid([0.99, -0.99, 2.5, -2.5], scaledBy: 1, greatestSquaredNorm: 8, into: &sum))
    #expect(sum == [10, 10, 12, 8])
    #expect(!VectorMath.accumulateOnGrid([0.99, -0.99, 2.5, -2.5], scaledBy: 1, greatestSquaredNorm: 7, into: &sum))
    #expect(sum == [10, 10, 12, 8])
    // 2³⁰ in one component has the squared norm 2⁶⁰, and one more is too much.
    #expect(VectorMath.accumulateOnGrid([1, 0, 0, 0], scaledBy: 0x1p30, greatestSquaredNorm: 1 << 60, into: &sum))
    #expect(!VectorMath.accumulateOnGrid([1, 0, 1e-9, 0], scaledBy: 0x1p30, greatestSquaredNorm: 1 << 60, into: &sum))
    #expect(!VectorMath.accumulateOnGrid([.nan, 0, 0, 0], scaledBy: 1, greatestSquaredNorm: 1 << 61, into: &sum))
    #expect(!VectorMath.accumulateOnGrid([.infinity, -.infinity, 3e38, 0], scaledBy: 1e30, greatestSquaredNorm: 1 << 61, into: &sum))
    #expect(sum == [10 + 1 << 30, 10, 12, 8])
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
