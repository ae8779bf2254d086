#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension RandomSource {
  /// A standard Gaussian number, in floating point.
  ///
  /// Marsaglia's polar method (Marsaglia and Bray, SIAM Review 6, 1964) on pairs of uniform odd multiples of 2⁻⁵³ in
  /// (−1, 1): symmetric, never the logarithm of 0, and with full tails (magnitudes up to 12 can occur).
  ///
  /// - Warning: the values that a floating-point Gaussian can take depend on its centre, so the low bits of
  ///   `value + noise` can reveal more than the accounting of a real Gaussian says (Mironov, On significance of the
  ///   least significant bits for differential privacy, CCS 2012). Sums over many clients in `Double` make this
  ///   hard to use, but it is not excluded by proof. A Gaussian that is exactly rounded to a grid closes the gap.
  public func gaussian() -> Double {
    if let spare = spareGaussian {
      spareGaussian = nil
      return spare
    }
    let (first, second) = gaussianPair()
    spareGaussian = second
    return first
  }

  /// Adds independent Gaussian noise to every element of `values`, as repeated calls of ``gaussian()`` would.
  ///
  /// - Parameters:
  ///   - standardDeviation: standard deviation of the noise, finite and at least 0. At 0 nothing is drawn.
  ///   - values: numbers in `Double`, usually a sum over clients, `[parameters]`.
  /// - Warning: a floating-point Gaussian: see ``gaussian()``.
  public func addGaussian(standardDeviation: Double, to values: inout [Double]) {
    precondition(
      standardDeviation >= 0 && standardDeviation.isFinite,
      "a standard deviation is finite and at least 0, not \(standardDeviation)")
    if standardDeviation == 0 || values.isEmpty { return }
    var index = 0
    if let spare = spareGaussian {
      values[0] += standardDeviation * spare
      spareGaussian = nil
      index = 1
    }
    let pairs = (values.count - index) / 2
    values.withUnsafeMutableBufferPointer { values in
      for _ in 0..<pairs {
        let (first, second) = gaussianPair()
        values[index] += standardDeviation * first
        values[index + 1] += standardDeviation * second
        index += 2
      }
    }
    if index < values.count { values[index] += standardDeviation * gaussian() }
  }

  /// Two independent standard Gaussian numbers.
  private func gaussianPair() -> (Double, Double) {
    while true {
      let u = signedUniform()
      let v = signedUniform()
      let s = u * u + v * v
      // s is at least 2⁻¹⁰⁵: no square underflows and the logarithm is finite.
      if s < 1 {
        let factor = (-2 * log(s) / s).squareRoot()
        return (u * factor, v * factor)
      }
    }
  }

  /// A uniform odd multiple of 2⁻⁵³ in (−1, 1).
  private func signedUniform() -> Double {
    // The shift keeps 53 bits and the sign; setting the last bit makes the integer odd.
    Double((Int64(bitPattern: nextUInt64()) >> 10) | 1) * 0x1p-53
  }
}
