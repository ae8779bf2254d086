import Foundation

extension ToeplitzStrategy {
  /// Greatest product of rounds and bands that an optimisation takes on: a few seconds.
  public static let maximumOptimizationSize = 4_000_000

  /// The banded strategy of the least mean squared error of a learner's models over `rounds` rounds, among Toeplitz ones
  /// (Choquette-Choo et al. 2023, "(Amplified) banded matrix factorization").
  ///
  /// For people whose rounds are at least `bands` apart, under a minimum separation or cyclic sampling, columns of one person do not
  /// overlap: the sensitivity is √k ‖c‖, and the objective ‖c‖² ‖W C⁻¹‖² does not depend on k. With r(x) = w(x)/c(x) its gradient comes
  /// from ∂r/∂c_j = −x^j r(x)/c(x), in O(rounds × bands) a step, and O(rounds²) more where learning rates change.
  ///
  /// - Parameters:
  ///   - rounds: length of the run.
  ///   - bands: how many coefficients are not 0.
  ///   - workload: what the learner does with the releases; by default prefix sums.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless 1 ≤ bands ≤ min(rounds, 1024), rounds × bands is at
  ///   most ``maximumOptimizationSize``, and the workload is for as many rounds.
  public static func optimizedBanded(
    rounds: Int, bands: Int, workload: LearningWorkload = .prefixSums
  ) throws(AggregationError) -> ToeplitzStrategy {
    try require(rounds >= 1 && rounds <= maximumOptimizationSize, "rounds", Double(rounds), "in 1…\(maximumOptimizationSize)")
    let most = min(rounds, maximumBandCount, maximumOptimizationSize / rounds)
    try require((1...most).contains(bands), "bands", Double(bands), "in 1…\(most) for \(rounds) rounds")
    try workload.check(rounds: rounds)
    let numerator = workload.coefficients(count: rounds)
    let start = Array(squareRootCoefficients(bands).dropFirst())
    let best = QuasiNewton.minimize(from: start, iterations: 400, tolerance: 1e-13) { point, gradient in
      bandedObjective(tail: point, workload, numerator, gradient: &gradient)
    }
    return .banded(coefficients: [1] + best)
  }

  /// ln ‖c‖² + ln ‖W C⁻¹‖² for c = (1, `tail`).
  private static func bandedObjective(
    tail: [Double], _ workload: LearningWorkload, _ numerator: [Double], gradient: inout [Double]
  ) -> Double {
    // Reversed, so that both inner loops run forwards.
    let (bands, rounds) = (tail.count, numerator.count)
    let reversed = Array(tail.reversed())
    /// y = input / c(x), with `bands` zeros in front.
    func divide(_ input: ArraySlice<Double>) -> [Double] {
      var result = [Double](repeating: 0, count: bands + rounds)
      for t in 0..<rounds {
        var sum = 0.0
        for j in 0..<bands { sum += reversed[j] * result[t + j] }
        result[bands + t] = input[input.startIndex + t] - sum
      }
      return result
    }
    let response = divide(numerator[...])
    let quotient = divide(response[bands...])
    let (error, weights) = workload.error(of: response[bands...], withSlopes: true)
    var slopes = [Double](repeating: 0, count: bands)
    for t in 0..<rounds {
      // Of c_{bands−j}: Σ_t weight_t e_{t−bands+j}.
      for j in 0..<bands { slopes[j] += weights[t] * quotient[t + j] }
    }
    let norm = tail.reduce(1) { $0 + $1 * $1 }
    for j in 0..<bands { gradient[j] = 2 * tail[j] / norm - 2 * slopes[bands - 1 - j] / error }
    return log(norm) + log(error)
  }

  /// The buffered strategy of the least mean squared error of a learner's models over `rounds` rounds, for people who keep `participation`
  /// (McMahan, Xu and Zhang 2024, "A hassle-free algorithm for private learning in practice").
  ///
  /// Decays are kept in (0, 1) and scales positive with a sum below 1, so that the coefficients never rise and the densest pattern is
  /// the worst. O(rounds × buffers) an evaluation (O(rounds²) where learning rates change), with central differences for the gradient;
  /// the start is the sum of exponentials that follows t^(−1/2). Fewer buffers come back where one more would not help.
  ///
  /// - Parameters:
  ///   - rounds: length of the run.
  ///   - buffers: greatest number of them.
  ///   - participation: what the sampler keeps.
  ///   - workload: what the learner does with the releases; by default prefix sums.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless 1 ≤ buffers ≤ 8, rounds × buffers is at most
  ///   ``maximumOptimizationSize`` / 8, and the workload is for as many rounds.
  public static func optimizedBuffered(
    rounds: Int, buffers: Int = 4, participation: ParticipationLimit = .once, workload: LearningWorkload = .prefixSums
  ) throws(AggregationError) -> ToeplitzStrategy {
    try require((1...8).contains(buffers), "buffers", Double(buffers), "in 1…8")
    let most = maximumOptimizationSize / 8 / buffers
    try require((1...most).contains(rounds), "rounds", Double(rounds), "in 1…\(most) for \(buffers) buffers")
    try workload.check(rounds: rounds)
    let span = log(Double(rounds) + 1)
    // 1 − θ_i spaced evenly on a logarithmic scale, ω_i in proportion to its root, together c_1 = ½.
    let gaps = (0..<buffers).map { exp(-span * (Double($0) + 0.5) / Double(buffers)) }
    let roots = gaps.map { $0.squareRoot() }
    let total = roots.reduce(0, +)
    let start = gaps.map { log((1 - $0) / $0) } + roots.map { log($0 / total) }
    let best = QuasiNewton.minimize(from: start, iterations: 200, tolerance: 1e-10) { point, gradient in
      for i in point.indices {
        var (above, below) = (point, point)
        above[i] += 1e-5
        below[i] -= 1e-5
        gradient[i] =
          (bufferedObjective(above, workload, rounds, participation) - bufferedObjective(below, workload, rounds, participation)) / 2e-5
      }
      return bufferedObjective(point, workload, rounds, participation)
    }
    guard case .buffered(let scales, let decays) = buffered(best) else { return buffered(best) }
    return merged(scales, decays)
  }

  /// One buffer in place of those whose 1 − θ agree within 0.1 %: a further buffer that cannot help, because it would need a negative
  /// scale, ends up beside another one.
  private static func merged(_ scales: [Double], _ decays: [Double]) -> ToeplitzStrategy {
    var kept: [(scale: Double, decay: Double)] = []
    for (scale, decay) in zip(scales, decays).sorted(by: { $0.1 < $1.1 }) {
      if let last = kept.last, last.decay - decay > -1e-3 * (1 - decay) {
        let sum = last.scale + scale
        kept[kept.count - 1] = (sum, (last.scale * last.decay + scale * decay) / sum)
      } else {
        kept.append((scale, decay))
      }
    }
    return .buffered(outputScales: kept.map(\.scale), decays: kept.map(\.decay))
  }

  private static func bufferedObjective(
    _ point: [Double], _ workload: LearningWorkload, _ rounds: Int, _ participation: ParticipationLimit
  ) -> Double {
    2 * log(buffered(point).checkedError(of: workload, rounds: rounds, participation: participation))
  }

  /// From unbounded numbers: θ_i = 1/(1 + e^−u_i), ω_i = e^v_i / (1 + Σ e^v_j), both off their bounds by at least 1e-9.
  private static func buffered(_ point: [Double]) -> ToeplitzStrategy {
    let buffers = point.count / 2
    let decays = point[..<buffers].map { min(1 - 1e-9, 1 / (1 + exp(-$0))) }
    let weights = point[buffers...].map { exp(min($0, 20)) }
    let total = 1 + weights.reduce(0, +)
    return .buffered(outputScales: weights.map { $0 / total }, decays: decays)
  }
}
