import Foundation
import Testing

private func json(_ text: some StringProtocol) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

private let plan = """
  name: small
  task:
    dataset: synthetic-emnist
    partition: {iid: {clients: 60, seed: 1}}
    model: emnist-logistic
  algorithm: {rounds: 4, clientLearningRate: 0.1}
  sampling: {poisson: {clientsPerRound: 30}}
  aggregation: {gaussianAdaptive: {initialClippingNorm: 0.5}}
  privacy: {epsilon: 8, delta: 1e-3}
  """

@Suite("The epsilon command", .serialized)
final class CommandTests {
  private let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-command-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(plan.utf8).write(to: URL(fileURLWithPath: folder + "/plan.yaml"))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  @Test("account prints ε as text and JSON; q=0.01, σ=1, T=1000, δ=1e-5 gives the exact 1.828237, and at most 2.10133 by Rényi")
  func account() throws {
    let arguments = ["account", "--noise-multiplier", "1", "--sampling-rate", "0.01", "--rounds", "1000", "--delta", "1e-5"]
    let text = try epsilon(arguments)
    #expect(text.status == 0 && text.output.hasPrefix("ε ≤ 1.828237 "))
    let answer = try json(
      try epsilon(
        "account", "--noise-multiplier", "1", "--sampling-rate", "0.01", "--rounds", "1000", "--delta", "1e-5", "--accountant", "rdp",
        "--format", "json"
      ).output)
    let interval = try #require(answer["epsilon"] as? [String: Double])
    #expect((interval["upper"] ?? 9) <= 2.10133 && answer["method"] as? String == "renyi" && answer["delta"] as? Double == 1e-5)
    let delta = try json(try epsilon("account", "--noise-multiplier", "2", "--epsilon", "1", "--format", "json").output)
    #expect((delta["delta"] as? [String: Double])?["upper"] != nil && delta["method"] as? String == "analyticGaussian")
    let curve = try json(
      try epsilon("account", "--noise-multiplier", "2", "--rounds", "3", "--delta", "1e-5", "--curve", "--format", "json").output)
    #expect((curve["curve"] as? [[String: Any]])?.count == 3)
    let infinite = try json(try epsilon("account", "--noise-multiplier", "0", "--delta", "1e-5", "--format", "json").output)
    #expect((infinite["epsilon"] as? [String: String])?["upper"] == "Infinity")
  }

  @Test("account reads event files")
  func eventFile() throws {
    try Data(#"{"repeated":{"count":50,"event":{"gaussian":{"noiseMultiplier":10}}}}"#.utf8).write(
      to: URL(fileURLWithPath: folder + "/event.json"))
    let outcome = try epsilon("account", "--event", folder + "/event.json", "--delta", "1e-5", "--format", "json")
    #expect(outcome.status == 0 && outcome.output.contains("analyticGaussian"))
  }

  @Test("calibrate finds each of the three parameters on the safe side")
  func calibrate() throws {
    let noise = try json(
      try epsilon(
        "calibrate", "--epsilon", "8", "--delta", "1e-6", "--population", "3400", "--clients-per-round", "100", "--rounds", "1500",
        "--format", "json"
      ).output)
    let upper = try #require((noise["epsilon"] as? [String: Double])?["upper"])
    #expect(upper <= 8 && upper > 7.999 && (noise["noiseMultiplier"] as? Double ?? 0) > 1)
    let rounds = try json(
      try epsilon(
        "calibrate", "--epsilon", "8", "--delta", "1e-6", "--sampling-rate", "0.03", "--noise-multiplier", "1", "--format", "json"
      ).output)
    #expect((rounds["rounds"] as? Int ?? 0) > 100)
    let rate = try epsilon("calibrate", "--epsilon", "8", "--delta", "1e-6", "--rounds", "1500", "--noise-multiplier", "1")
    #expect(rate.status == 0 && rate.output.contains("Poisson sampling at rate"))
  }

  @Test("train, then report, in every form; the run folder is named after day and plan")
  func trainAndReport() throws {
    let trained = try epsilon("train", "plan.yaml", in: folder)
    #expect(trained.status == 0 && trained.output.contains("completed after 4 of 4 rounds"), "\(trained.errors)")
    let runs = try FileManager.default.contentsOfDirectory(atPath: folder + "/runs")
    #expect(runs.count == 1 && runs[0].hasSuffix("-small"))
    let path = "runs/" + runs[0]
    #expect(try epsilon("report", path, in: folder).output.contains("differentially private"))
    #expect(try epsilon("report", path, "--format", "markdown", in: folder).output.hasPrefix("# Privacy report"))
    #expect(try json(try epsilon("report", path, "--format", "json", in: folder).output)["planHash"] != nil)
    let second = try epsilon("train", "plan.yaml", "--format", "json", in: folder)
    let lines = try second.output.split(separator: "\n").map { try json($0) }
    #expect(lines.count == 5 && lines[0]["round"] as? Int == 1 && lines[4]["stopped"] as? String == "completed")
    #expect((lines[3]["epsilon"] as? [String: Any])?["upper"] != nil && (lines[3]["metrics"] as? [String: Any]) != nil)
  }

  @Test("the budget ends a run with exit status 3, and the last model is there")
  func budget() throws {
    let outcome = try epsilon(
      "train", "plan.yaml", "--set", "aggregation.gaussianAdaptive.noiseMultiplier=1", "--rounds", "60", "--run-dir", "run", "--format",
      "json",
      in: folder)
    #expect(outcome.status == 3 && outcome.output.contains(#""stopped":"budget""#) && outcome.errors.contains("warning: the budget"))
    #expect(FileManager.default.fileExists(atPath: folder + "/run/model.epsilon"))
  }

  @Test("an interrupt ends after the round under way, exit status 0, and the report says what that means")
  func interrupt() throws {
    let outcome = try epsilon(
      "train", "plan.yaml", "--rounds", "100000", "--set", "privacy.epsilon=null", "--set",
      "aggregation.gaussianAdaptive.noiseMultiplier=1",
      "--run-dir", "run", "--format", "json", in: folder, interruptAfterLines: 2)
    #expect(outcome.status == 0 && outcome.output.contains(#""stopped":"interrupted""#), "\(outcome.errors)")
    #expect(try epsilon("report", "run", in: folder).output.contains("was interrupted"))
  }

  /// A run that ends by interrupts only.
  private static let endless = ["algorithm.rounds=100000", "privacy.epsilon=null", "aggregation.gaussianAdaptive.noiseMultiplier=1"]

  /// Trains in `run`, sends so many interrupts as soon as `condition` holds, and waits for the end.
  private func interrupt(_ assignments: [String], times: Int, when condition: (String) -> Bool) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("epsilon")
    process.arguments = ["train", "plan.yaml", "--run-dir", "run"] + assignments.flatMap { ["--set", $0] }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    #expect(FileManager.default.createFile(atPath: folder + "/output", contents: nil))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/output"))
    process.standardError = FileHandle.nullDevice
    try process.run()
    func text() -> String { (try? String(contentsOfFile: folder + "/output", encoding: .utf8)) ?? "" }
    while process.isRunning && !condition(text()) { usleep(200) }
    for _ in 0..<times {
      if process.isRunning { process.interrupt() }
      usleep(50_000)
    }
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    return (process.terminationStatus, text())
  }

  @Test("an interrupt as soon as the folder is there ends the run in order: the folder can be reported")
  func interruptAtOnce() throws {
    let plan = folder + "/run/plan.json"
    let outcome = try interrupt(Self.endless, times: 1) { _ in FileManager.default.fileExists(atPath: plan) }
    #expect(outcome.status == 0 && outcome.output.contains("interrupted after "), "\(outcome)")
    let report = try epsilon("report", "run", in: folder)
    #expect(report.status == 0 && report.output.contains("interrupted"), "\(report.errors)")
  }

  @Test("a first round that is given up leaves a report of no rounds with ε = 0, and no row")
  func interruptFirstRound() throws {
    // A round of many minutes, in clients of a second or less.
    let outcome = try interrupt(["algorithm.clientEpochs=200", "algorithm.clientBatchSize=1"], times: 2) { $0.contains("ε so far") }
    #expect(outcome.status == 0 && outcome.output.contains("interrupted after 0 of 4 rounds"), "\(outcome)")
    let report = try epsilon("report", "run", in: folder)
    #expect(report.status == 0 && report.output.contains("was released: ε = 0."), "\(report.errors)")
    #expect(report.output.contains("0 released, 0 charged, 4 planned (interrupted)") && report.output.contains("noOp()"))
    #expect(!outcome.output.split(separator: "\n").contains { $0.wholeMatch(of: /\s+\d+\s.*/) != nil })
  }

  @Test("the third interrupt ends the process at once, and its folder can be reported")
  func interruptThrice() throws {
    // Clients of minutes, which no earlier interrupt cuts short.
    let outcome = try interrupt(["algorithm.clientEpochs=10000", "algorithm.clientBatchSize=1"], times: 3) { $0.contains("ε so far") }
    #expect(outcome.status == 130, "\(outcome)")
    let report = try epsilon("report", "run", in: folder)
    #expect(report.status == 0 && report.output.contains("0 released"), "\(report.errors)")
  }

  @Test("an interrupted run shows the row of its last round where rounds are tested sparsely; s/round is the mean since the last row")
  func sparseRows() throws {
    let metrics = folder + "/run/metrics.csv"
    let outcome = try interrupt(Self.endless + ["evaluation.everyRounds=3"], times: 1) { _ in
      ((try? String(contentsOfFile: metrics, encoding: .utf8)) ?? "").count { $0 == "\n" } >= 5
    }
    let table = outcome.output.split(separator: "\n").drop { !$0.contains("s/round") }
    let rows = table.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }.filter { $0.count >= 10 && Int($0[0]) != nil }
    let match = try #require(outcome.output.firstMatch(of: /interrupted after (\d+) of/))
    let completed = try #require(Int(match.1))
    let expected = Array(stride(from: 3, through: completed, by: 3)) + (completed % 3 == 0 ? [] : [completed])
    #expect(rows.compactMap { Int($0[0]) } == expected, "\(outcome.output)")
    #expect(rows.allSatisfy { $0[1] != "–" })
    let seconds = try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n").dropFirst().map { line in
      try #require(Double(line.split(separator: ",", omittingEmptySubsequences: false)[13]))
    }
    var shown = 0
    for row in rows {
      let round = try #require(Int(row[0]))
      let mean = seconds[shown..<round].reduce(0, +) / Double(round - shown)
      #expect(abs((Double(row.last ?? "") ?? -1) - mean) <= 0.0051, "\(row) \(mean)")
      shown = round
    }
  }

  @Test("the exit statuses stand in docs/Command.md, and so does every column of the table")
  func documented() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/Command.md"), encoding: .utf8)
    for status in [0, 1, 2, 3, 70] { #expect(page.contains("\n| \(status) | "), "\(status)") }
    for plan in [[], ["--aggregation", "robust", "--set", "privacy=null"]] {
      let output = try epsilon(["train", "plan.yaml", "--rounds", "1", "--run-dir", "run\(plan.count)"] + plan, in: folder).output
      let heading = try #require(output.split(separator: "\n").first { $0.contains("s/round") })
      // Columns are ten characters wide, and their names have spaces.
      let columns = stride(from: 0, to: heading.count, by: 10).map { String(heading.dropFirst($0).prefix(10).trimmingPrefix { $0 == " " }) }
      #expect(columns.count >= 8)
      for column in columns { #expect(page.contains("`\(column)`"), "\(column)") }
    }
  }

  @Test("data lists and inspects")
  func data() throws {
    #expect(try epsilon("data", "list").output.contains("fashion-mnist"))
    #expect(try epsilon("data", "list", "--format", "json").output.contains(#""name":"synthetic-emnist""#))
    let missing = try epsilon("data", "inspect", folder + "/none")
    #expect(missing.status == 1 && missing.errors.hasPrefix("error: "))
    #expect(try epsilon("data", "inspect", folder).output.contains("No known data set"))
  }

  @Test("help and version are results, exit status 0")
  func help() throws {
    let help = try epsilon("--help")
    #expect(help.status == 0 && help.output.contains("calibrate") && help.output.contains("train"))
    #expect(try epsilon("--version").output.hasPrefix("0."))
  }

  /// Arguments, expected exit status, and what the message must say.
  private static let mistakes: [([String], Int32, String)] = [
    (["acount"], 2, "acount"),
    (["account"], 2, "give either --noise-multiplier or --event"),
    (["account", "--noise-multiplier", "one", "--delta", "1e-5"], 2, "one"),
    (["account", "--noise-multiplier", "1"], 2, "give either --delta"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--epsilon", "1"], 2, "give either --delta"),
    (["account", "--noise-multiplier", "-1", "--delta", "1e-5"], 2, "--noise-multiplier is -1.0, must be finite and at least 0"),
    (["account", "--noise-multiplier=-1", "--delta", "1e-5"], 2, "--noise-multiplier is -1.0"),
    (["account", "--noise-multiplier", "nan", "--delta", "1e-5"], 2, "--noise-multiplier is nan"),
    (["account", "--noise-multiplier", "1", "--delta", "1.5"], 2, "--delta is 1.5, must be in [0, 1]"),
    (["account", "--noise-multiplier", "1", "--delta", "-1e-5"], 2, "--delta is -1e-05, must be in [0, 1]"),
    (["account", "--noise-multiplier", "1", "--epsilon", "-1"], 2, "--epsilon is -1.0, must be at least 0"),
    (["account", "--noise-multiplier", "1", "--delta", "--curve"], 2, "“--curve”, is no number"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--sampling-rate", "2"], 2, "--sampling-rate is 2.0"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--sampling-rate", "-0.5"], 2, "--sampling-rate is -0.5"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--fixed-size"], 2, "--fixed-size needs"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--clients-per-round", "5"], 2, "needs --population"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--clients-per-round", "5", "--population", "4"], 2, "must be in 0…4"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--rounds", "-3"], 2, "--rounds is -3, must be at least 0"),
    (["account", "--noise-multiplier", "1", "--delta", "1e-5", "--accountant", "magic"], 2, "magic"),
    (["account", "--event", "none.yaml", "--delta", "1e-5"], 1, "none.yaml: cannot be read; "),
    (["account", "--event", "plan.yaml", "--delta", "1e-5"], 2, "plan.yaml:1:1: event"),
    (["calibrate", "--epsilon", "1"], 2, "--delta"),
    (["calibrate", "--epsilon", "0", "--delta", "1e-5", "--rounds", "5"], 2, "--epsilon is 0.0"),
    (["calibrate", "--epsilon", "-1", "--delta", "1e-5", "--rounds", "5"], 2, "--epsilon is -1.0, must be finite and above 0"),
    (["calibrate", "--epsilon", "1", "--delta", "1", "--rounds", "5"], 2, "--delta is 1.0"),
    (["calibrate", "--epsilon", "1", "--delta", "1e-5"], 2, "the missing parameter is found"),
    (["calibrate", "--epsilon", "0.001", "--delta", "1e-9", "--noise-multiplier", "1"], 2, "not even one round"),
    (
      ["calibrate", "--epsilon", "1", "--delta", "1e-5", "--rounds", "5", "--noise-multiplier", "1", "--sampling-rate", "0.1"], 2,
      "nothing is missing"
    ),
    (["train"], 2, "plan"),
    (["train", "none.yaml"], 1, "none.yaml: cannot be read; "),
    (["train", "."], 1, "it must be a file, not a folder"),
    (["train", "plan.yaml", "--rounds", "0"], 2, "error: --rounds is 0; must be in 1…1000000000\n"),
    (["train", "plan.yaml", "--epsilon", "nan"], 2, "error: --epsilon must be a finite number; "),
    (["train", "plan.yaml", "--epsilon", "-1"], 2, "error: --epsilon is -1.0; must be above 0\n"),
    (["train", "plan.yaml", "--epsilon=-1"], 2, "error: --epsilon is -1.0; must be above 0\n"),
    (["train", "plan.yaml", "--epsilon", "--dry-run"], 2, "The value '--dry-run' is invalid for '--epsilon <epsilon>'"),
    (["train", "plan.yaml", "--delta", "2"], 2, "error: --delta is 2.0; must be in (0, 1)"),
    (["train", "plan.yaml", "--aggregation", "median"], 2, "error: --aggregation is “median”, which is unknown; "),
    (["train", "plan.yaml", "--set", "algorithm.round=3"], 2, "error: --set algorithm.round is unknown; did you mean rounds?"),
    (["train", "plan.yaml", "--set", "algorithm"], 2, "error: --set: “algorithm” is not key=value; "),
    (["train", "plan.yaml", "--set", "task.dataset=none"], 2, "There is no data set 'none'"),
    (["train", "plan.yaml", "--set", "task.partition={iid: {clients: 1000000}}"], 2, "cannot be dealt out"),
    (["train", "plan.yaml", "--set", "task.partition=natural", "--set", "task.dataset=fashion-mnist"], 2, "no natural partition"),
    (["train", "plan.yaml", "--set", "task.model=mnist-logistic"], 2, "choose another model"),
    (["train", "plan.yaml", "--set", "sampling.poisson.clientsPerRound=61"], 2, "error: --set sampling.poisson.clientsPerRound: "),
    (
      ["train", "plan.yaml", "--epsilon", "0.01", "--set", "aggregation.gaussianAdaptive.noiseMultiplier=1"], 2,
      "error: --epsilon is 0.01, but the first round alone spends"
    ),
    (
      ["train", "plan.yaml", "--set", "privacy.accountant=monteCarlo"], 2,
      "error: --set privacy.accountant is monteCarlo, whose bound may fail"
    ),
    (["train", "plan.yaml", "--aggregation", "mean"], 2, "error: --aggregation adds no noise though"),
    (["train", "plan.yaml", "--set", "task.dataset=fashion-mnist", "--data-dir", "none"], 1, "is not in 'none'"),
    (["train", "plan.yaml", "--workers", "0"], 2, "--workers is 0"),
    (["train", "plan.yaml", "--workers", "-1"], 2, "--workers is -1"),
    (["train", "plan.yaml", "--isa", "mmx"], 2, "mmx"),
    (["train", "plan.yaml", "--run-dir", "."], 1, "not an empty folder"),
    (["report", "nowhere"], 1, "nowhere"),
    (["report", "."], 1, "does not exist"),
    (["data", "inspect", "plan.yaml"], 1, "plan.yaml"),
    (["data", "inspect", "none"], 1, "none"),
  ]

  @Test("mistakes get their exit status and a message that names them", arguments: CommandTests.mistakes.indices)
  func mistake(index: Int) throws {
    let (arguments, status, message) = Self.mistakes[index]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("epsilon")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let errors = Pipe()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == status && text.contains(message), "\(arguments): \(process.terminationStatus) \(text)")
    // Nothing half-written.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["plan.yaml"])
  }
}
