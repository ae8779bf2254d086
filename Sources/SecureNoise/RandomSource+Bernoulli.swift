extension RandomSource {
  /// Whether an event of probability exp(−numerator / denominator) happens, exactly.
  ///
  /// - Parameters:
  ///   - numerator: any number.
  ///   - denominator: at least 1.
  /// - Complexity: constant in expectation, whatever the numbers.
  ///
  /// Canonne, Kamath and Steinke, The discrete Gaussian for differential privacy, NeurIPS 2020, algorithm 1. Every decision
  /// compares uniform integers; nothing is rounded.
  public func bernoulliExponential(numerator: UInt64, denominator: UInt64) -> Bool {
    precondition(denominator > 0, "a fraction's denominator is at least 1, not 0")
    // exp(−x) is exp(−1) for each whole part of x, times exp(−rest). The first failure decides.
    var rest = numerator
    while rest > denominator {
      if !bernoulliExponentialAtMostOne({ true }) { return false }
      rest -= denominator
    }
    return bernoulliExponentialAtMostOne { self.uniformInteger(below: denominator) < rest }
  }

  /// The same event for a fraction of numbers of any size.
  package func bernoulliExponential(numerator: Natural, denominator: Natural) -> Bool {
    if let small = numerator.uint64, let below = denominator.uint64 { return bernoulliExponential(numerator: small, denominator: below) }
    var rest = numerator
    while rest > denominator {
      if !bernoulliExponentialAtMostOne({ true }) { return false }
      rest = rest - denominator
    }
    return bernoulliExponentialAtMostOne { self.bernoulli(numerator: rest, denominator: denominator) }
  }

  /// Whether an event of probability numerator / denominator happens, exactly: as many random bits as the comparison of a
  /// uniform real number with the fraction needs.
  package func bernoulli(numerator: Natural, denominator: Natural) -> Bool {
    // The uniform number lies in [bits, bits + 1) / 2^(64 · draws). Compare both ends, times the denominator.
    var target = numerator
    var bits = Natural(0 as UInt64)
    while true {
      bits = (bits << 64) + Natural(nextUInt64())
      target = target << 64
      let lower = bits * denominator
      if lower + denominator <= target { return true }
      if lower >= target { return false }
    }
  }

  /// Algorithm 1 for γ ≤ 1, where `happens` draws an event of probability γ: the number of the first failure among events of
  /// probability γ/1, γ/2, γ/3, … is odd with probability exp(−γ).
  private func bernoulliExponentialAtMostOne(_ happens: () -> Bool) -> Bool {
    var index: UInt64 = 1
    // An event of probability γ/k is one of probability 1/k and one of probability γ, so that no product can overflow.
    while uniformInteger(below: index) == 0 && happens() { index += 1 }
    return !index.isMultiple(of: 2)
  }

  /// The number of failures before the first success of events that fail with probability exp(−1), exactly.
  func geometricOfExponential() -> UInt64 {
    var count: UInt64 = 0
    while bernoulliExponentialAtMostOne({ true }) { count += 1 }
    return count
  }

  /// The number of failures before the first success of events that fail with probability exp(−numerator / denominator),
  /// exactly: k with probability (1 − q) q^k.
  ///
  /// - Parameters:
  ///   - numerator: at least 1.
  ///   - denominator: at least 1.
  /// - Throws: ``SecureNoiseError/overflow`` for a number above 2⁶³ − 1, which can only be met with a rate near 2⁻⁶³.
  ///
  /// Canonne, Kamath and Steinke 2020, algorithm 2 without its sign.
  public func geometric(numerator: UInt64, denominator: UInt64) throws(SecureNoiseError) -> Int64 {
    precondition(numerator > 0 && denominator > 0, "a geometric number's rate is positive, not \(numerator)/\(denominator)")
    while true {
      let part = uniformInteger(below: denominator)
      if !bernoulliExponential(numerator: part, denominator: denominator) { continue }
      // A geometric number of rate 1 / denominator, and from it one of rate numerator / denominator.
      let fine = UInt128(part) + UInt128(denominator) * UInt128(geometricOfExponential())
      guard let number = Int64(exactly: fine / UInt128(numerator)) else { throw .overflow }
      return number
    }
  }
}
