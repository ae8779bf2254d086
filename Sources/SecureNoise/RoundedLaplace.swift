/// Draws the integer nearest to L, a Laplace *real* number of scale b (density exp(−|x|/b) / 2b), exactly.
///
/// **Why the distribution is exact.**
/// 1. Y = 2|L| is exponential of scale 2b, so N = ⌊Y⌋ is geometric: P(N ≥ n) = exp(−n/(2b)). |L| is rounded to the nearest integer,
///    which is ⌊(Y + 1)/2⌋ = ⌊(N + 1)/2⌋, and the sign is a fair one of its own. (Ties have probability 0.)
/// 2. Written in digits, N = n₀ + n₁B₁ + n₂B₂ + … + hB with 0 ≤ n_i < B_(i+1)/B_i, the probability (1 − q) q^N is a product of powers of
///    q = exp(−1/(2b)), one for each digit. So the digits and h are independent: h is geometric with exp(−B/(2b)), and n_i one of
///    finitely many integers with weights exp(−n_i B_i/(2b)).
/// 3. h and the sign together are a Laplace number of scale 2b/B rounded down. Each of these small distributions is drawn by
///    inversion (``InversionTable``), which compares integers and reads more bits of the same uniform number until one
///    answer is certain. The scales 2b/B_i are exact, shifts of a `Double`.
///
/// A number takes one word, and one more for each digit: four for b = 2³⁰, with tables of three thousand entries in all.
struct RoundedLaplace: Sendable {
  /// ±h: h where the number is h ≥ 0, and −h where it is −1 − h.
  private let top: InversionTable
  /// The digits below it, the highest first; there are at most five, of at most 2¹⁰ values each.
  private let digits: [InversionTable]
  private let digitBits: Int64

  /// The scale of h is at most 2⁴, for which its table holds about 2,000 entries.
  private static let topBits = 4
  private static let largestDigitBits = 10

  /// Tables for `scale`, from 2⁻¹⁰ to 2⁵⁰.
  init(scale: Double) {
    let halfSteps = 2 * scale
    let bits = max(0, Int(halfSteps.exponent) + 1 - Self.topBits)
    let count = (bits + Self.largestDigitBits - 1) / Self.largestDigitBits
    let width = count == 0 ? 0 : (bits + count - 1) / count
    func shifted(_ places: Int) -> DyadicNumber { DyadicNumber(Double(sign: .plus, exponent: -places, significand: halfSteps)) }
    top = InversionTable(.laplaceFloor(scale: shifted(width * count)))
    digits = (0..<count).reversed().map { InversionTable(.geometricDigit(scale: shifted(width * $0), count: 1 << width)) }
    digitBits = Int64(width)
  }

  /// A number; it fits into 63 bits but for a probability below e^(−2¹²).
  @inline(__always)
  func draw(from source: RandomSource) -> Int64 {
    let signed = top.draw(from: source)
    let isNegative = signed < 0
    var number = isNegative ? -1 - signed : signed
    for digit in digits { number = number << digitBits + digit.draw(from: source) }
    let magnitude = (number + 1) >> 1
    return isNegative ? -magnitude : magnitude
  }
}
