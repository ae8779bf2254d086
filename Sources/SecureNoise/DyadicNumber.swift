/// The exact value of a positive finite `Double`: an integer times a power of two.
package struct DyadicNumber: Sendable {
  /// Odd, below 2⁵³.
  package let mantissa: UInt64
  package let exponent: Int

  package init(_ value: Double) {
    let bits = value.significandBitPattern
    let whole = value.isNormal ? bits | 1 << 52 : bits
    let zeros = whole.trailingZeroBitCount
    mantissa = whole >> zeros
    exponent = (value.isNormal ? Int(value.exponent) : -1022) - 52 + zeros
  }
}
