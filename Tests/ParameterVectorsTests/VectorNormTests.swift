import ParameterVectors
import Testing

@Suite("Norms of three orders")
struct VectorNormTests {
  @Test("(1, −2, 2, −4) has the norms 9, 5 and 4, times the magnitude of a scale; no values have norm 0")
  func definitions() {
    for (order, norm) in [(VectorNorm.l1, 9.0), (.l2, 5), (.maximum, 4)] {
      #expect(order.of([1, -2, 2, -4]) == norm)
      #expect(order.of(ScaledVector(values: [1, -2, 2, -4], scale: -0.5)) == norm / 2)
      #expect(order.of([]) == 0)
    }
  }

  @Test("A NaN anywhere makes every norm NaN, an infinity alone makes it infinite, and huge floats do not overflow")
  func notFinite() {
    for count in [1, 5, 31, 32, 33, 100] {
      for position in Set([0, count / 2, count - 1]) {
        for order in VectorNorm.allCases {
          var x = [Float](repeating: 3e38, count: count)
          #expect(order.of(x).isFinite)
          x[position] = .infinity
          #expect(order.of(x) == .infinity)
          x[(position + 1) % count] = .nan
          #expect(order.of(x).isNaN)
        }
      }
    }
  }

  @Test("The upper bound of the L1 norm is not below the exact sum and is tight")
  func upperBound() {
    var generator = TestGenerator(state: 9)
    for count in [0, 1, 31, 32, 1000, 100_000] {
      let x = generator.floats(count)
      // A compensated sum of exact magnitudes.
      var sum = 0.0
      var lost = 0.0
      for value in x {
        let magnitude = Double(value.magnitude)
        let next = sum + magnitude
        lost += sum >= magnitude ? (sum - next) + magnitude : (magnitude - next) + sum
        sum = next
      }
      let exact = sum + lost
      #expect(VectorMath.l1NormUpperBound(x) >= exact)
      #expect(VectorMath.l1NormUpperBound(x) <= exact * (1 + Double(count / 32 + 20) * 0x1p-52) + 1e-300)
    }
  }

  /// Sum of the magnitudes, each product rounded as in a partial sum, by a compensated sum rounded up.
  private func certifiedSum(_ vector: ScaledVector) -> Double {
    var sum = 0.0
    var lost = 0.0
    for value in vector.values {
      let magnitude = (vector.scale * Double(value)).magnitude
      let next = sum + magnitude
      lost += sum >= magnitude ? (sum - next) + magnitude : (magnitude - next) + sum
      sum = next
    }
    return (sum + lost).nextUp
  }

  @Test("A vector clipped in L1 never exceeds its bound, roundings of the products included, and loses next to nothing")
  func clippingIsCertified() {
    var generator = TestGenerator(state: 21)
    for count in [1, 2, 33, 1_000, 50_000] {
      for bound in [1e-9, 0.1, 1, 1 / 3.0, 1e6] {
        var vector = ScaledVector(values: generator.floats(count).map { $0 * 1e12 }, scale: 1.7)
        let before = VectorNorm.l1.of(vector)
        #expect(vector.clip(toL1Norm: bound) == before)
        #expect(certifiedSum(vector) <= bound || before <= bound)
        #expect(certifiedSum(vector) >= min(bound, before) * (1 - Double(count / 32 + 30) * 0x1p-50))
      }
    }
  }

  @Test("Shorter vectors pass unchanged, the sign of a scale stays, zero and non-finite vectors are safe")
  func clippingEdges() {
    var short = ScaledVector(values: [1, -2], scale: 0.25)
    #expect(short.clip(toL1Norm: 1) == 0.75 && short.scale == 0.25)
    var negative = ScaledVector(values: [3, -4], scale: -2)
    #expect(negative.clip(toL1Norm: 7) == 14 && negative.scale < 0 && negative.scale >= -1 && negative.scale < -0.999999)
    var zero = ScaledVector(values: [0, 0])
    #expect(zero.clip(toL1Norm: 0) == 0 && zero.scale * 0 == 0)
    var blocked = ScaledVector(values: [1, 1])
    #expect(blocked.clip(toL1Norm: 0) == 2 && blocked.scale == 0)
    for bad in [Float.nan, .infinity] {
      var vector = ScaledVector(values: [bad, 1])
      #expect(!vector.clip(toL1Norm: 1).isFinite && vector.scale == 0)
    }
    var empty = ScaledVector(values: [])
    #expect(empty.clip(toL1Norm: 1) == 0)
    var free = ScaledVector(values: [3e38, -3e38])
    free.clip(toL1Norm: .infinity)
    #expect(free.scale == 1)
  }
}
