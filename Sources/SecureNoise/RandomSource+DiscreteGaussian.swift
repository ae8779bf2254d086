extension RandomSource {
  /// The standard deviations and scales that the exact samplers of single numbers take, and their name in errors.
  static let exactScales = 0x1p-10...0x1p50
  static let exactScalesText = "a number from 2⁻¹⁰ to 2⁵⁰"

  /// An integer with probability in proportion to exp(−|k| / scale), exactly.
  ///
  /// - Parameter scale: from 2⁻¹⁰ to 2⁵⁰; its exact value as a `Double` counts.
  /// - Throws: ``SecureNoiseError`` for any other scale.
  ///
  /// Canonne, Kamath and Steinke 2020, algorithm 2: a geometric number and a sign, where −0 is drawn again.
  public func discreteLaplace(scale: Double) throws(SecureNoiseError) -> Int64 {
    guard Self.exactScales.contains(scale) else {
      throw .unsupportedParameter(name: "scale", value: "\(scale)", supported: Self.exactScalesText)
    }
    let exact = DyadicNumber(scale)
    // In this range both parts of the fraction have at most 63 bits.
    let denominator = exact.mantissa << max(0, exact.exponent)
    let numerator: UInt64 = 1 << max(0, -exact.exponent)
    return try discreteLaplace(numerator: numerator, denominator: denominator)
  }

  /// An integer from N_Z(0, σ²): k with probability in proportion to exp(−k² / (2σ²)), exactly.
  ///
  /// - Parameter sigma: σ from 2⁻¹⁰ to 2⁵⁰; its exact value as a `Double` counts. The variance is below σ², and equal to it
  ///   within 10⁻⁶ from σ = 1 on.
  /// - Throws: ``SecureNoiseError`` for any other σ.
  /// - Complexity: constant in expectation, some microseconds. ``IntegerNoise`` is a hundred times faster for vectors.
  ///
  /// Canonne, Kamath and Steinke 2020, algorithm 3. σ² is the exact fraction that the `Double` stands for, and every decision
  /// compares integers.
  public func discreteGaussian(sigma: Double) throws(SecureNoiseError) -> Int64 {
    guard Self.exactScales.contains(sigma) else {
      throw .unsupportedParameter(name: "standard deviation", value: "\(sigma)", supported: Self.exactScalesText)
    }
    let exact = DyadicNumber(sigma)
    // σ² = square / 2^places.
    let square = (Natural(exact.mantissa) * Natural(exact.mantissa)) << max(0, 2 * exact.exponent)
    let places = max(0, -2 * exact.exponent)
    let t = UInt64(sigma) + 1
    let denominator = (square * Natural(t) * Natural(t)) << (places + 1)
    while true {
      let candidate = try discreteLaplace(numerator: 1, denominator: t)
      // (|y| − σ²/t)² / (2σ²) over a common denominator.
      let scaled = (Natural(candidate.magnitude) * Natural(t)) << places
      let distance = scaled > square ? scaled - square : square - scaled
      if bernoulliExponential(numerator: distance * distance, denominator: denominator) { return candidate }
    }
  }

  private func discreteLaplace(numerator: UInt64, denominator: UInt64) throws(SecureNoiseError) -> Int64 {
    while true {
      let magnitude = try geometric(numerator: numerator, denominator: denominator)
      let isNegative = nextUInt64() >> 63 == 1
      if !isNegative { return magnitude }
      if magnitude > 0 { return -magnitude }
    }
  }
}
