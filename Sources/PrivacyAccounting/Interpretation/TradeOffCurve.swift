import Foundation

/// The trade-off curve f of a mechanism: f(FPR) is the least false-negative rate of any test that tells two neighbours apart at that
/// false-positive rate (Dong, Roth and Su 2022, definition 2.1).
///
/// It is computed from the privacy profiles of both directions, without making the curve symmetric (Kulynych, Gomez, Kaissis, Calmon
/// and Troncoso 2024):
///
///     f(α) = sup over ε ≥ 0 of max(0, 1 − δ(ε) − e^ε α, e^−ε (1 − δ′(ε) − α)),
///
/// with δ of the direction asked for and δ′ of the mirrored one. In γ = e^ε over all real ε this is the greatest value of the concave
/// function h(γ) − γα. Every γ gives a valid lower bound of f from an upper bound of δ, so the search affects tightness only. An upper
/// bound of f follows from lower bounds of δ: between known γ a concave function lies below the continued chords of its neighbours.
///
/// A value is safe to use from several tasks, and remembers every δ that it asked for.
public struct TradeOffCurve: Sendable {
  let profile: MemoizedProfile

  /// The curve of a mechanism with this profile.
  package init(_ profile: any DirectionalProfile) { self.profile = MemoizedProfile(profile) }

  /// The least false-negative rate of any test of one direction.
  ///
  /// - Parameters:
  ///   - rate: false-positive rate, in [0, 1].
  ///   - direction: `.removal` tests for presence, so the false positives are absent persons; `.addition` for absence.
  /// - Returns: an interval; `lower` is the privacy statement. Where the accountant knows no lower bound of δ, `upper` is 1 − `rate`.
  public func falseNegativeRate(
    atFalsePositiveRate rate: Double, direction: NeighborDirection
  ) throws(AccountingError) -> RateBound {
    try Self.check(falsePositiveRate: rate)
    if rate == 1 { return RateBound(lower: 0, upper: 0, isTwoSided: true) }
    let (best, known) = try bestLine(at: rate, direction: direction)
    let upper = try upperBound(at: rate, direction: direction, around: best.logSlope, scanned: known)
    return RateBound(lower: min(best.lowerValue(at: rate), 1 - rate), upper: min(upper.value, 1 - rate), isTwoSided: upper.isInformative)
  }

  /// The least false-negative rate of any test for presence or for absence: the worse of the two directions.
  public func falseNegativeRate(atFalsePositiveRate rate: Double) throws(AccountingError) -> RateBound {
    let removal = try falseNegativeRate(atFalsePositiveRate: rate, direction: .removal)
    let addition = try falseNegativeRate(atFalsePositiveRate: rate, direction: .addition)
    return RateBound(
      lower: min(removal.lower, addition.lower), upper: min(removal.upper, addition.upper),
      isTwoSided: removal.isTwoSided || addition.isTwoSided)
  }

  /// The line that is highest at `rate`, and the lines of the coarse scan.
  func bestLine(
    at rate: Double, direction: NeighborDirection
  ) throws(AccountingError) -> (best: SupportingLine, scanned: [SupportingLine]) {
    var scanned: [SupportingLine] = []
    // A line of slope γ > 1/α lies below 0 at α.
    let steepest = rate > 0 ? -log(rate) : .infinity
    for epsilon in MemoizedProfile.scan {
      if epsilon > 0 && epsilon > steepest { break }
      scanned.append(try profile.line(logSlope: epsilon, direction: direction))
      // Steeper lines start at 1 at most.
      if rate == 0 && scanned[scanned.count - 1].delta.upper < 1e-17 { break }
    }
    var greatest = scanned.reduce(0) { max($0, $1.lowerValue(at: rate)) }
    if rate > 0 {
      for epsilon in MemoizedProfile.scan.dropFirst() {
        // A line of slope γ < 1 has the value γ(1 − α) at most.
        if exp(-epsilon) * (1 - rate) <= greatest { break }
        let line = try profile.line(logSlope: -epsilon, direction: direction)
        scanned.append(line)
        greatest = max(greatest, line.lowerValue(at: rate))
      }
    }
    scanned.sort { $0.logSlope < $1.logSlope }
    guard let index = scanned.indices.max(by: { scanned[$0].lowerValue(at: rate) < scanned[$1].lowerValue(at: rate) }) else {
      throw .notConverged(what: "trade-off curve at \(rate)", reason: "no line")
    }
    var best = scanned[index]
    let scale = best.lowerValue(at: rate)
    guard scale > 0, rate > 0 else { return (best, scanned) }
    let low = index > 0 ? scanned[index - 1].logSlope : best.logSlope - 1
    let high = index + 1 < scanned.count ? scanned[index + 1].logSlope : min(max(best.logSlope + 1e-3, steepest), 709)
    let refined = try maximise(at: rate, direction: direction, from: low, to: high, start: best.logSlope, scale: scale)
    if let refined, refined.lowerValue(at: rate) > scale { best = refined }
    return (best, scanned)
  }

  private func maximise(
    at rate: Double, direction: NeighborDirection, from low: Double, to high: Double, start: Double, scale: Double
  ) throws(AccountingError) -> SupportingLine? {
    var failure: AccountingError?
    let found = Numerics.minimum(from: low, to: high, start: start, tolerance: 1e-6 * (high - low)) { logSlope in
      do throws(AccountingError) {
        return try -profile.line(logSlope: logSlope, direction: direction).lowerValue(at: rate) / scale
      } catch {
        failure = error
        return .infinity
      }
    }
    if let failure { throw failure }
    guard let found else { return nil }
    return try profile.line(logSlope: found.x, direction: direction)
  }

  /// Distances in log γ from the best line at which more lines are laid for the upper bound, on two sides and at once and twice the
  /// distance. The error is of second order in them, until the error of δ shows.
  private static let distances = [0.02, 1e-3, 5e-5, 2e-6]

  /// An upper bound of f at `rate`: the greatest value of an upper bound of h(γ) − γα over all γ > 0.
  private func upperBound(
    at rate: Double, direction: NeighborDirection, around center: Double, scanned: [SupportingLine]
  ) throws(AccountingError) -> (value: Double, isInformative: Bool) {
    // No chord is needed where the accountant states upper bounds only.
    let isOneSided = scanned.allSatisfy { $0.delta.lower == 0 } && scanned.contains { $0.delta.upper > 0 }
    // Without false positives only δ as ε → ∞ would bound f, which no finite ε tells.
    guard !isOneSided, rate > 0 else { return (1 - rate, !isOneSided && rate > 0) }
    var lines = scanned
    lines.append(try profile.line(logSlope: center, direction: direction))
    for distance in Self.distances {
      for offset in [-2 * distance, -distance, distance, 2 * distance] {
        lines.append(try profile.line(logSlope: center + offset, direction: direction))
      }
    }
    lines.sort { $0.logSlope < $1.logSlope }
    var knots: [Knot] = [Knot(slope: 0, lower: 0, upper: 0)]
    for line in lines where line.slope > knots[knots.count - 1].slope {
      knots.append(Knot(slope: line.slope, lower: line.interceptLower, upper: line.interceptUpper))
    }
    var greatest = 0.0
    for index in knots.indices { greatest = max(greatest, Self.cellMaximum(knots, index, rate)) }
    return (greatest, true)
  }

  private struct Knot {
    let slope: Double
    let lower: Double
    let upper: Double
  }

  /// Upper bound of h(γ) − γα between knot `index` and the next one, or beyond the last.
  private static func cellMaximum(_ knots: [Knot], _ index: Int, _ rate: Double) -> Double {
    let left = knots[index]
    let right = index + 1 < knots.count ? knots[index + 1] : nil
    // Lines above h here: h rises and stays below its value at the right end, and below γ, and below the chords continued from
    // either side.
    var bounds: [(intercept: Double, slope: Double)] = [(right?.upper ?? 1, 0), (0, 1)]
    if index > 0 {
      let before = knots[index - 1]
      let slope = max(0, (left.upper - before.lower) / (left.slope - before.slope))
      bounds.append((left.upper - slope * left.slope, slope))
    }
    if let right, index + 2 < knots.count {
      let after = knots[index + 2]
      let slope = max(0, (after.lower - right.upper) / (after.slope - right.slope))
      bounds.append((right.upper - slope * right.slope, slope))
    }
    var candidates = [left.slope]
    if let right { candidates.append(right.slope) }
    for (first, a) in bounds.enumerated() {
      for b in bounds.dropFirst(first + 1) where a.slope != b.slope {
        let crossing = (b.intercept - a.intercept) / (a.slope - b.slope)
        if crossing > left.slope && crossing < right?.slope ?? .infinity { candidates.append(crossing) }
      }
    }
    return candidates.reduce(0) { greatest, slope in
      let height = bounds.reduce(Double.infinity) { min($0, $1.intercept + $1.slope * slope) }
      return max(greatest, height - slope * rate + 4e-15 * (height + slope * rate))
    }
  }

  static func check(falsePositiveRate rate: Double) throws(AccountingError) {
    guard rate >= 0, rate <= 1 else {
      throw .invalidParameter(name: "false-positive rate", value: rate, allowed: "in [0, 1]")
    }
  }

  static func check(prior: Double) throws(AccountingError) {
    guard prior > 0, prior < 1 else { throw .invalidParameter(name: "prior", value: prior, allowed: "in (0, 1)") }
  }
}
