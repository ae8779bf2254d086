/// A uniform point in a strip of ``GaussianStrips``, known to a cell of random bits that are drawn as they are needed.
///
/// This is the exact path of the grid Gaussian. It starts from the very bits that the fast path has seen and only ever adds bits
/// below them, so both paths speak of the same real numbers.
package struct RefinedPoint: Sendable {
  private let strip: GaussianStrips.Strip
  /// The share of the strip's height lies in [level, level + 1) · 2^−levelBits.
  private var level: Natural
  private var levelBits: Int
  /// The share of the strip's width lies in [position, position + 1) · 2^−positionBits.
  private var position: Natural
  private var positionBits: Int

  /// The cell that the first word has given.
  package init(strip: GaussianStrips.Strip, level: UInt64, position: UInt64) {
    self.strip = strip
    self.level = Natural(level)
    levelBits = GaussianStrips.levelPlaces
    self.position = Natural(position)
    positionBits = GaussianStrips.positionPlaces
  }

  /// Adds 64 bits to the position along x.
  package mutating func refinePosition(_ word: UInt64) {
    position = (position << 64) + Natural(word)
    positionBits += 64
  }

  /// Adds 64 bits to the level.
  package mutating func refineLevel(_ word: UInt64) {
    level = (level << 64) + Natural(word)
    levelBits += 64
  }

  /// Ends of the cell of x in units of 2^−xPlaces.
  private var x: (lower: Natural, upper: Natural) {
    let lower = (Natural(strip.start) << positionBits) + Natural(strip.width) * position
    return (lower, lower + Natural(strip.width))
  }

  private var xPlaces: Int { GaussianStrips.gridPlaces + positionBits }

  /// Whether all points of the cell lie under f (true) or none does (false). Nil where the cell is cut.
  package var isUnder: Bool? {
    let x = x
    // Enough places for a level of f(x) ≥ exp(−x²/2) and for the bits known so far.
    let whole = 1 << max(0, x.upper.bitWidth - xPlaces)
    let bits = positionBits + levelBits + whole * whole + 64
    // level · 2^−levelBits · V 2^−halvings / w against f, times all denominators.
    let shift = levelBits + GaussianStrips.areaPlaces + strip.halvings
    let heights = (lower: level, upper: level + Natural(1 as UInt64))
    func side(_ height: Natural) -> Natural { (height * Natural(GaussianStrips.area)) << (bits + GaussianStrips.gridPlaces) }
    func other(_ value: Natural) -> Natural { (value * Natural(strip.width)) << shift }
    if side(heights.upper) <= other(Self.f(x.upper, places: xPlaces, bits: bits).lower) { return true }
    if side(heights.lower) >= other(Self.f(x.lower, places: xPlaces, bits: bits).upper) { return false }
    return nil
  }

  /// exp(−x²/2) with `bits` binary places.
  private static func f(_ x: Natural, places: Int, bits: Int) -> Enclosure {
    let square = x * x
    let shift = bits - 2 * places - 1
    let lower = shift >= 0 ? square << shift : square >> -shift
    let z = Enclosure(lower: lower, upper: shift >= 0 ? lower : lower + Natural(1 as UInt64), bits: bits)
    return Enclosure.exponential(minus: z)
  }

  /// σ x rounded to the nearest integer, nil where the cell of x does not decide it.
  package func rounded(times sigma: DyadicNumber) -> Natural? {
    let x = x
    let factor = Natural(sigma.mantissa)
    let places = xPlaces - sigma.exponent
    // floor(v + ½) of both ends, the upper one not included. Standard deviations up to 2⁵⁷ leave `places` positive.
    let half = Natural.powerOfTwo(places - 1)
    let lower = (x.lower * factor + half) >> places
    let upper = (x.upper * factor + half - Natural(1 as UInt64)) >> places
    return lower == upper ? lower : nil
  }
}
