/// σ times the position of a point in a cell, in integers of 128 bits: the second step of the grid Gaussian's rounding, between
/// floating point and ``RefinedPoint``, which holds the same numbers without a limit.
struct WideProduct {
  /// σ x plus the offset of the rounding at the lower end of the cell of 32 bits, in units of 2^−places.
  private let lower: UInt128
  /// σ times the width of the cell in the same units, at most 2⁷³.
  private let width: UInt128
  private let places: Int

  /// Nil where the numbers may need more bits: beyond x = 16, and for standard deviations far below the grid.
  init?(strip: GaussianStrips.Strip, position: UInt64, scale: GridScale) {
    let x = strip.start << GaussianStrips.positionPlaces + strip.width * position
    let sigma = scale.exact
    places = GaussianStrips.gridPlaces + GaussianStrips.positionPlaces + max(0, -sigma.exponent)
    guard strip.start < 16 << GaussianStrips.gridPlaces && places <= 120 else { return nil }
    // Standard deviations up to 2⁵⁷, x below 2⁵² units: at most 2¹¹⁰ + 2¹²⁰.
    let factor = UInt128(sigma.mantissa) &<< UInt128(max(0, sigma.exponent))
    lower = factor * UInt128(x) + UInt128(scale.offset.numerator) &<< UInt128(places - scale.offset.places)
    width = factor * UInt128(strip.width)
  }

  /// The rounded product, if it is the same for the whole cell.
  var rounded: Int64? {
    let integer = lower &>> UInt128(places)
    return integer == (lower + width - 1) &>> UInt128(places) ? Int64(exactly: integer) : nil
  }

  /// The rounded product, if it is the same for the part of the cell that 64 more bits of the position choose.
  func rounded(refinedBy word: UInt64) -> Int64? {
    // lower + width · word / 2⁶⁴, whole and part.
    let low = UInt128(UInt64(truncatingIfNeeded: width)) * UInt128(word)
    let whole = lower + (width &>> 64) * UInt128(word) + low &>> 64
    let part = UInt128(UInt64(truncatingIfNeeded: low))
    let integer = whole &>> UInt128(places)
    return integer == (whole + (part + width - 1) &>> 64) &>> UInt128(places) ? Int64(exactly: integer) : nil
  }
}
