import Foundation
public import PrivacyEvents

/// What one event costs at a fixed set of Rényi orders, for both orders of every pair of neighbours.
struct AdaptiveCost {
  /// R(α) of each order, rounded up.
  let divergences: [Double]
  /// Probability that an approximate part of the event fails, rounded up.
  let failure: Double

  /// - Throws: what the Rényi accountant throws for an event that it cannot bound.
  init(_ event: PrivacyEvent, relation: NeighboringRelation, orders: [Double]) throws(AccountingError) {
    let composition = try MechanismComposition(event, relation: relation)
    guard composition.logUnchanged == (0, 0) else {
      throw .unsupportedEvent(
        event: "sampled",
        reason: "a truncated draw has no Rényi curve, which a filter and an odometer need; use Poisson sampling without a limit")
    }
    failure = composition.isNonPrivate ? 1 : composition.failureProbability * (1 + 1e-14)
    guard !composition.isNonPrivate else {
      divergences = orders.map { _ in .infinity }
      return
    }
    let curve = RenyiCurve(composition)
    var divergences: [Double] = []
    for order in orders { divergences.append(try curve.divergence(order: order)) }
    self.divergences = divergences
  }
}

/// A set of Rényi orders that is fixed before the first event.
public struct RenyiOrders: Codable, Hashable, Sendable {
  /// The orders, each finite and above 1, all different.
  public let values: [Double]

  /// A fixed set of orders.
  ///
  /// - Parameter values: 1 to 1,024 different numbers, finite and above 1.
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)``.
  public init(_ values: [Double]) throws(AccountingError) {
    guard !values.isEmpty, values.count <= 1_024 else {
      throw .invalidParameter(name: "number of Rényi orders", value: Double(values.count), allowed: "in 1…1024")
    }
    for value in values where !(value > 1 && value.isFinite) {
      throw .invalidParameter(name: "Rényi order", value: value, allowed: "finite and above 1")
    }
    guard Set(values).count == values.count else {
      throw .invalidParameter(name: "number of different Rényi orders", value: Double(Set(values).count), allowed: "\(values.count)")
    }
    self.values = values
  }

  /// The order that gives the least ε for a plan, found by a search over α − 1 from 0.01 to 10,000.
  ///
  /// The plan may turn out otherwise: the order stays valid, only less tight. The plan must not depend on the data.
  public init(
    for planned: PrivacyEvent, delta: Double, neighboringRelation: NeighboringRelation = .addOrRemoveOne
  ) throws(AccountingError) {
    guard delta > 0, delta < 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1)") }
    var best = (order: 2.0, epsilon: Double.infinity)
    let candidates = (0...192).map { 1 + pow(10, Double($0) / 32 - 2) }
    let cost = try AdaptiveCost(planned, relation: neighboringRelation, orders: candidates)
    for (order, divergence) in zip(candidates, cost.divergences) {
      let epsilon = divergence + Self.conversion(order: order, delta: delta)
      if epsilon < best.epsilon { best = (order, epsilon) }
    }
    try self.init([best.order])
  }

  /// Decodes and checks the orders.
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode([Double].self))
  }

  /// Encodes the orders as an array.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.singleValueContainer()
    try values.encode(self.values)
  }

  /// ε − R of the conversion of Canonne, Kamath and Steinke 2020, proposition 12: log(1 − 1/α) − (log δ + log α)/(α − 1).
  static func conversion(order: Double, delta: Double) -> Double {
    log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
  }
}
