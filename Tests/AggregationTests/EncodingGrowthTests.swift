import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

@Suite("Norm growth of encoders")
struct EncodingGrowthTests {
  /// Greatest growth of the norm seen over 200 draws.
  private func growth(_ encoder: any UpdateEncoder, _ values: [Float], shared: UInt64 = 5) throws -> Double {
    let norm = VectorMath.norm(values)
    return try (0..<200).reduce(0) {
      max($0, VectorMath.norm(try encoder.throughBytes(values, seed: UInt64($1), shared: shared)) / norm)
    }
  }

  @Test("no encoder exceeds the growth it states, on spread, sparse, nearly constant and tiny vectors")
  func withinBound() throws {
    var vectors = [EncodingCases.gaussian(100), EncodingCases.gaussian(100).map { $0 * 1e-20 }, EncodingCases.gaussian(3)]
    for small in [Float(0), 1e-7, 0.01, 0.06] {
      vectors.append([1, -1] + [Float](repeating: small, count: 98))
      vectors.append([1] + [Float](repeating: small, count: 99))
      vectors.append([Float](repeating: small, count: 99) + [-1])
    }
    vectors.append((0..<100).map { 1 + Float($0) * 1e-7 })
    for encoder in try EncodingCases.all() {
      for values in vectors {
        guard let bound = encoder.worstCaseNormGrowth(count: values.count) else { continue }
        #expect(try growth(encoder, values) <= bound, "\(encoder.name)")
      }
    }
  }

  @Test("adversarial vectors come near the stated growth, so it cannot be lowered by much")
  func nearBound() throws {
    // Two ends, and 98 elements that one bit moves to an end: √(100/2) of at most 1 + √196.
    let ends: [Float] = [1, -1] + [Float](repeating: 0, count: 98)
    let oneBit = try QuantizeAboveThreshold(bits: 1, threshold: 0)
    #expect(try growth(oneBit, ends) > 7.07 && oneBit.worstCaseNormGrowth(count: 100) ?? 0 < 15.001)
    // Half a step to nearest becomes a step.
    let nearest = try StochasticDiscretization(stepSize: 0.5, rounding: .nearest)
    #expect(try growth(nearest, [0.25, -0.25]) == 2)
    // A vector that the rotation turns into one coordinate becomes √n signs of full size.
    var concentrated = [Float](repeating: 0, count: 256)
    concentrated[10] = 1
    try HadamardRotation.once.inverse(&concentrated, count: 256, seed: 5)
    #expect(try growth(Drive(), concentrated) > 15.99)
    #expect(try growth(Drive(scale: .leastSquares), EncodingCases.gaussian(256)) > 0.7)
    // Elements of equal size stay, so the growth of TernGrad needs one large and many small ones; 10⁴ elements of 1 % of the largest:
    // norm √2, about 100 survive at full size. The clipped form stays below 2.5.
    let skewed: [Float] = [1] + [Float](repeating: 0.01, count: 9_999)
    let ternary = try TernGrad(clippingDeviations: nil)
    #expect(try growth(ternary, skewed) > 6.5 && ternary.worstCaseNormGrowth(count: 10_000) ?? 0 < 100.001)
    #expect(try TernGrad().worstCaseNormGrowth(count: 10_000) ?? 0 < 2.5001)
  }

  @Test("where any growth is possible none is stated: a tiny element becomes a step")
  func unbounded() throws {
    #expect(try StochasticDiscretization(stepSize: 1).worstCaseNormGrowth(count: 4) == nil)
    let fixed = try QuantizeAboveThreshold(bits: 2, threshold: 0, fixedRange: -1...1)
    #expect(fixed.worstCaseNormGrowth(count: 4) == nil)
    #expect(try growth(fixed, [1e-6, 1e-6]) > 1e5)
    #expect(RotatedEncoder(fixed).worstCaseNormGrowth(count: 4) == nil)
    // Small tensors travel as they are.
    #expect(try QuantizeAboveThreshold().worstCaseNormGrowth(count: 20_000) == 1)
    #expect(try QuantizeAboveThreshold(tensors: TensorPartition(counts: [20_000, 20_000])).worstCaseNormGrowth(count: 40_000) == 1)
  }
}
