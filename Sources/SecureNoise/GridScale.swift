/// What a call needs to know of σ.
struct GridScale {
  /// To the nearest integer, or to the next one above.
  enum Direction {
    case nearest, up
  }

  let direction: Direction
  let value: Double
  let exact: DyadicNumber
  /// σ times the width of a cell in a strip of width 1, rounded up.
  let cell: Double
  /// ½ or 1, minus and plus a margin above the error of a product below 16σ and of the sums.
  let lowerMargin: Double
  let upperMargin: Double

  init(_ standardDeviation: Double, _ direction: Direction) {
    self.direction = direction
    value = standardDeviation
    exact = DyadicNumber(standardDeviation)
    cell = standardDeviation * 0x1p-32 * (1 + 0x1p-50)
    let margin = standardDeviation * 0x1p-46 + 0x1p-50
    let offset = direction == .nearest ? 0.5 : 1
    lowerMargin = offset - margin
    upperMargin = offset + margin
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
}
