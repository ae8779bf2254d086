import Foundation
import PrivacyAccounting
import PrivacyEvents

/// The accountant on cases with a golden value: ε, calibration, the curve over all rounds and the whole process of the command.
enum AccountingBenchmark {
  private static let rate = 0.01
  private static let rounds = 1_000
  private static let delta = 1e-5
  private static let targetEpsilon = 8.0
  /// Noise multiplier at which ε of the standard case is 8, to 1e-10.
  private static let goldenMultiplier = 0.5862598506770924

  /// One line of the table.
  private struct Row {
    let what: String
    let value: Double?
    let golden: Double?
    let timing: Timing
    let target: Double

    var met: String { timing.median < target ? "met" : "not met" }
    var shownValue: String { value.map { "\($0)" } ?? "–" }
    /// Absolute error against the golden value; RDP is an upper bound with none.
    var shownError: String {
      guard let value, let golden else { return "–" }
      return String(format: "%.1e", abs(value - golden))
    }
  }

  /// Measures everything; where `EPSILON_BENCH_RECORD` names a file, the rows go there as well, for the table beside the peers.
  static func run() async throws -> MarkdownTable {
    var rows: [Row] = []
    for accounting in AccountingCase.all { rows.append(try await epsilon(of: accounting)) }
    rows.append(try await calibration())
    rows.append(try await curve())
    rows.append(try await renyi())
    var notes = [
      "Medians of at least 20 repetitions (curve: 5); warm: every repetition starts from the event with an accountant that knows nothing.",
      "The command's ε is the same as that of a1; its time is from start to end of the process.",
    ]
    do { rows.append(try await command()) } catch {
      notes.append("Not measured: the whole process of `epsilon account`: \(error.localizedDescription)")
    }
    try record(rows)
    var table = MarkdownTable("Accounting", columns: ["case", "value", "abs. error", "best", "median", "target", "met"])
    for row in rows {
      table.add(
        row.what, row.shownValue, row.shownError, Figures.duration(seconds: row.timing.best),
        Figures.duration(seconds: row.timing.median), "< \(Figures.duration(seconds: row.target))", row.met)
    }
    table.notes = notes
    return table
  }

  private static func epsilon(of accounting: AccountingCase) async throws -> Row {
    var value = 0.0
    let timing = try await Timing.measure(repetitions: 31, warmUps: 3) {
      value = try PrivacyAccountant().epsilon(of: accounting.event, delta: accounting.delta).upper
    }
    return Row(what: "ε of \(accounting.name)", value: value, golden: accounting.golden, timing: timing, target: accounting.target)
  }

  private static func calibration() async throws -> Row {
    var value = 0.0
    let timing = try await Timing.measure(repetitions: 21, warmUps: 1) {
      value = try Calibration.noiseMultiplier(for: PrivacyTarget(epsilon: targetEpsilon, delta: delta)) {
        AccountingCase.round(rate: rate, noiseMultiplier: $0).repeated(rounds)
      }
    }
    return Row(what: "σ for ε = 8", value: value, golden: goldenMultiplier, timing: timing, target: 10e-3)
  }

  private static func curve() async throws -> Row {
    var last = 0.0
    let timing = try await Timing.measure(repetitions: 5, warmUps: 1) {
      let curve = try PrivacyAccountant().curve(of: AccountingCase.round(rate: rate, noiseMultiplier: 1))
      last = try curve.epsilons(afterRounds: 1...rounds, delta: delta).last?.upper ?? .nan
    }
    return Row(what: "ε after each of 1,000 rounds", value: last, golden: AccountingCase.a1.golden, timing: timing, target: 0.2)
  }

  private static func renyi() async throws -> Row {
    var value = 0.0
    let timing = try await Timing.measure(repetitions: 101, warmUps: 3) {
      value = try PrivacyAccountant(choice: .renyi).epsilon(of: AccountingCase.a1.event, delta: delta).upper
    }
    return Row(what: "ε of a1 by Rényi", value: value, golden: nil, timing: timing, target: 0.1e-3)
  }

  /// Times the command from its start to its end: the one that EPSILON_BENCH_COMMAND names, or one that has been built.
  private static func command() async throws -> Row {
    let named = ProcessInfo.processInfo.environment["EPSILON_BENCH_COMMAND"].map { [$0] }
    let candidates = named ?? [".build/release/epsilon", "../.build/release/epsilon"]
    guard let path = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else { throw CommandFailed.notBuilt }
    let timing = try await Timing.measure(repetitions: 20, warmUps: 2) {
      try runCommand(
        path, ["account", "--noise-multiplier", "1", "--sampling-rate", "\(rate)", "--rounds", "\(rounds)", "--delta", "\(delta)"])
    }
    return Row(what: "whole process", value: nil, golden: nil, timing: timing, target: 20e-3)
  }

  private static func runCommand(_ path: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    _ = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CommandFailed.status(process.terminationStatus) }
  }

  private enum CommandFailed: LocalizedError {
    case notBuilt
    case status(Int32)

    var errorDescription: String? {
      switch self {
      case .notBuilt: "build the command with swift build -c release"
      case .status(let status): "it ended with status \(status)"
      }
    }
  }

  /// Writes one line a row, its cells parted by tabs: case, value, error, median, target, met.
  private static func record(_ rows: [Row]) throws {
    guard let path = ProcessInfo.processInfo.environment["EPSILON_BENCH_RECORD"], !path.isEmpty else { return }
    let lines = rows.map { row in
      [
        row.what, row.shownValue, row.shownError, Figures.duration(seconds: row.timing.median),
        "< \(Figures.duration(seconds: row.target))", row.met,
      ].joined(separator: "\t")
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
  }
}
