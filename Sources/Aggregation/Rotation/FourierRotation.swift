import CFFTW
import ParameterVectors
import SecureNoise
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Random phases and a discrete Fourier transform: z ↦ F D z/√m, where z pairs the first half of the vector, as real parts, with the
/// second, as imaginary parts.
///
/// Vectors are padded to an even length only, so that secure sums carry no more than one coordinate in vain; slower than
/// ``HadamardRotation``, and slowest where half the length has large prime factors. Computed in `Double` by FFTW. The phases are
/// 2π k/2³² with k uniform. TensorFlow Federated's `DiscreteFourierTransformFactory`.
public struct FourierRotation: Rotation, Hashable {
  /// The rotation.
  public init() {}

  public var name: String { "Fourier rotation" }

  public func paddedCount(_ count: Int) throws(AggregationError) -> Int {
    try requireEncodableCount(count)
    return max(2, count + count % 2)
  }

  /// Everything but the last rounding to `Float` is in `Double`.
  public func worstCaseNormGrowth(count: Int) -> Double { 1 + 2 * floatRoundoff }

  public func forward(_ values: inout [Float], seed: UInt64) throws(AggregationError) {
    let count = values.count
    let half = try paddedCount(count) / 2
    let transform = try ComplexTransform(size: half)
    let numbers = transform.numbers
    let scale = 1 / Double(half).squareRoot()
    forEachPhase(count: half, seed: seed) { index, cosine, sine in
      let real = index < count ? Double(values[index]) : 0
      let imaginary = half + index < count ? Double(values[half + index]) : 0
      numbers[2 * index] = scale * (real * cosine - imaginary * sine)
      numbers[2 * index + 1] = scale * (real * sine + imaginary * cosine)
    }
    transform.forward()
    values = [Float](unsafeUninitializedCapacity: 2 * half) { out, initialized in
      for index in 0..<half {
        out[index] = Float(numbers[2 * index])
        out[half + index] = Float(numbers[2 * index + 1])
      }
      initialized = 2 * half
    }
    try requireFinite(values, name)
  }

  public func inverse(_ values: inout [Float], count: Int, seed: UInt64) throws(AggregationError) {
    let half = try paddedCount(count) / 2
    guard values.count == 2 * half else { throw .lengthMismatch(expected: 2 * half, found: values.count) }
    let transform = try ComplexTransform(size: half)
    let numbers = transform.numbers
    for index in 0..<half {
      numbers[2 * index] = Double(values[index])
      numbers[2 * index + 1] = Double(values[half + index])
    }
    transform.inverse()
    let scale = 1 / Double(half).squareRoot()
    forEachPhase(count: half, seed: seed) { index, cosine, sine in
      let real = numbers[2 * index]
      let imaginary = numbers[2 * index + 1]
      values[index] = Float(scale * (real * cosine + imaginary * sine))
      values[half + index] = Float(scale * (imaginary * cosine - real * sine))
    }
    values.removeLast(2 * half - count)
  }

  /// Calls `body` with the index and the cosine and sine of each phase.
  private func forEachPhase(count: Int, seed: UInt64, _ body: (Int, Double, Double) -> Void) {
    var words = [UInt32](repeating: 0, count: 1024)
    let stream = SimulationStream(seed: seed, purpose: .rotation)
    for start in stride(from: 0, to: count, by: words.count) {
      words.withUnsafeMutableBytes { stream.fill($0) }
      for index in start..<min(start + words.count, count) {
        let angle = Double(UInt32(littleEndian: words[index - start])) * (2 * .pi * 0x1p-32)
        body(index, cos(angle), sin(angle))
      }
    }
  }
}

/// FFTW's complex transform of one size, in place.
private final class ComplexTransform {
  private let handle: OpaquePointer
  /// `size` pairs (real, imaginary).
  let numbers: UnsafeMutablePointer<Double>

  init(size: Int) throws(AggregationError) {
    guard let handle = epsilon_fftw_complex_create(size), let numbers = epsilon_fftw_complex_numbers(handle) else {
      throw .invalidParameter(
        name: "number of parameters", value: 2 * Double(size), allowed: "small enough for a Fourier transform in memory")
    }
    self.handle = handle
    self.numbers = numbers
  }

  deinit { epsilon_fftw_complex_destroy(handle) }

  func forward() { epsilon_fftw_complex_forward(handle) }

  func inverse() { epsilon_fftw_complex_inverse(handle) }
}
