extension RandomSource {
  /// Most binary places of the numbers that ``roundWithGaussian(standardDeviation:fixedPoint:fractionBits:)`` takes.
  public static let greatestFractionBits = 40

  /// Adds independent Gaussian noise to numbers in fixed point and rounds the sums to integers, **exactly**.
  ///
  /// An element v = V · 2^`fractionBits` becomes ⌊V + ½ + σX⌋, the integer nearest to V + σX, where X is a standard Gaussian *real*
  /// number. So the result is post-processing of the continuous Gaussian mechanism on V, as in
  /// ``addGridGaussian(standardDeviation:to:)``, whose numbers these are, bit for bit, where V is an integer. It is what that method gives on
  /// a grid of 2^−`fractionBits` and a rounding afterwards, at the speed of the coarse grid.
  ///
  /// **Why it is exact.** With V + ½ = B + o, B an integer and o its fraction, the result is B + ⌊o + σx⌋ for the sign + and
  /// B + ⌊o − σx⌋ = B − ⌊σx + 1 − o⌋ for the sign −, as ties have probability 0. Both are the rounding of the coarse grid with o or 1 − o
  /// in place of ½, and are decided by the same steps.
  ///
  /// - Parameters:
  ///   - standardDeviation: σ in units of the results, 0 or up to 2⁵⁷; its exact value as a `Double` counts. At 0 nothing is drawn.
  ///   - values: V · 2^`fractionBits`, [values]; on return the integers. On an error they are all set to 0.
  ///   - fractionBits: 1 to ``greatestFractionBits``.
  /// - Throws: ``SecureNoiseError/unsupportedParameter(name:value:supported:)`` for any other σ or `fractionBits`,
  ///   ``SecureNoiseError/overflow`` where a result exceeds 64 bits.
  public func roundWithGaussian(
    standardDeviation: Double, fixedPoint values: inout [Int64], fractionBits: Int
  ) throws(SecureNoiseError) {
    try roundWithGaussian(standardDeviation: standardDeviation, fixedPoint: &values, fractionBits: fractionBits, usingFastPath: true)
  }

  /// The same numbers from the same bits, without floating point where `usingFastPath` is false.
  package func roundWithGaussian(
    standardDeviation: Double, fixedPoint values: inout [Int64], fractionBits: Int, usingFastPath: Bool
  ) throws(SecureNoiseError) {
    guard standardDeviation >= 0 && standardDeviation <= 0x1p57 else {
      values.zero()
      throw .unsupportedParameter(name: "standard deviation", value: "\(standardDeviation)", supported: "a number from 0 to 2⁵⁷ grid units")
    }
    guard (1...Self.greatestFractionBits).contains(fractionBits) else {
      values.zero()
      throw .unsupportedParameter(name: "fraction bits", value: "\(fractionBits)", supported: "1 to \(Self.greatestFractionBits)")
    }
    if standardDeviation == 0 {
      for index in values.indices { values[index] = FixedPoint(values[index], fractionBits).whole }
      return
    }
    let fits = values.withUnsafeMutableBufferPointer { values in
      usingFastPath
        ? roundWithGaussian(standardDeviation, fractionBits, values) : roundWithExactGaussian(standardDeviation, fractionBits, values)
    }
    if !fits {
      values.zero()
      throw .overflow
    }
  }

  /// A number plus ½ as an integer and a fraction.
  private struct FixedPoint {
    /// B.
    let whole: Int64
    /// o · 2^places.
    let fraction: Int64
    let places: Int

    @inline(__always)
    init(_ value: Int64, _ places: Int) {
      whole = value &>> Int64(places) &+ (value &>> Int64(places - 1)) & 1
      fraction = (value &+ 1 &<< Int64(places - 1)) & (1 &<< Int64(places) &- 1)
      self.places = places
    }

    var offset: GridScale.Offset { GridScale.Offset(numerator: UInt64(fraction), places: places) }
  }

  /// False where a result does not fit into 64 bits.
  private func roundWithGaussian(_ deviation: Double, _ places: Int, _ values: UnsafeMutableBufferPointer<Int64>) -> Bool {
    let scale = GridScale(deviation, .half)
    let step = Double(sign: .plus, exponent: -places, significand: 1)
    let one = Int64(1) &<< Int64(places)
    return GaussianStrips.fast.withUnsafeBufferPointer { strips in
      var index = 0
      while index < values.count {
        takeBufferedWords { word in
          let cell = GaussianCell(word)
          guard index < values.count && cell.strip < strips.count else { return false }
          let strip = strips[cell.strip]
          let value = FixedPoint(values[index], places)
          // o, or 1 − o where the sign is −.
          let mask = Int64(bitPattern: word) >> 63
          let offset = Double((value.fraction ^ mask) &- mask &+ one & mask) * step
          guard cell.level < strip.certain,
            let noise = scale.quickRounding(cell, strip.x(cell.position), strip.width, offset: offset)
          else { return false }
          let (sum, overflow) = value.whole.addingReportingOverflow(noise)
          if overflow { return false }
          values[index] = sum
          index += 1
          return true
        }
        if index == values.count { break }
        // The next word may still be one for the loop above, where the buffer has ended.
        let value = FixedPoint(values[index], places)
        guard let noise = gridGaussian(GridScale(deviation, value.offset), strips) else { return false }
        let (sum, overflow) = value.whole.addingReportingOverflow(noise)
        if overflow { return false }
        values[index] = sum
        index += 1
      }
      return true
    }
  }

  /// The same without floating point.
  private func roundWithExactGaussian(_ deviation: Double, _ places: Int, _ values: UnsafeMutableBufferPointer<Int64>) -> Bool {
    for index in values.indices {
      let value = FixedPoint(values[index], places)
      guard let noise = exactGridGaussian(GridScale(deviation, value.offset)) else { return false }
      let (sum, overflow) = value.whole.addingReportingOverflow(noise)
      if overflow { return false }
      values[index] = sum
    }
    return true
  }
}
