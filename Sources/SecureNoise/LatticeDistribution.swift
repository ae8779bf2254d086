/// A distribution on the integers whose cumulative probabilities can be enclosed as narrowly as a decision needs.
package enum LatticeDistribution: Sendable {
  /// N_Z(0, σ²).
  case discreteGaussian(sigma: DyadicNumber)
  /// The Poisson distribution with the given mean.
  case poisson(mean: DyadicNumber)
  /// A real Laplace number of the given scale, rounded down: k and −1 − k with probability in proportion to exp(−k/scale), k ≥ 0.
  case laplaceFloor(scale: DyadicNumber)
  /// k with probability in proportion to exp(−k/scale) for 0 ≤ k < count; `count` is at least 1.
  case geometricDigit(scale: DyadicNumber, count: Int)

  /// Weights in proportion to the probabilities of consecutive integers, the largest 1, and bounds of the weight beyond both ends.
  private struct Weights {
    var first: Int64
    var weights: [Enclosure]
    var below: Natural
    var above: Natural
  }

  /// Enclosures of P(X < first), P(X < first + 1), …, each narrower than 2^−(64 words).
  ///
  /// All but less than 2^−(64 words + 16) of the probability lies between the first and the last. Weights come from the largest
  /// outwards through the ratios of neighbours; all steps multiply and add positive numbers, so the ends of the enclosures
  /// drift apart by a few units of the last place a step, and the 64 places and more that are added for this suffice.
  package func cumulative(words: Int) -> (first: Int64, probabilities: [Enclosure]) {
    var bits = 64 * (words + 1)
    while true {
      let result = cumulative(words: words, bits: bits)
      let width = Natural.powerOfTwo(bits - 64 * words)
      if result.probabilities.allSatisfy({ $0.upper - $0.lower < width }) { return result }
      bits += 64
    }
  }

  /// The integer whose share of [0, 1) holds every number that begins with the binary places `words`. Nil where there is none.
  package func integer(at words: [UInt64]) -> Int64? {
    let (first, probabilities) = cumulative(words: words.count)
    let lower = words.reduce(Natural(0 as UInt64)) { ($0 << 64) + Natural($1) }
    let places = 64 * words.count
    // The last probability that is below the number for certain.
    let scaled = lower << (probabilities[0].bits - places)
    guard let after = probabilities.firstIndex(where: { $0.upper > scaled }), after > 0 else { return nil }
    let upper = (lower + Natural(1 as UInt64)) << (probabilities[0].bits - places)
    return upper <= probabilities[after].lower ? first + Int64(after) - 1 : nil
  }

  private func cumulative(words: Int, bits: Int) -> (first: Int64, probabilities: [Enclosure]) {
    let negligible = Natural.powerOfTwo(bits - 64 * words - 20)
    let parts =
      switch self {
      case .discreteGaussian(let sigma): Self.gaussianWeights(sigma, bits: bits, negligible: negligible)
      case .poisson(let mean): Self.poissonWeights(mean, bits: bits, negligible: negligible)
      case .laplaceFloor(let scale): Self.laplaceFloorWeights(scale, bits: bits, negligible: negligible)
      case .geometricDigit(let scale, let count): Self.geometricDigitWeights(scale, count: count, bits: bits)
      }
    var sum = Enclosure(lower: Natural(0 as UInt64), upper: parts.below, bits: bits)
    var sums = [sum]
    for weight in parts.weights {
      sum = Enclosure(lower: sum.lower + weight.lower, upper: sum.upper + weight.upper, bits: bits)
      sums.append(sum)
    }
    let square = Natural.powerOfTwo(2 * bits)
    let reciprocal = Enclosure(
      lower: square.quotient(by: sum.upper + parts.above), upper: square.quotient(by: sum.lower) + Natural(1 as UInt64), bits: bits)
    return (parts.first, sums.map { $0 * reciprocal })
  }

  /// exp(−k²/(2σ²)) for the k around 0: ρ(k + 1) = ρ(k) r^(2k + 1) with r = exp(−1/(2σ²)).
  private static func gaussianWeights(_ sigma: DyadicNumber, bits: Int, negligible: Natural) -> Weights {
    let one = Natural(1 as UInt64)
    // 1/(2σ²), where the square of the mantissa may have more than 64 bits.
    let exponent = Natural.powerOfTwo(bits - 2 * sigma.exponent - 1).quotient(by: sigma.mantissa).quotient(by: sigma.mantissa)
    let r = Enclosure.exponential(minus: Enclosure(lower: exponent, upper: exponent + one, bits: bits))
    var factor = r
    let growth = r * r
    var half = [Enclosure.one(bits: bits)]
    while half[half.count - 1].upper >= negligible {
      half.append(half[half.count - 1] * factor)
      factor = factor * growth
    }
    // Beyond K, ρ(K + i) <= ρ(K) exp(−K i/σ²), in total at most ρ(K) σ²/K.
    let last = half.count - 1
    let square = Natural(sigma.mantissa) * Natural(sigma.mantissa)
    let variance = (sigma.exponent >= 0 ? square << (2 * sigma.exponent) : square >> (-2 * sigma.exponent)) + one
    let beyond = (half[last].upper * variance).quotient(by: UInt64(last)) + one
    return Weights(first: -Int64(last), weights: half.dropFirst().reversed() + half, below: beyond, above: beyond)
  }

  /// λ^k/k! over its value at k = ⌊λ⌋: up by the factor λ/(k + 1), down by k/λ.
  private static func poissonWeights(_ mean: DyadicNumber, bits: Int, negligible: Natural) -> Weights {
    let one = Natural(1 as UInt64)
    let (left, right) = (max(0, mean.exponent), max(0, -mean.exponent))
    func timesMean(_ x: Natural) -> Natural { (x * Natural(mean.mantissa) << left) >> right }
    func overMean(_ x: Natural) -> Natural { ((x << right) >> left).quotient(by: mean.mantissa) }
    // Callers keep the mean below 2⁶³.
    let mode = timesMean(one).uint64 ?? .max
    var up = [Enclosure.one(bits: bits)]
    var k = mode
    while up[up.count - 1].upper >= negligible {
      k += 1
      let last = up[up.count - 1]
      up.append(
        Enclosure(
          lower: timesMean(last.lower).quotient(by: k), upper: (timesMean(last.upper) + one).quotient(by: k) + one, bits: bits))
    }
    // Beyond k the ratios stay below λ/(k + 1), λ < mode + 1.
    let above = (up[up.count - 1].upper * Natural(mode + 1)).quotient(by: max(1, k - mode)) + one
    var down: [Enclosure] = []
    k = mode
    var last = up[0]
    while k > 0 && last.upper >= negligible {
      let factor = Natural(k)
      last = Enclosure(lower: overMean(last.lower * factor), upper: overMean(last.upper * factor) + one + one, bits: bits)
      down.append(last)
      k -= 1
    }
    // Below k the ratios stay below k/λ.
    let below = k == 0 ? Natural(0 as UInt64) : (last.upper * Natural(k)).quotient(by: max(1, mode - k)) + one
    return Weights(first: Int64(k), weights: down.reversed() + up, below: below, above: above)
  }

  /// exp(−1/scale).
  private static func ratio(_ scale: DyadicNumber, bits: Int) -> Enclosure {
    let exponent = Natural.powerOfTwo(bits - scale.exponent).quotient(by: scale.mantissa)
    return .exponential(minus: Enclosure(lower: exponent, upper: exponent + Natural(1 as UInt64), bits: bits))
  }

  private static func laplaceFloorWeights(_ scale: DyadicNumber, bits: Int, negligible: Natural) -> Weights {
    let ratio = ratio(scale, bits: bits)
    var half = [Enclosure.one(bits: bits)]
    while half[half.count - 1].upper >= negligible { half.append(half[half.count - 1] * ratio) }
    // The weights beyond add up to r/(1 − r) = 1/(exp(1/scale) − 1) ≤ scale times the last one.
    let mantissa = half[half.count - 1].upper * Natural(scale.mantissa)
    let beyond = (scale.exponent >= 0 ? mantissa << scale.exponent : mantissa >> -scale.exponent) + Natural(1 as UInt64)
    return Weights(first: -Int64(half.count), weights: half.reversed() + half, below: beyond, above: beyond)
  }

  private static func geometricDigitWeights(_ scale: DyadicNumber, count: Int, bits: Int) -> Weights {
    let ratio = ratio(scale, bits: bits)
    var weights = [Enclosure.one(bits: bits)]
    while weights.count < count { weights.append(weights[weights.count - 1] * ratio) }
    let none = Natural(0 as UInt64)
    return Weights(first: 0, weights: weights, below: none, above: none)
  }
}
