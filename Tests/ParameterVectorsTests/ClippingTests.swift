import ParameterVectors
import Testing

/// The sign of `a · b − c` for finite non-negative numbers, by integer arithmetic on the significands.
private func productExceeds(_ a: Double, _ b: Double, _ c: Double) -> Bool {
  if a == 0 || b == 0 { return false }
  if c == 0 { return true }
  func parts(_ x: Double) -> (UInt64, Int) {
    x.isNormal
      ? (x.significandBitPattern | 1 << 52, Int(x.exponentBitPattern) - 1075) : (x.significandBitPattern, -1074)
  }
  let (ma, ea) = parts(a)
  let (mb, eb) = parts(b)
  let (mc, ec) = parts(c)
  // Compare ma·mb·2^(ea+eb) with mc·2^ec as 128-bit integers, after shifting both to a leading one at bit 127.
  func normalised(_ m: UInt128, _ e: Int) -> (UInt128, Int) { (m << m.leadingZeroBitCount, e - m.leadingZeroBitCount) }
  let (left, leftExponent) = normalised(UInt128(ma) * UInt128(mb), ea + eb)
  let (right, rightExponent) = normalised(UInt128(mc), ec)
  return leftExponent != rightExponent ? leftExponent > rightExponent : left > right
}

@Suite("Clipping")
struct ClippingTests {
  @Test("A norm within its bound is left alone")
  func shortVectors() {
    #expect(VectorMath.clippingScale(norm: 0, bound: 0) == 1)
    #expect(VectorMath.clippingScale(norm: 1, bound: 1) == 1)
    #expect(VectorMath.clippingScale(norm: 1e38, bound: .infinity) == 1)
    #expect(VectorMath.clippingScale(norm: .leastNonzeroMagnitude, bound: .leastNonzeroMagnitude) == 1)
  }

  @Test("Norms without a clipped form give 0")
  func nonFiniteNorms() {
    #expect(VectorMath.clippingScale(norm: .infinity, bound: 1) == 0)
    #expect(VectorMath.clippingScale(norm: .nan, bound: 1) == 0)
    #expect(VectorMath.clippingScale(norm: .nan, bound: .infinity) == 0)
    #expect(VectorMath.clippingScale(norm: 5, bound: 0) == 0)
  }

  /// The claim of the function, checked exactly: the product does not exceed the bound, with the next factor it does.
  private func check(norm: Double, bound: Double) {
    let factor = VectorMath.clippingScale(norm: norm, bound: bound)
    if norm <= bound {
      #expect(factor == 1)
    } else {
      #expect(factor >= 0 && factor < 1, "norm \(norm), bound \(bound)")
      #expect(!productExceeds(factor, norm, bound), "norm \(norm), bound \(bound)")
      #expect(factor * norm <= bound, "norm \(norm), bound \(bound)")
      #expect(productExceeds(factor.nextUp, norm, bound), "norm \(norm), bound \(bound)")
    }
  }

  @Test("The factor is the largest whose exact product stays within the bound")
  func factorIsRoundedDown() {
    var generator = TestGenerator(state: 4)
    for _ in 0..<100_000 {
      let bound = Double.random(in: 0.01...10, using: &generator)
      check(norm: bound * Double.random(in: 0.9...4, using: &generator), bound: bound)
    }
  }

  @Test("The same for numbers of any size, subnormal ones included")
  func extremeNumbers() {
    var generator = TestGenerator(state: 5)
    for _ in 0..<100_000 {
      let norm = Double(bitPattern: UInt64.random(in: 0..<(0x7FF << 52), using: &generator))
      let bound = Double(bitPattern: UInt64.random(in: 0..<(0x7FF << 52), using: &generator))
      check(norm: norm, bound: bound)
    }
    let special = [
      0, Double.leastNonzeroMagnitude, 3 * .leastNonzeroMagnitude, Double.leastNormalMagnitude.nextDown,
      .leastNormalMagnitude, 1e-300, 1e-38, 1.0.nextDown, 1, 1.0.nextUp, 3, 1e38, 1e300, .greatestFiniteMagnitude,
    ]
    for norm in special { for bound in special { check(norm: norm, bound: bound) } }
  }

  @Test("A clipped vector is within the bound up to roundings of Double, and its values are untouched")
  func clippedVector() {
    var generator = TestGenerator(state: 6)
    for count in [1, 10, 1000, 50_000] {
      for scale in [1.0, -1, 0.3, 7] {
        let vector = ScaledVector(values: generator.floats(count), scale: scale)
        let bound = vector.norm * 0.37
        let clipped = vector.clipped(toNorm: bound)
        #expect(clipped.values == vector.values)
        #expect(clipped.norm <= bound)
        #expect((clipped.scale < 0) == (scale < 0))
        var sum = [Double](repeating: 0, count: count)
        clipped.accumulate(into: &sum)
        #expect(VectorMath.norm(sum) <= bound * (1 + Double(count) * 0x1p-52))
        #expect(VectorMath.norm(sum) >= bound * (1 - Double(count + 4) * 0x1p-52))
      }
    }
  }

  @Test("A vector that is short enough keeps its scale, one that is not finite gets scale 0")
  func specialVectors() {
    var short = ScaledVector(values: [3, 4], scale: 2)
    #expect(short.clip(toNorm: 10) == 10)
    #expect(short.scale == 2)
    #expect(short.squaredNorm == 100)
    var zero = ScaledVector(values: [0, 0])
    #expect(zero.clip(toNorm: 0) == 0)
    #expect(zero.scale == 1)
    var broken = ScaledVector(values: [1, .nan])
    #expect(!broken.isFinite)
    #expect(broken.clip(toNorm: 1).isNaN)
    #expect(broken.scale == 0)
  }
}
