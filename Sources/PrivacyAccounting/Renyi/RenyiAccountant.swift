import Foundation

/// Bounds any composition by Rényi differential privacy (Mironov 2017), at the best of all real orders.
///
/// It gives upper bounds only: `lower` is 0.
struct RenyiAccountant: AccountingBackend {
  let composition: MechanismComposition
  private let curve: RenyiCurve

  init(_ composition: MechanismComposition) {
    self.composition = composition
    curve = RenyiCurve(composition)
  }

  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    let rounds = Double(rounds)
    // The approximate parts fail with this probability in all; what is left of δ is for the rest:
    // δ = f + (1 − f) δ′.
    let failure = -expm1(rounds * composition.logNoFailure)
    guard delta >= failure else { return PrivacyBound(lower: 0, upper: .infinity, method: .renyi) }
    let rest = ((delta - failure) / (1 - failure)) * (failure > 0 ? 1 - 1e-14 : 1)
    let pure = composition.pureEpsilon.map { (rounds * $0) * (1 + 1e-14) } ?? .infinity
    let renyi = rest > 0 ? try curve.epsilon(rounds: rounds, delta: rest) : .infinity
    return PrivacyBound(lower: 0, upper: min(pure, renyi * (1 + 1e-15)), method: pure < renyi ? .pureComposition : .renyi)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    let rounds = Double(rounds)
    let failure = -expm1(rounds * composition.logNoFailure)
    if let pure = composition.pureEpsilon, epsilon >= rounds * pure * (1 + 1e-14) {
      return PrivacyBound(lower: 0, upper: failure == 0 ? 0 : min(1, failure * (1 + 1e-14)), method: .pureComposition)
    }
    let rest = exp(try curve.logDelta(rounds: rounds, epsilon: epsilon)) * (1 + 1e-12)
    return PrivacyBound(lower: 0, upper: min(1, failure * (1 + 1e-14) + (1 - failure) * rest), method: .renyi)
  }
}
