import ParameterVectors
import Testing

@Suite("Vector arithmetic")
struct VectorMathTests {
  @Test("Each function computes what its name says, on numbers small enough to be exact")
  func definitions() {
    let x: [Float] = [3, -4, 0, 12]
    #expect(VectorMath.sumOfSquares(x) == 169)
    #expect(VectorMath.norm(x) == 13)
    #expect(VectorMath.norm([3.0, 4.0] as [Double]) == 5)
    #expect(VectorMath.maximumMagnitude(x) == 12)
    #expect(VectorMath.l1Norm(x) == 19)
    #expect(VectorMath.difference(x, [1, 1, 1, 1]) == [2, -5, -1, 11])
    var sums = [1.0, 2, 3, 4]
    VectorMath.accumulate(x, scaledBy: 0.5, into: &sums)
    #expect(sums == [2.5, 0, 3, 10])
    VectorMath.add([1.0, 1, 1, 1], into: &sums)
    #expect(sums == [3.5, 1, 4, 11])
    var y: [Float] = [1, 1, 1, 1]
    VectorMath.add(x, scaledBy: 2, into: &y)
    #expect(y == [7, -7, 1, 25])
    VectorMath.scale(&y, by: -1)
    #expect(y == [-7, 7, -1, -25])
  }

  @Test("Empty vectors have norm 0")
  func emptyVectors() {
    #expect(VectorMath.norm([Float]()) == 0)
    #expect(VectorMath.maximumMagnitude([]) == 0)
    #expect(VectorMath.l1Norm([]) == 0)
    #expect(VectorMath.difference([], []) == [])
  }

  @Test("The norm of 1.2 million floats is right to 12 digits, where a sum in Float is not")
  func normIsSummedInDouble() {
    let x = [Float](repeating: 0.1, count: 1_200_000)
    let exact = (1_200_000 * Double(Float(0.1)) * Double(Float(0.1))).squareRoot()
    #expect(abs(VectorMath.norm(x) / exact - 1) < 1e-12)
    let narrow = x.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
    #expect(abs(Double(narrow) / exact - 1) > 1e-6)
  }

  @Test("Squares of the smallest and largest floats neither vanish nor overflow")
  func extremeFloats() {
    #expect(VectorMath.norm([Float.leastNonzeroMagnitude]) == Double(Float.leastNonzeroMagnitude))
    #expect(VectorMath.norm([Float.greatestFiniteMagnitude]) == Double(Float.greatestFiniteMagnitude))
  }

  @Test("The upper bound of the norm holds against a compensated sum and is tight")
  func normUpperBound() {
    var generator = TestGenerator(state: 3)
    for count in [0, 1, 31, 32, 1000, 100_000] {
      let x = generator.floats(count)
      // Kahan and Babuška's compensated sum of the exact squares.
      var sum = 0.0
      var lost = 0.0
      for value in x {
        let square = Double(value) * Double(value)
        let next = sum + square
        lost += sum >= square ? (sum - next) + square : (square - next) + sum
        sum = next
      }
      let reference = (sum + lost).squareRoot()
      let bound = VectorMath.normUpperBound(x)
      #expect(bound >= reference.nextDown)
      #expect(bound <= reference * (1 + Double(count / 16 + 64) * 0x1p-53) + .leastNonzeroMagnitude)
    }
  }
}
