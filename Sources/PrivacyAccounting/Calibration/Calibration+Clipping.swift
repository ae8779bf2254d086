import Foundation
public import PrivacyEvents

/// Noise of one private count of clipped (or zeroed) clients that goes with an update, each client sending a bit minus ½.
///
/// The bit has sensitivity ½, so a noise of standard deviation σ_b on the count is a Gaussian with the multiplier 2σ_b
/// (Andrew, Thakkar, McMahan and Ramaswamy 2021, theorem 1).
extension Calibration {
  /// The noise multiplier that is left for the update when counts share its draw: z_v = (z⁻² − Σ (2σ_k)⁻²)^(−½), rounded up.
  ///
  /// Update and counts together are exactly one Gaussian with the multiplier z, or a little more private.
  ///
  /// - Parameters:
  ///   - total: z, finite and above 0.
  ///   - countDeviations: σ_k, the noise standard deviation of each count, finite and above 0.
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)`` also where the counts alone use up the whole budget.
  public static func valueNoiseMultiplier(total: Double, countDeviations: [Double]) throws(AccountingError) -> Double {
    try check(total, "noise multiplier")
    var share = 0.0
    for deviation in countDeviations {
      try check(deviation, "noise standard deviation of the count")
      // (z / 2σ)², which neither overflows nor underflows where the result matters.
      let ratio = total / (2 * deviation)
      share += ratio * ratio * (1 + 1e-15)
    }
    guard share < 1 else {
      throw .invalidParameter(
        name: "Σ (z/(2σ))² of the noised counts", value: share,
        allowed: "below 1: give the counts more noise or lower the total noise multiplier")
    }
    let value = (total / (1 - share).nextDown.squareRoot()) * (1 + 1e-15)
    guard value.isFinite else { throw .notConverged(what: "noise multiplier of the update", reason: "beyond the range of numbers") }
    return countDeviations.isEmpty ? total : value
  }

  /// The least noise standard deviation of one count, rounded up, for which update and count together meet `target`.
  ///
  /// - Parameters:
  ///   - target: the ε and δ to meet.
  ///   - valueNoiseMultiplier: z_v of the update, fixed.
  ///   - accountant: whose bound must meet the target.
  ///   - event: the whole computation as a function of what one draw releases, for instance `{ $0.sampled(scheme).repeated(rounds) }`.
  /// - Returns: σ_b in units of clients. The value was verified.
  /// - Throws: ``AccountingError/targetUnreachable(parameter:target:searched:advice:)`` where the update alone misses the target.
  public static func clippingCountNoise(
    for target: PrivacyTarget, valueNoiseMultiplier: Double, accountant: PrivacyAccountant = PrivacyAccountant(),
    event: (PrivacyEvent) -> PrivacyEvent
  ) throws(AccountingError) -> Double {
    try target.validate()
    try accountant.checkAnswersAreCertain()
    try check(valueNoiseMultiplier, "noise multiplier")
    func excess(_ deviation: Double) throws(AccountingError) -> Double {
      let release = PrivacyEvent.composed([.gaussian(noiseMultiplier: valueNoiseMultiplier), .gaussian(noiseMultiplier: 2 * deviation)])
      return try accountant.epsilon(of: event(release), delta: target.delta).upper / target.epsilon
    }
    return try leastSafe(in: 1e-3...1e7, start: max(1e-3, min(1e7, valueNoiseMultiplier)), excess) {
      .targetUnreachable(
        parameter: "noise of the count", target: target, searched: "0.001 … 1e7",
        advice: "the update alone needs more noise, fewer rounds or a greater ε or δ")
    }
  }

  private static func check(_ value: Double, _ name: String) throws(AccountingError) {
    guard value > 0, value.isFinite else { throw .invalidParameter(name: name, value: value, allowed: "finite and above 0") }
  }
}
