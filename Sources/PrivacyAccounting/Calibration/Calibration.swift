import Foundation
public import PrivacyEvents

/// Finds the value of one parameter that meets a privacy target.
///
/// Every answer is on the safe side: the accountant's upper bound for the value returned does not exceed the target. A Monte Carlo accountant is
/// refused: a search would pick the answers that failed.
public enum Calibration {
  /// The least noise multiplier, to about ten digits and rounded up, for which `event` meets `target`.
  ///
  /// - Parameters:
  ///   - target: the ε and δ to meet.
  ///   - accountant: whose bound must meet it.
  ///   - event: the whole computation as a function of the noise multiplier; its ε must fall as the multiplier grows.
  /// - Throws: ``AccountingError/targetUnreachable(parameter:target:searched:advice:)`` where even a multiplier of 1e7 is too little.
  public static func noiseMultiplier(
    for target: PrivacyTarget, accountant: PrivacyAccountant = PrivacyAccountant(), event: (Double) -> PrivacyEvent
  ) throws(AccountingError) -> Double {
    try target.validate()
    try accountant.checkAnswersAreCertain()
    return try leastSafe(in: 1e-3...1e7, start: 1) { value throws(AccountingError) in
      try accountant.epsilon(of: event(value), delta: target.delta).upper / target.epsilon
    } unreachable: {
      .targetUnreachable(
        parameter: "noise multiplier", target: target, searched: "0.001 … 1e7",
        advice: "part of the event does not depend on it: lower the number of rounds or raise ε or δ")
    }
  }

  /// The greatest sampling rate, rounded down, for which `event` meets `target`.
  public static func samplingRate(
    for target: PrivacyTarget, accountant: PrivacyAccountant = PrivacyAccountant(), event: (Double) -> PrivacyEvent
  ) throws(AccountingError) -> Double {
    try target.validate()
    try accountant.checkAnswersAreCertain()
    // The reciprocal of the rate plays the part of the noise: more of it is more private.
    func excess(_ inverse: Double) throws(AccountingError) -> Double {
      try accountant.epsilon(of: event(min(1, 1 / inverse)), delta: target.delta).upper / target.epsilon
    }
    if try excess(1) <= 1 { return 1 }
    let inverse = try leastSafe(in: 1...1e9, start: 100, excess) {
      .targetUnreachable(
        parameter: "sampling rate", target: target, searched: "1e-9 … 1", advice: "raise the noise multiplier or lower the number of rounds"
      )
    }
    return (1 / inverse).nextDown
  }

  /// The greatest number of rounds, at most `maximum`, for which `rounds` repetitions of `event` meet `target`.
  ///
  /// - Returns: 0 where not even one round does.
  public static func rounds(
    for target: PrivacyTarget, accountant: PrivacyAccountant = PrivacyAccountant(), maximum: Int = 1_000_000_000, of event: PrivacyEvent
  ) throws(AccountingError) -> Int {
    try target.validate()
    try accountant.checkAnswersAreCertain()
    let curve = try accountant.curve(of: event)
    func meets(_ rounds: Int) throws(AccountingError) -> Bool {
      try curve.epsilon(afterRounds: rounds, delta: target.delta).upper <= target.epsilon
    }
    guard try meets(1) else { return 0 }
    var safe = 1
    var over = 2
    while over < maximum, try meets(over) { (safe, over) = (over, over > maximum / 2 ? maximum : 2 * over) }
    if over >= maximum {
      if try meets(maximum) { return maximum }
      over = maximum
    }
    return try greatest(from: safe, below: over, meets)
  }

  /// The greatest number of rounds that meets a target, between one that does and one that does not, by halving.
  package static func greatest<Failure: Error>(
    from safe: Int, below over: Int, _ meets: (Int) throws(Failure) -> Bool
  ) throws(Failure) -> Int {
    var (safe, over) = (safe, over)
    while over - safe > 1 {
      let middle = safe + (over - safe) / 2
      if try meets(middle) { safe = middle } else { over = middle }
    }
    return safe
  }
}
