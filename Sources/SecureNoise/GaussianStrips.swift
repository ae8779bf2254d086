/// A staircase of 511 rectangles above f(x) = exp(−x²/2) on [0, 3.47) and halving ones beyond, all described by integers.
///
/// Strip j spans x from a_j to a_j + w_j, two multiples of 2⁻¹⁶, and is V / w_j ≥ f(a_j) high with V = 41440 · 2⁻²⁴: every strip
/// has the same area V. One more area V lies above the tail: strip i = 0, 1, 2, … of it starts at T + i/4, is 1/4 wide and has the
/// area V 2^−(i + 1). That is enough there, as f falls by more than half over each quarter beyond T > 4 ln 2, and f(T) ≤ 2V.
/// A uniform point under the staircase that lies under f has an x of density in proportion to f.
package enum GaussianStrips {
  /// One strip: start and width in units of 2⁻¹⁶, and its area as V 2^−halvings.
  package struct Strip: Sendable {
    package var start: UInt64
    package var width: UInt64
    package var halvings: Int

    package init(start: UInt64, width: UInt64, halvings: Int) {
      self.start = start
      self.width = width
      self.halvings = halvings
    }
  }

  /// What the fast path reads of a strip, exact but for `certain` and `ratio`.
  package struct FastStrip: Sendable {
    /// a_j and w_j.
    var start: Double
    var width: Double
    /// Levels below this multiple of 2⁻²² of the strip's height lie under f whatever x is: rounded down.
    package var certain: UInt64
    /// w_j / V, the factor from f(x) to the share of the strip's height that lies under f.
    var ratio: Double

    /// - Parameter reach: how far above the point's abscissa f is taken.
    init(_ strip: Strip, reach: Double = 0) {
      start = Double(strip.start) * 0x1p-16
      width = Double(strip.width) * 0x1p-16
      ratio = Self.ratio(strip)
      // 2⁻²⁸ is far above the error of f and of the two products.
      certain = UInt64(max(0, (ratio * halfSquareExponential(start + width + reach) - 0x1p-28) * 0x1p22))
    }

    /// w 2^halvings / V, for fewer than 64 halvings.
    static func ratio(_ strip: Strip) -> Double {
      Double(strip.width) * 0x1p8 / Double(area) * Double(UInt64(1) << strip.halvings)
    }

    /// The lower end of a cell of the strip, exact: a multiple of 2⁻⁴⁸ below 16.
    func x(_ position: UInt64) -> Double { start + width * (Double(position) * 0x1p-32) }
  }

  /// V in units of 2⁻²⁴.
  package static let area: UInt64 = 41440
  package static let areaPlaces = 24
  /// Start and width have 16 binary places, the level of a point 22, its position in the strip 32.
  package static let gridPlaces = 16
  static let levelPlaces = 22
  static let positionPlaces = 32
  /// The strips below T, 511 of them.
  package static let strips: [Strip] = {
    var start: UInt64 = 0
    return (0..<511).map { _ in
      let x = Double(start) * 0x1p-16
      // Rounded down with room for the error of f, so that the strip is at least f(a_j) high.
      let width = UInt64(Double(area) * 0x1p-8 / halfSquareExponential(x) * (1 - 0x1p-30))
      defer { start += width }
      return Strip(start: start, width: width, halvings: 0)
    }
  }()
  /// The start T of the tail.
  static let tailStart = strips[510].start + strips[510].width
  /// Every tail strip is a quarter wide.
  static let tailWidth: UInt64 = 1 << 14

  /// The strip of the tail with the given number.
  package static func tail(_ index: Int) -> Strip {
    Strip(start: tailStart + UInt64(index) * tailWidth, width: tailWidth, halvings: index + 1)
  }

  package static let fast: [FastStrip] = strips.map { FastStrip($0) }
  /// The strips of the tail that lie below 16.
  package static let fastTail: [FastStrip] = (0..<48).map { FastStrip(tail($0)) }
  /// The same strips where f is taken at an abscissa up to 2⁻¹⁰ above that of the point.
  package static let fastAbove: [FastStrip] = strips.map { FastStrip($0, reach: 0x1p-10) }

  /// exp(−x²/2) for x in [0, 16], with a relative error below 2⁻⁴⁰.
  ///
  /// The Taylor polynomial of degree 12 at x²/2¹¹ ≤ 1/8 errs by less than 2⁻⁷¹, its roundings by less than 2⁻⁵⁰; ten squarings
  /// multiply that by 2¹⁰. IEEE operations alone: the same bits on every machine.
  package static func halfSquareExponential(_ x: Double) -> Double {
    let t = x * x * -0x1p-11
    // Degree 12 as two interleaved sums, in even and in odd powers.
    let s = t * t
    let even = 1 + s * (1.0 / 2 + s * (1.0 / 24 + s * (1.0 / 720 + s * (1.0 / 40_320 + s * (1.0 / 3_628_800 + s * (1.0 / 479_001_600))))))
    let odd = t * (1 + s * (1.0 / 6 + s * (1.0 / 120 + s * (1.0 / 5_040 + s * (1.0 / 362_880 + s * (1.0 / 39_916_800))))))
    var value = even + odd
    for _ in 0..<10 { value *= value }
    return value
  }

  /// Whether the point of the strip at the given level, in units of 2⁻²², lies under f. Nil where that needs more bits.
  ///
  /// x is the lower end of a cell of at most 2⁻³³ (x < 16, width below ½), over which f falls by less than 2⁻²⁹ of itself: with
  /// the error of f and of the products that stays below 2⁻²⁶.
  static func isUnder(x: Double, level: UInt64, ratio: Double) -> Bool? {
    let share = ratio * halfSquareExponential(x) * 0x1p22
    if Double(level + 1) <= share * (1 - 0x1p-26) { return true }
    if Double(level) >= share * (1 + 0x1p-26) { return false }
    return nil
  }
}
