import Foundation
import Synchronization

/// The Rényi curve R(α) of one composition, with every order that was ever evaluated kept.
///
/// The curve does not depend on δ, ε or on how often the composition is repeated, so one curve serves all rounds of a training run.
final class RenyiCurve: Sendable {
  private let composition: MechanismComposition
  private let known = Mutex<[Double: Double]>([:])
  /// Made on first use, because some mechanisms need a table.
  private let mechanisms = Mutex<[(curve: MechanismRenyi, count: Double)]?>(nil)

  init(_ composition: MechanismComposition) { self.composition = composition }

  private func curves() throws(AccountingError) -> [(curve: MechanismRenyi, count: Double)] {
    if let made = mechanisms.withLock({ $0 }) { return made }
    var made: [(curve: MechanismRenyi, count: Double)] = []
    for (mechanism, count) in composition.parts { made.append((try MechanismRenyi(mechanism), Double(count))) }
    mechanisms.withLock { [made] in $0 = made }
    return made
  }

  /// Σ count × R(α) of the mechanisms, rounded up by more than the error of the quadrature.
  func divergence(order alpha: Double) throws(AccountingError) -> Double {
    if let value = known.withLock({ $0[alpha] }) { return value }
    var sum = 0.0
    for (curve, count) in try curves() { sum += count * (try curve.divergence(order: alpha)) }
    guard !sum.isNaN else { throw .notConverged(what: "Rényi divergence of order \(alpha)", reason: "not a number") }
    let value = sum * (1 + 1e-12)
    known.withLock { $0[alpha] = value }
    return value
  }

  /// ε at δ of `rounds` repetitions: min over α of R + log(1 − 1/α) − (log δ + log α)/(α − 1)
  /// (Canonne, Kamath and Steinke 2020, proposition 12).
  func epsilon(rounds: Double, delta: Double) throws(AccountingError) -> Double {
    let logDelta = log(delta)
    // δ at least the total variation bound √(1 − e^−KL) of Bretagnolle and Huber needs no ε at all; KL ≤ R(α) for every α > 1.
    let nearKullback = rounds * (try divergence(order: Self.order(at: 0)))
    if delta * delta > -expm1(-nearKullback) { return 0 }
    let best = try minimise { alpha throws(AccountingError) in
      let divergence = rounds * (try self.divergence(order: alpha))
      let floor = divergence + log1p(-1 / alpha) - log(alpha) / (alpha - 1)
      return (floor - logDelta / (alpha - 1), floor)
    }
    return max(0, best)
  }

  /// log δ at ε of `rounds` repetitions: min over α of (α − 1)(R − ε + log(1 − 1/α)) − log α, the same conversion solved for δ.
  func logDelta(rounds: Double, epsilon: Double) throws(AccountingError) -> Double {
    let nearKullback = rounds * (try divergence(order: Self.order(at: 0)))
    let totalVariation = 0.5 * log(-expm1(-nearKullback))
    let best = try minimise { alpha throws(AccountingError) in
      let gap = rounds * (try self.divergence(order: alpha)) - epsilon + log1p(-1 / alpha)
      // Once the gap is positive and has grown to 50 nats the value only rises.
      return ((alpha - 1) * gap - log(alpha), gap > 0 ? (alpha - 1) * gap - 50 : -.infinity)
    }
    return min(0, best, totalVariation)
  }

  /// Orders of the coarse search: α − 1 from 1e-4 to 1e7, sixteen a decade.
  private static let orders = 0...176

  private static func order(at index: Int) -> Double { 1 + pow(10, Double(index) / 16 - 4) }

  /// Minimum over all orders: a scan of the coarse orders, which stops once `floor` (a lower bound for every greater order) has
  /// passed the best value, then Brent's method between the neighbours of the best order. Every order gives a valid
  /// bound, so the search affects tightness only.
  private func minimise(
    _ objective: (Double) throws(AccountingError) -> (value: Double, floor: Double)
  ) throws(AccountingError) -> Double {
    var best = (index: 0, value: Double.infinity)
    for index in Self.orders {
      let (value, floor) = try objective(Self.order(at: index))
      if value < best.value { best = (index, value) }
      if floor > best.value { break }
    }
    guard best.value < .infinity else { return .infinity }
    var failure: AccountingError?
    let start = log(Self.order(at: best.index) - 1)
    let width = log(10.0) / 16
    let refined = Numerics.minimum(from: start - width, to: start + width, start: start, tolerance: 1e-7) { logOrder in
      do throws(AccountingError) { return try objective(1 + exp(logOrder)).value } catch {
        failure = error
        return .infinity
      }
    }
    if let failure { throw failure }
    return min(best.value, refined?.value ?? .infinity)
  }
}
