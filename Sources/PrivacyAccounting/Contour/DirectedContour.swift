import Foundation
import Synchronization

/// δ(ε) and ε(δ) of one direction of a composition, for any number of rounds, through contour tables that are kept.
final class DirectedContour: Sendable {
  private let composition: DirectedComposition
  private let cumulants: RealCumulants
  private let planner: ContourPlanner
  private let tables = Mutex<[ContourTable]>([])
  private let greatestCost: Double

  /// An interval of log δ.
  struct LogDelta {
    var value: Double
    var lower: Double
    var upper: Double
    var slope: Double
    /// How much of `upper` is the bulk that the integral left out, relative to δ.
    var bulk = 0.0
  }

  /// - Parameter greatestCost: nanoseconds that the sums of all tables of one answer may take, which is about a third of the whole.
  init(_ composition: DirectedComposition, greatestCost: Double) {
    self.composition = composition
    self.greatestCost = greatestCost
    cumulants = RealCumulants(composition)
    planner = ContourPlanner(cumulants: cumulants)
  }

  /// Whether Chernoff's bound leaves room for log δ(ε) > `target`: on the real line alone, and a nat or a few too great.
  func mayExceed(_ target: Double, rounds: Double, epsilon: Double, near other: DirectedContour) throws(AccountingError) -> Bool {
    if epsilon >= rounds * composition.supremum { return false }
    // The other direction's saddle, which is known, mostly settles it.
    let c = try other.cumulants.saddle(rounds: rounds, epsilon: epsilon)
    if try cumulants.chernoff(at: c, rounds: rounds, epsilon: epsilon) <= target { return false }
    return try cumulants.logDeltaBound(rounds: rounds, epsilon: epsilon) > target
  }

  /// An answer whose relative error is above this is not given.
  private static let greatestError = 1e-2
  /// A table is used again while its relative error stays below this.
  private static let reuseError = 1e-9
  /// The same for an interval of ε.
  private static let reuseWidth = 1e-10

  /// log δ at ε with its interval, if this integral can give it to the wanted relative error.
  private func evaluate(
    _ integral: ContourIntegral, _ table: ContourTable, rounds: Double, epsilon: Double
  ) throws(AccountingError) -> LogDelta? {
    guard let value = integral.value(at: epsilon) else { return nil }
    let aliases = try planner.aliases(
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
    let c = try cumulants.saddle(rounds: rounds, epsilon: epsilon)
    if let known = try reuse(near: c, rounds: rounds, epsilon: epsilon) { return known }
    // The saddle-point approximation is good enough to place the errors.
    let near = try cumulants.approximation(c, rounds: rounds)
    var estimate = min(0, near.logDelta - c * (epsilon - near.epsilon)) - 3
    var best: LogDelta?
    var allowance = greatestCost
    for _ in 0..<2 {
      let table: ContourTable
      do throws(AccountingError) {
        table = try planner.makeTable(c, rounds: rounds, epsilon: epsilon, logDelta: estimate, allowance: &allowance)
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
    tables.withLock {
      if $0.count >= 24 { $0.removeFirst() }
      $0.append(table)
    }
  }

  private func reuse(near c: Double, rounds: Double, epsilon: Double) throws(AccountingError) -> LogDelta? {
    let tables = tables.withLock { $0 }.filter { $0.saddle > c / 1.35 && $0.saddle < c * 1.35 }
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
    var allowance = greatestCost
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
    let (start, saddle) = try cumulants.guess(rounds: rounds, logDelta: target)
    var centre = min(max(start, 0), supremum * 0.999)
    var c = saddle
    if start <= 0 {
      let zero = try self.logDelta(rounds: rounds, epsilon: 0)
      if zero.upper <= target { return (0, 0) }
      c = try cumulants.saddle(rounds: rounds, epsilon: 0)
    }
    // Tables near the saddle first, then one of its own, then once more where the answer lay elsewhere.
    var tables = self.tables.withLock { $0 }.filter { $0.saddle > c / 1.35 && $0.saddle < c * 1.35 }
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
          table = try planner.makeTable(
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
        if isNew { c = try cumulants.saddle(rounds: rounds, epsilon: centre) }
        continue
      }
      guard let interval = try bracket(integral, table, rounds: rounds, root: root, at: at, target: target, supremum: supremum) else {
        centre = root
        if isNew { c = try cumulants.saddle(rounds: rounds, epsilon: root) }
        continue
      }
      if interval.upper - interval.lower < best.map({ $0.upper - $0.lower }) ?? .infinity { best = interval }
      if at.upper - at.lower < Self.reuseError && interval.upper - interval.lower < Self.reuseWidth { return interval }
      if isNew {
        let own = try cumulants.saddle(rounds: rounds, epsilon: root)
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
