import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

/// Encoders and vectors that several suites go through.
enum EncodingCases {
  static func all(tensors: TensorPartition = .whole) throws -> [any UpdateEncoder] {
    [
      try QuantizeAboveThreshold(bits: 8, threshold: 4, tensors: tensors),
      try QuantizeAboveThreshold(bits: 3, threshold: 0, rounding: .nearest, tensors: tensors),
      try QuantizeAboveThreshold(bits: 16, threshold: 10, tensors: tensors),
      try QuantizeAboveThreshold(bits: 5, threshold: 4, fixedRange: -1...1.5, tensors: tensors),
      try QuantizeAboveThreshold(tensors: tensors),
      try StochasticDiscretization(stepSize: 0.125), try StochasticDiscretization(stepSize: 0.3, rounding: .nearest),
      UniformQuantization.binary(tensors: tensors), try UniformQuantization(levels: 7, tensors: tensors),
      try UniformQuantization(levels: 300, coding: .arithmetic, tensors: tensors),
      RotatedEncoder(try UniformQuantization(levels: 16)),
      RotatedEncoder(try UniformQuantization(levels: 5, coding: .arithmetic), rotation: FourierRotation()),
      Drive(), Drive(scale: .leastSquares), try TernGrad(tensors: tensors), try TernGrad(clippingDeviations: nil, tensors: tensors),
    ]
  }

  static func gaussian(_ count: Int, seed: UInt64 = 5) -> [Float] {
    let source = RandomSource.simulation(seed: seed, purpose: .testing)
    return (0..<count).map { _ in Float(source.gaussian()) }
  }
}

extension UpdateEncoder {
  /// What the server gets.
  func throughBytes(_ values: [Float], seed: UInt64 = 1, shared: UInt64 = 9) throws -> [Float] {
    try decode(
      encode(values, randomness: .simulation(seed: seed, purpose: .rounding), shared: shared), count: values.count, shared: shared)
  }
}

@Suite("Encoded updates")
struct EncodingTests {
  @Test("bytes decode to as many finite numbers, the same ones each time, for all lengths; zero stays zero")
  func roundTrip() throws {
    for encoder in try EncodingCases.all() {
      for count in [0, 1, 2, 3, 5, 7, 8, 9, 16, 31, 100, 5000] {
        let values = EncodingCases.gaussian(count)
        let decoded = try encoder.throughBytes(values)
        #expect(decoded.count == count && decoded.allSatisfy(\.isFinite), "\(encoder.name) of \(count)")
        #expect(try encoder.throughBytes(values) == decoded)
        let zeros = try encoder.throughBytes([Float](repeating: 0, count: count))
        if !(encoder is QuantizeAboveThreshold) || encoder.worstCaseNormGrowth(count: count) != nil {
          #expect(zeros.allSatisfy { $0 == 0 }, "\(encoder.name) of \(count) zeros")
        }
      }
    }
  }

  @Test("every tensor has its own range; a partition of another length is refused")
  func partitions() throws {
    let layout = ParameterLayout([.init(name: "a", shape: [3, 4]), .init(name: "b", shape: [20]), .init(name: "c", shape: [1])])
    let tensors = TensorPartition(layout)
    #expect(tensors == (try TensorPartition(counts: [12, 20, 1])))
    let values = EncodingCases.gaussian(12) + EncodingCases.gaussian(20).map { 1000 + $0 } + [-7]
    for encoder in try EncodingCases.all(tensors: tensors) {
      let decoded = try encoder.throughBytes(values)
      #expect(decoded.count == 33)
      if encoder is UniformQuantization {
        for range in [0..<12, 12..<32, 32..<33] {
          #expect(decoded[range].min() == values[range].min() && decoded[range].max() == values[range].max())
        }
        #expect(throws: AggregationError.self) { try encoder.throughBytes([1, 2]) }
        #expect(throws: AggregationError.self) { try encoder.throughBytes(values + [1]) }
      }
    }
    #expect(throws: AggregationError.self) { try TensorPartition(counts: [-1]) }
    #expect(throws: AggregationError.self) { try TensorPartition(counts: [Int.max, 2]) }
    let empty = try UniformQuantization(levels: 3, coding: .arithmetic, tensors: TensorPartition(counts: [0, 2, 0]))
    #expect(try empty.throughBytes([1, 3]) == [1, 3])
  }

  /// Vectors of the reference (TensorFlow Federated 0.89).
  @Test("quantisation of the reference: values of one bit, tensors up to the threshold as they are")
  func quantization() throws {
    let tensors = try TensorPartition(counts: [3, 5])
    let values: [Float] = [0, 1, 2, 1, 2, 3, 4, 5]
    var seen: [Set<Float>] = [[], []]
    for seed in 0..<64 {
      let all = try QuantizeAboveThreshold(bits: 1, threshold: 0, tensors: tensors).throughBytes(values, seed: UInt64(seed))
      seen[0].formUnion(all[..<3])
      seen[1].formUnion(all[3...])
      let second = try QuantizeAboveThreshold(bits: 1, threshold: 4, tensors: tensors).throughBytes(values, seed: UInt64(seed))
      #expect(Array(second[..<3]) == [0, 1, 2] && second[3...].allSatisfy { $0 == 1 || $0 == 5 })
    }
    #expect(seen == [[0, 2], [1, 5]])
  }

  @Test("errors of quantisation stay below a step, half a step to nearest; constant tensors are exact")
  func quantizationError() throws {
    let values = EncodingCases.gaussian(30_000)
    let width = Double(try #require(values.max()) - (try #require(values.min())))
    for bits in 1...16 {
      for rounding in IntegerRounding.allCases {
        let encoder = try QuantizeAboveThreshold(bits: bits, rounding: rounding)
        let encoded = try encoder.encode(values, randomness: testNoise(), shared: 0)
        #expect(encoded.bytes.count == 2 + 8 + (30_000 * bits + 7) / 8)
        let decoded = try encoder.decode(encoded, count: values.count, shared: 0)
        let step = width / Double(1 << bits - 1)
        let largest = zip(values, decoded).reduce(0) { max($0, abs(Double($1.0) - Double($1.1))) }
        #expect(largest <= step * (rounding == .nearest ? 0.5 : 1) + 1e-6, "\(bits) bits")
      }
    }
    let constant = [Float](repeating: 3.25, count: 30_000)
    #expect(try QuantizeAboveThreshold().throughBytes(constant) == constant)
    // A range wider than `Float`, and one of the smallest numbers.
    let wide: [Float] = [-Float.greatestFiniteMagnitude, .greatestFiniteMagnitude, 0]
    #expect(try QuantizeAboveThreshold(bits: 16, threshold: 0).throughBytes(wide)[..<2] == wide[..<2])
    let tiny: [Float] = [0, .leastNonzeroMagnitude, 0, .leastNonzeroMagnitude]
    #expect(try QuantizeAboveThreshold(bits: 1, threshold: 0).throughBytes(tiny) == tiny)
  }

  @Test("a fixed range clips, and its codes need no ends")
  func fixedRange() throws {
    let encoder = try QuantizeAboveThreshold(bits: 2, threshold: 0, rounding: .nearest, fixedRange: -1...2)
    #expect(try encoder.throughBytes([-9, -1, -0.1, 0.4, 1.2, 7]) == [-1, -1, 0, 0, 1, 2])
    #expect(try encoder.encode([0, 0, 0, 0], randomness: testNoise(), shared: 0).bytes.count == 3)
    #expect(throws: AggregationError.self) { try QuantizeAboveThreshold(fixedRange: 1...1) }
    #expect(throws: AggregationError.self) { try QuantizeAboveThreshold(fixedRange: 0...(.infinity)) }
    #expect(throws: AggregationError.self) { try QuantizeAboveThreshold(bits: 0) }
    #expect(throws: AggregationError.self) { try QuantizeAboveThreshold(bits: 17) }
    #expect(throws: AggregationError.self) { try QuantizeAboveThreshold(threshold: -1) }
  }

  /// Vectors of the reference: step 0.125, values 1, 2, 3: sum of integers 48, sum 6, distortion 0.
  @Test("discretisation of the reference, and its errors")
  func discretization() throws {
    for rounding in IntegerRounding.allCases {
      let encoder = try StochasticDiscretization(stepSize: 0.125, rounding: rounding)
      #expect(try encoder.discretize([1, 2, 3], randomness: testNoise()) == [8, 16, 24])
      let measured = try encoder.encodeMeasuring([1, 2, 3], randomness: testNoise(), shared: 0)
      #expect(measured.distortion == 0)
      #expect(try encoder.decode(measured.encoded, count: 3, shared: 0) == [1, 2, 3])
      let values = EncodingCases.gaussian(1000)
      let decoded = try encoder.throughBytes(values)
      let errors = zip(values, decoded).map { abs($0 - $1) }
      #expect(errors.allSatisfy { $0 <= (rounding == .nearest ? 0.0625 : 0.125) + 1e-6 })
      let mean = errors.reduce(0) { $0 + Double($1) * Double($1) } / 1000
      #expect(
        abs(try encoder.encodeMeasuring(values, randomness: .simulation(seed: 1, purpose: .rounding), shared: 0).distortion - mean) < 1e-9)
    }
    #expect(throws: AggregationError.self) { try StochasticDiscretization(stepSize: 0) }
    #expect(throws: AggregationError.self) { try StochasticDiscretization(stepSize: .nan) }
    #expect(throws: AggregationError.self) { try StochasticDiscretization(stepSize: 1e-9).throughBytes([3]) }
  }

  @Test("Elias gamma: the codes of 1 to 5, 8 and 17, all magnitudes, and the length")
  func gamma() throws {
    // 1 010 011 00100 00101 for 0, −1, 1, −2, 2 (numbers 1 to 5); 0001000 for −4 (8); 000010001 for 8 (17).
    #expect(EliasGamma.encode([0, -1, 1, -2, 2]) == [0b1010_0110, 0b0100_0010, 0b1000_0000])
    #expect(EliasGamma.encode([-4]) == [0b0001_0000] && EliasGamma.encode([8]) == [0b0000_1000, 0b1000_0000])
    #expect(EliasGamma.encode([]).isEmpty)
    var values: [Int32] = [0, .max, .min, .max - 1, .min + 1]
    for power in 0..<31 { values += [1 << power, -(1 << power), 1 << power - 1] }
    for pad in 0..<9 {
      let all = [Int32](repeating: 0, count: pad) + values
      let code = EliasGamma.encode(all)
      #expect(try EliasGamma.decode(code, count: all.count) == all)
      #expect(code.count == (EliasGamma.bitCount(of: all) + 7) / 8)
    }
    #expect(EliasGamma.bitCount(of: [.min]) == 65 && EliasGamma.bitCount(of: [0, 1]) == 4)
  }

  /// Figures of FedJAX: 3 parameters at 3 levels, 68.75489 bits, arithmetically coded 78.08298; five different values 89.82311; the
  /// weighted mean of three clients.
  @Test("size estimates of the reference, and what arithmetic coding really takes")
  func sizes() throws {
    let encoder = try UniformQuantization(levels: 3)
    #expect(abs(try encoder.nominalBitCount(count: 3) - 68.75489) < 1e-5)
    #expect(abs(ArithmeticCode.estimatedBitCount(of: [0, 1, 2]) - 78.08298) < 1e-5)
    #expect(abs(ArithmeticCode.estimatedBitCount(of: [0, 1, 2, 3, 4]) - 89.82311) < 1e-5)
    #expect(ArithmeticCode.estimatedBitCount(of: []) == 66)
    var mean = [0.0, 0, 0]
    for (weight, values) in [(2.0, [Float(1), 2, 3]), (4, [2, 4, 6]), (2, [1, 3, 5])] {
      VectorMath.accumulate(try encoder.throughBytes(values), scaledBy: weight / 8, into: &mean)
    }
    #expect(mean == [1.5, 3.25, 5])
    // Gaussian values at 256 levels between their ends: the entropy is well below 8 bits.
    let values = EncodingCases.gaussian(100_000)
    let coded = try UniformQuantization(levels: 256, coding: .arithmetic)
    let source = RandomSource.simulation(seed: 1, purpose: .rounding)
    let bytes = try coded.encode(values, randomness: source, shared: 0).bytes
    let packed = try UniformQuantization(levels: 256)
    let decoded = try coded.throughBytes(values)
    #expect(try packed.throughBytes(values) == decoded)
    let ends = (Double(try #require(values.min())), Double(try #require(values.max())))
    let codes = decoded.map { UInt16(((Double($0) - ends.0) / (ends.1 - ends.0) * 255).rounded()) }
    let estimate = ArithmeticCode.estimatedBitCount(of: codes)
    #expect(Double(8 * bytes.count) < 1.01 * estimate && Double(8 * bytes.count) > estimate - 3000, "\(8 * bytes.count) bits, \(estimate)")
    #expect(throws: AggregationError.self) { try UniformQuantization(levels: 1) }
    #expect(throws: AggregationError.self) { try UniformQuantization(levels: 65_537) }
  }

  @Test("arithmetic coding of skewed, constant and 65,536-valued codes")
  func arithmeticCoding() throws {
    var skewed = [Float](repeating: 0, count: 20_000)
    skewed[7] = 1
    let encoder = try UniformQuantization(levels: 2, coding: .arithmetic)
    #expect(try encoder.throughBytes(skewed) == skewed)
    #expect(try encoder.encode(skewed, randomness: testNoise(), shared: 0).bytes.count < 60)
    #expect(try encoder.throughBytes([Float](repeating: 2, count: 9)) == [Float](repeating: 2, count: 9))
    let ramp = (0..<65_536).map { Float($0) }
    #expect(try UniformQuantization(levels: 65_536, coding: .arithmetic).throughBytes(ramp + ramp.reversed()) == ramp + ramp.reversed())
  }

  @Test("TernGrad of the reference: 0, 2, 2 stays; ±100 among 98 zeros is clipped to ±35.355339")
  func ternary() throws {
    #expect(try TernGrad().throughBytes([0, 2, 2]) == [0, 2, 2])
    var values = [Float](repeating: 0, count: 100)
    values[0] = 100
    values[1] = -100
    let decoded = try TernGrad().throughBytes(values)
    #expect(abs(decoded[0] - 35.355339) < 1e-5 && decoded[1] == -decoded[0] && decoded[2...].allSatisfy { $0 == 0 })
    #expect(try TernGrad(clippingDeviations: nil).throughBytes(values) == values)
    #expect(try TernGrad().encode(values, randomness: testNoise(), shared: 0).bytes.count == 2 + 4 + 20)
    #expect(throws: AggregationError.self) { try TernGrad(clippingDeviations: 0) }
  }

  @Test("DRIVE sends signs of the rotated vector with ‖x‖²/‖Rx‖₁ or ‖Rx‖₁/n, and is exact for one coordinate and for equal magnitudes")
  func drive() throws {
    let values = EncodingCases.gaussian(100)
    var rotated = values
    try HadamardRotation.once.forward(&rotated, seed: 9)
    let sum = rotated.reduce(0.0) { $0 + Double($1.magnitude) }
    for (scale, expected) in [(Drive.Scale.unbiased, VectorMath.sumOfSquares(rotated) / sum), (.leastSquares, sum / 128)] {
      let encoded = try Drive(scale: scale).encode(values, randomness: testNoise(), shared: 9)
      #expect(encoded.bytes.count == 2 + 4 + 16)
      var decoded = rotated.map { $0 < 0 ? -Float(expected) : Float(expected) }
      try HadamardRotation.once.inverse(&decoded, count: 100, seed: 9)
      for (a, b) in zip(try Drive(scale: scale).decode(encoded, count: 100, shared: 9), decoded) { #expect(abs(a - b) < 1e-5) }
      let single = try Drive(scale: scale).throughBytes([0, 0, -5, 0])
      for (a, b) in zip(single, [Float(0), 0, -5, 0]) { #expect(abs(a - b) < 1e-5) }
    }
  }

  @Test("updates that are not finite are refused by every encoder")
  func nonFinite() throws {
    for encoder in try EncodingCases.all() {
      for value in [Float.nan, .infinity, -.infinity] {
        var values = EncodingCases.gaussian(40)
        values[17] = value
        #expect(throws: AggregationError.nonFiniteUpdate(technique: encoder.name)) { try encoder.throughBytes(values) }
      }
    }
  }

  @Test("all instruction-set levels quantise, pack and transform to the same bits")
  func levels() {
    let values = EncodingCases.gaussian(4096)
    let random = (0..<4096).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    let reference = VectorKernels(level: .baseline)
    for level in KernelLevel.available {
      let kernels = VectorKernels(level: level)
      for bits in 1...16 {
        var codes = [UInt16](repeating: 0, count: 4096)
        var expected = codes
        kernels.quantize(
          values, in: 1..<4095, minimum: -3, scale: 1.7, top: 1 << bits - 1, fractionBits: 31 - bits, random: random, into: &codes)
        reference.quantize(
          values, in: 1..<4095, minimum: -3, scale: 1.7, top: 1 << bits - 1, fractionBits: 31 - bits, random: random, into: &expected)
        #expect(codes == expected)
        for count in [0, 1, 7, 8, 9, 63, 4095, 4096] {
          let size = (count * bits + 7) / 8
          var bytes = [UInt8](repeating: 0xaa, count: size + 3)
          kernels.pack(codes, count: count, bits: bits, into: &bytes, at: 2)
          #expect(bytes[0] == 0xaa && bytes[1] == 0xaa && bytes[size + 2] == 0xaa)
          var back = [UInt16](repeating: 0xffff, count: 4096)
          kernels.unpack(bytes, at: 2, count: count, bits: bits, into: &back)
          #expect(back[..<count] == codes[..<count])
        }
      }
      #expect(kernels.range(of: values, in: 0..<4096)?.minimum == values.min())
      #expect(kernels.range(of: values, in: 0..<4096)?.maximum == values.max())
      #expect(kernels.range(of: [1, .nan], in: 0..<2) == nil && kernels.range(of: [-.nan, 1], in: 0..<2) == nil)
      #expect(kernels.range(of: [1, -.infinity], in: 0..<2) == nil && kernels.range(of: [], in: 0..<0) == nil)
    }
  }
}
