import Foundation
public import PrivacyEvents

/// Follows a sequence of events that was fixed ahead, with the tight accountant.
///
/// Two figures with different meanings, and reports must say both:
/// - ``Reading/planned`` is the guarantee of the run, also when it stopped early because of what was seen: what was released is a part of
///   what was planned.
/// - ``Reading/soFar`` is the ε that holds **had this number of events been fixed ahead**. It is the guarantee of a run that
///   stopped for reasons that depend on no data (a budget, a time limit), and only of such a run.
///
/// For events that are chosen while looking at results neither holds; use ``RenyiFilter`` or ``PrivacyOdometer``.
public struct PlannedOdometer: Codable, Hashable, Sendable {
  /// One stretch of the plan: the same event several times.
  public struct Stretch: Codable, Hashable, Sendable {
    /// The event of each step.
    public let event: PrivacyEvent
    /// Number of steps, at least 1.
    public let count: Int

    /// `count` steps of `event`.
    public init(event: PrivacyEvent, count: Int) {
      self.event = event
      self.count = count
    }
  }

  /// Both figures at one time.
  public struct Reading: Hashable, Sendable {
    /// Steps released.
    public let steps: Int
    /// Steps of the plan.
    public let plannedSteps: Int
    /// ε had this number of steps been fixed ahead.
    public let soFar: PrivacyBound
    /// ε of the whole plan.
    public let planned: PrivacyBound
    /// δ of both.
    public let delta: Double
  }

  /// The plan.
  public let plan: [Stretch]
  /// δ of the statements.
  public let delta: Double
  /// Between which populations.
  public let neighboringRelation: NeighboringRelation
  /// The accountant's method.
  public let choice: PrivacyAccountant.Choice
  /// Steps released so far.
  public private(set) var steps = 0
  /// Steps of the whole plan.
  public let plannedSteps: Int

  /// A plan of which nothing was released.
  ///
  /// - Parameters:
  ///   - plan: fixed without looking at the data.
  ///   - delta: in (0, 1).
  ///   - accountant: which relation and method.
  /// - Throws: for an event without a bound, a count below 1 or more than `Int.max` steps.
  public init(plan: [Stretch], delta: Double, accountant: PrivacyAccountant = PrivacyAccountant()) throws(AccountingError) {
    guard delta > 0, delta < 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1)") }
    var total = 0
    for stretch in plan {
      guard stretch.count >= 1 else {
        throw .invalidParameter(name: "steps of a stretch", value: Double(stretch.count), allowed: "at least 1")
      }
      let (sum, overflow) = total.addingReportingOverflow(stretch.count)
      guard !overflow else { throw .tooManyCompositions }
      total = sum
    }
    self.plan = plan
    self.delta = delta
    neighboringRelation = accountant.neighboringRelation
    choice = accountant.choice
    plannedSteps = total
    try accountant.checkSupport(of: Self.event(plan, first: total))
  }

  private var accountant: PrivacyAccountant { PrivacyAccountant(neighboringRelation: neighboringRelation, choice: choice) }

  /// Everything released so far, as one event.
  public var released: PrivacyEvent { Self.event(plan, first: steps) }

  /// The event of the next step; `nil` when the plan is done.
  public var next: PrivacyEvent? {
    var left = steps
    for stretch in plan {
      if left < stretch.count { return stretch.event }
      left -= stretch.count
    }
    return nil
  }

  /// Records the release of the next `count` steps of the plan.
  ///
  /// - Throws: where the plan has fewer left; the state is unchanged.
  public mutating func advance(by count: Int = 1) throws(AccountingError) {
    guard count >= 0, count <= plannedSteps - steps else {
      throw .invalidParameter(name: "steps", value: Double(count), allowed: "in 0…\(plannedSteps - steps), what the plan has left")
    }
    steps += count
  }

  /// Both figures now.
  public func reading() throws(AccountingError) -> Reading {
    Reading(
      steps: steps, plannedSteps: plannedSteps, soFar: try accountant.epsilon(of: released, delta: delta),
      planned: try accountant.epsilon(of: Self.event(plan, first: plannedSteps), delta: delta), delta: delta)
  }

  private static func event(_ plan: [Stretch], first steps: Int) -> PrivacyEvent {
    var left = steps
    var events: [PrivacyEvent] = []
    for stretch in plan where left > 0 {
      let count = min(left, stretch.count)
      events.append(stretch.event.repeated(count))
      left -= count
    }
    return .composed(events)
  }

  private enum CodingKeys: CodingKey { case plan, delta, neighboringRelation, choice, steps }

  /// Decodes a saved state and checks it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      plan: values.decode([Stretch].self, forKey: .plan), delta: values.decode(Double.self, forKey: .delta),
      accountant: PrivacyAccountant(
        neighboringRelation: values.decode(NeighboringRelation.self, forKey: .neighboringRelation),
        choice: values.decode(PrivacyAccountant.Choice.self, forKey: .choice)))
    try advance(by: values.decode(Int.self, forKey: .steps))
  }

  /// Encodes plan, parameters and position.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(plan, forKey: .plan)
    try values.encode(delta, forKey: .delta)
    try values.encode(neighboringRelation, forKey: .neighboringRelation)
    try values.encode(choice, forKey: .choice)
    try values.encode(steps, forKey: .steps)
  }
}
