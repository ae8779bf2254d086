import Foundation
import PrivacyAccounting
import PrivacyEvents
import PrivacyReports
import PrivateTraining
import Testing

@Suite("Privacy reports")
struct PrivacyReportTests {
  private static let text = """
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

  /// Runs the small plan in a folder that the caller removes, stopping after `stopAfter` rounds.
  private func run(_ assignments: [String] = [], stopAfter: Int? = nil, abandon: Bool = false, seed: UInt64? = nil) async throws
    -> RunDirectory
  {
    var node = try PlanNode(text: Self.text, source: "plan.yaml")
    for assignment in assignments { try node.set(assignment) }
    let compiled = try CompiledPlan(TrainingPlan(node))
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-report-\(UUID())").path
    let directory = try RunDirectory(creating: path, for: compiled)
    var options = PrivateTrainer.Options()
    options.insecureReproducibleSeed = seed
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options)
    if stopAfter == 0 { trainer.requestStop() }
    for try await round in trainer.rounds() where round.round == stopAfter {
      if abandon { break }
      trainer.requestStop()
    }
    return directory
  }

  private func remove(_ directory: RunDirectory) { try? FileManager.default.removeItem(atPath: directory.path) }

  @Test("a completed run guarantees the ε of its rounds, in every form")
  func completed() async throws {
    let directory = try await run()
    defer { remove(directory) }
    let report = try PrivacyReport(of: directory)
    let epsilon = try #require(report.guarantee.epsilon)
    #expect(epsilon.upper <= 8 && epsilon.upper > 7.99 && report.guarantee.rounds == 4 && report.status == .completed)
    #expect(report.epsilonAtDeltas.contains { $0.delta == 1e-3 && $0.guaranteed == epsilon && $0.soFar == epsilon })
    #expect(report.epsilonAtDeltas.map(\.guaranteed.upper) == report.epsilonAtDeltas.map(\.guaranteed.upper).sorted())
    #expect(report.curve.count == 4 && abs((report.curve.last?.epsilon ?? 0) - epsilon.upper) < 1e-9)
    for text in [report.terminalText(), report.markdown()] {
      for part in [
        "differentially private", "one simulated client", "add or remove one", "Poisson", "Gaussian noise", "ε at several δ", "ε spent",
        "test accuracy", "Outside the guarantee", "how long a round took", "Assumptions", report.planHash,
        "epsilon \(EpsilonVersion.current)",
      ] { #expect(text.contains(part), "\(part)") }
    }
    // Whoever reads the report can compute its ε anew.
    let event = try PrivacyEvent(expression: #require(report.guarantee.event))
    #expect(abs(try PrivacyAccountant().epsilon(of: event, delta: 1e-3).upper / epsilon.upper - 1) < 1e-9)
    #expect(report.markdown().hasPrefix("# Privacy report: small\n") && report.markdown().contains("| --- | --- |"))
    #expect(try CanonicalJSON.decode(PrivacyReport.self, from: CanonicalJSON.data(report)) == report)
  }

  @Test("an interrupted run guarantees only the ε of the planned rounds")
  func interrupted() async throws {
    let directory = try await run(stopAfter: 2)
    defer { remove(directory) }
    let report = try PrivacyReport(of: directory)
    let own = try #require(report.epsilonAtDeltas.first { $0.delta == 1e-3 })
    #expect(report.guarantee.rounds == 4 && report.chargedRounds == 2 && report.status == .interrupted)
    #expect(own.guaranteed.upper > 7.99 && own.soFar.upper < own.guaranteed.upper)
    #expect(report.terminalText().contains("interrupted after 2 rounds"))
  }

  @Test("a run that is interrupted before its first charge reports ε = 0 over no rounds, in every form")
  func untouched() async throws {
    let directory = try await run(stopAfter: 0)
    defer { remove(directory) }
    let report = try PrivacyReport(of: directory)
    #expect(report.status == .interrupted && report.chargedRounds == 0 && report.completedRounds == 0 && report.guarantee.rounds == 0)
    #expect(report.guarantee.epsilon?.upper == 0 && report.guarantee.event == "noOp()" && report.epsilonAtDeltas.isEmpty)
    for text in [report.terminalText(), report.markdown()] {
      #expect(text.contains("Nothing that depends on the training data was released: ε = 0."))
      #expect(text.contains("Covers 0 rounds: the run was interrupted before its first round was charged"))
    }
    #expect(try CanonicalJSON.decode(PrivacyReport.self, from: CanonicalJSON.data(report)) == report)
  }

  @Test("no edit of record, table and ledger makes a run look untouched while its model is there")
  func forged() async throws {
    let directory = try await run(stopAfter: 1)
    defer { remove(directory) }
    #expect(try PrivacyReport(of: directory).guarantee.rounds == 4)
    let record = try directory.readRecord()
    try FileManager.default.removeItem(atPath: directory.ledger)
    _ = try PrivacyLedger.create(at: directory.ledger, planHash: record.planHash, startHash: record.startHash())
    let table = try String(contentsOfFile: directory.metrics, encoding: .utf8)
    try (table.prefix { $0 != "\n" } + "\n").write(toFile: directory.metrics, atomically: true, encoding: .utf8)
    let text = try String(contentsOfFile: directory.record, encoding: .utf8)
    let edited = text.replacing(/"completedRounds"\s*:\s*1/, with: "\"completedRounds\":0")
    #expect(edited != text)
    try edited.write(toFile: directory.record, atomically: true, encoding: .utf8)
    let error = #expect(throws: TrainingError.self) { try PrivacyReport(of: directory) }
    #expect(error?.description.contains("0 charges for 1 released rounds") == true, "\(String(describing: error))")
  }

  @Test("a run whose process died is reported from its ledger, for the planned rounds")
  func died() async throws {
    let directory = try await run(stopAfter: 3, abandon: true)
    defer { remove(directory) }
    let report = try PrivacyReport(of: directory)
    #expect(report.status == .running && report.chargedRounds == 3 && report.completedRounds == 3 && report.guarantee.rounds == 4)
  }

  @Test("a run that stopped at its budget guarantees what it charged")
  func budget() async throws {
    let directory = try await run(["aggregation.gaussianAdaptive.noiseMultiplier=1", "algorithm.rounds=40"])
    defer { remove(directory) }
    let report = try PrivacyReport(of: directory)
    #expect(report.status == .budget && report.guarantee.rounds == report.chargedRounds && (report.guarantee.epsilon?.upper ?? 9) <= 8)
  }

  @Test("reproducible noise and no noise are called not private")
  func notPrivate() async throws {
    let seeded = try await run(seed: 4)
    defer { remove(seeded) }
    let hypothetical = try PrivacyReport(of: seeded)
    #expect(hypothetical.guarantee.sentence.hasPrefix("Not private: reproducible noise"))
    #expect(hypothetical.guarantee.epsilon == nil && hypothetical.epsilonAtDeltas.isEmpty)
    let plain = try await run(["privacy=null", "aggregation=mean"])
    defer { remove(plain) }
    let report = try PrivacyReport(of: plain)
    #expect(report.guarantee.epsilon == nil && report.guarantee.sentence.hasPrefix("No privacy is guaranteed"))
    #expect(report.terminalText().contains("everything"))
    #expect(report.releases == ["mean of the updates; no noise is added"] && report.unitOfPrivacy == "none")
  }

  @Test(
    "a run without privacy says what happens to the updates, and names no unit of privacy",
    arguments: [
      ("robust", "updates with a value beyond an adaptive bound counted as zeros, their norms clipped to an adaptive bound"),
      ("{robust: {zeroing: false}}", "their norms clipped to an adaptive bound"),
      ("{clipping: {clippingNorm: 0.25}}", "their norms clipped to 0.25"), ("{compression: {bits: 4}}", "each quantised to 4 bits"),
      ("{entropy: {stepSize: 0.01}}", "each rounded to multiples of 0.01"), ("secure", "from a sum of 32-bit integers"),
    ])
  func withoutNoise(aggregation: String, words: String) async throws {
    let directory = try await run(["privacy=null", "aggregation=\(aggregation)", "algorithm.rounds=1"])
    defer { remove(directory) }
    let report = try PrivacyReport(of: directory)
    let release = try #require(report.releases.first)
    #expect(report.releases.count == 1 && release.contains(words) && release.hasSuffix("; no noise is added"), "\(release)")
    #expect(!report.terminalText().contains("exact,") && !report.terminalText().contains("one simulated client"))
    #expect(report.unitOfPrivacy == "none" && report.neighboringRelation == "none")
  }

  @Test("the list of releases has at most six digits of a number")
  func releases() async throws {
    let directory = try await run()
    defer { remove(directory) }
    let release = try PrivacyReport(of: directory).releases[0]
    let noise = try #require(release.firstMatch(of: /Gaussian noise of ([0-9.]+) ×/)?.1)
    #expect(noise.count <= 8 && Double(noise) ?? 0 > 0, "\(release)")
  }

  @Test("a damaged or foreign file refuses the report")
  func damaged() async throws {
    for file in ["plan.json", "report.json", "metrics.csv", "ledger.sqlite"] {
      let directory = try await run(["algorithm.rounds=1"])
      defer { remove(directory) }
      let path = directory.path + "/" + file
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var garbled: [Data] = [Data(), Data("round,what\n1,2\n".utf8), Data("{\"formatVersion\":2}".utf8), Data([0xFF, 0xFE, 0])]
      for part in 1..<8 { garbled.append(whole.prefix(whole.count * part / 8)) }
      for data in garbled {
        try data.write(to: URL(fileURLWithPath: path))
        // A line of metrics that a crash cut short does not count: then everything else still holds.
        if file == "metrics.csv", (try? PrivacyReport(of: directory)) != nil { continue }
        let error = #expect(throws: TrainingError.self, "\(file)") { try PrivacyReport(of: directory) }
        let text = error?.description ?? ""
        #expect(text.contains(path) && text.contains("; "), "\(text)")
        for raw in ["DecodingError", "CodingKeys", "Context", "SQL", "Swift", "NSCocoa", "Optional("] {
          #expect(!text.contains(raw), "\(text)")
        }
      }
    }
  }

  @Test("rounds and figures of metrics.csv that cannot be are refused, not drawn")
  func absurdMetrics() async throws {
    let directory = try await run(["algorithm.rounds=2"])
    defer { remove(directory) }
    let text = try String(contentsOfFile: directory.metrics, encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    let huge = lines[2].replacing(/^2,/, with: "9223372036854775807,")
    let nan = lines[2].replacing(/^2,([^,]*),[^,]*,[^,]*/) { "2,\($0.1),nan,nan" }
    for (line, message) in [(huge, "line 3 is not round 2"), (nan, "line 3: testLoss is not a number")] {
      try Data((lines[0] + "\n" + lines[1] + "\n" + line + "\n").utf8).write(to: URL(fileURLWithPath: directory.metrics))
      let error = #expect(throws: TrainingError.self) { try PrivacyReport(of: directory) }
      #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
    let infinite = lines[2].replacing(/^2,([^,]*),[^,]*,[^,]*/) { "2,\($0.1),inf,inf" }
    try Data((lines[0] + "\n" + lines[1] + "\n" + infinite + "\n").utf8).write(to: URL(fileURLWithPath: directory.metrics))
    #expect(try PrivacyReport(of: directory).terminalText().contains("ε spent"))
  }

  @Test("an edited plan, a ledger without its last charge, and a record that claims to have ended are seen through")
  func edited() async throws {
    let directory = try await run()
    defer { remove(directory) }
    let plan = try String(contentsOfFile: directory.plan, encoding: .utf8)
    try Data(plan.replacing("0.001", with: "0.01").utf8).write(to: URL(fileURLWithPath: directory.plan))
    #expect(throws: TrainingError.self) { try PrivacyReport(of: directory) }
    try Data(plan.utf8).write(to: URL(fileURLWithPath: directory.plan))
    _ = try PrivacyReport(of: directory)

    let short = try await run(stopAfter: 2)
    defer { remove(short) }
    let record = try String(contentsOfFile: short.record, encoding: .utf8)
    try Data(record.replacing("interrupted", with: "completed").utf8).write(to: URL(fileURLWithPath: short.record))
    #expect(try PrivacyReport(of: short).guarantee.rounds == 4)
    // What the run said about itself is bound to the ledger.
    for (from, to) in [
      (#""allowedRounds" : 4"#, #""allowedRounds" : 2"#), (#""repeated" : {"#, #""noOp" : {"#), ("stays secret", "is public"),
    ] {
      #expect(record.contains(from))
      try Data(record.replacing(from, with: to).utf8).write(to: URL(fileURLWithPath: short.record))
      #expect(throws: TrainingError.self, "\(from)") { try PrivacyReport(of: short) }
    }
    try Data(record.replacing(#""formatVersion" : 2"#, with: #""formatVersion" : 3"#).utf8).write(to: URL(fileURLWithPath: short.record))
    let version = #expect(throws: TrainingError.self) { try PrivacyReport(of: short) }
    #expect(version?.description.contains("another version") == true)
    // The ledger of a run of one round, under the same plan, in place of the whole one.
    try FileManager.default.removeItem(atPath: directory.ledger)
    let cut = try PrivacyLedger.create(
      at: directory.ledger, planHash: directory.readRecord().planHash, startHash: directory.readRecord().startHash())
    try cut.charge(round: 1, event: .noOp)
    #expect(throws: TrainingError.self) { try PrivacyReport(of: directory) }
  }
}
