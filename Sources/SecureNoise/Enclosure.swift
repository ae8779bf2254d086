/// Two numbers with `bits` binary places between which an unknown real number at least 0 lies.
///
/// Every operation rounds the lower end down and the upper end up, so the true result of the same operation on the true
/// numbers stays inside. The samplers decide only what holds for both ends and otherwise ask for more bits.
package struct Enclosure: Sendable {
  /// Ends in units of 2^−bits.
  package var lower: Natural
  package var upper: Natural
  package let bits: Int

  package init(lower: Natural, upper: Natural, bits: Int) {
    self.lower = lower
    self.upper = upper
    self.bits = bits
  }

  /// The number 1.
  package static func one(bits: Int) -> Enclosure {
    Enclosure(lower: .powerOfTwo(bits), upper: .powerOfTwo(bits), bits: bits)
  }

  /// The product of two numbers with the same `bits`.
  package static func * (a: Enclosure, b: Enclosure) -> Enclosure {
    Enclosure(lower: (a.lower * b.lower) >> a.bits, upper: ((a.upper * b.upper) >> a.bits) + unit, bits: a.bits)
  }

  /// The product with `numerator` over `denominator`, two natural numbers of which the second is not 0.
  package func scaled(by numerator: UInt64, over denominator: UInt64) -> Enclosure {
    let factor = Natural(numerator)
    return Enclosure(
      lower: (lower * factor).quotient(by: denominator), upper: (upper * factor).quotient(by: denominator) + Self.unit, bits: bits)
  }

  /// The same number with fewer binary places.
  func rounded(toBits fewer: Int) -> Enclosure {
    Enclosure(lower: lower >> (bits - fewer), upper: (upper >> (bits - fewer)) + Self.unit, bits: fewer)
  }

  /// e to the power −z of a number z, with the binary places of z.
  ///
  /// z is divided by 2^r until it is below 2⁻⁸. There the terms of the exponential series fall and their signs alternate, so
  /// the sum up to a term differs from the limit by at most that term. Then the result is squared r times.
  package static func exponential(minus z: Enclosure) -> Enclosure {
    let halvings = max(0, z.upper.bitWidth - z.bits) + 8
    // Each squaring doubles the relative width; 32 further places absorb the roundings of the series.
    let places = z.bits + halvings + 32
    let t = Enclosure(lower: z.lower << 32, upper: z.upper << 32, bits: places)
    var sum = Enclosure.one(bits: places)
    var term = sum
    var index: UInt64 = 0
    while term.upper > unit {
      index += 1
      term = (term * t).scaled(by: 1, over: index)
      if index.isMultiple(of: 2) {
        sum = Enclosure(lower: sum.lower + term.lower, upper: sum.upper + term.upper, bits: places)
      } else {
        sum = Enclosure(lower: sum.lower - term.upper, upper: sum.upper - term.lower, bits: places)
      }
    }
    sum = Enclosure(lower: sum.lower - term.upper, upper: sum.upper + term.upper, bits: places)
    for _ in 0..<halvings { sum = sum * sum }
    return sum.rounded(toBits: z.bits)
  }

  private static let unit = Natural(1 as UInt64)
}
