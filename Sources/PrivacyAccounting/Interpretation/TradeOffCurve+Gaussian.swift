import Foundation

/// The best Gaussian-differential-privacy parameter of a mechanism over a range of false-positive rates.
public struct GaussianParameter: Hashable, Sendable {
  /// The mechanism is as private as one Gaussian release with this μ = sensitivity/σ, at every false-positive rate of the range and in
  /// both directions; infinite where some test of the range has no false negatives at all.
  public let upper: Double
  /// No smaller μ than this would do; 0 where the accountant knows no lower bound of δ.
  public let lower: Double
  /// The false-positive rates that the statement covers.
  public let falsePositiveRates: ClosedRange<Double>
}

extension TradeOffCurve {
  /// The least μ for which the mechanism is μ-Gaussian-differentially private on a range of false-positive rates
  /// (Dong, Roth and Su 2022, definition 2.6): f ≥ G_μ, G_μ(α) = Φ(Φ⁻¹(1 − α) − μ), in both directions.
  ///
  /// The range is stated because μ need not be finite for the whole of [0, 1]: a mechanism whose privacy loss has a heavier tail than
  /// a Gaussian, or that fails with some probability, has a greater μ the rarer the false positives.
  ///
  /// A finite set of lines bounds f from below everywhere. On the range where one line is used, G_μ, being convex, lies below it if it
  /// does at both ends: so the greatest μ over the ends of all ranges holds for every false-positive rate between them. Lines are
  /// added where that μ is greatest, until one more improves it by less than a quarter of `resolution`.
  ///
  /// - Parameters:
  ///   - minimum: the range is [`minimum`, 1 − `minimum`]; from 1e-12 to 0.4.
  ///   - resolution: wanted excess of μ, relative; from 1e-6 to 1. It affects tightness only.
  public func gaussianParameter(
    falsePositiveRatesAbove minimum: Double = 1e-6, resolution: Double = 1e-3
  ) throws(AccountingError) -> GaussianParameter {
    guard minimum >= 1e-12, minimum <= 0.4 else {
      throw .invalidParameter(name: "least false-positive rate", value: minimum, allowed: "in [1e-12, 0.4]")
    }
    guard resolution >= 1e-6, resolution <= 1 else {
      throw .invalidParameter(name: "resolution", value: resolution, allowed: "in [1e-6, 1]")
    }
    let range = minimum...(1 - minimum)
    var slopes: Set<Double> = []
    for direction in NeighborDirection.allCases {
      for rate in [range.lowerBound, range.upperBound] {
        let (best, scanned) = try bestLine(at: rate, direction: direction)
        slopes.formUnion(scanned.map { abs($0.logSlope) })
        slopes.insert(abs(best.logSlope))
      }
    }
    var worst = try worstVertex(slopes, range)
    for _ in 0..<Self.maximumRefinements where worst.parameter > 0 {
      var added: [Double] = []
      let steps = worst.neighbors.filter { abs($0 - worst.line.logSlope) > 1e-9 * max(1, abs(worst.line.logSlope)) }
      for neighbor in steps { added.append(0.5 * (neighbor + worst.line.logSlope)) }
      let fresh = added.filter { !slopes.contains(abs($0)) }
      guard !fresh.isEmpty else { break }
      var height = worst.line.lowerValue(at: worst.rate)
      for logSlope in fresh {
        slopes.insert(abs(logSlope))
        height = max(height, try profile.line(logSlope: logSlope, direction: worst.direction).lowerValue(at: worst.rate))
      }
      let improved = NormalDistribution.separation(falsePositiveRate: worst.rate, falseNegativeRate: height, up: true)
      let isDone = worst.parameter - improved <= 0.25 * resolution * worst.parameter && worst.parameter < .infinity
      worst = try worstVertex(slopes, range)
      if isDone { break }
    }
    let reached = try falseNegativeRate(atFalsePositiveRate: worst.rate, direction: worst.direction)
    let lower =
      reached.isTwoSided
      ? NormalDistribution.separation(falsePositiveRate: worst.rate, falseNegativeRate: reached.upper, up: false) : 0
    let upper = max(0, worst.parameter)
    return GaussianParameter(upper: upper, lower: min(max(0, lower), upper), falsePositiveRates: range)
  }

  private static let maximumRefinements = 600

  private struct Vertex {
    var parameter = -Double.infinity
    var rate = 0.5
    var direction = NeighborDirection.removal
    var line: SupportingLine
    /// log γ of the lines between which a new line may raise the bound here.
    var neighbors: [Double] = []
  }

  /// Every line with |log γ| in `slopes` under the curve of `direction`, from flat to steep.
  func lines(_ slopes: Set<Double>, direction: NeighborDirection) throws(AccountingError) -> [SupportingLine] {
    var lines: [SupportingLine] = []
    for slope in slopes.sorted() {
      lines.append(try profile.line(logSlope: slope, direction: direction))
      if slope > 0 { lines.append(try profile.line(logSlope: -slope, direction: direction)) }
    }
    return lines.sorted { $0.logSlope < $1.logSlope }
  }

  private func worstVertex(_ slopes: Set<Double>, _ range: ClosedRange<Double>) throws(AccountingError) -> Vertex {
    var worst = Vertex(line: try profile.line(logSlope: 0, direction: .removal))
    for direction in NeighborDirection.allCases {
      let lines = try lines(slopes, direction: direction)
      let all = lines.map(\.logSlope)
      let envelope = SupportingLine.envelope(lines)
      var end = 1.0
      for (index, (line, from)) in envelope.enumerated() {
        let (low, high) = (max(from, range.lowerBound), min(end, range.upperBound))
        end = from
        guard low <= high else { continue }
        for (rate, isLow) in [(low, true), (high, false)] {
          let height = line.lowerValue(at: rate)
          let parameter = NormalDistribution.separation(falsePositiveRate: rate, falseNegativeRate: height, up: true)
          guard parameter > worst.parameter else { continue }
          var neighbors: [Double] = []
          let isVertex = isLow ? from >= range.lowerBound : high < range.upperBound
          let other = isLow ? index + 1 : index - 1
          if isVertex, envelope.indices.contains(other) {
            neighbors = [envelope[other].line.logSlope]
          } else {
            let before = all.last { $0 < line.logSlope }
            let after = all.first { $0 > line.logSlope }
            neighbors = [before, after].compactMap { $0 }
          }
          worst = Vertex(parameter: parameter, rate: rate, direction: direction, line: line, neighbors: neighbors)
        }
      }
    }
    return worst
  }
}
