import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

/// Statistical tests of means. Where every decoded element lies within a width w (or is a sum of such with squared widths w²), its mean
/// over R draws is off by more than w √(ln(2/p)/2R) with probability at most p (Hoeffding 1963).
@Suite("Bias of encoders")
struct EncodingBiasTests {
  private static let draws = 20_000
  /// 2e-9 per element, so 1e-6 for 500 elements: √(ln(1e9)/2R).
  private static let band = (log(1e9) / (2 * Double(draws))).squareRoot()

  /// Mean over the draws of what is decoded.
  private func mean(_ encoder: any UpdateEncoder, _ values: [Float], shared: (Int) -> UInt64 = { _ in 3 }) throws -> [Double] {
    let source = RandomSource.simulation(seed: 8, purpose: .rounding)
    var sum = [Double](repeating: 0, count: values.count)
    for draw in 0..<Self.draws {
      let encoded = try encoder.encode(values, randomness: source, shared: shared(draw))
      VectorMath.accumulate(try encoder.decode(encoded, count: values.count, shared: shared(draw)), scaledBy: 1, into: &sum)
    }
    return sum.map { $0 / Double(Self.draws) }
  }

  private func range(_ values: [Float]) -> Double { Double((values.max() ?? 0) - (values.min() ?? 0)) }

  private func bias(_ mean: [Double], _ values: [Float]) -> [Double] { zip(mean, values).map { $0 - Double($1) } }

  private let values = EncodingCases.gaussian(40, seed: 11)

  @Test("encoders that claim to be unbiased are, within 0.023 steps (false alarm below 1e-6 for all 480 elements together)")
  func unbiased() throws {
    var rotated = values
    try HadamardRotation.once.forward(&rotated, seed: 3)
    var phased = values
    try FourierRotation().forward(&phased, seed: 3)
    let largest = Double(VectorMath.maximumMagnitude(values))
    // Rotating back an orthonormal row of errors, each within a step, gives squared widths that add up to a step squared.
    let cases: [(any UpdateEncoder, width: Double)] = [
      (try QuantizeAboveThreshold(bits: 1, threshold: 0), range(values)),
      (try QuantizeAboveThreshold(bits: 4, threshold: 0), range(values) / 15),
      (try QuantizeAboveThreshold(bits: 8, threshold: 0), range(values) / 255),
      (try QuantizeAboveThreshold(bits: 16, threshold: 0), range(values) / 65_535),
      (try StochasticDiscretization(stepSize: 0.7), 0.7), (UniformQuantization.binary(), range(values)),
      (try UniformQuantization(levels: 6), range(values) / 5), (try UniformQuantization(levels: 6, coding: .arithmetic), range(values) / 5),
      (RotatedEncoder(try UniformQuantization(levels: 4)), range(rotated) / 3),
      (RotatedEncoder(try UniformQuantization(levels: 4), rotation: FourierRotation()), range(phased) / 3),
      (try TernGrad(clippingDeviations: nil), largest), (try QuantizeAboveThreshold(), 0),
    ]
    for (encoder, width) in cases {
      #expect(encoder.isUnbiased)
      let worst = bias(try mean(encoder, values), values).map(abs).max() ?? 0
      // Floats of magnitude up to 4 are rounded by up to 2⁻²³.
      #expect(worst <= width * Self.band + 0x1p-21, "\(encoder.name): \(worst / width) steps")
    }
  }

  @Test("rounding to nearest is biased by up to half a step, a fixed range by what it clips")
  func nearest() throws {
    let cases: [(any UpdateEncoder, step: Double)] = [
      (try QuantizeAboveThreshold(bits: 3, threshold: 0, rounding: .nearest), range(values) / 7),
      (try StochasticDiscretization(stepSize: 0.7, rounding: .nearest), 0.7),
    ]
    for (encoder, step) in cases {
      #expect(!encoder.isUnbiased)
      let worst = bias(try mean(encoder, values), values).map(abs).max() ?? 0
      #expect(worst > 0.4 * step && worst <= 0.5 * step + 1e-6, "\(worst / step)")
    }
    let fixed = try QuantizeAboveThreshold(bits: 4, threshold: 0, fixedRange: -1...1)
    #expect(!fixed.isUnbiased)
    for (found, value) in zip(try mean(fixed, values), values) {
      #expect(abs(found - Double(min(max(value, -1), 1))) <= 2.0 / 15 * Self.band + 1e-6)
    }
  }

  @Test("clipped TernGrad's mean is the clipped update: Gaussian elements lose 1.2 % along the update, one outlier of 100 three quarters")
  func ternary() throws {
    let encoder = try TernGrad()
    #expect(!encoder.isUnbiased)
    let values = EncodingCases.gaussian(500, seed: 2)
    let average = values.reduce(0.0) { $0 + Double($1) } / 500
    let deviation = (values.reduce(0.0) { $0 + (Double($1) - average) * (Double($1) - average) } / 500).squareRoot()
    let clipped = values.map { min(max(Double($0), -2.5 * deviation), 2.5 * deviation) }
    for (found, wanted) in zip(try mean(encoder, values), clipped) { #expect(abs(found - wanted) <= 2.5 * deviation * Self.band + 1e-6) }
    // E[x clip(x)] = P(|x| < 2.5) = 0.98758 for standard Gaussian x (Stein); 10⁶ numbers.
    let many = EncodingCases.gaussian(1_000_000, seed: 3)
    let kept = many.reduce(0.0) { $0 + Double($1) * min(max(Double($1), -2.5), 2.5) } / VectorMath.sumOfSquares(many)
    #expect(abs(kept - 0.98758) < 0.001)
    var outlier = [Float](repeating: 0, count: 100)
    outlier[3] = 1
    #expect(abs(try mean(encoder, outlier)[3] - 2.5 * (0.01 - 0.0001).squareRoot()) < 1e-6)
  }

  @Test("DRIVE's unbiased scale keeps the projection on the update in every draw; the other is short by 1 − 2/π")
  func driveProjection() throws {
    let values = EncodingCases.gaussian(1000, seed: 4)
    let squared = VectorMath.sumOfSquares(values)
    var shrunk = 0.0
    for seed in 0..<200 {
      let exact = try Drive().throughBytes(values, shared: UInt64(seed))
      #expect(abs(zip(exact, values).reduce(0) { $0 + Double($1.0) * Double($1.1) } / squared - 1) < 1e-5)
      let short = try Drive(scale: .leastSquares).throughBytes(values, shared: UInt64(seed))
      shrunk += zip(short, values).reduce(0) { $0 + Double($1.0) * Double($1.1) } / squared / 200
    }
    #expect(abs(shrunk - 2 / .pi) < 0.01, "\(shrunk)")
  }

  /// Each draw is off by about √(π/2 − 1) = 0.76 of the norm, the mean of 20,000 unbiased ones by 0.0053 ± 0.001 at n = 4.
  @Test(
    "DRIVE behind a Hadamard rotation is biased: one third of (3, 1, 0, 0), 16 % of (1, 2, 3, 4), nothing to see of 1024 Gaussian elements")
  func driveBias() throws {
    #expect(!Drive().isUnbiased && !Drive(scale: .leastSquares).isUnbiased)
    func error(_ mean: [Double], _ values: [Float]) -> Double {
      bias(mean, values).reduce(0) { $0 + $1 * $1 }.squareRoot() / VectorMath.norm(values)
    }
    // Whatever the signs, the rotated coordinates are ±2, ±2, ±1, ±1 with the sign of the larger element: S = 10/6 and always (10/3, 0,
    // 0, 0).
    let sparse: [Float] = [3, 1, 0, 0]
    let always = try mean(Drive(), sparse, shared: { UInt64($0) })
    #expect(zip(always, [10.0 / 3, 0, 0, 0]).allSatisfy { abs($0 - $1) < 1e-5 } && abs(error(always, sparse) - 1.0 / 3) < 1e-5)
    // Measured 0.161 ± 0.005.
    let short: [Float] = [1, 2, 3, 4]
    #expect(abs(error(try mean(Drive(), short, shared: { UInt64($0) }), short) - 0.161) < 0.04)
    // Expected 0.0053 of sampling alone, with a relative spread of √(2/1024).
    let long = EncodingCases.gaussian(1024, seed: 6)
    #expect(error(try mean(Drive(), long, shared: { UInt64($0) }), long) < 0.0075)
  }
}
