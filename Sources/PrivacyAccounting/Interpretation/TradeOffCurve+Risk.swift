import Foundation

extension TradeOffCurve {
  /// The membership advantage, sup over all tests of TPR − FPR: the total variation distance δ(0)
  /// (Yeom, Giacomelli, Fredrikson and Jha 2018; Kulynych et al. 2024).
  ///
  /// Both directions have the same value, so the tighter bound of each end is used. `upper` is rounded up.
  public func advantage() throws(AccountingError) -> RateBound {
    let removal = try profile.delta(epsilon: 0, direction: .removal)
    let addition = try profile.delta(epsilon: 0, direction: .addition)
    let upper = min(removal.upper, addition.upper)
    let lower = max(removal.lower, addition.lower)
    return RateBound(lower: lower, upper: upper, isTwoSided: lower > 0 || upper == 0)
  }

  /// The greatest true-positive rate of any membership test at a false-positive rate, 1 − f(FPR), in one direction.
  ///
  /// `upper` is the privacy statement, rounded up.
  public func truePositiveRate(
    atFalsePositiveRate rate: Double, direction: NeighborDirection
  ) throws(AccountingError) -> RateBound {
    try falseNegativeRate(atFalsePositiveRate: rate, direction: direction).complement
  }

  /// The greatest true-positive rate of any test for presence or for absence.
  public func truePositiveRate(atFalsePositiveRate rate: Double) throws(AccountingError) -> RateBound {
    try falseNegativeRate(atFalsePositiveRate: rate).complement
  }

  /// The least error probability of any test, when the person takes part with probability `prior`.
  ///
  /// min over tests of π FNR + (1 − π) FPR = π (1 − δ(log((1 − π)/π))) for π ≤ ½, and by the mirrored direction above
  /// (Kulynych et al. 2024). `lower` is the privacy statement, rounded down; guessing has the error min(π, 1 − π).
  ///
  /// - Parameter prior: the attacker's belief before the release, in (0, 1).
  public func bayesRisk(prior: Double = 0.5) throws(AccountingError) -> RateBound {
    try Self.check(prior: prior)
    let rare = min(prior, 1 - prior)
    let bound = try bayesDelta(prior: prior)
    return RateBound(
      lower: rare * (1 - bound.upper) * (1 - 1e-15), upper: min(rare, rare * (1 - bound.lower) * (1 + 1e-15)),
      isTwoSided: bound.lower > 0 || bound.upper == 0)
  }

  /// Bayes security: the least error of any test over that of guessing, 1 − δ(|log((1 − π)/π)|)
  /// (Chatzikokolakis, Cherubin, Palamidessi and Troncoso 2023).
  ///
  /// 1 is perfect. It is least at the prior ½, where it is one minus the advantage. `lower` is the privacy statement.
  public func bayesSecurity(prior: Double = 0.5) throws(AccountingError) -> RateBound {
    try Self.check(prior: prior)
    let bound = try bayesDelta(prior: prior)
    return RateBound(lower: bound.lower, upper: bound.upper, isTwoSided: bound.lower > 0 || bound.upper == 0).complement
  }

  /// δ at |log odds| of the prior. ε is rounded to a value that has to be rounded twice: δ falls by at most the error of e^ε.
  private func bayesDelta(prior: Double) throws(AccountingError) -> PrivacyBound {
    if prior == 0.5 {
      let advantage = try advantage()
      return PrivacyBound(lower: advantage.lower, upper: advantage.upper, method: .trivial)
    }
    let epsilon = abs(log1p(-prior) - log(prior))
    let slack = 4e-16 * (1 + epsilon) + 4e-16 * (abs(log(prior)) + abs(log1p(-prior)))
    let direction: NeighborDirection = prior < 0.5 ? .removal : .addition
    // δ falls with ε: each end is read where it is on the safe side.
    let upper = try profile.delta(epsilon: max(0, epsilon - slack), direction: direction)
    let lower = try profile.delta(epsilon: epsilon + slack, direction: direction)
    return PrivacyBound(lower: lower.lower, upper: upper.upper, method: upper.method)
  }

  /// The greatest precision of a test at a false-positive rate: an upper bound of the probability that a person whom the test calls
  /// present is present, πT/(πT + (1 − π)FPR) with T the greatest true-positive rate (Bayes' rule). Rounded up.
  ///
  /// - Parameters:
  ///   - prior: probability of presence before the release, in (0, 1).
  ///   - rate: false-positive rate of the test, in (0, 1].
  public func posteriorBelief(prior: Double, atFalsePositiveRate rate: Double) throws(AccountingError) -> Double {
    try Self.check(prior: prior)
    guard rate > 0, rate <= 1 else {
      throw .invalidParameter(name: "false-positive rate", value: rate, allowed: "in (0, 1]")
    }
    let power = try truePositiveRate(atFalsePositiveRate: rate, direction: .removal).upper
    return min(1, prior * power / (prior * power + (1 - prior) * rate) * (1 + 2e-15))
  }

  /// The belief in the truth that an observer of the release exceeds with probability at most `failure`.
  ///
  /// When the person takes part (`.removal`; does not, `.addition`), the probability that the privacy loss exceeds ε′ is at most
  /// δ(ε)/(1 − e^(ε − ε′)) for every ε < ε′, because δ(ε) = E (1 − e^(ε − loss))₊; the loss is what Bayes' rule adds to the log odds
  /// (Kasiviswanathan and Smith 2014). So ε′ = ε − log(1 − δ(ε)/η) at the best ε serves. Rounded up.
  ///
  /// - Parameters:
  ///   - prior: belief in the truth before the release, in (0, 1).
  ///   - failure: η, in (0, 1).
  /// - Returns: at most 1; 1 where no bound exists.
  public func posteriorBelief(
    prior: Double, exceptWithProbability failure: Double, direction: NeighborDirection
  ) throws(AccountingError) -> Double {
    try Self.check(prior: prior)
    guard failure > 0, failure < 1 else {
      throw .invalidParameter(name: "failure probability", value: failure, allowed: "in (0, 1)")
    }
    var best = (epsilon: 0.0, loss: Double.infinity)
    func loss(_ epsilon: Double) throws(AccountingError) -> Double {
      let ratio = try profile.delta(epsilon: epsilon, direction: direction).upper / failure
      return ratio < 1 ? epsilon - log1p(-ratio * (1 + 1e-15)) : .infinity
    }
    var index = 0
    for (position, epsilon) in MemoizedProfile.scan.enumerated() {
      if epsilon > best.loss { break }
      let value = try loss(epsilon)
      if value < best.loss { (best, index) = ((epsilon, value), position) }
    }
    guard best.loss < .infinity else { return 1 }
    // Every ε gives a bound; golden section between the neighbours of the best one.
    var low = index > 0 ? MemoizedProfile.scan[index - 1] : 0
    var high = index + 1 < MemoizedProfile.scan.count ? MemoizedProfile.scan[index + 1] : best.epsilon
    let golden = 0.5 * (5.0.squareRoot() - 1)
    for _ in 0..<30 {
      let (first, second) = (high - golden * (high - low), low + golden * (high - low))
      let (a, b) = (try loss(first), try loss(second))
      best.loss = min(best.loss, a, b)
      if b < a || a == .infinity { low = first } else { high = second }
    }
    return Self.posterior(prior: prior, loss: best.loss)
  }

  /// Bayes' rule: the belief after a privacy loss, prior × e^loss / (1 − prior + prior × e^loss), rounded up.
  static func posterior(prior: Double, loss: Double) -> Double {
    min(1, (1 / (1 + exp(-loss) * (1 - prior) / prior)) * (1 + 4e-15 * (1 + loss)))
  }
}
