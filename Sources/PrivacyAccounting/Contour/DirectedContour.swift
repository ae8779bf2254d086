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
    /// The keys of `moments` above 0, in increasing order.
    var tilts: [Double] = []
    var tables: [ContourTable] = []
  }

  /// An interval of log δ.
  struct LogDelta {
    var value: Double
    var lower: Double
    var upper: Double
    var slope: Double
    /// How much of `upper` is the bulk that the integral left out, relative to δ.
    var bulk = 0.0
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
      if $0.moments.count >= Self.greatestMomentCount {
        $0.moments.removeAll(keepingCapacity: true)
        $0.tilts.removeAll(keepingCapacity: true)
      }
      guard $0.moments.updateValue(sum, forKey: c) == nil, c > 0 else { return }
      $0.tilts.insert(c, at: $0.tilts.partitionIndex { $0 > c })
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
  static func logFactor(_ c: Double) -> Double { c == 0 ? 0 : -c * log1p(1 / c) - log1p(c) }

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

  /// The root in c of a function of the moments that rises from below 0 to above 0.
  private func tilt(_ function: (Double) throws(AccountingError) -> Double) throws(AccountingError) -> Double {
    // Tilts whose moments are known cost nothing: in a curve they mostly enclose the root closely.
    let known = cache.withLock { $0.tilts }
    var (first, last) = (0, known.count)
    while first < last {
      let middle = (first + last) / 2
      if try function(known[middle]) > 0 { last = middle } else { first = middle + 1 }
    }
    // Powers of four beyond them.
    let start = first < known.count ? known[first] : known.last ?? 1
    var high = (c: start, value: try function(start))
    var low = high
    if first > 0, first < known.count { low = (known[first - 1], try function(known[first - 1])) }
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
    // One of the two, whose moments are known.
    return abs(low.value) < abs(high.value) ? low.c : high.c
  }

  // MARK: The integral

  /// Nats by which each error of the sum lies below δ when a table is made: the first that can be had.
  private static let depths = [32.0, 25, 18, 13]
  /// Nanoseconds that a sum may take before a less deep one is looked at.
  private static let quick = 2e7
  /// Nanoseconds that a sum must take before it is worth to look for a split of the losses, for each of them.
  private static let splitCost = 4e6
  /// Nanoseconds that the sums of all tables of one answer may take, which is about a third of the whole; beyond it a grid is quicker.
  private static let greatestCost = 1.2e8
  /// An answer whose relative error is above this is not given.
  private static let greatestError = 1e-2
  /// A table is used again while its relative error stays below this.
  private static let reuseError = 1e-9
  /// The same for an interval of ε.
  private static let reuseWidth = 1e-10

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

  /// - Parameter allowance: nanoseconds that are left for tables; what this one takes is subtracted.
  private func makeTable(
    _ c: Double, rounds: Double, epsilon: Double, logDelta: Double, splitting: Bool = true, allowance: inout Double
  ) throws(AccountingError) -> ContourTable {
    // The deepest sum that is quick, or else the quickest.
    var failure = AccountingError.notConverged(what: "contour integral", reason: "its integrand falls too slowly")
    var best: Plan?
    for depth in Self.depths {
      do throws(AccountingError) {
        let plan = try plan(c, rounds: rounds, epsilon: epsilon, logDelta: logDelta, depth: depth, splitting: splitting)
        allowance -= plan.reach.ownCost
        if best.map({ plan.reach.cost < 0.3 * $0.reach.cost }) ?? true { best = plan }
      } catch { failure = error }
      if best.map({ $0.reach.cost < Self.quick }) ?? false { break }
    }
    guard let best else { throw failure }
    guard best.reach.cost <= allowance else {
      allowance = -.infinity
      throw .notConverged(what: "contour integral", reason: "its sums would take longer than a grid")
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
    _ c: Double, rounds: Double, epsilon: Double, logDelta: Double, depth: Double, splitting: Bool
  ) throws(AccountingError) -> Plan {
    let base = rounds * (try moments(at: c)).value - c * epsilon
    let period = try period(c, rounds: rounds, epsilon: epsilon, logDelta: logDelta, depth: depth)
    let step = 2 * Double.pi / period
    var whole: LineReach?
    var failure = AccountingError.notConverged(what: "contour integral", reason: "its integrand falls too slowly")
    do throws(AccountingError) {
      whole = try LineReach(composition, c: c, step: step, rounds: rounds, logTailTarget: logDelta - base - depth)
    } catch { failure = error }
    // Where the whole cancels to a small sum, its rounding is large against δ.
    let count = rounds * composition.parts.reduce(0) { $0 + $1.count }
    let cancels = logDelta - base < min(-12, log(1e-7 * count))
    if splitting, cancels || (whole.map { $0.cost > Self.splitCost * Double(composition.parts.count) } ?? true) {
      // Chernoff's bound of the bulk is generous enough to go less deep.
      let depth = depth - 8
      if let split = try BulkSplit(composition, c: c, rounds: 1.2 * rounds, epsilon: epsilon, logTarget: logDelta - depth) {
        let tilt = try self.tilt(of: split, below: c, rounds: rounds, epsilon: epsilon)
        let base = rounds * (try moments(at: tilt)).value - tilt * epsilon
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
      return min(0, log(rounds) + logShare) + rounds * (try moments(at: c)).value - c * epsilon - log(c * (c + 1))
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

  /// log δ at ε with its interval, if this integral can give it to the wanted relative error.
  private func evaluate(
    _ integral: ContourIntegral, _ table: ContourTable, rounds: Double, epsilon: Double
  ) throws(AccountingError) -> LogDelta? {
    guard let value = integral.value(at: epsilon) else { return nil }
    let aliases = try aliases(
      table.c, period: 2 * Double.pi / table.step, rounds: rounds, epsilon: epsilon, logDelta: value.logDelta)
    guard value.relativeError + aliases < Self.greatestError else { return nil }
    let slack = value.relativeError * 1.01
    // What the bulk alone would add; it is not in the integral.
    let bulk = table.bulk.map { exp($0.split.logDelta(rounds: rounds, epsilon: epsilon) - value.logDelta) } ?? 0
    guard bulk < Self.greatestError else { return nil }
    return LogDelta(
      value: value.logDelta, lower: value.logDelta + log1p(-min(0.9, slack + aliases * 1.01)),
      upper: value.logDelta + log1p(slack + bulk * 1.01),
      slope: value.slope, bulk: bulk)
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
    var estimate = min(0, near.logDelta - c * (epsilon - near.epsilon)) - 3
    var best: LogDelta?
    var allowance = Self.greatestCost
    for _ in 0..<2 {
      let table: ContourTable
      do throws(AccountingError) {
        table = try makeTable(c, rounds: rounds, epsilon: epsilon, logDelta: estimate, allowance: &allowance)
      } catch {
        if let best { return best }
        throw error
      }
      let integral = ContourIntegral(table, rounds: rounds)
      let answer = try evaluate(integral, table, rounds: rounds, epsilon: epsilon)
      if let answer, answer.upper - answer.lower < best.map({ $0.upper - $0.lower }) ?? .infinity {
        best = answer
        keep(table)
      }
      // Where large losses are rare the approximation can be nats above δ; the first answer places the errors of a second.
      guard let known = answer?.lower ?? integral.value(at: epsilon)?.logDelta, known < estimate,
        answer.map({ $0.upper - $0.lower > Self.reuseError }) ?? true
      else { break }
      estimate = known
    }
    guard let best else {
      throw .notConverged(what: "contour integral", reason: "its error at ε = \(epsilon) is not small against δ")
    }
    return best
  }

  private func keep(_ table: ContourTable) {
    cache.withLock {
      if $0.tables.count >= 24 { $0.tables.removeFirst() }
      $0.tables.append(table)
    }
  }

  private func reuse(near c: Double, rounds: Double, epsilon: Double) throws(AccountingError) -> LogDelta? {
    let tables = cache.withLock { $0.tables }.filter { $0.saddle > c / 1.35 && $0.saddle < c * 1.35 }
    for table in tables.sorted(by: { abs(log($0.saddle / c)) < abs(log($1.saddle / c)) }).prefix(2) {
      let integral = ContourIntegral(table, rounds: rounds)
      if let answer = try evaluate(integral, table, rounds: rounds, epsilon: epsilon), answer.upper - answer.lower < Self.reuseError {
        return answer
      }
    }
    return nil
  }

  /// An interval of ε at which δ(ε) = e^`logDelta` after `rounds` rounds; (0, 0) where already ε = 0 will do.
  func epsilon(rounds: Double, logDelta target: Double) throws(AccountingError) -> (lower: Double, upper: Double) {
    var allowance = Self.greatestCost
    do throws(AccountingError) { return try epsilon(rounds: rounds, logDelta: target, splitting: true, allowance: &allowance) } catch {
      guard allowance > 0 else { throw error }
      // Where neither regime of the losses dominates, the whole may do what no split does.
      return try epsilon(rounds: rounds, logDelta: target, splitting: false, allowance: &allowance)
    }
  }

  private func epsilon(
    rounds: Double, logDelta target: Double, splitting: Bool, allowance: inout Double
  ) throws(AccountingError) -> (lower: Double, upper: Double) {
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
    var tables = cache.withLock { $0.tables }.filter { $0.saddle > c / 1.35 && $0.saddle < c * 1.35 }
    tables.sort { abs(log($0.saddle / c)) > abs(log($1.saddle / c)) }
    tables = tables.suffix(2)
    var best: (lower: Double, upper: Double)?
    for attempt in 0..<8 {
      let table: ContourTable
      let isNew = tables.isEmpty
      if let known = tables.popLast() {
        table = known
      } else {
        do throws(AccountingError) {
          table = try makeTable(
            c, rounds: rounds, epsilon: centre, logDelta: target - 1, splitting: splitting, allowance: &allowance)
        } catch {
          if let best { return best }
          throw error
        }
        keep(table)
      }
      let integral = ContourIntegral(table, rounds: rounds)
      guard let root = Self.solve(integral, target: target, from: centre, supremum: supremum) else {
        if isNew && attempt > 0 { c *= 1.3 }
        continue
      }
      guard let at = try evaluate(integral, table, rounds: rounds, epsilon: root) else {
        // Without the bulk the root is only a lower bound of ε, and a poor one where the cut was made far above it.
        centre = table.bulk == nil ? root : max(root, centre / 4)
        if isNew { c = try self.saddle(rounds: rounds, epsilon: centre) }
        continue
      }
      guard let interval = try bracket(integral, table, rounds: rounds, root: root, at: at, target: target, supremum: supremum) else {
        centre = root
        if isNew { c = try self.saddle(rounds: rounds, epsilon: root) }
        continue
      }
      if interval.upper - interval.lower < best.map({ $0.upper - $0.lower }) ?? .infinity { best = interval }
      if at.upper - at.lower < Self.reuseError && interval.upper - interval.lower < Self.reuseWidth { return interval }
      if isNew {
        let own = try self.saddle(rounds: rounds, epsilon: root)
        // A cut that was made for another ε leaves out too much of the bulk.
        if abs(log(own / c)) < 0.1 && (at.bulk < Self.reuseError || abs(root - centre) < 1e-3 * root) { return best ?? interval }
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

extension [Double] {
  /// Index of the first element of which `isAfter` holds, in an array where it holds from there on.
  fileprivate func partitionIndex(_ isAfter: (Double) -> Bool) -> Int {
    var (first, last) = (0, count)
    while first < last {
      let middle = (first + last) / 2
      if isAfter(self[middle]) { last = middle } else { first = middle + 1 }
    }
    return first
  }
}
