import Foundation

/// `metrics.csv`: one line per finished round, flushed when the round ends.
public enum MetricsFile {
  /// One round of the file; absent figures are `nil`.
  public struct Row: Hashable, Sendable {
    /// Round, from 1.
    public let round: Int
    /// Figures by column name.
    public let values: [String: Double]

    /// A figure of the round.
    public subscript(_ column: Column) -> Double? { values[column.rawValue] }
  }

  /// Columns after `round`, in order.
  public enum Column: String, CaseIterable, Sendable {
    case expectedCohort, testLoss, testAccuracy, epsilonLower, epsilonUpper, plannedEpsilonUpper, epsilonBudget, delta, clippingNorm
    case noisedFractionClipped, noiseStandardDeviation, signalToNoiseRatio, seconds, participants, trainLoss, trainAccuracy
  }

  static let header = (["round"] + Column.allCases.map(\.rawValue)).joined(separator: ",")

  static func line(_ report: RoundReport) -> String {
    let values: [Double?] = Column.allCases.map { column in
      switch column {
      case .expectedCohort: report.expectedCohort
      case .testLoss: report.metrics?.testLoss
      case .testAccuracy: report.metrics?.testAccuracy
      case .epsilonLower: report.epsilon?.lower
      case .epsilonUpper: report.epsilon?.upper
      case .plannedEpsilonUpper: report.plannedEpsilon?.upper
      case .epsilonBudget: report.epsilonBudget
      case .delta: report.delta
      case .clippingNorm: report.clippingNorm
      case .noisedFractionClipped: report.noisedFractionClipped
      case .noiseStandardDeviation: report.noiseStandardDeviation
      case .signalToNoiseRatio: report.signalToNoiseRatio
      case .seconds: report.seconds
      case .participants: report.nonPrivate.map { Double($0.participants) }
      case .trainLoss: report.nonPrivate?.trainLoss
      case .trainAccuracy: report.nonPrivate?.trainAccuracy
      }
    }
    return ([String(report.round)] + values.map { $0.map { "\($0)" } ?? "" }).joined(separator: ",")
  }

  static func append(_ report: RoundReport, to path: String) throws(TrainingError) {
    do {
      guard let handle = FileHandle(forWritingAtPath: path) else { throw CocoaError(.fileNoSuchFile) }
      defer { try? handle.close() }
      try handle.seekToEnd()
      try handle.write(contentsOf: Data((line(report) + "\n").utf8))
      try handle.synchronize()
    } catch { throw .runDirectory(path: path, problem: "cannot be written (\(error.localizedDescription))", remedy: "check the disk") }
  }

  static func read(_ path: String) throws(TrainingError) -> [Row] {
    func damaged(_ problem: String) -> TrainingError {
      .damagedFile(path: path, problem: problem, remedy: "restore the file from a copy")
    }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw damaged("cannot be read as text") }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: true)
    guard let first = lines.first, first == header else { throw damaged("has another header than this program writes") }
    lines.removeFirst()
    // A crash can cut the last line short; only whole lines count.
    if !text.hasSuffix("\n") { _ = lines.popLast() }
    var rows: [Row] = []
    for (index, line) in lines.enumerated() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard cells.count == Column.allCases.count + 1, let round = Int(cells[0]), round == index + 1 else {
        throw damaged("line \(index + 2) is not round \(index + 1)")
      }
      var values: [String: Double] = [:]
      for (column, cell) in zip(Column.allCases, cells.dropFirst()) where !cell.isEmpty {
        guard let value = Double(cell), !value.isNaN else { throw damaged("line \(index + 2): \(column.rawValue) is not a number") }
        values[column.rawValue] = value
      }
      rows.append(Row(round: round, values: values))
    }
    return rows
  }
}
