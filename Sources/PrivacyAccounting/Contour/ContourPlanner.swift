import Foundation

/// Chooses the line, the period and the length of a sum, so that its errors lie well below δ at the least work.
struct ContourPlanner: Sendable {
  let cumulants: RealCumulants

  private var composition: DirectedComposition { cumulants.composition }

  /// Nats by which each error of the sum lies below δ when a table is made: the first that can be had.
  private static let depths = [32.0, 25, 18, 13]
  /// Nanoseconds that a sum may take before a less deep one is looked at.
  private static let quick = 2e7
  /// Nanoseconds that a sum must take before it is worth to look for a split of the losses, for each of them.
  private static let splitCost = 4e6

  /// A bound of the other periods' contribution, relative to δ: Σ_{m≠0} e^{cmΛ} δ(ε + mΛ) / δ(ε).
  func aliases(
    _ c: Double, period: Double, rounds: Double, epsilon: Double, logDelta: Double
  ) throws(AccountingError) -> Double {
    func sum(_ factors: [Double]) throws(AccountingError) -> Double {
      try side(of: c, factors, rounds: rounds, epsilon: epsilon) { other, start in
        let fall = abs(c - other) * period
        return exp(start - logDelta - fall) / -expm1(-fall)
      }
    }
    let reachesSupremum = rounds * composition.supremum <= epsilon + period
    return try sum(Self.below) + (reachesSupremum ? 0 : try sum(Self.above))
  }

  /// Tilts at which aliases are bounded, as multiples of c.
  private static let below = [0, 0.2, 0.5, 0.8]
  private static let above = [1.005, 1.02, 1.05, 1.1, 1.2, 1.4, 2, 3, 5]

  /// The least of a figure over the tilts c′ of one side: e^{cΛm} δ(ε + mΛ) ≤ exp(chernoff(c′, ε) − |c − c′|Λ|m|) there.
  private func side(
    of c: Double, _ factors: [Double], rounds: Double, epsilon: Double, _ figure: (_ other: Double, _ start: Double) -> Double
  ) throws(AccountingError) -> Double {
    var best = Double.infinity
    for factor in factors {
      best = min(best, figure(factor * c, try cumulants.chernoff(at: factor * c, rounds: rounds, epsilon: epsilon)))
    }
    return best
  }

  /// The least period for which the aliases are negligible.
  private func period(_ c: Double, rounds: Double, epsilon: Double, logDelta: Double, depth: Double) throws(AccountingError) -> Double {
    func needed(_ factors: [Double]) throws(AccountingError) -> Double {
      try side(of: c, factors, rounds: rounds, epsilon: epsilon) { max(0, $1 - logDelta + depth) / abs(c - $0) }
    }
    let right = min(try needed(Self.above), rounds * composition.supremum - epsilon)
    // The allowance lets the table serve other numbers of rounds.
    return max(try needed(Self.below), right, 1e-12) * 1.1
  }

  /// A table for the sum at this ε: of the deepest sum that is quick, or else of the quickest.
  ///
  /// - Parameters:
  ///   - c: saddle of the whole.
  ///   - logDelta: about log δ(ε); where the errors are placed.
  ///   - splitting: whether the bulk of the losses may be left out.
  ///   - allowance: nanoseconds that are left for sums; what this one takes is subtracted.
  /// - Throws: ``AccountingError/notConverged(what:reason:)`` where no sum falls, or none fits into the allowance.
  func makeTable(
    _ c: Double, rounds: Double, epsilon: Double, logDelta: Double, splitting: Bool = true, allowance: inout Double
  ) throws(AccountingError) -> ContourTable {
    var failure = AccountingError.notConverged(what: "contour integral", reason: "its integrand falls too slowly")
    var best: Plan?
    let decay = try LineReach.Decay(composition, c: c)
    allowance -= decay.cost
    for depth in Self.depths where allowance > 0 {
      do throws(AccountingError) {
        let plan = try plan(decay, rounds: rounds, epsilon: epsilon, logDelta: logDelta, depth: depth, splitting: splitting)
        allowance -= plan.reach.ownCost
        if best.map({ plan.reach.cost < 0.3 * $0.reach.cost }) ?? true { best = plan }
      } catch { failure = error }
      if best.map({ $0.reach.cost < Self.quick }) ?? false { break }
    }
    guard let best else { throw failure }
    guard best.reach.cost <= allowance else {
      allowance = -.infinity
      throw .notConverged(
        what: "contour integral", reason: "its sums would take too long; the accountants “tightest” and “grid” are quicker here")
    }
    allowance -= best.reach.cost
    return try ContourTable(composition, saddle: c, c: best.c, period: best.period, reach: best.reach)
  }

  /// A sum that reaches a certain depth.
  private struct Plan {
    let c: Double
    let period: Double
    let reach: LineReach
  }

  /// The quickest sum whose errors lie `depth` nats below δ, or nearly so.
  private func plan(
    _ decay: LineReach.Decay, rounds: Double, epsilon: Double, logDelta: Double, depth: Double, splitting: Bool
  ) throws(AccountingError) -> Plan {
    let c = decay.c
    let base = rounds * (try cumulants.moments(at: c)).value - c * epsilon
    let period = try period(c, rounds: rounds, epsilon: epsilon, logDelta: logDelta, depth: depth)
    let step = 2 * Double.pi / period
    var whole: LineReach?
    var failure = AccountingError.notConverged(what: "contour integral", reason: "its integrand falls too slowly")
    do throws(AccountingError) {
      whole = try LineReach(composition, decay: decay, step: step, rounds: rounds, logTailTarget: logDelta - base - depth)
    } catch { failure = error }
    // Where the whole cancels to a small sum, its rounding is large against δ.
    let count = rounds * composition.parts.reduce(0) { $0 + $1.count }
    let cancels = logDelta - base < min(-12, log(1e-7 * count))
    if splitting, cancels || (whole.map { $0.cost > Self.splitCost * Double(composition.parts.count) } ?? true) {
      // Chernoff's bound of the bulk is generous enough to go less deep.
      let depth = depth - 8
      if let split = try BulkSplit(composition, c: c, rounds: 1.2 * rounds, epsilon: epsilon, logTarget: logDelta - depth) {
        let tilt = try self.tilt(of: split, below: c, rounds: rounds, epsilon: epsilon)
        let base = rounds * (try cumulants.moments(at: tilt)).value - tilt * epsilon
        let period = try self.period(tilt, rounds: rounds, epsilon: epsilon, logDelta: logDelta, depth: depth)
        let reach = try LineReach(
          composition, leavingOut: split, c: tilt, step: 2 * Double.pi / period, rounds: rounds, logTailTarget: logDelta - base - depth)
        if let reach, (whole.map { reach.cost < 0.3 * $0.cost } ?? true) || cancels && reach.cost < Self.quick {
          return Plan(c: tilt, period: period, reach: reach)
        }
      }
    }
    guard var whole else { throw failure }
    try whole.shorten(composition, c: c, step: step, rounds: rounds, logTailTarget: logDelta - base - depth)
    return Plan(c: c, period: period, reach: whole)
  }

  /// The tilt at which the transform without the bulk is least, which lies below the saddle of the whole where one large loss alone
  /// decides: at that saddle losses far beyond ε weigh most.
  private func tilt(
    of split: BulkSplit, below c: Double, rounds: Double, epsilon: Double
  ) throws(AccountingError) -> Double {
    let tails = try split.tails(composition, greatest: c)
    func size(_ c: Double) throws(AccountingError) -> Double {
      var logShare = -Double.infinity
      for tail in tails {
        logShare = logAddExp(logShare, log(tail.count) + tail.nodes.logMoment(at: c) - LossMoments(nodes: tail.whole, at: c).value)
      }
      return min(0, log(rounds) + logShare) + rounds * (try cumulants.moments(at: c)).value - c * epsilon - log(c * (c + 1))
    }
    var best = (c: c, size: try size(c))
    // A search by steps, as the figure has a kink where the share is 1.
    for step in 1...20 {
      let other = c * exp2(-0.1 * Double(step))
      let size = try size(other)
      if size < best.size { best = (other, size) }
    }
    return best.c
  }
}
