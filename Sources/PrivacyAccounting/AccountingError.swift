public import PrivacyEvents

/// Why an accountant or a calibration gave no answer.
public enum AccountingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A number given by the caller is out of its range.
  case invalidParameter(name: String, value: Double, allowed: String)
  /// A parameter inside the event is out of its range.
  case invalidEvent(PrivacyEventError)
  /// The accountant has no valid bound for this part of the event under this relation.
  case unsupportedEvent(event: String, reason: String)
  /// The method asked for does not take the event, or not this question; another one may.
  case unsuitableAccountant(name: String, reason: String, remedy: String)
  /// More repetitions than can be counted.
  case tooManyCompositions
  /// A numerical method did not reach its tolerance; no bound is given rather than a doubtful one.
  case notConverged(what: String, reason: String)
  /// No value of the calibrated parameter in the searched range meets the target.
  case targetUnreachable(parameter: String, target: PrivacyTarget, searched: String, advice: String)

  /// What is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .invalidParameter(let name, let value, let allowed): "\(name) is \(value), must be \(allowed)"
    case .invalidEvent(let error): error.description
    case .unsupportedEvent(let event, let reason): "cannot bound the event “\(event)”: \(reason)"
    case .unsuitableAccountant(let name, let reason, let remedy): "the accountant “\(name)” has no bound here: \(reason); \(remedy)"
    case .tooManyCompositions: "the event repeats mechanisms more than \(Int.max) times"
    case .notConverged(let what, let reason): "\(what) did not converge (\(reason)); no bound is given"
    case .targetUnreachable(let parameter, let target, let searched, let advice):
      "no \(parameter) in \(searched) reaches ε ≤ \(target.epsilon) at δ = \(target.delta); \(advice)"
    }
  }
}

/// A privacy target: at most `epsilon` at `delta`.
public struct PrivacyTarget: Codable, Hashable, Sendable {
  /// Greatest ε that is acceptable, above 0.
  public let epsilon: Double
  /// The δ of the guarantee, in (0, 1).
  public let delta: Double

  /// At most `epsilon` at `delta`.
  public init(epsilon: Double, delta: Double) {
    self.epsilon = epsilon
    self.delta = delta
  }

  /// Checks both numbers.
  public func validate() throws(AccountingError) {
    guard epsilon > 0, epsilon.isFinite else {
      throw .invalidParameter(name: "target epsilon", value: epsilon, allowed: "finite and above 0")
    }
    guard delta > 0, delta < 1 else {
      throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1)")
    }
  }
}
