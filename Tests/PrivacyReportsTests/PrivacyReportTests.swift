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
  }

  @Test("a damaged or foreign file refuses the report")
  func damaged() async throws {
    for file in ["plan.json", "report.json", "metrics.csv", "ledger.sqlite"] {
      let directory = try await run(["algorithm.rounds=1"])
      defer { remove(directory) }
      try Data("round,what\n1,2\n".utf8).write(to: URL(fileURLWithPath: directory.path + "/" + file))
      #expect(throws: TrainingError.self, "\(file)") { try PrivacyReport(of: directory) }
    }
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

  @Test("figures are rounded up, never to a better guarantee")
  func figures() {
    for value in [0.10001, 1.23451, 7.99999999, 0.0123456789, 3.000000001, 12345.00001, 1e-7 / 3] {
      let shown = Double(Figure.up(value)) ?? -1
      #expect(shown >= value && shown <= value * 1.002, "\(value) \(shown)")
      #expect((Double(Figure.upSignificant(value)) ?? -1) >= value)
    }
    for value in [1.2341e-5, 9.9999e-7, 3e-300] { #expect((Double(Figure.scientificUp(value)) ?? -1) >= value) }
    #expect(Figure.interval(lower: 1.8282366661, upper: 1.8282366669) == "[1.828236666, 1.828236667]")
    #expect(Figure.interval(lower: 0, upper: 1.23456e-12, decimals: 3) == "[0, 1.235e-12]")
    #expect(Figure.interval(lower: 9.9996e-12, upper: 9.9996e-12, decimals: 3) == "[9.999e-12, 1.000e-11]")
    #expect(
      Figure.interval(lower: 0.5, upper: 0.5, decimals: 1) == "[0.5, 0.5]"
        && Figure.interval(lower: 1, upper: .infinity, decimals: 0) == "[1, ∞]")
    #expect(Figure.up(8) == "8" && Figure.up(.infinity) == "∞" && Figure.plain(1e-5) == "1e-5" && Figure.plain(0.25) == "0.25")
    #expect(Figure.up(2.1013221312354724, decimals: 6) == "2.101323")
    #expect(Figure.percent(0.9124) == "91.2 %")
  }
}
