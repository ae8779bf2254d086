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
    let pure = composition.pureEpsilon.map { (rounds * $0) * (1 + 1e-14) } ?? .infinity
    let renyi = try curve.epsilon(rounds: rounds, delta: delta)
    return PrivacyBound(lower: 0, upper: min(pure, renyi * (1 + 1e-15)), method: pure < renyi ? .pureComposition : .renyi)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    PrivacyBound(
      lower: 0, upper: min(1, exp(try curve.logDelta(rounds: Double(rounds), epsilon: epsilon)) * (1 + 1e-12)), method: .renyi)
  }

  /// The curve is the greater of both directions at every order, and so is the figure.
  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound {
    try delta(rounds: rounds, epsilon: epsilon)
  }
}
