extension RandomSource {
  /// A uniform multiple of 2⁻⁵³ in [0, 1).
  public func uniformDouble() -> Double { Double(nextUInt64() >> 11) * 0x1p-53 }

  /// A uniform odd multiple of 2⁻⁵⁴ in (0, 1): never 0, never 1, and symmetric about ½.
  public func uniformOpenDouble() -> Double { (Double(nextUInt64() >> 12) + 0.5) * 0x1p-52 }

  /// A uniform integer in `0..<bound`, exactly unbiased.
  ///
  /// - Parameter bound: at least 1.
  /// - Complexity: one draw of 64 bits expected, more with probability below `bound / 2⁶⁴`.
  ///
  /// Lemire, Fast random integer generation in an interval, ACM TOMACS 29, 2019.
  public func uniformInteger(below bound: UInt64) -> UInt64 {
    precondition(bound > 0, "there is no integer below 0 to draw")
    var product = nextUInt64().multipliedFullWidth(by: bound)
    if product.low < bound {
      // 2⁶⁴ mod bound of the low words belong to an incomplete cycle.
      let incomplete = (0 &- bound) % bound
      while product.low < incomplete { product = nextUInt64().multipliedFullWidth(by: bound) }
    }
    return product.high
  }

  /// A uniform integer in `0..<bound`. See ``uniformInteger(below:)-(UInt64)``.
  public func uniformInteger(below bound: Int) -> Int {
    precondition(bound > 0, "there is no integer below \(bound) to draw")
    return Int(uniformInteger(below: UInt64(bound)))
  }

  /// Whether an event of the given probability happens.
  ///
  /// 64 random bits are compared with ⌊probability · 2⁶⁴⌋, so the realised probability is never above the stated
  /// one, and below it by less than 2⁻⁶⁴: a Poisson sample drawn this way is within what was accounted for.
  /// Probabilities of at least 2⁻¹¹ are realised exactly; 1 always happens, 0 never. One draw is used in any case.
  ///
  /// - Parameter probability: in [0, 1].
  public func bernoulli(probability: Double) -> Bool {
    precondition(probability >= 0 && probability <= 1, "a probability lies in [0, 1], not \(probability)")
    let bits = nextUInt64()
    if probability == 1 { return true }
    // Multiplying by a power of two is exact, converting to an integer rounds down.
    return bits < UInt64(probability * 0x1p64)
  }

  /// Puts `array` into a uniformly random order (Fisher and Yates; Knuth, TAOCP 2, algorithm 3.4.2 P).
  public func shuffle<Element>(_ array: inout [Element]) {
    var remaining = array.count
    while remaining > 1 {
      let chosen = uniformInteger(below: remaining)
      remaining -= 1
      array.swapAt(chosen, remaining)
    }
  }
}
