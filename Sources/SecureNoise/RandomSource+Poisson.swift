extension RandomSource {
  /// A number from the Poisson distribution, exactly.
  ///
  /// - Parameter mean: 0, or from 2⁻¹¹ to 2²⁰; its exact value as a `Double` counts.
  /// - Throws: ``SecureNoiseError`` for any other mean.
  /// - Complexity: in proportion to the mean. ``IntegerNoise`` is faster for vectors.
  ///
  /// The number is a sum of independent ones with means μ of at most ½. For each, k is proposed with probability 2^−(k + 1) and
  /// kept with probability (2μ)^k / k!, the product of events of probability 2μ and 1, 1/2, …, 1/k: what remains is in proportion
  /// to μ^k / k!. All of these probabilities are multiples of 2⁻⁶⁴ or fractions of small integers, so nothing is rounded.
  public func poisson(mean: Double) throws(SecureNoiseError) -> Int64 {
    guard mean == 0 || (mean >= 0x1p-11 && mean <= 0x1p20) else {
      throw .unsupportedParameter(name: "mean", value: "\(mean)", supported: "0 or a number from 2⁻¹¹ to 2²⁰")
    }
    var count: Int64 = 0
    let halves = (2 * mean).rounded(.down)
    for _ in 0..<Int(halves) { count += poissonOfSmallMean(twice: 1) }
    // A multiple of the last place of the mean, 2⁻⁶³ or more.
    let rest = 2 * mean - halves
    return rest > 0 ? count + poissonOfSmallMean(twice: rest) : count
  }

  /// The difference of two independent Poisson numbers, each with half of the given variance, exactly.
  ///
  /// - Parameter variance: 0, or from 2⁻¹⁰ to 2²¹; its exact value as a `Double` counts.
  /// - Throws: ``SecureNoiseError`` for any other variance.
  /// - Complexity: in proportion to the variance. ``IntegerNoise`` is faster for vectors, and takes larger variances.
  ///
  /// Skellam, Journal of the Royal Statistical Society 109, 1946.
  public func skellam(variance: Double) throws(SecureNoiseError) -> Int64 {
    guard variance == 0 || (variance >= 0x1p-10 && variance <= 0x1p21) else {
      throw .unsupportedParameter(name: "variance", value: "\(variance)", supported: "0 or a number from 2⁻¹⁰ to 2²¹")
    }
    return try poisson(mean: variance / 2) - poisson(mean: variance / 2)
  }

  /// A Poisson number with mean `twice` / 2, where `twice` is a multiple of 2⁻⁶⁴ in (0, 1].
  private func poissonOfSmallMean(twice: Double) -> Int64 {
    while true {
      var proposal: UInt64 = 0
      // A word of 64 ones has probability 2⁻⁶⁴ and is followed by another.
      while true {
        let ones = (~nextUInt64()).trailingZeroBitCount
        proposal += UInt64(ones)
        if ones < 64 { break }
      }
      if accepts(proposal, twice: twice) { return Int64(proposal) }
    }
  }

  private func accepts(_ proposal: UInt64, twice: Double) -> Bool {
    guard proposal > 0 else { return true }
    for index in 1...proposal {
      if twice < 1 && !bernoulli(probability: twice) { return false }
      if index > 1 && uniformInteger(below: index) > 0 { return false }
    }
    return true
  }
}
