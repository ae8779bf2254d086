import Foundation
import PrivacyAccounting
import PrivacyEvents

/// The accountant on one standard case: rate 0.01, noise multiplier 1, 1,000 rounds, δ = 10⁻⁵.
enum AccountingBenchmark {
  private static let rate = 0.01
  private static let rounds = 1000
  private static let delta = 1e-5
  private static let targetEpsilon = 8.0

  private static func round(noiseMultiplier: Double) -> PrivacyEvent {
    .gaussian(noiseMultiplier: noiseMultiplier).sampled(.poisson(rate: rate))
  }

  /// Measures ε, calibration, the curve over all rounds and the whole process of the command.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Accounting: q = \(rate), σ = 1, T = \(rounds), δ = 1e-5, Rényi", columns: ["what", "best", "median", "value"])
    let accountant = PrivacyAccountant(choice: .renyi)
    let event = round(noiseMultiplier: 1).repeated(rounds)

    var epsilon = 0.0
    let warm = try await Timing.measure(repetitions: 30, warmUps: 3) {
      epsilon = try accountant.epsilon(of: event, delta: delta).upper
    }
    add("one ε, warm", warm, "ε ≤ \(epsilon)", to: &table)

    var multiplier = 0.0
    let calibration = try await Timing.measure(repetitions: 5) {
      multiplier = try Calibration.noiseMultiplier(
        for: PrivacyTarget(epsilon: targetEpsilon, delta: delta), accountant: accountant
      ) { round(noiseMultiplier: $0).repeated(rounds) }
    }
    add("noise multiplier for ε = 8", calibration, "σ = \(multiplier)", to: &table)

    var last = 0.0
    let curve = try await Timing.measure(repetitions: 3) {
      let composition = try accountant.curve(of: round(noiseMultiplier: 1))
      for count in 1...rounds { last = try composition.epsilon(afterRounds: count, delta: delta).upper }
    }
    add("ε after each of \(rounds) rounds", curve, "last ε ≤ \(last)", to: &table)

    try await addCommand(to: &table)
    table.notes = ["An ε is computed from the event each time: nothing is kept between repetitions."]
    return table
  }

  /// Times the command from its start to its end, where it has been built.
  private static func addCommand(to table: inout MarkdownTable) async throws {
    let candidates = [".build/release/epsilon", "../.build/release/epsilon"]
    guard let path = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      table.add("whole process of `epsilon account`", "–", "–", "not measured: build the command with swift build -c release")
      return
    }
    var output = ""
    do {
      let timing = try await Timing.measure(repetitions: 10, warmUps: 2) {
        output = try runCommand(
          path, ["account", "--noise-multiplier", "1", "--sampling-rate", "\(rate)", "--rounds", "\(rounds)", "--delta", "\(delta)"])
      }
      add("whole process of `epsilon account`", timing, String(output.prefix { $0 != "\n" }), to: &table)
    } catch {
      table.add("whole process of `epsilon account`", "–", "–", "not measured: \(error.localizedDescription)")
    }
  }

  private static func runCommand(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CommandFailed(status: process.terminationStatus) }
    return String(decoding: data, as: UTF8.self)
  }

  /// The command ended with another status than 0.
  private struct CommandFailed: LocalizedError {
    let status: Int32
    var errorDescription: String? { "the command ended with status \(status)" }
  }

  private static func add(_ what: String, _ timing: Timing, _ value: String, to table: inout MarkdownTable) {
    table.add(what, Figures.duration(seconds: timing.best), Figures.duration(seconds: timing.median), value)
  }
}
