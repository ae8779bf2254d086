import Foundation
public import PrivacyEvents

/// A running ε for events that are chosen while looking at earlier results, valid at all times at once
/// (an odometer in the sense of Rogers, Roth, Ullman and Vadhan 2016).
///
/// **What it promises.** Fix two neighbouring populations and run on either of them, whatever rule chooses the next event. With
/// probability at least 1 − δ, the privacy loss of everything released so far (log of its density under the population that is run over that under
/// the other) is at most ``epsilon`` after every event, all of them together. So a run that stops at any time, for any reason, may state the ε of that time; and a run that always stops while
/// ε ≤ some limit fixed ahead is (limit, δ)-differentially private.
///
/// **How.** At a fixed order α, exp((α − 1)(loss − Σ R_i(α))) never grows in expectation, so by Ville's inequality it reaches 1/δ_α at
/// any time with probability at most δ_α (Whitehouse, Ramdas, Rogers and Wu 2023; the supermartingale of Feldman
/// and Zrnic 2021). Hence
/// loss ≤ Σ R_i(α) + log(1/δ_α)/(α − 1) at all times; no doubling of budgets is needed. The smallest over the orders is
/// reported, which costs a union bound: δ_α = δ/(number of orders). The tighter conversion that a ``RenyiFilter`` uses bounds δ of
/// one fixed end, not the loss at all times, and must not be used here.
///
/// Events with a failure probability are refused: their loss is unbounded.
public struct PrivacyOdometer: Codable, Hashable, Sendable {
  /// Probability with which the statement may fail, over the whole run.
  public let delta: Double
  /// Between which populations.
  public let neighboringRelation: NeighboringRelation
  /// The orders fixed ahead.
  public let orders: RenyiOrders
  /// Σ R_i(α) of what was recorded, for each order, rounded up.
  public private(set) var spent: [Double]
  /// How many events were recorded.
  public private(set) var count = 0

  /// An odometer at zero.
  ///
  /// - Parameters:
  ///   - delta: in (0, 1).
  ///   - orders: chosen without looking at the data; a few far apart cost little.
  ///   - neighboringRelation: between which populations.
  public init(
    delta: Double, orders: RenyiOrders, neighboringRelation: NeighboringRelation = .addOrRemoveOne
  ) throws(AccountingError) {
    guard delta > 0, delta < 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1)") }
    self.delta = delta
    self.neighboringRelation = neighboringRelation
    self.orders = orders
    spent = orders.values.map { _ in 0 }
  }

  /// The bound of the privacy loss so far; 0 while nothing was recorded that costs anything.
  public var epsilon: Double { Self.epsilon(spent, orders: orders.values, delta: delta) }

  /// The bound if `event` were recorded next; changes nothing.
  public func epsilon(after event: PrivacyEvent) throws(AccountingError) -> Double {
    var copy = self
    try copy.record(event)
    return copy.epsilon
  }

  /// Records an event. Call it before the release; a release in clear makes the bound infinite for good.
  ///
  /// - Throws: for an event without a Rényi bound or with a failure probability; the state is unchanged.
  public mutating func record(_ event: PrivacyEvent) throws(AccountingError) {
    let cost = try AdaptiveCost(event, relation: neighboringRelation, orders: orders.values)
    guard cost.failure == 0 || cost.divergences.contains(.infinity) else {
      throw .unsupportedEvent(event: event.caseName, reason: "an odometer cannot bound an event that may fail; use a filter with a reserve")
    }
    spent = zip(spent, cost.divergences).map { $1 > 0 ? min(($0 + $1).nextUp, .greatestFiniteMagnitude) : $0 }
    count += 1
  }

  private static func epsilon(_ spent: [Double], orders: [Double], delta: Double) -> Double {
    guard spent.contains(where: { $0 > 0 }) else { return 0 }
    let least = log(Double(orders.count)) - log(delta)
    let best = zip(spent, orders).reduce(Double.infinity) { best, pair in
      // Sums are capped at the greatest number, which stands for infinity and can be saved.
      guard pair.0 < .greatestFiniteMagnitude else { return best }
      return min(best, (pair.0 + least / (pair.1 - 1)) * (1 + 2e-15))
    }
    return best
  }

  private enum CodingKeys: CodingKey { case delta, neighboringRelation, orders, spent, count }

  /// Decodes a saved state and checks it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      delta: values.decode(Double.self, forKey: .delta), orders: values.decode(RenyiOrders.self, forKey: .orders),
      neighboringRelation: values.decode(NeighboringRelation.self, forKey: .neighboringRelation))
    spent = try values.decode([Double].self, forKey: .spent)
    count = try values.decode(Int.self, forKey: .count)
    guard spent.count == orders.values.count, spent.allSatisfy({ $0 >= 0 }), count >= 0 else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not the state of an odometer"))
    }
  }
}
