import SecureNoise
import Testing

@Suite("Natural numbers and enclosures behind the exact paths")
struct ExactArithmeticTests {
  @Test("Natural numbers agree with 128-bit integers")
  func arithmetic() {
    let source = RandomSource.simulation(seed: 20, purpose: .testing)
    for round in 0..<20_000 {
      // Numbers of all sizes, and with long runs of ones for the carries.
      let shift = round % 64
      let a = UInt128(source.nextUInt64() >> shift)
      let b = round % 3 == 0 ? UInt128(UInt64.max) : UInt128(source.nextUInt64() >> ((round / 64) % 64))
      let product = a * b
      #expect(Natural(a) * Natural(b) == Natural(product))
      #expect(Natural(a) + Natural(b) == Natural(a + b))
      #expect(Natural(a) - Natural(b) == Natural(a > b ? a - b : 0))
      #expect(Natural(product) - Natural(a) == Natural(product > a ? product - a : 0))
      #expect((Natural(a) < Natural(b)) == (a < b))
      #expect(Natural(product) >> shift == Natural(product >> shift))
      #expect(Natural(a) << shift == Natural(a << shift))
      #expect(Natural(product).bitWidth == 128 - product.leadingZeroBitCount)
      if b > 0 {
        #expect(Natural(product + a).quotient(by: UInt64(b)) == Natural((product + a) / b))
        #expect(Natural(product).quotient(by: Natural(b) * Natural(b)) == Natural(product / b / b))
      }
    }
  }

  @Test("Products and quotients of many limbs undo each other")
  func longArithmetic() {
    let source = RandomSource.simulation(seed: 21, purpose: .testing)
    func number(_ limbs: Int) -> Natural { (0..<limbs).reduce(Natural(0 as UInt64)) { n, _ in (n << 64) + Natural(source.nextUInt64()) } }
    for limbs in 1..<8 {
      let (a, b, rest) = (number(limbs), number(9 - limbs), number(8 - limbs))
      #expect((a * b + rest).quotient(by: b) == a)
      #expect((a * b) - (a * (b - Natural(1 as UInt64))) == a)
      #expect((a + b) * (a + b) == a * a + ((a * b) << 1) + b * b)
      #expect((a << 200) >> 200 == a && (a << 131) == a * .powerOfTwo(131))
    }
  }

  /// ⌊2¹⁹² exp(−z)⌋ by mpmath 1.3 with 700 bits.
  @Test("The enclosure of an exponential holds the value of another library and is a few units wide")
  func exponentials() {
    let references: [(z: Natural, limbs: [UInt64])] = [
      (.powerOfTwo(192), [0x5e2d_58d8_b3bc_df1a, 0xbade_c782_9054_f90d, 0xda98_05aa_b56c_7733]),
      (.powerOfTwo(191), [0x9b45_97e3_7cb0_4ff3, 0xd675_a355_30cd_d767, 0xe347_bf8a_d0e8_0abb]),
      (Natural(149 as UInt64) << 190, [0x4c9, 0xe2f3_5c3a_603c_f0d8, 0xf86d_19e2_4687_0d3b]),
    ]
    for (z, limbs) in references {
      let result = Enclosure.exponential(minus: Enclosure(lower: z, upper: z, bits: 192))
      let reference = limbs.reduce(Natural(0 as UInt64)) { ($0 << 64) + Natural($1) }
      #expect(result.lower <= reference && reference + Natural(1 as UInt64) <= result.upper)
      #expect(result.upper - result.lower <= Natural(4 as UInt64))
    }
    let zero = Natural(0 as UInt64)
    let one = Enclosure.exponential(minus: Enclosure(lower: zero, upper: zero, bits: 64))
    #expect(one.lower <= .powerOfTwo(64) && one.upper >= .powerOfTwo(64))
  }

  @Test("A Double is its mantissa times its power of two", arguments: [1, 3, 0.1, 1e300, 0x1p-1074, 0x1.8p-1040, 6.02e23])
  func dyadicNumbers(value: Double) {
    let exact = DyadicNumber(value)
    #expect(!exact.mantissa.isMultiple(of: 2) && exact.mantissa < 1 << 53)
    // Two steps, as the power itself may be below the range of Double.
    let half = exact.exponent / 2
    #expect(
      Double(sign: .plus, exponent: half, significand: Double(exact.mantissa))
        * Double(sign: .plus, exponent: exact.exponent - half, significand: 1) == value)
  }
}
