import Foundation
public import PrivacyEvents

/// Admits events that are chosen while looking at earlier results, as long as a privacy target holds for all of them together
/// (Feldman and Zrnic 2021, section 4: a Rényi privacy filter).
///
/// **What it promises.** Whatever rule chooses the next event from what was released before, and whenever it stops, everything
/// that was released through admitted events is (ε, δ)-differentially private with the target's ε and δ. The release must be made
/// only after the event was admitted, with fresh randomness, and as the event describes.
///
/// **How.** At an order α that was fixed ahead, events are admitted while Σ R_i(α) stays within the budget that gives ε at δ_α
/// (Canonne, Kamath and Steinke 2020, proposition 12). For several orders, δ_α = δ/(number of orders), and an event is admitted while
/// at least one order stays within its budget. That is a union bound: on the transcripts where order α lasts to the end, the
/// sequence is the one that the filter of α alone would have admitted, and their failures add up to δ. Choosing the best order at the
/// end without dividing δ would not be valid.
///
/// Approximate events, (ε, δ_i), are admitted while Σ δ_i is at most a reserve that is taken from δ at the start; by default there is
/// none (the sum of failure probabilities as in Whitehouse, Ramdas, Rogers and Wu 2023).
///
/// The state is `Codable`: save it with the model that was released, never an older one.
public struct RenyiFilter: Codable, Hashable, Sendable {
  /// Answer to an event.
  public enum Admission: Hashable, Sendable {
    /// The event may be released. `remaining` is the share of the budget that is left at the order with most of it, in [0, 1].
    case admitted(remaining: Double)
    /// The event must not be released; the state is unchanged. `reason` says what ran out.
    case refused(reason: String)

    /// Whether the event may be released.
    public var isAdmitted: Bool { if case .admitted = self { true } else { false } }
  }

  /// The guarantee for everything admitted.
  public let target: PrivacyTarget
  /// Between which populations.
  public let neighboringRelation: NeighboringRelation
  /// The orders fixed ahead.
  public let orders: RenyiOrders
  /// Part of δ that approximate events may use up.
  public let failureReserve: Double
  /// Σ R_i(α) of the admitted events, for each order, rounded up; beyond the budget where the order was given up.
  public private(set) var spent: [Double]
  /// Σ δ_i of the admitted approximate events, rounded up.
  public private(set) var failureSpent = 0.0
  /// How many events were admitted.
  public private(set) var admittedCount = 0

  /// A filter that has admitted nothing.
  ///
  /// - Parameters:
  ///   - target: ε and δ of everything to be admitted.
  ///   - orders: chosen without looking at the data.
  ///   - neighboringRelation: between which populations.
  ///   - failureReserve: in [0, δ).
  /// - Throws: ``AccountingError/invalidParameter(name:value:allowed:)``; also where every order needs more than ε for δ alone.
  public init(
    target: PrivacyTarget, orders: RenyiOrders, neighboringRelation: NeighboringRelation = .addOrRemoveOne, failureReserve: Double = 0
  ) throws(AccountingError) {
    try target.validate()
    guard failureReserve >= 0, failureReserve < target.delta else {
      throw .invalidParameter(name: "failure reserve", value: failureReserve, allowed: "in [0, δ)")
    }
    self.target = target
    self.neighboringRelation = neighboringRelation
    self.orders = orders
    self.failureReserve = failureReserve
    spent = orders.values.map { _ in 0 }
    guard let greatest = budgets.max(), greatest > 0 else {
      throw .invalidParameter(
        name: "target epsilon", value: target.epsilon,
        allowed: "above what the conversion needs at the given orders; use greater orders or a greater δ")
    }
  }

  /// Greatest Σ R_i(α) that gives the target, for each order, rounded down; not positive where the order is of no use.
  public var budgets: [Double] {
    let delta = (target.delta - failureReserve).nextDown / Double(orders.values.count)
    return orders.values.map { order in
      let conversion = RenyiOrders.conversion(order: order, delta: delta)
      return target.epsilon - conversion - 4e-15 * (target.epsilon + abs(conversion) + abs(log(delta)) / (order - 1))
    }
  }

  /// Whether `event` would be admitted; changes nothing.
  ///
  /// - Throws: for an event without a Rényi bound, as ``PrivacyAccountant/checkSupport(of:)``.
  public func wouldAdmit(_ event: PrivacyEvent) throws(AccountingError) -> Admission {
    var copy = self
    return try copy.admit(event)
  }

  /// Admits `event` and charges it, or refuses it and changes nothing. Call it before the release.
  ///
  /// - Throws: for an event without a Rényi bound; the state is unchanged.
  public mutating func admit(_ event: PrivacyEvent) throws(AccountingError) -> Admission {
    let cost = try AdaptiveCost(event, relation: neighboringRelation, orders: orders.values)
    let failures = cost.failure > 0 ? (failureSpent + cost.failure).nextUp : failureSpent
    guard failures <= failureReserve else {
      return .refused(reason: "failures of approximate events would reach \(failures), the reserve is \(failureReserve)")
    }
    // The greatest number stands for infinity, which cannot be saved.
    let sums = zip(spent, cost.divergences).map { $1 > 0 ? min(($0 + $1).nextUp, .greatestFiniteMagnitude) : $0 }
    guard let remaining = Self.remaining(sums, budgets) else {
      return .refused(reason: "Σ R(α) would exceed the budget at every order for ε = \(target.epsilon) at δ = \(target.delta)")
    }
    (spent, failureSpent) = (sums, failures)
    admittedCount += 1
    return .admitted(remaining: remaining)
  }

  private static func remaining(_ spent: [Double], _ budgets: [Double]) -> Double? {
    zip(spent, budgets).filter { $0 <= $1 && $1 > 0 }.map { 1 - $0 / $1 }.max()
  }

  private enum CodingKeys: CodingKey {
    case target, neighboringRelation, orders, failureReserve, spent, failureSpent, admittedCount
  }

  /// Decodes a saved state and checks that it can have arisen from a filter.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      target: values.decode(PrivacyTarget.self, forKey: .target), orders: values.decode(RenyiOrders.self, forKey: .orders),
      neighboringRelation: values.decode(NeighboringRelation.self, forKey: .neighboringRelation),
      failureReserve: values.decode(Double.self, forKey: .failureReserve))
    spent = try values.decode([Double].self, forKey: .spent)
    failureSpent = try values.decode(Double.self, forKey: .failureSpent)
    admittedCount = try values.decode(Int.self, forKey: .admittedCount)
    guard
      spent.count == orders.values.count, spent.allSatisfy({ $0 >= 0 }), failureSpent >= 0, failureSpent <= failureReserve,
      admittedCount >= 0, Self.remaining(spent, budgets) != nil
    else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not the state of a Rényi filter"))
    }
  }
}
