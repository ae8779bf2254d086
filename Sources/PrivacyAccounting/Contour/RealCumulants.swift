import Foundation
import Synchronization

/// ΣK on the real axis, for one direction of a composition: its saddle points and Chernoff's bound, from moments that are kept.
final class RealCumulants: Sendable {
  let composition: DirectedComposition
  private let cache = Mutex(Cache())

  private struct Cache {
    /// Nodes for real moments up to Re z = 2^key, by part.
    var nodes: [Int: [RealNodes?]] = [:]
    var moments: [Double: LossMoments] = [:]
    /// The keys of `moments` above 0, in increasing order.
    var tilts: [Double] = []
  }

  init(_ composition: DirectedComposition) { self.composition = composition }

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
  func chernoff(at c: Double, rounds: Double, epsilon: Double) throws(AccountingError) -> Double {
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
  func saddle(rounds: Double, epsilon: Double) throws(AccountingError) -> Double {
    try tilt { c throws(AccountingError) in rounds * (try moments(at: c)).slope - epsilon - 1 / c - 1 / (c + 1) }
  }

  /// log δ by the saddle-point approximation at c, and the ε to which it belongs.
  func approximation(_ c: Double, rounds: Double) throws(AccountingError) -> (logDelta: Double, epsilon: Double) {
    let moments = try moments(at: c)
    let epsilon = rounds * moments.slope - 1 / c - 1 / (c + 1)
    let curvature = rounds * moments.curvature + 1 / (c * c) + 1 / ((c + 1) * (c + 1))
    return (rounds * moments.value - c * epsilon - log(c * (c + 1)) - 0.5 * log(2 * Double.pi * curvature), epsilon)
  }

  /// First guess of ε(δ): the ε whose saddle-point approximation of log δ has this value, and its saddle.
  func guess(rounds: Double, logDelta: Double) throws(AccountingError) -> (epsilon: Double, c: Double) {
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
