import Foundation
public import PrivacyEvents

extension Calibration {
  /// The least noise multiplier, to about nine digits and rounded up, for which `event` meets a goal.
  ///
  /// - Parameters:
  ///   - goal: a privacy target, a greatest advantage, or a greatest true-positive rate.
  ///   - accountant: whose upper bounds must meet it.
  ///   - event: the whole computation as a function of the noise multiplier; it must get more private as the multiplier grows.
  /// - Returns: a value that was verified to meet the goal.
  /// - Throws: ``AccountingError/targetUnreachable(parameter:target:searched:advice:)`` where even a multiplier of 1e7 is too little.
  public static func noiseMultiplier(
    for goal: PrivacyGoal, accountant: PrivacyAccountant = PrivacyAccountant(), event: (Double) -> PrivacyEvent
  ) throws(AccountingError) -> Double {
    if case .target(let target) = goal { return try noiseMultiplier(for: target, accountant: accountant, event: event) }
    return try noiseMultiplier(for: goal) { multiplier throws(AccountingError) in
      try accountant.profile(of: event(multiplier))
    }
  }

  /// The same with the profile of both directions as a function of the noise multiplier.
  package static func noiseMultiplier(
    for goal: PrivacyGoal, profile: (Double) throws(AccountingError) -> any DirectionalProfile
  ) throws(AccountingError) -> Double {
    try goal.validate()
    func excess(_ multiplier: Double) throws(AccountingError) -> Double { try goal.excess(of: profile(multiplier)) }
    return try leastSafe(in: 1e-3...1e7, start: 1, excess) {
      .targetUnreachable(
        parameter: "noise multiplier", target: goal.asTarget, searched: "0.001 … 1e7",
        advice: "the goal is \(goal); part of the event does not depend on the multiplier: lower the number of rounds or the goal")
    }
  }

  /// The greatest cohort size, at most `population`, for which `event` meets `target` when every member takes part with
  /// probability cohort/population, independently (Poisson sampling).
  ///
  /// The cohort is the expected number of participants of a round; the actual one is random.
  ///
  /// - Parameters:
  ///   - target: the ε and δ to meet.
  ///   - population: at least 1; taken as public.
  ///   - accountant: whose bound must meet the target.
  ///   - event: the whole computation as a function of the sampling; its ε must rise with the rate.
  /// - Returns: 0 where not even a cohort of one meets it. The value returned was verified.
  public static func cohort(
    for target: PrivacyTarget, population: Int, accountant: PrivacyAccountant = PrivacyAccountant(),
    event: (SamplingScheme) -> PrivacyEvent
  ) throws(AccountingError) -> Int {
    try target.validate()
    try accountant.checkAnswersAreCertain()
    try check(population: population)
    func meets(_ cohort: Int) throws(AccountingError) -> Bool {
      let scheme = SamplingScheme.poisson(rate: Double(cohort) / Double(population))
      return try accountant.epsilon(of: event(scheme), delta: target.delta).upper <= target.epsilon
    }
    guard try meets(1) else { return 0 }
    if try meets(population) { return population }
    return try greatest(from: 1, below: population, meets)
  }

  /// The least noise multiplier for which `event` meets `target` with a given expected cohort out of a population.
  ///
  /// - Parameters:
  ///   - target: the ε and δ to meet.
  ///   - cohort: expected participants of a round, from 1 to `population`.
  ///   - population: at least 1.
  ///   - accountant: whose bound must meet the target.
  ///   - event: the whole computation as a function of the noise multiplier and the Poisson sampling.
  public static func noiseMultiplier(
    for target: PrivacyTarget, cohort: Int, population: Int, accountant: PrivacyAccountant = PrivacyAccountant(),
    event: (Double, SamplingScheme) -> PrivacyEvent
  ) throws(AccountingError) -> Double {
    try check(population: population)
    guard cohort >= 1, cohort <= population else {
      throw .invalidParameter(name: "cohort", value: Double(cohort), allowed: "in 1…\(population)")
    }
    let scheme = SamplingScheme.poisson(rate: Double(cohort) / Double(population))
    return try noiseMultiplier(for: target, accountant: accountant) { event($0, scheme) }
  }

  private static func check(population: Int) throws(AccountingError) {
    guard population >= 1 else { throw .invalidParameter(name: "population", value: Double(population), allowed: "at least 1") }
  }
}

extension PrivacyGoal {
  /// The goal as ε and δ, for messages: an advantage a is (0, a), and a bound of the true-positive rate at any FPR allows TPR − FPR.
  fileprivate var asTarget: PrivacyTarget {
    switch self {
    case .target(let target): target
    case .advantage(let greatest): PrivacyTarget(epsilon: 0, delta: greatest)
    case .truePositiveRate(let greatest, let rate): PrivacyTarget(epsilon: 0, delta: greatest - rate)
    }
  }
}
