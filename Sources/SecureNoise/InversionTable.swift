/// Draws from a distribution on the integers by inversion: a table that one 64-bit word decides, but for words beside the
/// boundary between two integers.
///
/// A draw is the integer k with P(X < k) ≤ U < P(X ≤ k), where U is a uniform *real* number given by infinitely many random bits,
/// of which 64 are read first. The table holds the cumulative probabilities, rounded down to 64 places from enclosures narrower
/// than that place. A word at such a number or just above it, and one beyond the table, is left open: with a probability below
/// n 2⁻⁶² for n integers. Then the enclosures are computed anew with more places, and more bits of the same U are read, until
/// one integer is certain. So the distribution is exact.
package struct InversionTable: Sendable {
  private let distribution: LatticeDistribution
  private let first: Int64
  /// ⌊2⁶⁴ P(X < first + i)⌋.
  private let cuts: [UInt64]
  /// For the leading bits of a word, the first cut that can be above it.
  private let guide: [UInt32]
  private let guideShift: UInt64

  package init(_ distribution: LatticeDistribution) {
    self.distribution = distribution
    let (first, probabilities) = distribution.cumulative(words: 1)
    self.first = first
    // A lower end is below 1, as it is rounded down and misses the part beyond the table.
    let cuts = probabilities.map { ($0.lower >> ($0.bits - 64)).uint64 ?? .max }
    self.cuts = cuts
    let guideBits = UInt64.bitWidth - (2 * cuts.count).leadingZeroBitCount
    let shift = UInt64(UInt64.bitWidth - guideBits)
    var index = 0
    guide = (0..<(1 << guideBits)).map { lead in
      while index < cuts.count && cuts[index] <= UInt64(lead) << shift { index += 1 }
      return UInt32(index)
    }
    guideShift = shift
  }

  /// The integer of the next words of `source`.
  @inline(__always)
  package func draw(from source: RandomSource) -> Int64 {
    let word = source.nextUInt64()
    return integer(at: word) ?? refined(word, source)
  }

  /// The integer that the first word decides, nil where it decides none.
  @inline(__always)
  package func integer(at word: UInt64) -> Int64? {
    var index = Int(guide[Int(truncatingIfNeeded: word &>> guideShift)])
    while index < cuts.count && cuts[index] <= word { index += 1 }
    if index == 0 || index == cuts.count || word - cuts[index - 1] < 2 { return nil }
    return first + Int64(index) - 1
  }

  @inline(never)
  private func refined(_ word: UInt64, _ source: RandomSource) -> Int64 {
    var words = [word]
    while true {
      if let integer = distribution.integer(at: words) { return integer }
      words.append(source.nextUInt64())
    }
  }
}
