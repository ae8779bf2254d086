/// A uniform point in a strip of ``GaussianStrips``, known to a cell of random bits that are drawn as they are needed.
///
/// This is the exact path of the grid Gaussian. It starts from the very bits that the fast path has seen and only ever adds bits
/// below them, so both paths speak of the same real numbers.
package struct RefinedPoint: Sendable {
  private let strip: GaussianStrips.Strip
  /// The first bits of the share of the strip's height, and the words that follow them.
  private let firstLevel: UInt64
  private var levelWords: [UInt64] = []
  /// The first bits of the share of the strip's width, and the words that follow them.
  private let firstPosition: UInt64
  private var positionWords: [UInt64] = []

  /// The cell that the first word has given.
  package init(strip: GaussianStrips.Strip, level: UInt64, position: UInt64) {
    self.strip = strip
    firstLevel = level
    firstPosition = position
  }

  /// Adds 64 bits to the position along x.
  package mutating func refinePosition(_ word: UInt64) { positionWords.append(word) }

  /// Adds 64 bits to the level.
  package mutating func refineLevel(_ word: UInt64) { levelWords.append(word) }

  /// The share of the strip's height lies in [level, level + 1) · 2^−levelBits.
  private var level: Natural { levelWords.reduce(Natural(firstLevel)) { ($0 << 64) + Natural($1) } }
  private var levelBits: Int { GaussianStrips.levelPlaces + 64 * levelWords.count }
  /// The share of the strip's width lies in [position, position + 1) · 2^−positionBits.
  private var position: Natural { positionWords.reduce(Natural(firstPosition)) { ($0 << 64) + Natural($1) } }
  private var positionBits: Int { GaussianStrips.positionPlaces + 64 * positionWords.count }

  /// Ends of the cell of x in units of 2^−xPlaces.
  private var x: (lower: Natural, upper: Natural) {
    let lower = (Natural(strip.start) << positionBits) + Natural(strip.width) * position
    return (lower, lower + Natural(strip.width))
  }

  private var xPlaces: Int { GaussianStrips.gridPlaces + positionBits }

  /// Whether all points of the cell lie under f (true) or none does (false). Nil where the cell is cut.
  package var isUnder: Bool? {
    let x = x
    let whole = 1 << max(0, x.upper.bitWidth - xPlaces)
    // Enough binary places for f of any x in the cell and for the bits known so far.
    let bits = positionBits + levelBits + whole * whole + 64
    return isUnder(
      lowest: Self.f(x.upper, places: xPlaces, bits: bits).lower, highest: Self.f(x.lower, places: xPlaces, bits: bits).upper, bits: bits)
  }

  /// Whether the level lies below the value of f at integer / σ. Nil where the cell of the level holds that value.
  func isUnder(valueAt integer: Natural, over sigma: DyadicNumber) -> Bool? {
    let whole = Int((strip.start + strip.width) >> GaussianStrips.gridPlaces) + 1
    let bits = levelBits + whole * whole + 128
    // integer² / (2σ²)
    let shift = bits - 2 * sigma.exponent - 1
    let square = integer * integer
    let z = (shift >= 0 ? square << shift : square >> -shift).quotient(by: sigma.mantissa).quotient(by: sigma.mantissa)
    let value = Enclosure.exponential(minus: Enclosure(lower: z, upper: z + Natural(1 as UInt64), bits: bits))
    return isUnder(lowest: value.lower, highest: value.upper, bits: bits)
  }

  /// Compares both ends of the level · 2^−levelBits · V 2^−halvings / w with bounds of f, times all denominators.
  private func isUnder(lowest: Natural, highest: Natural, bits: Int) -> Bool? {
    let shift = levelBits + GaussianStrips.areaPlaces + strip.halvings
    func height(_ level: Natural) -> Natural { (level * Natural(GaussianStrips.area)) << (bits + GaussianStrips.gridPlaces) }
    func bound(_ value: Natural) -> Natural { (value * Natural(strip.width)) << shift }
    let level = level
    if height(level + Natural(1 as UInt64)) <= bound(lowest) { return true }
    if height(level) >= bound(highest) { return false }
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

  /// σ x rounded, nil where the cell of x does not decide it.
  func rounded(_ offset: GridScale.Offset, times sigma: DyadicNumber) -> Natural? {
    let x = x
    let factor = Natural(sigma.mantissa) << max(0, sigma.exponent)
    let places = xPlaces + max(0, -sigma.exponent)
    // ⌊v + offset⌋ of both ends, the upper one not included. There are at least 48 places.
    let offset = Natural(offset.numerator) << (places - offset.places)
    let lower = (x.lower * factor + offset) >> places
    let upper = (x.upper * factor + offset - Natural(1 as UInt64)) >> places
    return lower == upper ? lower : nil
  }
}
