import Foundation

/// The law of the privacy loss log W̄ of random allocation, W̄ the average of t log-normal ratios (see `RandomAllocationRenyi`), on a
/// finite grid that dominates the exact pair.
///
/// δ(ε) = E_Q (W̄ − e^ε)₊ for removal and E_Q (1 − e^ε W̄)₊ for addition are both expectations of convex functions of W̄. Moving the mass at
/// w to the two neighbouring grid points so that the mean stays the same raises every such expectation, and sums of
/// independent variables keep that order. So one law of W̄ under Q, built by adding independent partial sums and splitting each sum between
/// neighbours, bounds both directions at every ε, and its composition bounds compositions; the error falls with the square of the grid's
/// width. What lies above the grid stays on its top, and the mean it loses is mass of P with infinite loss; what lies below is split
/// between the bottom and W̄ = 0, whose mass under Q is the infinite loss of the addition direction.
package struct RandomAllocationLaw: Sendable {
  /// W̄ of each atom, rising, above 0.
  package let ratios: [Double]
  /// Mass of each atom under Q; under P it is this times the ratio.
  package let masses: [Double]
  /// Mass under P with infinite loss (removal).
  package let infiniteRemoval: Double
  /// Mass under Q with infinite loss (addition).
  package let infiniteAddition: Double

  /// Sum of n independent W: atoms, mass at 0 and the mean lost above the grid, not yet divided by n.
  private struct Partial {
    var count: Int
    var values: [Double]
    var masses: [Double]
    var zero: Double
    var lost: Double
  }

  /// About how many atoms the sums of t rounds may have within a third of a second.
  static func gridPoints(rounds: Int) -> Int {
    let digits = Int.bitWidth - rounds.leadingZeroBitCount
    return min(1500, Int((2.5e7 / Double(digits + rounds.nonzeroBitCount)).squareRoot()))
  }

  /// - Parameters:
  ///   - rounds: t, 1 to 1,000,000.
  ///   - noiseMultiplier: σ, at least 0.05.
  ///   - gridPoints: about how many atoms each partial sum has, 50 to 8,000; time grows with the square and with log t.
  package init(rounds: Int, noiseMultiplier sigma: Double, gridPoints: Int = 1500) throws(AccountingError) {
    try MechanismParameters.count("rounds", rounds, atMost: 1_000_000)
    try MechanismParameters.positive("noise multiplier", sigma)
    try MechanismParameters.count("grid points", gridPoints, atLeast: 50, atMost: 8_000)
    guard sigma >= 0.05, sigma <= 1e4 else {
      throw .invalidParameter(name: "noise multiplier", value: sigma, allowed: "in [0.05, 10000] for the law of random allocation")
    }
    let builder = Builder(sigma: sigma, gridPoints: gridPoints)
    let single = builder.single()
    var partial = single
    // Binary digits of t from the second highest down.
    for bit in (0..<(Int.bitWidth - 1 - rounds.leadingZeroBitCount)).reversed() {
      partial = builder.sum(partial, partial)
      if rounds >> bit & 1 == 1 { partial = builder.sum(partial, single) }
    }
    let t = Double(rounds)
    ratios = partial.values.map { $0 / t }
    masses = partial.masses
    infiniteRemoval = min(1, partial.lost / t * (1 + 1e-10))
    infiniteAddition = min(1, partial.zero * (1 + 1e-10))
    guard masses.allSatisfy({ $0.isFinite }), infiniteRemoval.isFinite else {
      throw .notConverged(what: "law of random allocation", reason: "masses are not finite")
    }
  }

  /// An upper bound on δ(ε) of one epoch, any real ε.
  package func delta(epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> Double {
    guard !epsilon.isNaN else { throw .invalidParameter(name: "epsilon", value: epsilon, allowed: "a number") }
    let threshold = exp(epsilon)
    var sum = 0.0
    for (ratio, mass) in zip(ratios, masses) {
      let gain = direction == .removal ? ratio - threshold : 1 - threshold * ratio
      if gain > 0 { sum += mass * gain }
    }
    let infinite = direction == .removal ? infiniteRemoval : infiniteAddition
    // Masses are sums and products of positive numbers, some 10⁴ roundings deep; the split of a sum adds the rounding of its position.
    return min(1, (sum + infinite) * (1 + 1e-11))
  }

  /// Atoms (loss, mass) of the first law of the pair in that direction; the rest is the infinite loss. Masses are not rounded.
  package func lossAtoms(direction: NeighborDirection) -> (losses: [Double], masses: [Double], infinite: Double) {
    switch direction {
    case .removal: (ratios.map { log($0) }, zip(ratios, masses).map { $0 * $1 }, infiniteRemoval)
    case .addition: (ratios.reversed().map { -log($0) }, masses.reversed(), infiniteAddition)
    }
  }

  /// What replaces k of t participations, chosen uniformly: k epochs of one of ⌊t/k⌋ rounds each
  /// (Feldman and Shenfeld 2025, lemma on k > 1: the k-fold composition of the allocation of one of ⌊t/k⌋ dominates).
  package static func blocks(rounds: Int, participations: Int) throws(AccountingError) -> (rounds: Int, compositions: Int) {
    try MechanismParameters.count("rounds", rounds)
    try MechanismParameters.count("participations", participations, atMost: rounds)
    return (rounds / participations, participations)
  }

  /// Grids and sums for one σ.
  private struct Builder {
    let sigma: Double
    let gridPoints: Int
    /// s and log M(s) of one ratio at some s, for Chernoff's bound; empty where there is none.
    let transform: [(rate: Double, logValue: Double)]
    /// Normal quantile of the truncated tails: about 1e-24 of each law.
    let reach = 10.0

    init(sigma: Double, gridPoints: Int) {
      self.sigma = sigma
      self.gridPoints = gridPoints
      let whole = LogNormalTransform(noiseMultiplier: sigma)
      transform =
        !whole.isUsable
        ? []
        : (-40...80).map { index in
          let rate = exp(Double(index) * 0.25)
          return (rate, whole.log(atRate: rate))
        }
    }

    /// e^(z/σ − 1/(2σ²)).
    func ratio(_ z: Double) -> Double { exp(z / sigma - 0.5 / (sigma * sigma)) }

    /// Grid from `low` to `high` with spacing ∝ min(v, √(sd² + (v − mean)²)): even in the bulk, geometric in both tails.
    func grid(count: Int, low: Double, high: Double) -> [Double] {
      let mean = Double(count)
      let spread = (Double(count) * expm1(min(1 / (sigma * sigma), 600))).squareRoot()
      // The bulk of a heavy-tailed sum is narrower than its standard deviation.
      let width = min(spread, 0.7 * mean / sigma)
      func spacing(_ v: Double) -> Double { min(v, (width * width + (v - mean) * (v - mean)).squareRoot()) }
      // The integral of 1/spacing by the midpoint rule in log v, and the points where it is a multiple of its share.
      let cells = 20_000
      let (start, end) = (log(low), log(high))
      let step = (end - start) / Double(cells)
      var cumulative = [0.0]
      cumulative.reserveCapacity(cells + 1)
      for cell in 0..<cells {
        let v = exp(start + (Double(cell) + 0.5) * step)
        cumulative.append((cumulative.last ?? 0) + v / spacing(v) * step)
      }
      let total = cumulative.last ?? 0
      var values = [low]
      var cell = 0
      for index in 1..<(gridPoints - 1) {
        let wanted = total * Double(index) / Double(gridPoints - 1)
        while cell < cells - 1, cumulative[cell + 1] < wanted { cell += 1 }
        let fraction = (wanted - cumulative[cell]) / (cumulative[cell + 1] - cumulative[cell])
        let v = exp(start + (Double(cell) + fraction) * step)
        if let last = values.last, v > last * (1 + 1e-12) { values.append(v) }
      }
      if let last = values.last, high > last * (1 + 1e-12) { values.append(high) }
      return values
    }

    /// The greatest v with P[S_n ≤ v] ≤ e^−55 by Chernoff's bound: s v + n log M(s) ≤ −55 for some s.
    func lowest(count: Int) -> Double {
      var best = Double(count) * ratio(-reach)
      for (s, logValue) in transform {
        let v = (-55 - Double(count) * logValue) / s
        if v.isFinite { best = max(best, v) }
      }
      return min(best, 0.5 * Double(count))
    }

    /// One log-normal, split over its grid by 8-point Gauss–Legendre in z with the two hat functions of each cell.
    func single() -> Partial {
      let low = ratio(-reach)
      let high = ratio(reach + 1 / sigma)
      let values = grid(count: 1, low: low, high: high)
      var masses = [Double](repeating: 0, count: values.count)
      let nodes = [0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363]
      let weights = [0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763]
      func quantile(_ w: Double) -> Double { sigma * log(w) + 0.5 / sigma }
      for cell in 0..<(values.count - 1) {
        let (left, right) = (quantile(values[cell]), quantile(values[cell + 1]))
        // Cells of a coarse grid are cut so that the rule stays exact to the last digits.
        let pieces = max(1, Int(((right - left) / 0.25).rounded(.up)))
        let size = (right - left) / Double(pieces)
        for piece in 0..<pieces {
          let middle = left + (Double(piece) + 0.5) * size
          for (node, weight) in zip(nodes, weights) {
            for z in [middle - 0.5 * size * node, middle + 0.5 * size * node] {
              let mass = 0.5 * size * weight * exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
              // Position in the cell, by differences of exponentials.
              let share = expm1((z - left) / sigma) / expm1((right - left) / sigma)
              masses[cell] += mass * (1 - share)
              masses[cell + 1] += mass * share
            }
          }
        }
      }
      // Above: Q's mass stays on top, and all of P's mass there counts as lost. Below: the same mean at the bottom, the rest at 0.
      let (bottom, top) = (-reach, reach + 1 / sigma)
      masses[values.count - 1] += Numerics.normalUpperTail(top)
      let below = Numerics.normalUpperTail(-bottom)
      let kept = min(below, Numerics.normalUpperTail(-bottom + 1 / sigma) / low)
      masses[0] += kept
      return Partial(count: 1, values: values, masses: masses, zero: below - kept, lost: Numerics.normalUpperTail(top - 1 / sigma))
    }

    /// The sum of two independent partial sums on a grid of its own.
    func sum(_ a: Partial, _ b: Partial) -> Partial {
      let count = a.count + b.count
      // One ratio at its greatest beside a generous remainder.
      let remainder = Double(count) + 8 * (Double(count) * expm1(min(1 / (sigma * sigma), 8))).squareRoot()
      let high = min(ratio(reach + 1 / sigma) + remainder, (a.values.last ?? 0) + (b.values.last ?? 0))
      let low = min(lowest(count: count), 0.5 * high)
      let values = grid(count: count, low: low, high: high)
      let widths = zip(values, values.dropFirst()).map { 1 / ($1 - $0) }
      var masses = [Double](repeating: 0, count: values.count)
      var zero = a.zero * b.zero
      // E(A + B) loses what each loses.
      var lost = a.lost + b.lost
      func add(_ shift: Double, _ factor: Double, _ other: Partial, from first: Int) {
        guard factor > 0 else { return }
        let end = values.count - 1
        var cell = 0
        // The first sum's cell by bisection, the others by walking.
        if first < other.values.count {
          let start = shift + other.values[first]
          var (left, right) = (0, end)
          while right - left > 1 {
            let middle = (left + right) / 2
            if values[middle] <= start { left = middle } else { right = middle }
          }
          cell = left
        }
        values.withUnsafeBufferPointer { grid in
          widths.withUnsafeBufferPointer { inverse in
            other.values.withUnsafeBufferPointer { points in
              other.masses.withUnsafeBufferPointer { weights in
                masses.withUnsafeMutableBufferPointer { out in
                  var index = first
                  while index < points.count {
                    let v = shift + points[index]
                    let mass = factor * weights[index]
                    index += 1
                    if v >= grid[end] {
                      out[end] += mass
                      lost += mass * (v - grid[end])
                      continue
                    }
                    if v < grid[0] {
                      let share = v / grid[0]
                      out[0] += mass * share
                      zero += mass * (1 - share)
                      continue
                    }
                    while v >= grid[cell + 1] { cell += 1 }
                    let share = mass * ((v - grid[cell]) * inverse[cell])
                    out[cell] += mass - share
                    out[cell + 1] += share
                  }
                }
              }
            }
          }
        }
      }
      let same = a.count == b.count
      for index in a.values.indices {
        if same {
          // Each unordered pair once, twice its mass; the diagonal once.
          add(a.values[index], 2 * a.masses[index], b, from: index + 1)
          let diagonal = Partial(count: b.count, values: [b.values[index]], masses: [b.masses[index]], zero: 0, lost: 0)
          add(a.values[index], a.masses[index], diagonal, from: 0)
        } else {
          add(a.values[index], a.masses[index], b, from: 0)
        }
      }
      add(0, a.zero, b, from: 0)
      add(0, b.zero, a, from: 0)
      return Partial(count: count, values: values, masses: masses, zero: zero, lost: lost)
    }
  }
}
