import Foundation
public import PrivacyEvents

extension Calibration {
  /// A value of a parameter that was checked to meet a target. Nothing is claimed about smaller or greater values.
  public struct VerifiedValue: Hashable, Sendable {
    /// The value.
    public let value: Double
    /// ε at the target's δ for it; `upper` is at most the target's ε.
    public let epsilon: PrivacyBound
    /// How many candidates were tried, this one included.
    public let candidates: Int
  }

  /// The first of `candidates` for which `event` meets `target`.
  ///
  /// For mechanisms whose δ is not monotone in their noise, such as the discrete Gaussian, a search by halving is not
  /// valid, and the least feasible value need not exist: the answer is feasible, not minimal.
  ///
  /// - Parameters:
  ///   - candidates: tried in order; at most 100,000.
  ///   - target: the ε and δ to meet.
  ///   - accountant: whose bound must meet it.
  ///   - event: the whole computation as a function of the parameter.
  /// - Throws: ``AccountingError/targetUnreachable(parameter:target:searched:advice:)`` where no candidate does.
  public static func verified(
    candidates: some Sequence<Double>, for target: PrivacyTarget, accountant: PrivacyAccountant = PrivacyAccountant(),
    event: (Double) -> PrivacyEvent
  ) throws(AccountingError) -> VerifiedValue {
    try target.validate()
    try accountant.checkAnswersAreCertain()
    var tried = 0
    for candidate in candidates.prefix(100_000) {
      tried += 1
      let epsilon = try accountant.epsilon(of: event(candidate), delta: target.delta)
      if epsilon.upper <= target.epsilon { return VerifiedValue(value: candidate, epsilon: epsilon, candidates: tried) }
    }
    throw .targetUnreachable(
      parameter: "candidate", target: target, searched: "the \(tried) candidates", advice: "try greater values or fewer rounds")
  }

  /// A noise that meets `target`, found by a scan upward from the one that a continuous mechanism needs.
  ///
  /// - Parameters:
  ///   - target: the ε and δ to meet.
  ///   - accountant: whose bound must meet it.
  ///   - continuous: the computation with a continuous stand-in (a Gaussian for a discrete Gaussian) as a function of the noise.
  ///   - step: relative step of the scan, in [1e-6, 1].
  ///   - factor: the scan ends at this multiple of the first guess, in (1, 1000].
  ///   - event: the computation itself as a function of the same noise.
  public static func verifiedNoise(
    for target: PrivacyTarget, accountant: PrivacyAccountant = PrivacyAccountant(), continuous: (Double) -> PrivacyEvent,
    step: Double = 1e-3, factor: Double = 4, event: (Double) -> PrivacyEvent
  ) throws(AccountingError) -> VerifiedValue {
    guard step >= 1e-6, step <= 1 else { throw .invalidParameter(name: "step", value: step, allowed: "in [1e-6, 1]") }
    guard factor > 1, factor <= 1_000 else { throw .invalidParameter(name: "factor", value: factor, allowed: "in (1, 1000]") }
    let guess = try noiseMultiplier(for: target, accountant: accountant, event: continuous)
    let scan = sequence(first: guess) { $0 * (1 + step) }.lazy.prefix { $0 <= guess * factor }
    return try verified(candidates: scan, for: target, accountant: accountant, event: event)
  }
}
