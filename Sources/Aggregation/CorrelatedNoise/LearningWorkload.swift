/// What a learner does with the releases of the rounds, as far as the noise in its models goes: which sums of them matter.
///
/// The server's momentum β and its learning rates η_0, η_1, … turn the releases x_0, x_1, … into the models −θ_t = Σ_{i≤t} η_i m_i,
/// m_i = β m_{i−1} + x_i, a lower-triangular matrix W of x. Plain steps of one size need prefix sums, W = A. Correlated noise C⁻¹Z reaches
/// the models as W C⁻¹ Z, so that a strategy C that is good for prefix sums need not be the best for others (Denisov, McMahan, Rush, Smith
/// and Thakurta 2022, section 5; Choquette-Choo, McMahan, Rush and Thakurta 2023, "Multi-epoch matrix factorization mechanisms", section
/// 5).
///
/// Measured over 400 rounds and 32 bands: with momentum 0.9 the strategy for the learner's own workload has 8.5 % less error in the
/// models than that for prefix sums; for a cool-down alone it has 0.2 to 0.4 % less, because a Toeplitz strategy is the same in every
/// round.
///
/// A workload changes no guarantee: whatever the learner does with the releases is post-processing. It is chosen before the run, from
/// public numbers. The common scale of the learning rates is without effect on the best strategy.
public struct LearningWorkload: Codable, Hashable, Sendable {
  /// Greatest number of rounds with learning rates that change: the error then takes rounds² steps.
  public static let maximumScheduledRounds = 2048

  /// β, in [0, 0.999].
  public let momentum: Double
  /// η_0, η_1, …, each at least 0; `nil` where they are all the same.
  public let learningRates: [Double]?

  /// Plain steps of one size.
  public static let prefixSums = LearningWorkload(checkedMomentum: 0, nil)

  /// Steps of one size along a momentum.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless β is in [0, 0.999].
  public init(momentum: Double) throws(AggregationError) {
    try Self.check(momentum)
    self.init(checkedMomentum: momentum, nil)
  }

  /// Steps of the sizes `learningRates`, one a round.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless β is in [0, 0.999] and there are 1 to 2,048 rates in [0,
  ///   1e6], of which the first is above 0.
  public init(momentum: Double = 0, learningRates: [Double]) throws(AggregationError) {
    try Self.check(momentum)
    let most = Self.maximumScheduledRounds
    try require((1...most).contains(learningRates.count), "number of learning rates", Double(learningRates.count), "in 1…\(most)")
    for (round, rate) in learningRates.enumerated() {
      try require(rate >= 0 && rate <= 1e6, "learning rate of round \(round)", rate, "in [0, 1e6]")
    }
    try require(learningRates[0] > 0, "learning rate of round 0", learningRates[0], "above 0")
    self.init(checkedMomentum: momentum, learningRates)
  }

  /// A learning rate that stays for `rounds` − `cooldown` rounds and then falls in equal steps to `final` of its first value in the last
  /// round: the cool-down of the papers.
  ///
  /// - Parameters:
  ///   - rounds: 1 to 2,048.
  ///   - cooldown: length of the fall, 1 to `rounds`.
  ///   - final: last rate over the first, in [0, 1].
  ///   - momentum: β.
  public static func cooldown(
    rounds: Int, over cooldown: Int, to final: Double = 0.05, momentum: Double = 0
  ) throws(AggregationError) -> LearningWorkload {
    try require((1...maximumScheduledRounds).contains(rounds), "rounds", Double(rounds), "in 1…\(maximumScheduledRounds)")
    try require((1...rounds).contains(cooldown), "rounds of the cool-down", Double(cooldown), "in 1…\(rounds)")
    try require(final >= 0 && final <= 1, "last learning rate over the first", final, "in [0, 1]")
    let rates = (0..<rounds).map { round in
      1 - (1 - final) * Double(max(0, round - (rounds - cooldown) + 1)) / Double(cooldown)
    }
    // A single round that falls to 0 would do nothing.
    return try LearningWorkload(momentum: momentum, learningRates: rounds == 1 ? [1] : rates)
  }

  private init(checkedMomentum momentum: Double, _ learningRates: [Double]?) {
    self.momentum = momentum
    self.learningRates = learningRates
  }

  private static func check(_ momentum: Double) throws(AggregationError) {
    try require(momentum >= 0 && momentum <= 0.999, "momentum of the workload", momentum, "in [0, 0.999]")
  }

  private enum CodingKeys: String, CodingKey { case momentum, learningRates }

  /// Reads a workload and checks it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let momentum = try values.decode(Double.self, forKey: .momentum)
    if let rates = try values.decodeIfPresent([Double].self, forKey: .learningRates) {
      try self.init(momentum: momentum, learningRates: rates)
    } else {
      try self.init(momentum: momentum)
    }
  }

  /// Refuses another number of rounds than there are learning rates.
  func check(rounds: Int) throws(AggregationError) {
    guard let learningRates else { return }
    try require(learningRates.count == rounds, "rounds", Double(rounds), "\(learningRates.count), as learning rates of the workload")
  }

  /// The first `count` coefficients of the Toeplitz part: what its quotient by c(x) is to be handed to ``error(of:weights:)``. Without a
  /// schedule that is W itself, (1 − β^(t+1))/(1 − β), with one the momentum β^t.
  func coefficients(count: Int) -> [Double] {
    var (power, sum) = (1.0, 0.0)
    return (0..<max(0, count)).map { _ in
      let current = power
      sum += current
      power *= momentum
      return learningRates == nil ? sum : current
    }
  }

  /// ‖W C⁻¹‖², summed over all models of the run, for the `response` r(x) = `coefficients`(x)/c(x), and where wanted half its derivatives
  /// by r_0, r_1, …
  ///
  /// Without a schedule W C⁻¹ is Toeplitz, and the sum is Σ_t (n − t) r_t². With one, the number fresh in round u reaches model u + k by
  /// P_k = Σ_{i≤k} η_{u+i} r_i.
  ///
  /// - Parameter response: one number for each learning rate, where there are such.
  func error(of response: ArraySlice<Double>, withSlopes: Bool) -> (error: Double, slopes: [Double]) {
    let (rounds, start) = (response.count, response.startIndex)
    var error = 0.0
    var slopes = [Double](repeating: 0, count: withSlopes ? rounds : 0)
    guard let learningRates else {
      for t in 0..<rounds {
        let weighted = Double(rounds - t) * response[start + t]
        error += weighted * response[start + t]
        if withSlopes { slopes[t] = weighted }
      }
      return (error, slopes)
    }
    // One place for each u: the loops over u have no dependence between their steps.
    var reach = [Double](repeating: 0, count: rounds)
    for k in 0..<rounds {
      let value = response[start + k]
      for u in 0..<(rounds - k) {
        reach[u] += learningRates[u + k] * value
        error += reach[u] * reach[u]
      }
    }
    guard withSlopes else { return (error, slopes) }
    // Backwards: Σ over the models from u + k on of what reaches them.
    var later = [Double](repeating: 0, count: rounds)
    for k in (0..<rounds).reversed() {
      let value = response[start + k]
      var slope = 0.0
      for u in 0..<(rounds - k) {
        later[u] += reach[u]
        slope += later[u] * learningRates[u + k]
        reach[u] -= learningRates[u + k] * value
      }
      slopes[k] = slope
    }
    return (error, slopes)
  }
}
