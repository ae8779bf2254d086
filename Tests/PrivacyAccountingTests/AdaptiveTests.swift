import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

private func round(_ rate: Double, _ sigma: Double) -> PrivacyEvent {
  .gaussian(noiseMultiplier: sigma).sampled(.poisson(rate: rate))
}

@Suite("Adaptive composition")
struct AdaptiveTests {
  private let target = PrivacyTarget(epsilon: 3, delta: 1e-5)

  @Test("a filter at one order admits exactly the Gaussians that its budget holds")
  func count() throws {
    let filter = try RenyiFilter(target: target, orders: RenyiOrders([8]))
    // Budget: ε − log(1 − 1/α) + (log δ + log α)/(α − 1); each Gaussian of σ = 20 costs α/(2σ²) = 0.01.
    let budget = 3 - log(7 / 8.0) + (log(1e-5) + log(8)) / 7
    #expect(relativeDifference(filter.budgets[0], budget) < 1e-13 && filter.budgets[0] <= budget)
    var running = filter
    var admitted = 0
    while try running.admit(.gaussian(noiseMultiplier: 20)).isAdmitted { admitted += 1 }
    #expect(admitted == Int(budget / 0.01) && running.admittedCount == admitted)
    #expect(filter.admittedCount == 0)
  }

  @Test("for the plan that its order was chosen for, the filter allows what the Rényi accountant does, to a round in a hundred")
  func asGoodAsPlanned() throws {
    let event = round(0.01, 1)
    let rounds = try Calibration.rounds(for: target, accountant: PrivacyAccountant(choice: .renyi), of: event)
    let orders = try RenyiOrders(for: event.repeated(rounds), delta: target.delta)
    var filter = try RenyiFilter(target: target, orders: orders)
    var admitted = 0
    while try filter.admit(event.repeated(10)).isAdmitted { admitted += 10 }
    #expect(admitted <= rounds && Double(admitted) >= 0.98 * Double(rounds), "\(admitted) of \(rounds)")
  }

  @Test("never more than the budget at a surviving order, a refused event changes nothing (300 random adaptive sequences)")
  func neverExceeds() throws {
    var stream = ParameterStream(state: 20_261_122)
    for _ in 0..<300 {
      let target = PrivacyTarget(epsilon: stream.logUniform(0.2...20), delta: stream.logUniform(1e-12...1e-2))
      var filter = try RenyiFilter(target: target, orders: RenyiOrders([3, 8, 40, 300]))
      var released: [PrivacyEvent] = []
      for _ in 0..<40 {
        // The next event depends on what was admitted before.
        let noise = stream.logUniform(0.5...20) * (1 + Double(released.count % 3))
        let event: PrivacyEvent =
          stream.uniform() < 0.3
          ? .gaussian(noiseMultiplier: noise) : stream.uniform() < 0.5 ? .laplace(noiseMultiplier: noise) : round(0.05, noise)
        let before = filter
        let dry = try filter.wouldAdmit(event)
        #expect(filter == before)
        let admission = try filter.admit(event)
        #expect(dry == admission)
        if case .admitted(let remaining) = admission {
          released.append(event)
          #expect(remaining >= 0 && remaining <= 1)
        } else {
          #expect(filter == before)
        }
      }
      #expect(zip(filter.spent, filter.budgets).contains { $0 <= $1 })
      // The sequence that came out, had it been fixed ahead, keeps the target by the Rényi accountant with the same δ.
      #expect(try PrivacyAccountant(choice: .renyi).epsilon(of: .composed(released), delta: target.delta).upper <= target.epsilon)
    }
  }

  @Test("several orders cost the union bound: each alone has more budget")
  func union() throws {
    let one = try RenyiFilter(target: target, orders: RenyiOrders([10]))
    let four = try RenyiFilter(target: target, orders: RenyiOrders([10, 4, 20, 60]))
    #expect(abs(one.budgets[0] - four.budgets[0] - log(4) / 9) < 1e-12)
  }

  @Test("approximate events need a reserve, releases in clear are never admitted")
  func failures() throws {
    let event = PrivacyEvent.approximateDP(epsilon: 0.1, delta: 1e-6)
    var without = try RenyiFilter(target: target, orders: RenyiOrders([10]))
    #expect(try !without.admit(event).isAdmitted)
    var with = try RenyiFilter(target: target, orders: RenyiOrders([10]), failureReserve: 3.5e-6)
    var admitted = 0
    while try with.admit(event).isAdmitted { admitted += 1 }
    #expect(admitted == 3 && with.failureSpent <= 3.5e-6 && with.failureSpent >= 3e-6)
    #expect(try !with.admit(.nonPrivate).isAdmitted)
    #expect(try !with.admit(.gaussian(noiseMultiplier: 0)).isAdmitted)
    #expect(try with.admit(.noOp).isAdmitted)
  }

  @Test("replace-one costs four times as much as add-or-remove for the same noise")
  func relation() throws {
    var added = try RenyiFilter(target: target, orders: RenyiOrders([8]))
    var replaced = try RenyiFilter(target: target, orders: RenyiOrders([8]), neighboringRelation: .replaceOne)
    _ = try added.admit(.gaussian(noiseMultiplier: 20))
    _ = try replaced.admit(.gaussian(noiseMultiplier: 20))
    #expect(relativeDifference(replaced.spent[0], 4 * added.spent[0]) < 1e-12)
  }

  @Test("the odometer rises, is never below the exact ε of the sequence had it been fixed, nor far above it (50 random sequences)")
  func odometer() throws {
    var stream = ParameterStream(state: 5)
    for _ in 0..<50 {
      let delta = stream.logUniform(1e-10...1e-3)
      var odometer = try PrivacyOdometer(delta: delta, orders: RenyiOrders([1.5, 2, 3, 5, 8, 16, 32, 64, 128, 512]))
      var precision = 0.0
      var last = 0.0
      for _ in 0..<30 {
        let sigma = stream.logUniform(2...50) * (1 + last)
        precision += 1 / (sigma * sigma)
        let ahead = try odometer.epsilon(after: .gaussian(noiseMultiplier: sigma))
        try odometer.record(.gaussian(noiseMultiplier: sigma))
        let exact = try AnalyticGaussian.epsilon(noiseMultiplier: 1 / precision.squareRoot(), delta: delta)
        #expect(odometer.epsilon == ahead && odometer.epsilon >= last && odometer.epsilon >= exact.upper)
        // At the best real order the bound is μ²/2 + μ√(2 log(1/δ)); the coarse orders and the union bound cost the rest.
        let ideal = 0.5 * precision + (-2 * precision * log(delta)).squareRoot()
        #expect(odometer.epsilon <= 1.5 * ideal + 0.03, "\(odometer.epsilon) \(ideal)")
        last = odometer.epsilon
      }
    }
  }

  @Test("at all times at once: the loss of random adaptive runs passes the bound in at most a share δ of 20,000 runs")
  func odometerCoverage() throws {
    // δ = 0.05: 1,000 failures are allowed by the claim; the standard deviation is 31, so 1,155 means five of them (false alarm 3e-7).
    let delta = 0.05
    let orders = try RenyiOrders([2, 4, 8])
    var fresh = try PrivacyOdometer(delta: delta, orders: orders)
    try fresh.record(.gaussian(noiseMultiplier: 1))
    let costs = fresh.spent
    var stream = ParameterStream(state: 77)
    var failures = 0
    for _ in 0..<20_000 {
      var loss = 0.0
      var spent = [0.0, 0, 0]
      var isOver = false
      for _ in 0..<8 {
        // A rule that sees the results: it spends more while it is unlucky.
        let sigma = loss > 1 ? 1.0 : 2.0
        let normal = (-2 * log(1 - stream.uniform())).squareRoot() * cos(2 * Double.pi * stream.uniform())
        loss += 0.5 / (sigma * sigma) + normal / sigma
        for index in spent.indices { spent[index] += costs[index] / (sigma * sigma) }
        let bound = zip(spent, orders.values).map { $0 + log(3 / delta) / ($1 - 1) }.min() ?? 0
        if loss > bound { isOver = true }
      }
      if isOver { failures += 1 }
    }
    #expect(failures <= 1_155)
    // The bound formed here is the odometer's.
    let expected = zip(costs, orders.values).map { $0 + log(3 / delta) / ($1 - 1) }.min() ?? 0
    #expect(relativeDifference(fresh.epsilon, expected) < 1e-13)
  }

  @Test("odometer: nothing costs nothing, a release in clear is for good, an event that may fail is refused")
  func odometerEdges() throws {
    var odometer = try PrivacyOdometer(delta: 1e-5, orders: RenyiOrders([4, 16]))
    #expect(odometer.epsilon == 0)
    try odometer.record(.noOp)
    #expect(odometer.epsilon == 0 && odometer.count == 1)
    let before = odometer
    #expect(throws: AccountingError.self) { try odometer.record(.approximateDP(epsilon: 1, delta: 1e-9)) }
    #expect(throws: AccountingError.self) { try odometer.record(.unsupported(reason: "tree")) }
    #expect(odometer == before)
    try odometer.record(.nonPrivate)
    try odometer.record(.gaussian(noiseMultiplier: 10))
    #expect(odometer.epsilon == .infinity)
    #expect(try JSONDecoder().decode(PrivacyOdometer.self, from: JSONEncoder().encode(odometer)).epsilon == .infinity)
  }

  @Test("a planned run: ε so far is that of the count had it been fixed, ε planned does not move")
  func planned() throws {
    let plan = [PlannedOdometer.Stretch(event: round(0.01, 1), count: 100), .init(event: .gaussian(noiseMultiplier: 30), count: 5)]
    let accountant = PrivacyAccountant(choice: .renyi)
    var odometer = try PlannedOdometer(plan: plan, delta: 1e-5, accountant: accountant)
    let whole = try accountant.epsilon(of: .composed([plan[0].event.repeated(100), plan[1].event.repeated(5)]), delta: 1e-5)
    #expect(try odometer.reading().soFar.upper == 0)
    var last = 0.0
    for steps in [1, 40, 100, 103, 105] {
      try odometer.advance(by: steps - odometer.steps)
      let reading = try odometer.reading()
      #expect(reading.steps == steps && reading.plannedSteps == 105 && reading.planned == whole)
      #expect(reading.soFar.upper > last && reading.soFar.upper <= whole.upper)
      if steps <= 100 {
        #expect(
          relativeDifference(reading.soFar.upper, try accountant.epsilon(of: round(0.01, 1).repeated(steps), delta: 1e-5).upper) < 1e-12)
      }
      last = reading.soFar.upper
      #expect((odometer.next == nil) == (steps == 105))
    }
    #expect(last == whole.upper)
    #expect(throws: AccountingError.self) { try odometer.advance() }
    #expect(odometer.steps == 105)
    #expect(throws: AccountingError.self) { try odometer.advance(by: -1) }
  }

  @Test("saved states come back equal, and go on alike; impossible ones are refused")
  func saved() throws {
    var filter = try RenyiFilter(target: target, orders: RenyiOrders([4, 12]), failureReserve: 1e-7)
    _ = try filter.admit(round(0.01, 1).repeated(50))
    _ = try filter.admit(.approximateDP(epsilon: 0.01, delta: 1e-9))
    var copy = try JSONDecoder().decode(RenyiFilter.self, from: JSONEncoder().encode(filter))
    #expect(copy == filter)
    #expect(try copy.admit(.gaussian(noiseMultiplier: 9)) == filter.admit(.gaussian(noiseMultiplier: 9)))
    var planned = try PlannedOdometer(plan: [.init(event: .gaussian(noiseMultiplier: 9), count: 4)], delta: 1e-5)
    try planned.advance(by: 3)
    #expect(try JSONDecoder().decode(PlannedOdometer.self, from: JSONEncoder().encode(planned)) == planned)
    // Tampered: spent made negative, one order too few, everything spent.
    let text = String(decoding: try JSONEncoder().encode(filter), as: UTF8.self)
    for spent in ["[-1,0]", "[0]", "[1e9,1e9]"] {
      let tampered = text.replacing(/"spent":\[[^\]]*\]/, with: "\"spent\":" + spent)
      #expect(tampered != text)
      #expect(throws: (any Error).self) { try JSONDecoder().decode(RenyiFilter.self, from: Data(tampered.utf8)) }
    }
  }

  @Test("meaningless parameters are errors")
  func hostile() throws {
    for orders in [[], [1], [0.5], [.nan], [.infinity], [2, 2], Array(repeating: 2, count: 2_000)] as [[Double]] {
      #expect(throws: AccountingError.self) { try RenyiOrders(orders) }
    }
    let orders = try RenyiOrders([8])
    for (epsilon, delta) in [(0, 1e-5), (.nan, 1e-5), (1, 0), (1, 1), (1, .nan), (.infinity, 0.1)] as [(Double, Double)] {
      #expect(throws: AccountingError.self) { try RenyiFilter(target: PrivacyTarget(epsilon: epsilon, delta: delta), orders: orders) }
    }
    // ε too small for the order: no budget at all.
    #expect(throws: AccountingError.self) { try RenyiFilter(target: PrivacyTarget(epsilon: 0.1, delta: 1e-9), orders: RenyiOrders([2])) }
    for reserve in [-1e-9, 1e-5, .nan] as [Double] {
      #expect(throws: AccountingError.self) { try RenyiFilter(target: target, orders: orders, failureReserve: reserve) }
    }
    for delta in [0, 1, -1, .nan] as [Double] {
      #expect(throws: AccountingError.self) { try PrivacyOdometer(delta: delta, orders: orders) }
      #expect(throws: AccountingError.self) { try PlannedOdometer(plan: [], delta: delta) }
      #expect(throws: AccountingError.self) { try RenyiOrders(for: .gaussian(noiseMultiplier: 1), delta: delta) }
    }
    var filter = try RenyiFilter(target: target, orders: orders)
    let before = filter
    #expect(throws: AccountingError.self) { try filter.admit(.gaussian(noiseMultiplier: .nan)) }
    #expect(throws: AccountingError.self) { try filter.admit(.unsupported(reason: "tree")) }
    #expect(filter == before)
    #expect(throws: AccountingError.self) { try PlannedOdometer(plan: [.init(event: .noOp, count: 0)], delta: 1e-5) }
    #expect(throws: AccountingError.tooManyCompositions) {
      try PlannedOdometer(plan: [.init(event: .noOp, count: .max), .init(event: .noOp, count: 1)], delta: 1e-5)
    }
  }
}
