extension RandomSource {
  /// Adds independent Gaussian noise, **exactly rounded** to integers, to every element of `values`.
  ///
  /// Each element gets the integer nearest to σ X, where X is a standard Gaussian *real* number: the distribution of the noise is
  /// exactly that of rounding, P(n) = Φ((n + ½)/σ) − Φ((n − ½)/σ), with no error in total variation beside that of the random bits.
  ///
  /// **Why this is private.** An integer plus the rounded noise is the rounded sum: n + round(σX) = round(n + σX). So a noisy integer
  /// is post-processing of the continuous Gaussian mechanism, and whatever holds for the real numbers n + σX holds for it. No
  /// floating-point number is released (Mironov, CCS 2012).
  ///
  /// **Why the rounding is exact.**
  /// 1. X is ±x, and x is the abscissa of a uniform point under exp(−x²/2), found by rejection under the staircase of
  ///    ``GaussianStrips``, whose strips are integers. The point is a pair of uniform *real* numbers, given by infinitely many
  ///    random bits, of which a 64-bit word (strip, sign, 22 bits of level, 32 of position) is read first.
  /// 2. The point is accepted, rejected or rounded only if that answer is the same for *every* real point in the cell of the bits
  ///    read so far. Where it is not, 64 more bits of the same point are read (``RefinedPoint``). So the result is the one
  ///    that all infinitely many bits would give; ties have probability 0.
  /// 3. The fast path answers such a question in floating point with a margin above its error: x is exact there (at most 52
  ///    bits below 16), a product has a relative error of 2⁻⁵³, and the margins are 2⁻⁴⁶ σ + 2⁻⁵⁰ for the product and 2⁻²⁶ for f.
  ///    What it leaves open goes to integers of 128 bits and then of any size, from the same bits.
  ///
  /// The fast path answers only what the exact one answers from the same bits, so the numbers and the bits used are the same
  /// without it, and on every machine.
  ///
  /// - Parameters:
  ///   - standardDeviation: σ in units of the grid, 0 or up to 2⁵⁷; its exact value as a `Double` counts. At 0 nothing is drawn.
  ///   - values: integers, usually a sum over clients on the grid, `[parameters]`. On an error they are all set to 0, so that no value
  ///     without noise can be released.
  /// - Throws: ``SecureNoiseError/unsupportedParameter(name:value:supported:)`` for any other σ, ``SecureNoiseError/overflow`` where a
  ///   noisy value exceeds 64 bits.
  /// - Complexity: one draw of 64 bits for 98.6 % of the numbers. From about σ = 2³⁴ on the 32 bits of the position often do not decide
  ///   the rounding, and a second word and 128-bit integers halve the speed; it falls further towards 2⁵⁷.
  ///
  /// Rejection under strips of equal area is due to Marsaglia and Tsang (The ziggurat method, Journal of Statistical Software 5,
  /// 2000), exact normal numbers from lazily drawn bits to Karney (Sampling exactly from the normal distribution, ACM TOMS 42, 2016).
  public func addGridGaussian(standardDeviation: Double, to values: inout [Int64]) throws(SecureNoiseError) {
    try addGridGaussian(standardDeviation: standardDeviation, to: &values, usingFastPath: true)
  }

  /// The same numbers from the same bits, without floating point where `usingFastPath` is false.
  package func addGridGaussian(
    standardDeviation: Double, to values: inout [Int64], usingFastPath: Bool
  ) throws(SecureNoiseError) {
    guard standardDeviation >= 0 && standardDeviation <= 0x1p57 else {
      values.zero()
      throw .unsupportedParameter(name: "standard deviation", value: "\(standardDeviation)", supported: "a number from 0 to 2⁵⁷ grid units")
    }
    if standardDeviation == 0 { return }
    let scale = GridScale(standardDeviation, .half)
    let fits = values.withUnsafeMutableBufferPointer { values in
      GaussianStrips.fast.withUnsafeBufferPointer { strips in
        usingFastPath ? addGridGaussian(scale, strips, to: values) : addExactGridGaussian(scale, to: values)
      }
    }
    if !fits {
      values.zero()
      throw .overflow
    }
  }

  /// Adds a number to every value, false where a sum does not fit into 64 bits.
  private func addGridGaussian(
    _ scale: GridScale, _ strips: UnsafeBufferPointer<GaussianStrips.FastStrip>, to values: UnsafeMutableBufferPointer<Int64>
  ) -> Bool {
    var index = 0
    while index < values.count {
      takeBufferedWords { word in
        let cell = GaussianCell(word)
        guard index < values.count && cell.strip < strips.count else { return false }
        let strip = strips[cell.strip]
        guard cell.level < strip.certain, let noise = scale.quickRounding(cell, strip.x(cell.position), strip.width) else { return false }
        let (sum, overflow) = values[index].addingReportingOverflow(noise)
        if overflow { return false }
        values[index] = sum
        index += 1
        return true
      }
      if index == values.count { break }
      // The next word may still be one for the loop above, where the buffer has ended.
      guard let noise = gridGaussian(scale, strips) else { return false }
      let (sum, overflow) = values[index].addingReportingOverflow(noise)
      if overflow { return false }
      values[index] = sum
      index += 1
    }
    return true
  }

  /// The same without floating point.
  private func addExactGridGaussian(_ scale: GridScale, to values: UnsafeMutableBufferPointer<Int64>) -> Bool {
    for index in values.indices {
      guard let noise = exactGridGaussian(scale) else { return false }
      let (sum, overflow) = values[index].addingReportingOverflow(noise)
      if overflow { return false }
      values[index] = sum
    }
    return true
  }

  /// One number, nil where it does not fit into 64 bits.
  @inline(never)
  func gridGaussian(_ scale: GridScale, _ strips: UnsafeBufferPointer<GaussianStrips.FastStrip>) -> Int64? {
    while true {
      let cell = GaussianCell(nextUInt64())
      let scale = scale.facing(cell)
      if cell.strip < strips.count {
        if let noise = carefulGridGaussian(scale, cell, strips[cell.strip], GaussianStrips.strips[cell.strip]) { return noise.value }
      } else {
        let exact = drawTail()
        let noise =
          exact.halvings > GaussianStrips.fastTail.count
          ? refinedGridGaussian(scale, cell, exact)
          : carefulGridGaussian(scale, cell, GaussianStrips.fastTail[exact.halvings - 1], exact)
        if let noise { return noise.value }
      }
    }
  }

  /// The number that the point stands for, nil where the point is rejected: in floating point as far as that is certain.
  private func carefulGridGaussian(
    _ scale: GridScale, _ cell: GaussianCell, _ strip: GaussianStrips.FastStrip, _ exact: GaussianStrips.Strip
  ) -> Noise? {
    let x = strip.x(cell.position)
    if cell.level >= strip.certain {
      switch GaussianStrips.isUnder(x: x, level: cell.level, ratio: strip.ratio) {
      case true?: break
      case false?: return nil
      case nil: return refinedGridGaussian(scale, cell, exact)
      }
    }
    if let noise = scale.quickRounding(cell, x, strip.width) { return Noise(value: noise) }
    var point = RefinedPoint(strip: exact, cell: cell)
    return Noise(value: roundedPosition(of: &point, scale, cell, exact).flatMap(cell.signed))
  }

  /// One number without floating point.
  func exactGridGaussian(_ scale: GridScale) -> Int64? {
    while true {
      let cell = GaussianCell(nextUInt64())
      let strip = cell.strip < GaussianStrips.strips.count ? GaussianStrips.strips[cell.strip] : drawTail()
      if let noise = refinedGridGaussian(scale.facing(cell), cell, strip) { return noise.value }
    }
  }

  /// A strip of the tail, number i with probability 2^−(i + 1).
  func drawTail() -> GaussianStrips.Strip {
    var index = 0
    while true {
      let zeros = nextUInt64().trailingZeroBitCount
      index += zeros
      if zeros < 64 { return GaussianStrips.tail(index) }
    }
  }

  /// A number that may be too large for 64 bits.
  private struct Noise {
    var value: Int64?
  }

  /// The number that the point stands for, nil where the point is rejected.
  @inline(never)
  private func refinedGridGaussian(_ scale: GridScale, _ cell: GaussianCell, _ strip: GaussianStrips.Strip) -> Noise? {
    var point = RefinedPoint(strip: strip, cell: cell)
    while true {
      if let isUnder = point.isUnder {
        return isUnder ? Noise(value: roundedPosition(of: &point, scale).flatMap(cell.signed)) : nil
      }
      point.refineLevel(nextUInt64())
      point.refinePosition(nextUInt64())
    }
  }

  /// σ times a point, rounded with as many further bits of the point as that needs; nil where it does not fit into 64 bits.
  @inline(never)
  func roundedPosition(of point: inout RefinedPoint, _ scale: GridScale) -> Int64? {
    while true {
      if let magnitude = point.rounded(scale.offset, times: scale.exact) { return magnitude.uint64.flatMap(Int64.init(exactly:)) }
      point.refinePosition(nextUInt64())
    }
  }

  /// The same for a point of which only the first bits are known, in integers of 128 bits where they suffice. (Then `point` is not
  /// told of the word that was read. Nothing asks for its position any more.)
  func roundedPosition(
    of point: inout RefinedPoint, _ scale: GridScale, _ cell: GaussianCell, _ strip: GaussianStrips.Strip
  ) -> Int64? {
    if let wide = WideProduct(strip: strip, position: cell.position, scale: scale) {
      if let magnitude = wide.rounded { return magnitude }
      let word = nextUInt64()
      if let magnitude = wide.rounded(refinedBy: word) { return magnitude }
      point.refinePosition(word)
    }
    return roundedPosition(of: &point, scale)
  }
}

extension [Int64] {
  /// Sets every element to 0.
  mutating func zero() {
    for index in indices { self[index] = 0 }
  }
}
