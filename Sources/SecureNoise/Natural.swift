/// A natural number of any size, for the decisions that the fast paths of the samplers leave open.
package struct Natural: Comparable, Sendable {
  /// 64 bits each, the lowest first, the last one not 0; none for the number 0.
  private var limbs: [UInt64]

  private init(limbs: [UInt64]) {
    self.limbs = limbs
    while self.limbs.last == 0 { self.limbs.removeLast() }
  }

  package init(_ value: UInt64) { limbs = value == 0 ? [] : [value] }

  package init(_ value: UInt128) { self.init(limbs: [UInt64(truncatingIfNeeded: value), UInt64(value >> 64)]) }

  /// 2 to the power `exponent`, which is at least 0.
  package static func powerOfTwo(_ exponent: Int) -> Natural { Natural(1 as UInt64) << exponent }

  package var isZero: Bool { limbs.isEmpty }

  /// Number of bits up to the highest one that is set, 0 for the number 0.
  package var bitWidth: Int { limbs.isEmpty ? 0 : 64 * limbs.count - limbs[limbs.count - 1].leadingZeroBitCount }

  /// The value, or nil where it has more than 64 bits.
  package var uint64: UInt64? { limbs.count > 1 ? nil : limbs.first ?? 0 }

  package static func < (a: Natural, b: Natural) -> Bool {
    if a.limbs.count != b.limbs.count { return a.limbs.count < b.limbs.count }
    for index in a.limbs.indices.reversed() where a.limbs[index] != b.limbs[index] { return a.limbs[index] < b.limbs[index] }
    return false
  }

  package static func + (a: Natural, b: Natural) -> Natural {
    let (long, short) = a.limbs.count >= b.limbs.count ? (a.limbs, b.limbs) : (b.limbs, a.limbs)
    var sum = long
    var carry: UInt64 = 0
    for index in long.indices {
      if index >= short.count && carry == 0 { break }
      let (first, overflow) = long[index].addingReportingOverflow(index < short.count ? short[index] : 0)
      let (second, again) = first.addingReportingOverflow(carry)
      sum[index] = second
      carry = overflow || again ? 1 : 0
    }
    if carry == 1 { sum.append(1) }
    return Natural(limbs: sum)
  }

  /// The difference, 0 where `b` is larger than `a`.
  package static func - (a: Natural, b: Natural) -> Natural {
    if a <= b { return Natural(0 as UInt64) }
    var difference = a.limbs
    var borrow: UInt64 = 0
    for index in difference.indices {
      if index >= b.limbs.count && borrow == 0 { break }
      let (first, overflow) = difference[index].subtractingReportingOverflow(index < b.limbs.count ? b.limbs[index] : 0)
      let (second, again) = first.subtractingReportingOverflow(borrow)
      difference[index] = second
      borrow = overflow || again ? 1 : 0
    }
    return Natural(limbs: difference)
  }

  package static func * (a: Natural, b: Natural) -> Natural {
    if a.isZero || b.isZero { return Natural(0 as UInt64) }
    var product = [UInt64](repeating: 0, count: a.limbs.count + b.limbs.count)
    for (i, x) in a.limbs.enumerated() {
      var carry: UInt64 = 0
      for (j, y) in b.limbs.enumerated() {
        // At most (2⁶⁴ − 1)² + 2 (2⁶⁴ − 1) = 2¹²⁸ − 1.
        let sum = UInt128(x) * UInt128(y) + UInt128(product[i + j]) + UInt128(carry)
        product[i + j] = UInt64(truncatingIfNeeded: sum)
        carry = UInt64(sum >> 64)
      }
      product[i + b.limbs.count] = carry
    }
    return Natural(limbs: product)
  }

  package static func << (a: Natural, count: Int) -> Natural {
    if a.isZero { return a }
    let (whole, part) = (count / 64, count % 64)
    var shifted = [UInt64](repeating: 0, count: whole)
    var carry: UInt64 = 0
    for limb in a.limbs {
      shifted.append(limb << part | carry)
      carry = part == 0 ? 0 : limb >> (64 - part)
    }
    shifted.append(carry)
    return Natural(limbs: shifted)
  }

  /// The quotient by 2 to the power `count`, rounded down.
  package static func >> (a: Natural, count: Int) -> Natural {
    let (whole, part) = (count / 64, count % 64)
    if whole >= a.limbs.count { return Natural(0 as UInt64) }
    var shifted = Array(a.limbs[whole...])
    if part > 0 {
      for index in shifted.indices {
        let above = index + 1 < shifted.count ? shifted[index + 1] << (64 - part) : 0
        shifted[index] = shifted[index] >> part | above
      }
    }
    return Natural(limbs: shifted)
  }

  /// The quotient by a number that is not 0, rounded down.
  package func quotient(by divisor: UInt64) -> Natural {
    precondition(divisor > 0, "a natural number cannot be divided by 0")
    var quotient = limbs
    var rest: UInt64 = 0
    for index in quotient.indices.reversed() {
      (quotient[index], rest) = divisor.dividingFullWidth((rest, quotient[index]))
    }
    return Natural(limbs: quotient)
  }

  /// The quotient by a number that is not 0, rounded down, bit by bit.
  package func quotient(by divisor: Natural) -> Natural {
    precondition(!divisor.isZero, "a natural number cannot be divided by 0")
    var quotient = Natural(0 as UInt64)
    var rest = self
    var shift = max(0, bitWidth - divisor.bitWidth)
    while true {
      let part = divisor << shift
      if part <= rest {
        rest = rest - part
        quotient = quotient + .powerOfTwo(shift)
      }
      if shift == 0 { return quotient }
      shift -= 1
    }
  }
}
