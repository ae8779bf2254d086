import ParameterVectors

/// `levels` equally spaced numbers from `minimum` to `maximum`; a code is the index of one.
struct UniformGrid {
  let minimum: Double
  let maximum: Double
  /// 2...65536.
  let levels: Int

  /// Largest code.
  var top: Int { levels - 1 }
  /// Bits of a code.
  var bits: Int { Int.bitWidth - top.leadingZeroBitCount }
  /// Distance of neighbours; 0 if all are equal.
  var step: Double { (maximum - minimum) / Double(top) }
  /// Codes per unit.
  var scale: Double { maximum > minimum ? Double(top) / (maximum - minimum) : 0 }
  /// Bits that the rounding decides on: 31 bits hold code and fraction.
  var fractionBits: Int { 31 - bits }

  /// Bytes of `count` packed codes.
  func packedSize(count: Int) -> Int { (count * bits + 7) / 8 }

  /// Greatest growth of the norm of `count` elements on a grid that spans their own range.
  ///
  /// The range is at most √2 times the norm, its two ends are on the grid, and every other element moves by less than a step
  /// (stochastic) or at most half a step (nearest).
  static func worstCaseNormGrowth(count: Int, levels: Int, rounding: IntegerRounding) -> Double {
    let moved = (2 * Double(max(count - 2, 0))).squareRoot() / Double(levels - 1)
    return (1 + (rounding == .stochastic ? moved : moved / 2)) * (1 + 4 * floatRoundoff)
  }
}

/// Puts vectors on grids, block by block, so that random bits and codes stay in the first cache.
struct GridCoder {
  private static let block = 4096
  private let source: RoundingBits?
  private var random: [UInt32]
  private var codes = [UInt16](repeating: 0, count: block)

  /// Rounds stochastically with bits from `source`, to nearest without.
  init(_ source: RoundingBits?) {
    self.source = source
    random = source == nil ? [] : [UInt32](repeating: 0, count: Self.block)
  }

  /// Calls `body` with the codes of one block after the other and their number.
  private mutating func forEachBlock(
    _ values: [Float], _ part: Range<Int>, _ grid: UniformGrid, _ body: (_ codes: [UInt16], _ count: Int) -> Void
  ) {
    var start = part.lowerBound
    while start < part.upperBound {
      let block = start..<min(start + Self.block, part.upperBound)
      if let source {
        source.fill(&random, count: block.count)
        VectorKernels.best.quantize(
          values, in: block, minimum: grid.minimum, scale: grid.scale, top: grid.top, fractionBits: grid.fractionBits, random: random,
          into: &codes)
      } else {
        VectorKernels.best.quantizeToNearest(
          values, in: block, minimum: grid.minimum, scale: grid.scale, top: grid.top, into: &codes)
      }
      body(codes, block.count)
      start = block.upperBound
    }
  }

  /// Writes the packed codes of the elements `part`.
  mutating func pack(_ values: [Float], _ part: Range<Int>, _ grid: UniformGrid, to writer: inout ByteWriter) {
    writer.write(count: grid.packedSize(count: part.count)) { bytes, start in
      var offset = start
      forEachBlock(values, part, grid) { codes, count in
        VectorKernels.best.pack(codes, count: count, bits: grid.bits, into: &bytes, at: offset)
        offset += count * grid.bits / 8
      }
    }
  }

  /// The codes of the elements `part`.
  mutating func allCodes(_ values: [Float], _ part: Range<Int>, _ grid: UniformGrid) -> [UInt16] {
    var result: [UInt16] = []
    result.reserveCapacity(part.count)
    forEachBlock(values, part, grid) { codes, count in result.append(contentsOf: codes[..<count]) }
    return result
  }

  /// Reads packed codes and writes their levels to the elements `part`.
  mutating func unpack(
    _ reader: inout ByteReader, _ grid: UniformGrid, to values: inout [Float], _ part: Range<Int>
  ) throws(AggregationError) {
    var offset = try reader.skip(grid.packedSize(count: part.count))
    let step = grid.step
    var start = part.lowerBound
    while start < part.upperBound {
      let block = start..<min(start + Self.block, part.upperBound)
      VectorKernels.best.unpack(reader.bytes, at: offset, count: block.count, bits: grid.bits, into: &codes)
      if grid.levels < 1 << grid.bits {
        for code in codes[..<block.count] where Int(code) > grid.top { throw reader.malformed("a code is above the last level") }
      }
      VectorKernels.best.dequantize(codes, minimum: grid.minimum, step: step, into: &values, at: block)
      offset += block.count * grid.bits / 8
      start = block.upperBound
    }
  }
}

extension ByteReader {
  /// A grid over a range that the message states.
  mutating func readGrid(levels: Int) throws(AggregationError) -> UniformGrid {
    let minimum = try readFiniteFloat()
    let maximum = try readFiniteFloat()
    guard minimum <= maximum else { throw malformed("a range ends before it begins") }
    return UniformGrid(minimum: Double(minimum), maximum: Double(maximum), levels: levels)
  }
}
