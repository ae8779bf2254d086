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
/// A number takes one word, and one more for each digit: four for b = 2³⁰, with tables of three thousand entries in all. From 2³³ on
/// there are more than three digits, and the speed falls to a fifth.
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

  /// Adds a number to every value, false where a sum does not fit into 64 bits. A number fits into 63 bits but for a probability below
  /// e^(−2¹²).
  func add(to values: UnsafeMutableBufferPointer<Int64>, from source: RandomSource) -> Bool {
    // Tables that the loop holds itself are not retained for every number, which would take most of the time.
    let width = digitBits
    switch digits.count {
    case 0: return add(to: values, from: source) { $0 }
    case 1:
      let a = digits[0]
      return add(to: values, from: source) { $0 << width + a.draw(from: source) }
    case 2:
      let (a, b) = (digits[0], digits[1])
      return add(to: values, from: source) { ($0 << width + a.draw(from: source)) << width + b.draw(from: source) }
    case 3:
      let (a, b, c) = (digits[0], digits[1], digits[2])
      return add(to: values, from: source) {
        (($0 << width + a.draw(from: source)) << width + b.draw(from: source)) << width + c.draw(from: source)
      }
    default:
      return add(to: values, from: source) { digits.reduce($0) { $0 << width + $1.draw(from: source) } }
    }
  }

  /// - Parameter lower: appends the digits to h.
  @inline(__always)
  private func add(to values: UnsafeMutableBufferPointer<Int64>, from source: RandomSource, _ lower: (Int64) -> Int64) -> Bool {
    let top = top
    for index in values.indices {
      let signed = top.draw(from: source)
      let magnitude = (lower(signed < 0 ? -1 - signed : signed) + 1) >> 1
      let (sum, overflow) = values[index].addingReportingOverflow(signed < 0 ? -magnitude : magnitude)
      if overflow { return false }
      values[index] = sum
    }
    return true
  }
}
