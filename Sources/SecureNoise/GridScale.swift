/// What a call needs to know of σ.
struct GridScale {
  /// What is added to σ x before it is rounded down: numerator · 2^−places, from 0 to 1, with at most 40 places.
  struct Offset {
    let numerator: UInt64
    let places: Int

    /// To the nearest integer.
    static let half = Offset(numerator: 1, places: 1)
    /// To the next integer above.
    static let one = Offset(numerator: 1, places: 0)

    var value: Double { Double(sign: .plus, exponent: -places, significand: Double(numerator)) }
  }

  let offset: Offset
  let value: Double
  let exact: DyadicNumber
  /// σ times the width of a cell in a strip of width 1, rounded up.
  let cell: Double
  /// Above the error of a product below 16σ and of the sums.
  let margin: Double
  /// The offset minus and plus the margin.
  let lowerMargin: Double
  let upperMargin: Double

  init(_ standardDeviation: Double, _ offset: Offset) {
    self.offset = offset
    value = standardDeviation
    exact = DyadicNumber(standardDeviation)
    cell = standardDeviation * 0x1p-32 * (1 + 0x1p-50)
    margin = standardDeviation * 0x1p-46 + 0x1p-50
    lowerMargin = offset.value - margin
    upperMargin = offset.value + margin
  }

  /// The scale by which the magnitude of a number of this sign is rounded, where this one's offset o is for positive numbers: as
  /// ⌊o − σ x⌋ = −⌊σ x + 1 − o⌋ but for ties, which have probability 0, negative ones have 1 − o.
  func facing(_ cell: GaussianCell) -> GridScale {
    let complement = 1 << UInt64(offset.places) - offset.numerator
    if cell.signed(1) > 0 || complement == offset.numerator { return self }
    return GridScale(value, Offset(numerator: complement, places: offset.places))
  }

  /// σ x rounded, with its sign, if that is the same for every x in the cell of the given lower end. Nil where it is not.
  @inline(__always)
  func quickRounding(_ cell: GaussianCell, _ x: Double, _ width: Double) -> Int64? {
    let product = value * x
    let lower = Int64(product + lowerMargin)
    let upper = Int64(product + (width * self.cell + upperMargin))
    if lower != upper { return nil }
    return cell.signed(lower)
  }

  /// The same with another offset in place of the scale's own.
  @inline(__always)
  func quickRounding(_ cell: GaussianCell, _ x: Double, _ width: Double, offset: Double) -> Int64? {
    let product = value * x + offset
    // What is below 0 by no more than the margin becomes 0, as it has to.
    let lower = Int64(product - margin)
    let upper = Int64(product + (width * self.cell + margin))
    if lower != upper { return nil }
    return cell.signed(lower)
  }
}
