import Foundation

/// Exact compositions by the contour integral, in both directions.
struct ContourAccountant: AccountingBackend {
  private let removal: DirectedContour
  /// Nil where both directions are the same.
  private let addition: DirectedContour?

  /// Work of an answer where a grid may be quicker, and where nothing else is asked, as ``DirectedContour`` takes it.
  static let usualCost = 1.2e8
  static let greatestCost = 4e8

  /// Nil where a mechanism has no cumulant, or none has a density.
  init?(_ composition: MechanismComposition, greatestCost: Double = ContourAccountant.usualCost) {
    func directed(_ direction: NeighborDirection) -> DirectedContour? {
      var parts: [DirectedComposition.Part] = []
      for (mechanism, count) in composition.parts {
        guard let cumulant = mechanism.cumulant(direction) else { return nil }
        parts.append(DirectedComposition.Part(cumulant: cumulant, count: Double(count)))
      }
      let composition = DirectedComposition(parts: parts)
      return composition.decays ? DirectedContour(composition, greatestCost: greatestCost) : nil
    }
    guard let removal = directed(.removal) else { return nil }
    self.removal = removal
    addition = composition.order.allSatisfy(\.isSymmetric) ? nil : directed(.addition)
  }

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    let rounds = Double(rounds)
    let target = log(delta)
    var answer = try removal.epsilon(rounds: rounds, logDelta: target)
    // Where Chernoff's bound of the other direction is below δ already, that direction needs no integral.
    if let addition, try addition.mayExceed(target, rounds: rounds, epsilon: answer.lower, near: removal) {
      let other = try addition.epsilon(rounds: rounds, logDelta: target)
      answer = (max(answer.lower, other.lower), max(answer.upper, other.upper))
    }
    return PrivacyBound(lower: answer.lower, upper: answer.upper, method: .contour)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    let removal = try delta(rounds: rounds, epsilon: epsilon, direction: .removal)
    guard let addition, try addition.mayExceed(log(removal.lower), rounds: Double(rounds), epsilon: epsilon, near: self.removal) else {
      return removal
    }
    let other = try delta(rounds: rounds, epsilon: epsilon, direction: .addition)
    return PrivacyBound(lower: max(removal.lower, other.lower), upper: max(removal.upper, other.upper), method: .contour)
  }

  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    let integral = direction == .addition ? addition ?? removal : removal
    let answer = try integral.logDelta(rounds: Double(rounds), epsilon: epsilon)
    // Below the smallest number the upper end stays a number, so that no δ is called 0 that is not.
    return PrivacyBound(
      lower: exp(answer.lower) * (1 - 4e-16),
      upper: answer.upper == -.infinity ? 0 : min(1, max(exp(answer.upper) * (1 + 4e-16), .leastNonzeroMagnitude)), method: .contour)
  }
}
