import Foundation
import Synchronization

/// δ(ε) and ε(δ) of one direction of a composition, for any number of rounds, through contour tables that are kept.
final class DirectedContour: Sendable {
  let composition: DirectedComposition
  private let cache = Mutex(Cache())

  private struct Cache {
    /// Nodes for real moments up to Re z = 2^key, by part.
    var nodes: [Int: [RealNodes?]] = [:]
    var moments: [Double: LossMoments] = [:]
    var tables: [ContourTable] = []
  }

  /// An interval of log δ.
  struct LogDelta {
    var value: Double
    var lower: Double
    var upper: Double
    var slope: Double
  }

  init(_ composition: DirectedComposition) { self.composition = composition }

  // MARK: Real cumulants

  /// Tilts whose moments are kept, so that a curve of a million rounds does not fill the memory.
  private static let greatestMomentCount = 4096
  /// Greatest Re z that is tried.
  private static let greatestTilt = 1e9

  /// ΣK(c), its slope and curvature, of one round.
  func moments(at c: Double) throws(AccountingError) -> LossMoments {
    if let known = cache.withLock({ $0.moments[c] }) { return known }
    let nodes = try nodes(at: c)
    var sum = LossMoments(value: 0, slope: 0, curvature: 0)
    for (part, nodes) in zip(composition.parts, nodes) {
      if let nodes {
        sum += (part.count, LossMoments(nodes: nodes, at: c))
      } else if case .gaussian(let sigma) = part.cumulant {
        sum += (part.count, .gaussian(noiseMultiplier: sigma, at: c))
      }
    }
    guard sum.value.isFinite, sum.slope.isFinite else {
      throw .notConverged(what: "contour integral", reason: "a cumulant at \(c) is not finite")
    }
    cache.withLock { [sum] in
      // Every number of rounds brings tilts of its own; old ones are seldom asked for again.
      if $0.moments.count >= Self.greatestMomentCount { $0.moments.removeAll(keepingCapacity: true) }
      $0.moments[c] = sum
    }
    return sum
  }

  /// Nodes of every part for real tilts up to `c`.
  private func nodes(at c: Double) throws(AccountingError) -> [RealNodes?] {
    let key = Int(log2(max(c, 1)).rounded(.up))
    if let known = cache.withLock({ $0.nodes[key] }) { return known }
    var made: [RealNodes?] = []
    for part in composition.parts {
      made.append(try part.cumulant.nodes(greatest: Foundation.pow(2, Double(key)), height: 0).map { RealNodes($0) })
    }
    cache.withLock { [made] in $0.nodes[key] = made }
    return made
  }

  /// log of c^c/(1+c)^{1+c}, the factor of Chernoff's bound of a hockey-stick.
  private static func logFactor(_ c: Double) -> Double { c == 0 ? 0 : -c * log1p(1 / c) - log1p(c) }

  /// log of Chernoff's bound of δ(ε), with an allowance for the error of the cumulants.
  private func chernoff(at c: Double, rounds: Double, epsilon: Double) throws(AccountingError) -> Double {
    if c == 0 { return 0 }
    let value = rounds * (try moments(at: c)).value
    return value - c * epsilon + Self.logFactor(c) + 1e-9 + abs(value) * 1e-12 + rounds * 1e-16
  }

  /// An upper bound of log δ(ε) from the saddle on the real line alone: cheap, and a nat or a few too great.
  func logDeltaBound(rounds: Double, epsilon: Double) throws(AccountingError) -> Double {
    if epsilon >= rounds * composition.supremum { return -.infinity }
    let c = try saddle(rounds: rounds, epsilon: epsilon)
    return min(0, try chernoff(at: c, rounds: rounds, epsilon: epsilon))
  }

  /// The root of rounds·ΣK′(c) = ε + 1/c + 1/(c+1), to two parts in a hundred.
  private func saddle(rounds: Double, epsilon: Double) throws(AccountingError) -> Double {
    try tilt { c throws(AccountingError) in rounds * (try moments(at: c)).slope - epsilon - 1 / c - 1 / (c + 1) }
  }

  /// log δ by the saddle-point approximation at c, and the ε to which it belongs.
  private func approximation(_ c: Double, rounds: Double) throws(AccountingError) -> (logDelta: Double, epsilon: Double) {
    let moments = try moments(at: c)
    let epsilon = rounds * moments.slope - 1 / c - 1 / (c + 1)
    let curvature = rounds * moments.curvature + 1 / (c * c) + 1 / ((c + 1) * (c + 1))
    return (rounds * moments.value - c * epsilon - log(c * (c + 1)) - 0.5 * log(2 * Double.pi * curvature), epsilon)
  }

  /// First guess of ε(δ): the ε whose saddle-point approximation of log δ has this value, and its saddle.
  private func guess(rounds: Double, logDelta: Double) throws(AccountingError) -> (epsilon: Double, c: Double) {
    let c = try tilt { c throws(AccountingError) in logDelta - (try approximation(c, rounds: rounds)).logDelta }
    return (try approximation(c, rounds: rounds).epsilon, c)
  }

  /// The root in c of a function that rises from below 0 to above 0.
  private func tilt(_ function: (Double) throws(AccountingError) -> Double) throws(AccountingError) -> Double {
    // Powers of four keep the number of distinct moments, which are kept, small.
    var low = (c: 1.0, value: try function(1))
    var high = low
    while low.value > 0, low.c > 1e-9 {
      high = low
      low.c /= 4
      low.value = try function(low.c)
    }
    while high.value < 0 {
      low = high
      high.c *= 4
      guard high.c < Self.greatestTilt else {
        throw .notConverged(what: "contour integral", reason: "no saddle point below \(Self.greatestTilt)")
      }
      high.value = try function(high.c)
    }
    // Regula falsi in log c with the Illinois weights, as the functions bend by orders of magnitude.
    var side = 0
    while high.c / low.c > 1.02 {
      var weight = low.value / (low.value - high.value)
      weight = weight.isFinite ? min(max(weight, 0.1), 0.9) : 0.5
      let c = low.c * Foundation.pow(high.c / low.c, weight)
      let value = try function(c)
      if value < 0 {
        low = (c, value)
        if side == -1 { high.value *= 0.5 }
        side = -1
      } else {
        high = (c, value)
        if side == 1 { low.value *= 0.5 }
        side = 1
      }
      if abs(value) < 0.01 { return c }
    }
    return (low.c * high.c).squareRoot()
  }

  // MARK: The integral

  /// Nats by which each error of the sum lies below δ when a table is made: the first that can be had.
  private static let depths = [32.0, 25, 18]
  /// Nanoseconds that a sum may take before a less deep one is looked at.
  private static let quick = 2e7
  /// An answer whose relative error is above this is not given.
  private static let greatestError = 1e-2
  /// A table is used again while its relative error stays below this.
  private static let reuseError = 3e-11

  /// A bound of the other periods' contribution, relative to δ: Σ_{m≠0} e^{cmΛ} δ(ε + mΛ) / δ(ε).
  private func aliases(
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
      best = min(best, figure(factor * c, try chernoff(at: factor * c, rounds: rounds, epsilon: epsilon)))
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

  private func makeTable(_ c: Double, rounds: Double, epsilon: Double, logDelta: Double) throws(AccountingError) -> ContourTable {
    let base = rounds * (try moments(at: c)).value - c * epsilon
    // The deepest sum that is quick, or else the quickest.
    var failure = AccountingError.notConverged(what: "contour integral", reason: "its integrand falls too slowly")
    var best: (period: Double, reach: LineReach)?
    for depth in Self.depths {
      let period = try period(c, rounds: rounds, epsilon: epsilon, logDelta: logDelta, depth: depth)
      do throws(AccountingError) {
        let reach = try LineReach(
          composition, c: c, step: 2 * Double.pi / period, rounds: rounds, logTailTarget: logDelta - base - depth)
        if best.map({ reach.cost < 0.3 * $0.reach.cost }) ?? true { best = (period, reach) }
        if reach.cost < Self.quick { break }
      } catch { failure = error }
    }
    guard let best else { throw failure }
    return try ContourTable(composition, c: c, period: best.period, reach: best.reach)
  }

  /// log δ at ε with its interval, if this integral can give it to the wanted relative error.
  private func evaluate(
    _ integral: ContourIntegral, _ table: ContourTable, rounds: Double, epsilon: Double
  ) throws(AccountingError) -> LogDelta? {
    guard let value = integral.value(at: epsilon) else { return nil }
    let aliases = try aliases(
      table.c, period: 2 * Double.pi / table.step, rounds: rounds, epsilon: epsilon, logDelta: value.logDelta)
    guard value.relativeError + aliases < Self.greatestError else { return nil }
    let slack = value.relativeError * 1.01
    return LogDelta(
      value: value.logDelta, lower: value.logDelta + log1p(-min(0.9, slack + aliases * 1.01)), upper: value.logDelta + log1p(slack),
      slope: value.slope)
  }

  /// log δ(ε) after `rounds` rounds.
  func logDelta(rounds: Double, epsilon: Double) throws(AccountingError) -> LogDelta {
    if epsilon >= rounds * composition.supremum {
      return LogDelta(value: -.infinity, lower: -.infinity, upper: -.infinity, slope: 0)
    }
    let c = try saddle(rounds: rounds, epsilon: epsilon)
    if let known = try reuse(near: c, rounds: rounds, epsilon: epsilon) { return known }
    // The saddle-point approximation is good enough to place the errors.
    let near = try approximation(c, rounds: rounds)
    let estimate = near.logDelta - c * (epsilon - near.epsilon)
    let table = try makeTable(c, rounds: rounds, epsilon: epsilon, logDelta: min(0, estimate) - 3)
    let integral = ContourIntegral(table, rounds: rounds)
    guard let answer = try evaluate(integral, table, rounds: rounds, epsilon: epsilon) else {
      throw .notConverged(what: "contour integral", reason: "its error at ε = \(epsilon) is not small against δ")
    }
    keep(table)
    return answer
  }

  private func keep(_ table: ContourTable) {
    cache.withLock {
      if $0.tables.count >= 24 { $0.tables.removeFirst() }
      $0.tables.append(table)
    }
  }

  private func reuse(near c: Double, rounds: Double, epsilon: Double) throws(AccountingError) -> LogDelta? {
    let tables = cache.withLock { $0.tables }.filter { $0.c > c / 1.35 && $0.c < c * 1.35 }
    for table in tables.sorted(by: { abs(log($0.c / c)) < abs(log($1.c / c)) }).prefix(2) {
      let integral = ContourIntegral(table, rounds: rounds)
      if let answer = try evaluate(integral, table, rounds: rounds, epsilon: epsilon), answer.upper - answer.lower < Self.reuseError {
        return answer
      }
    }
    return nil
  }

  /// An interval of ε at which δ(ε) = e^`logDelta` after `rounds` rounds; (0, 0) where already ε = 0 will do.
  func epsilon(rounds: Double, logDelta target: Double) throws(AccountingError) -> (lower: Double, upper: Double) {
    let supremum = rounds * composition.supremum
    let (start, saddle) = try guess(rounds: rounds, logDelta: target)
    var centre = min(max(start, 0), supremum * 0.999)
    var c = saddle
    if start <= 0 {
      let zero = try self.logDelta(rounds: rounds, epsilon: 0)
      if zero.upper <= target { return (0, 0) }
      c = try self.saddle(rounds: rounds, epsilon: 0)
    }
    // Tables near the saddle first, then one of its own, then once more where the answer lay elsewhere.
    var tables = cache.withLock { $0.tables }.filter { $0.c > c / 1.35 && $0.c < c * 1.35 }
    tables.sort { abs(log($0.c / c)) > abs(log($1.c / c)) }
    tables = tables.suffix(2)
    var best: (lower: Double, upper: Double)?
    for attempt in 0..<5 {
      let table: ContourTable
      let isNew = tables.isEmpty
      if let known = tables.popLast() {
        table = known
      } else {
        table = try makeTable(c, rounds: rounds, epsilon: centre, logDelta: target - 1)
        keep(table)
      }
      let integral = ContourIntegral(table, rounds: rounds)
      guard let root = Self.solve(integral, target: target, from: centre, supremum: supremum) else {
        if isNew && attempt > 0 { c *= 1.3 }
        continue
      }
      guard let at = try evaluate(integral, table, rounds: rounds, epsilon: root) else {
        centre = root
        if isNew { c = try self.saddle(rounds: rounds, epsilon: root) }
        continue
      }
      guard let interval = try bracket(integral, table, rounds: rounds, root: root, at: at, target: target, supremum: supremum) else {
        centre = root
        if isNew { c = try self.saddle(rounds: rounds, epsilon: root) }
        continue
      }
      if interval.upper - interval.lower < best.map({ $0.upper - $0.lower }) ?? .infinity { best = interval }
      if at.upper - at.lower < Self.reuseError { return interval }
      if isNew {
        let own = try self.saddle(rounds: rounds, epsilon: root)
        if abs(log(own / c)) < 0.1 { return interval }
        c = own
      }
      centre = root
    }
    guard let best else { throw .notConverged(what: "contour integral", reason: "no ε found for log δ = \(target)") }
    return best
  }

  /// Ends around `root` that are seen to lie on both sides: δ is at most the target at the upper and at least that at the lower one.
  private func bracket(
    _ integral: ContourIntegral, _ table: ContourTable, rounds: Double, root: Double, at: LogDelta, target: Double, supremum: Double
  ) throws(AccountingError) -> (lower: Double, upper: Double)? {
    // The error of log δ over its slope is that of ε to first order; the steps grow where that is not enough.
    let slope = max(-at.slope, 1e-300)
    let residue = abs(at.value - target) + abs(target) * 2.3e-16
    var up = (at.upper - at.value + residue) / slope * 1.01 + 4 * root.ulp
    var down = (at.value - at.lower + residue) / slope * 1.01 + 4 * root.ulp
    var upper = supremum
    var lower = 0.0
    for _ in 0..<12 where root + up < supremum {
      guard let end = try evaluate(integral, table, rounds: rounds, epsilon: root + up) else { return nil }
      if end.upper <= target {
        upper = root + up
        break
      }
      up *= 2
    }
    for _ in 0..<12 where root - down > 0 {
      guard let end = try evaluate(integral, table, rounds: rounds, epsilon: root - down) else { return nil }
      if end.lower >= target {
        lower = root - down
        break
      }
      down *= 2
    }
    return upper.isFinite ? (lower, upper) : nil
  }

  /// Newton's method on log δ, which is smooth and falls, inside a bracket.
  private static func solve(_ integral: ContourIntegral, target: Double, from start: Double, supremum: Double) -> Double? {
    var low = 0.0
    var high = supremum
    var epsilon = start
    for _ in 0..<100 {
      guard let value = integral.value(at: epsilon) else {
        // Beyond the reach of this table δ is lost in its errors.
        if epsilon == low || epsilon == high { return nil }
        high = min(high, epsilon)
        epsilon = 0.5 * (low + high)
        if high - low <= 4 * high.ulp { return nil }
        continue
      }
      let gap = value.logDelta - target
      if gap > 0 { low = max(low, epsilon) } else { high = min(high, epsilon) }
      var next = epsilon - gap / min(value.slope, -1e-300)
      if !(next > low && next < high) {
        if next <= low && low == 0 && gap <= 0 && epsilon == 0 { return 0 }
        next = high.isFinite ? 0.5 * (low + high) : 2 * epsilon + 1e-9
      }
      if abs(next - epsilon) <= 2 * max(epsilon, 1e-300).ulp || abs(gap) < 4e-16 || high - low <= 2 * high.ulp { return epsilon }
      epsilon = next
    }
    return epsilon
  }
}
