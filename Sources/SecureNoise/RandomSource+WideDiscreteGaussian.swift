extension RandomSource {
  /// The smallest σ that ``addWideDiscreteGaussian(_:to:usingFastPath:)`` takes: the strips of ``GaussianStrips`` allow for 1/σ ≤ 2⁻¹⁰.
  static let smallestWideSigma = 0x1p10

  /// Adds noise from N_Z(0, σ²) for σ from 2¹⁰ to 2⁵⁰, exactly; false where a sum does not fit into 64 bits.
  ///
  /// A point of the staircase with abscissa x and a sign proposes k = ⌈σx⌉ ≥ 1, and is accepted where it lies under f(k/σ) instead of
  /// f(x). As k/σ ≥ x, that is below f(x) and so below the staircase: the area that is accepted for k is f(k/σ)/σ, in proportion
  /// to the wanted probability. What is missing is 0, with the area f(0)/σ. For it the strip beyond T gives up half of its area V on
  /// either side, which it can spare as f(T)/4 ≤ V/4, and of the total area V that proposes 0 a share of 1/(σV) is accepted.
  ///
  /// As in the grid Gaussian, floating point answers only what is certain with a margin, and the rest is decided by further bits of
  /// the same point. k is found first, then the level is compared.
  func addWideDiscreteGaussian(_ sigma: Double, to values: UnsafeMutableBufferPointer<Int64>, usingFastPath: Bool) -> Bool {
    let scale = GridScale(sigma, .one)
    return GaussianStrips.fastAbove.withUnsafeBufferPointer { strips in
      var index = 0
      while index < values.count {
        if usingFastPath {
          takeBufferedWords { word in
            let cell = GaussianCell(word)
            guard index < values.count && cell.strip < strips.count else { return false }
            let strip = strips[cell.strip]
            guard cell.level < strip.certain, let noise = scale.quickRounding(cell, strip.x(cell.position), strip.width) else {
              return false
            }
            let (sum, overflow) = values[index].addingReportingOverflow(noise)
            if overflow { return false }
            values[index] = sum
            index += 1
            return true
          }
          if index == values.count { break }
        }
        guard let noise = wideDiscreteGaussian(scale, usingFastPath: usingFastPath) else { return false }
        let (sum, overflow) = values[index].addingReportingOverflow(noise)
        if overflow { return false }
        values[index] = sum
        index += 1
      }
      return true
    }
  }

  /// One number, nil where it does not fit into 64 bits.
  private func wideDiscreteGaussian(_ scale: GridScale, usingFastPath: Bool) -> Int64? {
    while true {
      let cell = GaussianCell(nextUInt64())
      var strip: GaussianStrips.Strip
      if cell.strip < GaussianStrips.strips.count {
        strip = GaussianStrips.strips[cell.strip]
      } else {
        strip = drawTail()
        if strip.halvings == 1 {
          if acceptsZero(scale.exact) { return 0 }
          continue
        }
        // Number i of the tail with probability 2^−(i + 2).
        strip.start -= GaussianStrips.tailWidth
      }
      var point = RefinedPoint(strip: strip, cell: cell)
      let rounded =
        usingFastPath ? roundedPosition(of: &point, scale, cell, strip) : roundedPosition(of: &point, scale)
      guard let magnitude = rounded else { return nil }
      if isUnder(&point, magnitude, scale, cell, strip, usingFastPath: usingFastPath) { return cell.signed(magnitude) }
    }
  }

  private func isUnder(
    _ point: inout RefinedPoint, _ magnitude: Int64, _ scale: GridScale, _ cell: GaussianCell, _ strip: GaussianStrips.Strip,
    usingFastPath: Bool
  ) -> Bool {
    let x = Double(magnitude) / scale.value
    if usingFastPath && x < 16 {
      let ratio = GaussianStrips.FastStrip.ratio(strip)
      if let isUnder = GaussianStrips.isUnder(x: x, level: cell.level, ratio: ratio) { return isUnder }
    }
    while true {
      if let isUnder = point.isUnder(valueAt: Natural(magnitude.magnitude), over: scale.exact) { return isUnder }
      point.refineLevel(nextUInt64())
    }
  }

  /// An event of probability 1/(σV).
  private func acceptsZero(_ sigma: DyadicNumber) -> Bool {
    let area = Natural(GaussianStrips.area) * Natural(sigma.mantissa)
    return bernoulli(
      numerator: .powerOfTwo(GaussianStrips.areaPlaces + max(0, -sigma.exponent)), denominator: area << max(0, sigma.exponent))
  }
}
