import Foundation
public import PrivacyEvents

/// A lower-triangular Toeplitz strategy C of a matrix mechanism, by its first column c_0 = 1, c_1, c_2, …
///
/// The mechanism of the event ``PrivacyEvent/matrixMechanism(noiseMultiplier:strategy:maximumParticipations:minimumSeparation:)``
/// releases C·X + Z; the same releases, taken times C⁻¹, are the rounds' sums with the correlated noise C⁻¹Z. A learner uses prefix
/// sums, whose noise is the rows of A C⁻¹ Z with A all ones below and on the diagonal: in generating functions
/// a(x) = 1/((1 − x) c(x)), and after t + 1 rounds the variance is a_0² + … + a_t².
public enum ToeplitzStrategy: Codable, Hashable, Sendable {
  /// These coefficients, then zeros: `coefficients.count` bands. The first is 1.
  case banded(coefficients: [Double])
  /// c_t = Σ_i `outputScales[i]` · `decays[i]`^(t − 1) for t ≥ 1: a buffered linear Toeplitz matrix (Dvijotham, McMahan, Pillutla,
  /// Steinke and Thakurta 2024). Scales are at least 0, decays in [0, 1).
  case buffered(outputScales: [Double], decays: [Double])

  /// Greatest number of bands.
  public static let maximumBandCount = 1024

  /// The square root of A, cut off after `bands`: c_t = binomial(2t, t)/4^t (Fichtenberger, Henzinger and Upadhyay 2023; Kalinin and
  /// Lampert 2024 for the banded form).
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless `bands` is in 1…1024.
  public static func squareRoot(bands: Int) throws(AggregationError) -> ToeplitzStrategy {
    try require((1...maximumBandCount).contains(bands), "bands", Double(bands), "in 1…\(maximumBandCount)")
    return .banded(coefficients: squareRootCoefficients(bands))
  }

  static func squareRootCoefficients(_ count: Int) -> [Double] {
    var coefficients = [1.0]
    for t in 1..<max(1, count) { coefficients.append(coefficients[t - 1] * (Double(2 * t) - 1) / Double(2 * t)) }
    return coefficients
  }

  /// Checks every number, as ``StrategyMatrix`` does for an event.
  public func validate() throws(AggregationError) {
    switch self {
    case .banded(let coefficients):
      try require(
        (1...Self.maximumBandCount).contains(coefficients.count), "bands", Double(coefficients.count), "in 1…\(Self.maximumBandCount)")
      try require(coefficients[0] == 1, "coefficient 0", coefficients[0], "1")
      for (index, value) in coefficients.enumerated() { try require(abs(value) <= 1e6, "coefficient \(index)", value, "in [-1e6, 1e6]") }
    case .buffered(let scales, let decays):
      let greatest = StrategyMatrix.maximumBufferCount
      try require((1...greatest).contains(decays.count), "buffers", Double(decays.count), "in 1…\(greatest)")
      try require(scales.count == decays.count, "output scales", Double(scales.count), "\(decays.count), as decays")
      for (index, value) in scales.enumerated() { try require(value >= 0 && value <= 1e6, "output scale \(index)", value, "in [0, 1e6]") }
      for (index, value) in decays.enumerated() { try require(value >= 0 && value < 1, "decay \(index)", value, "in [0, 1)") }
    }
  }

  /// The strategy of `rounds` ≥ 1 rounds, as an event carries it.
  public func matrix(rounds: Int) -> StrategyMatrix {
    switch self {
    case .banded(let coefficients): .toeplitz(coefficients: Array(coefficients.prefix(max(0, rounds))), steps: rounds)
    case .buffered(let scales, let decays): .bufferedToeplitz(outputScales: scales, decays: decays, steps: rounds)
    }
  }

  /// c_0 … of the first `count` rounds.
  public func coefficients(count: Int) -> [Double] {
    guard count > 0 else { return [] }
    switch self {
    case .banded(let coefficients):
      return Array(coefficients.prefix(count)) + [Double](repeating: 0, count: max(0, count - coefficients.count))
    case .buffered(var powers, let decays):
      var result = [1.0]
      for _ in 1..<max(1, count) {
        result.append(powers.reduce(0, +))
        for i in powers.indices where i < decays.count { powers[i] *= decays[i] }
      }
      return Array(result.prefix(count))
    }
  }

  /// ‖c‖ over `rounds` rounds: the sensitivity to one participation, which is greatest for the first round.
  public func columnNorm(rounds: Int) -> Double {
    switch self {
    case .banded(let coefficients):
      return coefficients.prefix(max(0, rounds)).reduce(0) { $0 + $1 * $1 }.squareRoot()
    case .buffered(let scales, let decays):
      guard rounds > 0 else { return 0 }
      // Σ_{i,j} ω_iω_j (1 − (θ_iθ_j)^(n−1)) / (1 − θ_iθ_j).
      var square = 1.0
      for (first, a) in zip(scales, decays) {
        for (second, b) in zip(scales, decays) {
          square += first * second * (1 - pow(a * b, Double(rounds - 1))) / (1 - a * b)
        }
      }
      return square.squareRoot()
    }
  }

  /// a_0 … a_{count−1}, the response of the prefix sums to one fresh number: a(x) = 1/((1 − x) c(x)).
  func prefixResponse(count: Int) -> [Double] { quotient(LearningWorkload.prefixSums.coefficients(count: count)) }

  /// The first `count` entries of the first column of C⁻¹.
  func inverseColumn(count: Int) -> [Double] { quotient([1] + [Double](repeating: 0, count: max(0, count - 1))) }

  /// The first coefficients of w(x)/c(x), as many as those of w.
  private func quotient(_ numerator: [Double]) -> [Double] {
    var response = numerator
    switch self {
    case .banded(let coefficients):
      for t in response.indices {
        var value = numerator[t]
        for j in 1..<max(1, min(coefficients.count, t + 1)) { value -= coefficients[j] * response[t - j] }
        response[t] = value
      }
    case .buffered(let scales, let decays):
      var sums = [Double](repeating: 0, count: decays.count)
      for t in response.indices {
        var value = numerator[t]
        for (scale, sum) in zip(scales, sums) { value -= scale * sum }
        response[t] = value
        for i in sums.indices { sums[i] = decays[i] * sums[i] + value }
      }
    }
    return response
  }

  /// Mean over the first `rounds` rounds of the variance of a prefix sum, for fresh noise Z of variance 1.
  public func meanPrefixVariance(rounds: Int) -> Double { meanVariance(of: .prefixSums, rounds: rounds) }

  private func meanVariance(of workload: LearningWorkload, rounds: Int) -> Double {
    guard rounds > 0 else { return 0 }
    return workload.error(of: quotient(workload.coefficients(count: rounds))[...], withSlopes: false).error / Double(rounds)
  }

  /// Root of the mean variance of prefix sums where the noise is scaled so that a whole run of `rounds` rounds by one person is one
  /// Gaussian mechanism of multiplier 1: what optimisation makes small.
  ///
  /// It takes the densest pattern, which is the worst for coefficients that are not negative and do not rise (Kalinin and Lampert 2024,
  /// theorem 2), and for any with at most b bands. A guarantee is the accountant's.
  public func prefixError(rounds: Int, participation: ParticipationLimit) -> Double {
    checkedError(of: .prefixSums, rounds: rounds, participation: participation)
  }

  /// The same of the models that a learner with `workload` goes through, instead of prefix sums.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` where the workload has learning rates for another number of
  ///   rounds.
  public func error(of workload: LearningWorkload, rounds: Int, participation: ParticipationLimit) throws(AggregationError) -> Double {
    try workload.check(rounds: rounds)
    return checkedError(of: workload, rounds: rounds, participation: participation)
  }

  /// For a workload of as many rounds.
  func checkedError(of workload: LearningWorkload, rounds: Int, participation: ParticipationLimit) -> Double {
    let square = Self.patternSquare(coefficients(count: rounds), participation)
    return (meanVariance(of: workload, rounds: rounds) * square).squareRoot()
  }

  /// ‖Σ_{j<k′} C[:, j b]‖² by s_t = s_{t−b} + c_t − c_{t−k′b}.
  static func patternSquare(_ coefficients: [Double], _ participation: ParticipationLimit) -> Double {
    let count = participation.participations(in: coefficients.count)
    if count <= 1 { return coefficients.reduce(0) { $0 + $1 * $1 } }
    let separation = participation.minimumSeparation
    let window = count * separation
    var sums = coefficients
    for t in separation..<sums.count {
      sums[t] += sums[t - separation]
      if t >= window { sums[t] -= coefficients[t - window] }
    }
    return sums.reduce(0) { $0 + $1 * $1 }
  }
}
