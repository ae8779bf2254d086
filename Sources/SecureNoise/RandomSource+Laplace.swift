#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension RandomSource {
  /// A Laplace number of scale 1 (density ½ e^(−|x|), variance 2), in floating point.
  ///
  /// The magnitude is −log U for a uniform U in (0, 1) drawn with all its leading zeros: U = 2^(−k) V with k geometric and V uniform
  /// in (½, 1), so magnitudes are not cut off at the 36.7 = 53 log 2 that a single 53-bit uniform number allows.
  ///
  /// - Warning: the values that a floating-point Laplace number can take depend on its centre, so the low bits of `value + noise`
  ///   can reveal more than the accounting of a real Laplace number says (Mironov, On significance of the least significant bits for
  ///   differential privacy, CCS 2012).
  public func laplace() -> Double {
    let bits = nextUInt64()
    // 52 bits for V, another for the sign.
    let v = 0.5 + (Double(bits >> 12) + 0.5) * 0x1p-53
    var leadingZeros = 0
    var tail = nextUInt64()
    while tail == 0 {
      leadingZeros += 64
      tail = nextUInt64()
    }
    leadingZeros += tail.leadingZeroBitCount
    let magnitude = Double(leadingZeros) * 0.693147180559945309417 - log(v)
    return bits & 1 == 0 ? magnitude : -magnitude
  }

  /// Adds independent Laplace noise to every element of `values`.
  ///
  /// - Parameters:
  ///   - scale: scale of the noise, finite and at least 0; its standard deviation is √2 times as much. At 0 nothing is drawn.
  ///   - values: numbers in `Double`, usually a sum over clients, `[parameters]`.
  /// - Warning: floating-point noise: see ``laplace()``.
  public func addLaplace(scale: Double, to values: inout [Double]) {
    precondition(scale >= 0 && scale.isFinite, "a scale is finite and at least 0, not \(scale)")
    if scale == 0 { return }
    for index in values.indices { values[index] += scale * laplace() }
  }
}
