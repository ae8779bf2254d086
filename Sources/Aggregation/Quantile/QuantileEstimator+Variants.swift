import Foundation

extension QuantileEstimator {
  /// Follows a quantile by exact counts: geometric steps, no noise, divided by the number of participants.
  ///
  /// A client sends one exact bit; the server learns the exact fraction. It stands outside any privacy guarantee.
  ///
  /// - Parameters:
  ///   - initialEstimate: finite and above 0.
  ///   - targetQuantile: in [0, 1].
  ///   - learningRate: finite and above 0.
  ///   - multiplier: finite and above 0; the value in force is `multiplier` × estimate + `increment`.
  ///   - increment: finite and at least 0.
  public static func unnoised(
    initialEstimate: Double, targetQuantile: Double, learningRate: Double, multiplier: Double = 1, increment: Double = 0
  ) throws(AggregationError) -> QuantileEstimator {
    try require(learningRate > 0 && learningRate.isFinite, "learning rate of the quantile", learningRate, "finite and above 0")
    return try QuantileEstimator(
      initialEstimate: initialEstimate, targetQuantile: targetQuantile, learningRate: learningRate, multiplier: multiplier,
      increment: increment)
  }

  /// Follows a quantile by noised counts, with the step 0.2 and the noise n/20 that the paper recommends (Andrew et al. 2021, section 3.1).
  ///
  /// A client sends one bit; what leaves the server is a function of the noised count, which is a Gaussian mechanism of multiplier
  /// 2 × `standardDeviation`.
  ///
  /// - Parameters:
  ///   - initialEstimate: finite and above 0.
  ///   - targetQuantile: in [0, 1].
  ///   - clientsPerRound: n, the expected number of clients, which divides the count; finite and above 0.
  ///   - standardDeviation: noise of the count, n/20 by default.
  ///   - learningRate: finite and at least 0.
  ///   - multiplier: finite and above 0; the value in force is `multiplier` × estimate + `increment`.
  ///   - increment: finite and at least 0.
  ///   - clampsFraction: see ``clampsFraction``; off for quantiles within 2 σ/n of 0 or 1.
  public static func noised(
    initialEstimate: Double, targetQuantile: Double, clientsPerRound: Double, standardDeviation: Double? = nil, learningRate: Double = 0.2,
    multiplier: Double = 1, increment: Double = 0, clampsFraction: Bool = true
  ) throws(AggregationError) -> QuantileEstimator {
    try QuantileEstimator(
      initialEstimate: initialEstimate, targetQuantile: targetQuantile, learningRate: learningRate,
      release: .noised(standardDeviation: standardDeviation ?? 0.05 * clientsPerRound, expectedClients: clientsPerRound),
      multiplier: multiplier, increment: increment, clampsFraction: clampsFraction)
  }
}
