import Foundation

/// The numbers of a strategy as integers: what correlated noise is computed with.
extension ToeplitzStrategy {
  /// Binary places of coefficients, and of noise between the rounds.
  static let fractionBits = 24
  /// Binary places of scales and decays.
  static let factorBits = 32

  /// This strategy with coefficients rounded to multiples of 2^−24, output scales and decays to multiples of 2^−32: the one that is
  /// executed, and that belongs into an event. Coefficients that do not rise still do not: scales are rounded down, as they add up to the
  /// second coefficient.
  ///
  /// An optimised strategy is at a minimum of its error, which therefore moves by less than a millionth.
  public var inFixedPoint: ToeplitzStrategy {
    func rounded(_ value: Double, _ bits: Int, _ rule: FloatingPointRoundingRule = .toNearestOrAwayFromZero) -> Double {
      let scaled = Double(sign: .plus, exponent: bits, significand: value).rounded(rule)
      return Double(sign: .plus, exponent: -bits, significand: scaled)
    }
    switch self {
    case .banded(let coefficients): return .banded(coefficients: coefficients.map { rounded($0, Self.fractionBits) })
    case .buffered(let scales, let decays):
      return .buffered(
        outputScales: scales.map { rounded($0, Self.factorBits, .down) },
        decays: decays.map { min(1 - 0x1p-32, rounded($0, Self.factorBits)) })
    }
  }

  /// The checks of ``validate()``, and that output scales are at most 1: a greater one lets coefficients rise.
  func validateInFixedPoint() throws(AggregationError) {
    try validate()
    guard case .buffered(let scales, _) = self else { return }
    for (index, value) in scales.enumerated() { try require(value <= 1, "output scale \(index)", value, "in [0, 1]") }
  }

  /// A number of a strategy ``inFixedPoint`` as an integer; it is at most 1e6.
  static func integer(_ value: Double, places: Int) -> Int64 { Int64(Double(sign: .plus, exponent: places, significand: value).rounded()) }

  /// By how much at most the earlier noise's share of a round in integers, of a buffered strategy, differs from the exact one, in steps:
  /// e = 2^−25 Σ (1 + ω/(1 − θ)), rounded up. The rounding of a product errs by 2^−25, and what a buffer carries of it decays by θ a round.
  /// 0 for banded ones.
  var roundingError: Double {
    guard case .buffered(let scales, let decays) = self else { return 0 }
    return zip(scales, decays).reduce(0) { $0 + (1 + $1.0 / (1 - $1.1)) } * 0x1p-25 * (1 + 1e-12)
  }

  /// Greatest standard deviation, over that of fresh noise, of the numbers that a round computes with in `rounds` rounds: earlier noise,
  /// its share of a round by the triangle inequality, the buffers.
  func greatestDeviation(rounds: Int) -> Double {
    let response = inverseColumn(count: rounds)
    let deviation = response.reduce(0) { $0 + $1 * $1 }.squareRoot()
    switch self {
    case .banded(let coefficients): return deviation * max(1, coefficients.dropFirst().reduce(0) { $0 + abs($1) })
    case .buffered(let scales, let decays):
      var (greatest, share) = (deviation, 0.0)
      for (scale, decay) in zip(scales, decays) {
        var (buffer, square) = (0.0, 0.0)
        for value in response {
          buffer = decay * buffer + value
          square += buffer * buffer
        }
        greatest = max(greatest, square.squareRoot())
        share += scale * square.squareRoot()
      }
      return max(greatest, share)
    }
  }
}

/// The first column of C⁻¹, round by round, and the sum of its squares: the variance of a round's noise over that of fresh noise.
struct InverseColumn: Codable, Hashable, Sendable {
  private(set) var rounds = 0
  private(set) var power = 0.0
  /// Banded: the last bands − 1 entries, that of round t at place t mod (bands − 1). Buffered: one sum a buffer.
  private var kept: [Double] = []

  /// The next entry.
  mutating func advance(_ strategy: ToeplitzStrategy) throws(AggregationError) {
    guard rounds >= 0, rounds < Int.max, kept.count == strategy.keptCount(after: rounds) else {
      throw .stateMismatch(technique: "correlated noise")
    }
    var value = rounds == 0 ? 1.0 : 0
    switch strategy {
    case .banded(let coefficients):
      let places = coefficients.count - 1
      if places > 0 {
        for j in 1..<max(1, min(coefficients.count, rounds + 1)) { value -= coefficients[j] * kept[(rounds - j) % places] }
        if kept.count < places { kept.append(value) } else { kept[rounds % places] = value }
      }
    case .buffered(let scales, let decays):
      if kept.isEmpty { kept = decays.map { _ in 0 } }
      for (scale, sum) in zip(scales, kept) { value -= scale * sum }
      for (index, decay) in decays.enumerated() { kept[index] = decay * kept[index] + value }
    }
    power += value * value
    rounds += 1
  }
}

extension ToeplitzStrategy {
  /// How many vectors of earlier noise are kept after `rounds` rounds: up to bands − 1, or one a buffer.
  func keptCount(after rounds: Int) -> Int {
    switch self {
    case .banded(let coefficients): min(coefficients.count - 1, rounds)
    case .buffered(_, let decays): rounds == 0 ? 0 : decays.count
    }
  }
}
