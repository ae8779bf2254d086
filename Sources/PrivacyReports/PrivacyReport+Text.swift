import Foundation
import PrivacyEvents
public import PrivateTraining

extension PrivacyReport {
  /// For a terminal.
  public func terminalText() -> String {
    render(heading: { "\($0)\n\(String(repeating: "─", count: $0.count))" }, bullet: "  • ", table: Self.plainTable, verbatim: { $0 })
  }

  /// For a document.
  public func markdown() -> String {
    render(
      heading: { $0.hasPrefix("Privacy report") ? "# \($0)" : "## \($0)" }, bullet: "- ", table: Self.markdownTable,
      verbatim: { "```text\n\($0)\n```" })
  }

  private func render(
    heading: (String) -> String, bullet: String, table: ([[String]]) -> String, verbatim: (String) -> String
  ) -> String {
    var parts: [String] = []
    func section(_ title: String, _ body: String) { parts.append(heading(title) + "\n\n" + body) }
    func bullets(_ items: [String]) -> String { items.map { bullet + $0 }.joined(separator: "\n") }

    section(
      "Privacy report: \(name)",
      guarantee.sentence + "\n\nCovers \(guarantee.rounds) round\(guarantee.rounds == 1 ? "" : "s"): \(guarantee.basis).")
    section("What is protected, and how", table(mechanismRows))
    section("Releases of a round", bullets(releases))
    if !epsilonAtDeltas.isEmpty {
      let rows = epsilonAtDeltas.map { [Figure.exact($0.delta), Figure.up($0.guaranteed.upper), Figure.up($0.soFar.upper)] }
      section(
        "ε at several δ",
        table([["δ", "ε guaranteed", "ε so far"]] + rows)
          + "\n\nε so far is that of the \(chargedRounds) rounds charged: a guarantee only had this number been fixed ahead.")
    }
    let plots = plotText()
    if !plots.isEmpty { section("By round", verbatim(plots)) }
    section("Quality", quality)
    section("Outside the guarantee", outsideTheGuarantee.isEmpty ? "Nothing that is known of." : bullets(outsideTheGuarantee))
    if !assumptions.isEmpty { section("Assumptions", bullets(assumptions)) }
    section("Provenance", table(provenanceRows))
    return parts.joined(separator: "\n\n") + "\n"
  }

  private var mechanismRows: [[String]] {
    var rows = [
      ["item", "value"], ["unit of privacy", unitOfPrivacy], ["neighbouring relation", neighboringRelation],
      ["sampling of clients", sampling],
    ]
    if let epsilon = guarantee.epsilon, let delta = guarantee.delta {
      let lower = epsilon.lower == 0 && epsilon.upper > 0 ? "no lower bound from this method" : "at least \(Figure.down(epsilon.lower))"
      rows.append(["ε", "at most \(Figure.up(epsilon.upper)) at δ = \(Figure.exact(delta)) (\(lower))"])
    }
    if let epsilonBudget { rows.append(["budget", "ε = \(Figure.exact(epsilonBudget))"]) }
    if let method = guarantee.method { rows.append(["accountant", method.title]) }
    if let event = guarantee.event {
      rows.append(["event", event.utf8.count <= 400 ? event : "too long to print; it stands in the ledger, and in the report as JSON"])
    }
    rows.append(["rounds", "\(completedRounds) released, \(chargedRounds) charged, \(plannedRounds) planned (\(status.title))"])
    return rows
  }

  private var provenanceRows: [[String]] {
    [
      ["item", "value"], ["program", "epsilon \(softwareVersion)"], ["plan hash (SHA-256)", planHash],
      ["ledger head (SHA-256)", ledgerHead ?? "no charges"], ["started", started.formatted(.iso8601)],
    ]
  }

  private var quality: String {
    guard let finalMetrics else { return "The last model has no finite test loss." }
    return "Test accuracy \(Figure.percent(finalMetrics.testAccuracy)), test loss \(Figure.fixed(finalMetrics.testLoss, 4)), "
      + "after \(completedRounds) rounds, on people outside the training population."
  }

  private func plotText() -> String {
    // What diverged has no place on an axis.
    let curve = curve.map { point in
      Point(
        round: point.round, epsilon: point.epsilon.flatMap { $0.isFinite ? $0 : nil },
        testAccuracy: point.testAccuracy.flatMap { $0.isFinite ? $0 : nil }, testLoss: nil)
    }
    let plots = [
      TextPlot(
        points: curve.compactMap { point in point.epsilon.map { (Double(point.round), $0) } }, title: "ε spent", format: { Figure.up($0) }),
      TextPlot(
        points: curve.compactMap { point in point.testAccuracy.map { (Double(point.round), $0) } }, title: "test accuracy",
        format: Figure.percent),
    ]
    return plots.map { $0.lines().joined(separator: "\n") }.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  private static func plainTable(_ rows: [[String]]) -> String {
    let columns = rows.first?.count ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    // A table of items needs no heading in a terminal.
    let body = rows.first?.first == "item" ? Array(rows.dropFirst()) : rows
    return body.map { row in
      "  "
        + zip(row, widths).enumerated().map { index, cell in
          index == columns - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count + 3)
        }.joined()
    }.joined(separator: "\n")
  }

  private static func markdownTable(_ rows: [[String]]) -> String {
    guard let head = rows.first else { return "" }
    let line = { (cells: [String]) in "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |" }
    return ([line(head), line(head.map { _ in "---" })] + rows.dropFirst().map(line)).joined(separator: "\n")
  }
}

extension RunRecord.Status {
  /// The status in words.
  public var title: String {
    switch self {
    case .running: "not ended"
    case .completed: "completed"
    case .budget: "stopped at the budget"
    case .interrupted: "interrupted"
    }
  }
}
