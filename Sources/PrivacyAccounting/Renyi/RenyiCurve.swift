import Foundation
import Synchronization

/// The Rényi curve R(α) of one composition, with the orders that were evaluated lately kept.
///
/// The curve does not depend on δ, ε or on how often the composition is repeated, so one curve serves all rounds of a training run.
final class RenyiCurve: Sendable {
  private let composition: MechanismComposition
  private let known = Mutex<[Double: Double]>([:])
  private static let greatestKnownCount = 4096
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
    known.withLock {
      // Every number of rounds has orders of its own; a curve of a million rounds must not fill the memory with them.
      if $0.count >= Self.greatestKnownCount { $0.removeAll(keepingCapacity: true) }
      $0[alpha] = value
    }
    return value
  }

  /// ε at δ of `rounds` repetitions: min over α of R + log(1 − 1/α) − (log δ + log α)/(α − 1)
  /// (Canonne, Kamath and Steinke 2020, proposition 12).
  func epsilon(rounds: Double, delta: Double) throws(AccountingError) -> Double {
    let logDelta = log(delta)
    // δ at least the total variation bound √(1 − e^−KL) of Bretagnolle and Huber needs no ε at all; KL ≤ R(α) for every α > 1.
    let nearKullback = rounds * (try divergence(order: Self.order(at: 0)))
    if delta * delta > -expm1(-nearKullback) { return 0 }
    // Where R(α) = ρα, the best order is near 1 + √(log(1/δ)/ρ).
    let best = try minimise(near: { rho in (-logDelta / rho).squareRoot() }, rounds: rounds) { alpha throws(AccountingError) in
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
    // Where R(α) = ρα, the best order is near (ε/ρ + 1)/2.
    let best = try minimise(near: { rho in (epsilon / rho - 1) / 2 }, rounds: rounds) { alpha throws(AccountingError) in
      let gap = rounds * (try self.divergence(order: alpha)) - epsilon + log1p(-1 / alpha)
      // Once the gap is positive and has grown to 50 nats the value only rises.
      return ((alpha - 1) * gap - log(alpha), gap > 0 ? (alpha - 1) * gap - 50 : -.infinity)
    }
    return min(0, best, totalVariation)
  }

  /// Orders of the coarse search: α − 1 from 1e-4 to 1e7, sixteen a decade.
  private static let orders = 0...176

  private static func order(at index: Int) -> Double { 1 + pow(10, Double(index) / 16 - 4) }

  /// Whether (α − 1) R(α) is convex for every mechanism: so it is where R is a Rényi divergence and not only a bound of one.
  ///
  /// The logarithm of δ at any ε is then (α − 1)R − (α − 1)ε + (α − 1) log(α − 1) − α log α, a convex function of α, for the second
  /// derivative of the last two terms is 1/(α − 1) − 1/α. The orders that reach a given δ at a given ε therefore form an interval,
  /// which says that ε as a function of the order has no minimum besides the least one.
  private var hasOneMinimum: Bool {
    composition.parts.allSatisfy { mechanism, _ in
      switch mechanism {
      case .gaussian, .sampledGaussian(_, _, false), .laplace(1, _), .zeroConcentrated: true
      default: false
      }
    }
  }

  /// How far from the best order, in log(α − 1), the search may end. Mixtures take tens of milliseconds for one order, and a thousandth
  /// of the order changes ε by less than a millionth.
  private var orderTolerance: Double {
    let isSlow = composition.parts.contains { mechanism, _ in
      switch mechanism {
      case .gaussianMixture, .drawnWithReplacement: true
      default: false
      }
    }
    return isSlow ? 1e-3 : 1e-7
  }

  /// Minimum over all orders: the best of the coarse orders, then Brent's method between its neighbours. Every order gives a valid
  /// bound, so the search affects tightness only.
  ///
  /// - Parameters:
  ///   - near: α − 1 of a good first order where R(α) = ρα, from ρ.
  ///   - objective: the value at an order, and a lower bound of it at every greater order.
  private func minimise(
    near: (Double) -> Double, rounds: Double,
    _ objective: (Double) throws(AccountingError) -> (value: Double, floor: Double)
  ) throws(AccountingError) -> Double {
    let best: (index: Int, value: Double)
    let start = hasOneMinimum ? near(rounds * (try divergence(order: 2)) / 2) : .nan
    if start.isFinite, let found = try descend(from: start, objective) {
      best = found
    } else {
      best = try scan(objective)
    }
    guard best.value < .infinity else { return .infinity }
    var failure: AccountingError?
    let middle = log(Self.order(at: best.index) - 1)
    let width = log(10.0) / 16 * Double(Self.stride)
    let refined = Numerics.minimum(from: middle - width, to: middle + width, start: middle, tolerance: orderTolerance) { logOrder in
      do throws(AccountingError) { return try objective(1 + exp(logOrder)).value } catch {
        failure = error
        return .infinity
      }
    }
    if let failure { throw failure }
    return min(best.value, refined?.value ?? .infinity)
  }

  /// Coarse orders that a search steps over: four steps a decade.
  private static let stride = 4

  /// The best of the coarse orders, four a decade; the scan stops once a lower bound for every greater order has passed the best value.
  private func scan(
    _ objective: (Double) throws(AccountingError) -> (value: Double, floor: Double)
  ) throws(AccountingError) -> (index: Int, value: Double) {
    var best = (index: 0, value: Double.infinity)
    for index in Swift.stride(from: Self.orders.lowerBound, through: Self.orders.upperBound, by: Self.stride) {
      let (value, floor) = try objective(Self.order(at: index))
      if value < best.value { best = (index, value) }
      if floor > best.value { break }
    }
    return best
  }

  /// The best coarse order of a function with one minimum, found downhill from α − 1 = `start`; `nil` where the start has no value.
  ///
  /// The start lies at 10 at most: greater orders cost more, and a step uphill leads there where they are needed.
  private func descend(
    from start: Double, _ objective: (Double) throws(AccountingError) -> (value: Double, floor: Double)
  ) throws(AccountingError) -> (index: Int, value: Double)? {
    let stride = Self.stride
    let first = Int((16 * (log10(min(max(start, 1e-4), 10)) + 4)).rounded())
    var best = (index: first, value: try objective(Self.order(at: first)).value)
    guard best.value.isFinite else { return nil }
    for step in [-stride, stride] {
      var next = best.index + step
      while Self.orders.contains(next) {
        let value = try objective(Self.order(at: next)).value
        guard value < best.value else { break }
        best = (next, value)
        next += step
      }
      // Downhill to one side is uphill to the other.
      if best.index != first { break }
    }
    return best
  }
}
