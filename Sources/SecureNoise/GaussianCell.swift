/// The parts of the first word of a point.
struct GaussianCell: Sendable {
  private let word: UInt64

  init(_ word: UInt64) { self.word = word }

  /// 9 bits, of which the last value stands for the tail.
  var strip: Int { Int(word & 511) }
  var level: UInt64 { (word >> 9) & (1 << 22 - 1) }
  var position: UInt64 { (word >> 31) & (1 << 32 - 1) }

  /// A magnitude with the sign of the last bit, without a branch that nobody could predict.
  func signed(_ magnitude: Int64) -> Int64 {
    let mask = Int64(bitPattern: word) >> 63
    return (magnitude ^ mask) &- mask
  }
}

extension RefinedPoint {
  init(strip: GaussianStrips.Strip, cell: GaussianCell) {
    self.init(strip: strip, level: cell.level, position: cell.position)
  }
}
