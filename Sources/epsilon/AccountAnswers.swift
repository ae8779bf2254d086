import Foundation
import PrivacyAccounting
import PrivacyEvents
import PrivacyReports
import PrivateTraining

/// ε at one δ, or δ at one ε.
struct AccountAnswer: Encodable {
  enum Question {
    case epsilon(delta: Double)
    case delta(epsilon: Double)
  }

  let question: Question
  let bound: PrivacyBound
  let certification: Certification?

  private enum CodingKeys: CodingKey { case epsilon, delta, method, failureProbability, certification }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch question {
    case .epsilon(let delta):
      try values.encode(RoundReport.Interval(bound), forKey: .epsilon)
      try values.encode(delta, forKey: .delta)
    case .delta(let epsilon):
      try values.encode(epsilon, forKey: .epsilon)
      try values.encode(RoundReport.Interval(bound), forKey: .delta)
    }
    try values.encode(bound.method, forKey: .method)
    try values.encodeIfPresent(bound.failureProbability, forKey: .failureProbability)
    try values.encodeIfPresent(certification, forKey: .certification)
  }

  var lines: [String] {
    let promise =
      switch question {
      case .epsilon(let delta): "ε ≤ \(Figure.up(bound.upper, decimals: 6)) at δ = \(Figure.exact(delta))"
      case .delta(let epsilon): "δ ≤ \(Figure.scientificUp(bound.upper)) at ε = \(Figure.exact(epsilon))"
      }
    let hasLower = bound.isTwoSided && bound.upper.isFinite && (bound.lower > 0 || bound.upper == 0)
    let interval = hasLower ? "certified in \(Figure.interval(lower: bound.lower, upper: bound.upper)) " : ""
    let failure = bound.failureProbability.map { "; wrong with probability at most \(Figure.scientificUp($0)) over the draws" } ?? ""
    return [promise, "  \(interval)by \(bound.method.title)\(failure)"] + (certification.map { ["  " + $0.sentence] } ?? [])
  }
}

/// What the grid says of an answer.
struct Certification: Encodable {
  /// Its own interval; `nil` where it has none.
  let grid: RoundReport.Interval?
  /// Whether both intervals have a value in common.
  let overlap: Bool?
  /// Why the grid has no interval.
  let refusal: String?

  init(of bound: PrivacyBound, by bracket: Result<PrivacyBound, AccountingError>) {
    switch bracket {
    case .success(let bracket) where bracket.method == .grid:
      (grid, overlap, refusal) = (RoundReport.Interval(bracket), bound.overlaps(bracket), nil)
    case .success(let bracket): (grid, overlap, refusal) = (nil, nil, "no grid is needed, the answer is by \(bracket.method.title)")
    case .failure(.unsupportedEvent), .failure(.unsuitableAccountant):
      (grid, overlap, refusal) = (nil, nil, "the grid takes only events whose mechanisms all have a privacy-loss distribution")
    case .failure(let error): (grid, overlap, refusal) = (nil, nil, "this event does not fit the limits of the grid (\(error))")
    }
  }

  var sentence: String {
    guard let grid else { return "not checked: \(refusal ?? "")" }
    let interval = Figure.interval(lower: grid.lower, upper: grid.upper)
    return overlap == true
      ? "checked by the grid, \(interval): the intervals overlap" : "the grid says \(interval): NO OVERLAP, report this"
  }
}

/// What the release lets a membership test find out.
struct TradeOffAnswer: Encodable {
  struct Row: Encodable {
    let falsePositiveRate: Double
    let falseNegativeRate: RoundReport.Interval
  }

  let risk: RiskSummary
  let table: [Row]

  /// The summary at `delta`, and the curve at `rates`.
  init(of curve: TradeOffCurve, delta: Double, rates: [Double]) throws {
    risk = try RiskSummary(of: curve, delta: delta)
    table = try rates.map { rate in
      let bound = try curve.falseNegativeRate(atFalsePositiveRate: rate)
      return Row(falsePositiveRate: rate, falseNegativeRate: RoundReport.Interval(bound))
    }
  }

  /// False-positive rates of the table in JSON, every 5 %, and of the short one in text.
  static let rates = (0...20).map { Double($0) / 20 }
  static let fewRates = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5]

  var lines: [String] {
    let rows = table.map { row in
      let rate = Figure.plain(row.falsePositiveRate).padding(toLength: 8, withPad: " ", startingAt: 0)
      return "\(rate)\(Figure.interval(lower: row.falseNegativeRate.lower, upper: row.falseNegativeRate.upper, decimals: 6))"
    }
    return risk.lines + ["FPR     least FNR of any membership test"] + rows
  }
}

/// R(α) of one order.
struct RenyiAnswer: Encodable {
  let order: Double
  let divergence: Double

  var line: String { "R(\(order.formatted)) ≤ \(Figure.up(divergence, decimals: 6))" }
}

extension Double {
  /// The shortest digits that read back to this number, without “.0”.
  fileprivate var formatted: String { description.hasSuffix(".0") ? String(description.dropLast(2)) : description }
}

/// All that `account` says, except a curve.
struct AccountOutput: Encodable {
  let answers: [AccountAnswer]
  /// One object for one question; several are in `results`.
  let isList: Bool
  let renyiDivergences: [RenyiAnswer]
  let tradeOff: TradeOffAnswer?

  private enum CodingKeys: CodingKey { case results, renyiDivergences, tradeOff }

  func encode(to encoder: any Encoder) throws {
    if !isList { try answers.first?.encode(to: encoder) }
    var values = encoder.container(keyedBy: CodingKeys.self)
    if isList { try values.encode(answers, forKey: .results) }
    if !renyiDivergences.isEmpty { try values.encode(renyiDivergences, forKey: .renyiDivergences) }
    try values.encodeIfPresent(tradeOff, forKey: .tradeOff)
  }

  var text: String {
    (answers.flatMap(\.lines) + renyiDivergences.map(\.line) + (tradeOff?.lines ?? [])).joined(separator: "\n")
  }
}
