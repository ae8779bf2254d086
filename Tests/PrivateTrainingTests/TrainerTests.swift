import Foundation
import GRDB
import NeuralNetworks
import PrivacyAccounting
import PrivacyEvents
import PrivateTraining
import SecureNoise
import Testing

/// A folder that is gone when the test ends.
final class TemporaryFolder {
  let path: String
  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-test-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("Private training")
struct TrainerTests {
  private func collect(_ trainer: PrivateTrainer) async throws -> [RoundReport] {
    var reports: [RoundReport] = []
    for try await report in trainer.rounds() { reports.append(report) }
    return reports
  }

  private func options(workers: Int = 2, seed: UInt64? = 9, showsExact: Bool = false) -> PrivateTrainer.Options {
    var options = PrivateTrainer.Options()
    options.workers = workers
    options.insecureReproducibleSeed = seed
    options.showsNonPrivateFigures = showsExact
    return options
  }

  @Test("a run leaves its five files, and they agree with each other")
  func files() async throws {
    let folder = try TemporaryFolder()
    let compiled = try CompiledPlan(makePlan())
    let directory = try RunDirectory(creating: folder.path + "/run", for: compiled)
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options(seed: nil))
    let reports = try await collect(trainer)
    #expect(reports.map(\.round) == [1, 2, 3, 4])
    #expect(reports.map { $0.metrics != nil } == [false, true, false, true])
    #expect(try directory.readPlan() == compiled.plan)
    let record = try directory.readRecord()
    #expect(record.status == .completed && record.completedRounds == 4 && !record.hasReproducibleNoise)
    #expect(record == (await trainer.record()))
    let rows = try directory.readMetrics()
    #expect(rows.map { $0[.epsilonUpper] } == reports.map { $0.epsilon?.upper })
    #expect(rows.allSatisfy { $0[.participants] == nil && $0[.trainLoss] == nil })
    let ledger = try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash)
    let event = try #require(compiled.privacy?.roundEvent)
    #expect(try ledger.charges().map(\.event) == [event, event, event, event])
    #expect(try ledger.totalEvent() == .composed([event.repeated(4)]))
    let checkpoint = try ModelCheckpoint(contentsOf: directory.model)
    #expect(checkpoint == (try await trainer.model()) && checkpoint.header.rounds == 4)
  }

  @Test("ε of every round is the accountant's for the events in the ledger, and never above the budget")
  func epsilon() async throws {
    let compiled = try CompiledPlan(makePlan())
    let reports = try await collect(PrivateTrainer(compiled, options: options()))
    let event = try #require(compiled.privacy?.roundEvent)
    for report in reports {
      let bound = try PrivacyAccountant().epsilon(of: event.repeated(report.round), delta: 1e-3)
      #expect(abs((report.epsilon?.upper ?? 0) - bound.upper) < 1e-11 && bound.upper <= 8)
      // A curve's answers depend on what it was asked before, within their intervals.
      #expect(abs((report.plannedEpsilon?.upper ?? 0) - (reports.last?.epsilon?.upper ?? 9)) < 1e-9)
    }
  }

  @Test("the same bits with one and two workers and seeded noise; other seeds and secure noise differ")
  func repeatable() async throws {
    let compiled = try CompiledPlan(makePlan())
    func parameters(workers: Int, seed: UInt64?) async throws -> [Float] {
      let trainer = try PrivateTrainer(compiled, options: options(workers: workers, seed: seed))
      _ = try await collect(trainer)
      return try await trainer.model().parameters
    }
    let one = try await parameters(workers: 1, seed: 9)
    #expect(try await parameters(workers: 2, seed: 9) == one)
    #expect(try await parameters(workers: 2, seed: 10) != one)
    #expect(try await parameters(workers: 2, seed: nil) != parameters(workers: 2, seed: nil))
  }

  @Test(
    "every aggregation of a plan trains to finite metrics, spends ε only where it is private, and names what it leaks",
    arguments: [
      "mean", "robust", "{robust: {zeroing: false}}", "{compression: {bits: 4, threshold: 100}}", "{entropy: {stepSize: 0.01}}", "secure",
    ])
  func aggregations(name: String) async throws {
    let plan = try makePlan(smallPlan, "privacy=null", "aggregation=\(name)", "algorithm.weighting=examples", "algorithm.rounds=2")
    let trainer = try PrivateTrainer(CompiledPlan(plan), options: options())
    let reports = try await collect(trainer)
    #expect(reports.count == 2 && reports.last?.metrics?.testLoss.isFinite == true)
    #expect(reports.allSatisfy { $0.epsilon == nil && $0.rejection == nil })
  }

  @Test("the private default calibrates, stays within its budget, and its norms are inside the event")
  func privateDefault() async throws {
    let compiled = try CompiledPlan(makePlan(smallPlan, "aggregation=dp", "algorithm.rounds=2"))
    #expect(compiled.aggregation.leaks.isEmpty)
    let reports = try await collect(try PrivateTrainer(compiled, options: options()))
    #expect(reports.count == 2 && reports.allSatisfy { ($0.epsilon?.upper ?? 9) <= 8 })
  }

  @Test("the round that would overspend is refused before it is charged")
  func budget() async throws {
    let compiled = try CompiledPlan(makePlan(smallPlan, "aggregation.gaussianAdaptive.noiseMultiplier=1", "algorithm.rounds=50"))
    let folder = try TemporaryFolder()
    let directory = try RunDirectory(creating: folder.path + "/run", for: compiled)
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options())
    let reports = try await collect(trainer)
    let event = try #require(compiled.privacy?.roundEvent)
    let last = try #require(reports.last)
    #expect((last.epsilon?.upper ?? 9) <= 8)
    #expect(try PrivacyAccountant().epsilon(of: event.repeated(last.round + 1), delta: 1e-3).upper > 8)
    let record = await trainer.record()
    #expect(record.status == .budget && record.finalMetrics != nil)
    #expect(try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash).charges().count == last.round)
  }

  @Test("exact figures appear only on request, and then in the leak list")
  func nonPrivateFigures() async throws {
    let compiled = try CompiledPlan(makePlan())
    let quiet = try PrivateTrainer(compiled, options: options())
    #expect(try await collect(quiet).allSatisfy { $0.nonPrivate == nil })
    #expect(await quiet.record().facts.leaks.allSatisfy { !$0.contains("participants") })
    let loud = try PrivateTrainer(compiled, options: options(showsExact: true))
    let reports = try await collect(loud)
    #expect(reports.allSatisfy { $0.nonPrivate?.clippedCount != nil })
    // Poisson draws: the exact number differs from the expected one in some round.
    #expect(reports.contains { Double($0.nonPrivate?.participants ?? 30) != $0.expectedCohort })
    #expect(await loud.record().facts.leaks.contains { $0.contains("participants") })
  }

  @Test("released figures come from the noise: clip norm, noised fraction, noise deviation, signal to noise")
  func releasedFigures() async throws {
    let compiled = try CompiledPlan(makePlan())
    let reports = try await collect(PrivateTrainer(compiled, options: options()))
    let split = try #require(compiled.aggregation.noiseSplit)
    #expect(reports.first?.clippingNorm == 0.5)
    for report in reports {
      let norm = try #require(report.clippingNorm)
      #expect(abs((report.noiseStandardDeviation ?? 0) - split.updateNoiseMultiplier * norm / 30) < 1e-12)
      #expect((0...1).contains(report.noisedFractionClipped ?? -1) && report.signalToNoiseRatio != nil)
    }
    #expect(Set(reports.map(\.clippingNorm)).count > 1)
  }

  @Test("a requested stop ends after the round under way, with everything written")
  func interruption() async throws {
    let folder = try TemporaryFolder()
    let compiled = try CompiledPlan(makePlan())
    let directory = try RunDirectory(creating: folder.path + "/run", for: compiled)
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options())
    var count = 0
    for try await report in trainer.rounds() {
      count += 1
      if report.round == 1 { trainer.requestStop() }
    }
    let record = try directory.readRecord()
    #expect(count == 1 && record.status == .interrupted && record.completedRounds == 1 && record.finalMetrics != nil)
    #expect(try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash).charges().count == 1)
  }

  @Test("the time of a round leaves out the test of its model, which the time of the run counts")
  func seconds() async throws {
    let trainer = try PrivateTrainer(CompiledPlan(makePlan(smallPlan, "evaluation.everyRounds=1")), options: options())
    let rounds = try await collect(trainer).map(\.seconds)
    let total = await trainer.record().seconds
    #expect(rounds.allSatisfy { $0 > 0 } && rounds.reduce(0, +) < total)
  }

  @Test("a folder whose preparation was cut short says that nothing was charged; one that lost a file says which")
  func unprepared() async throws {
    let folder = try TemporaryFolder()
    let compiled = try CompiledPlan(makePlan(smallPlan, "algorithm.rounds=1"))
    let directory = try RunDirectory(creating: folder.path + "/run", for: compiled)
    func message() throws -> String {
      try #require(throws: TrainingError.self) { try RunDirectory(existing: directory.path) }.description
    }
    #expect(try message().contains("nothing was charged and nothing released; remove the folder"))
    _ = try await collect(try PrivateTrainer(compiled, directory: directory, options: options()))
    _ = try RunDirectory(existing: directory.path)
    for file in [directory.record, directory.ledger, directory.plan] {
      try FileManager.default.moveItem(atPath: file, toPath: folder.path + "/kept")
      #expect(try message().hasPrefix(file + ": does not exist"))
      try FileManager.default.moveItem(atPath: folder.path + "/kept", toPath: file)
    }
  }

  @Test("a reader that stops asking has nothing charged behind its back")
  func pulled() async throws {
    let folder = try TemporaryFolder()
    let compiled = try CompiledPlan(makePlan())
    let directory = try RunDirectory(creating: folder.path + "/run", for: compiled)
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options())
    for try await report in trainer.rounds() where report.round == 2 { break }
    #expect(try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash).charges().count == 2)
    #expect(try directory.readRecord().status == .running)
  }

  @Test("a failure after the charge keeps the charge and loses no earlier round")
  func failureAfterCharge() async throws {
    let folder = try TemporaryFolder()
    let compiled = try CompiledPlan(makePlan())
    let directory = try RunDirectory(creating: folder.path + "/run", for: compiled)
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options())
    await #expect(throws: TrainingError.self) {
      for try await report in trainer.rounds() where report.round == 1 {
        // From now on the model cannot be written.
        try FileManager.default.removeItem(atPath: directory.model)
        try FileManager.default.createDirectory(atPath: directory.model + "/x", withIntermediateDirectories: true)
      }
    }
    #expect(try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash).charges().map(\.round) == [1, 2])
    #expect(try directory.readMetrics().map(\.round) == [1])
  }

  @Test("a run without privacy has no ε, shows exact figures and says that nothing is guaranteed")
  func withoutPrivacy() async throws {
    let compiled = try CompiledPlan(makePlan(smallPlan, "privacy=null", "aggregation=adaptiveClipping", "algorithm.weighting=examples"))
    let trainer = try PrivateTrainer(compiled, options: options())
    let reports = try await collect(trainer)
    #expect(reports.allSatisfy { $0.epsilon == nil && $0.nonPrivate != nil && $0.noisedFractionClipped != nil })
    #expect(await trainer.record().facts.leaks.first?.hasPrefix("everything") == true)
  }

  @Test("a folder in use is refused, so that no run is overwritten")
  func folderInUse() throws {
    let folder = try TemporaryFolder()
    let compiled = try CompiledPlan(makePlan())
    _ = try RunDirectory(creating: folder.path + "/run", for: compiled)
    #expect(throws: TrainingError.self) { try RunDirectory(creating: folder.path + "/run", for: compiled) }
    #expect(throws: TrainingError.self) { try RunDirectory(creating: "/proc/none/run", for: compiled) }
    #expect(throws: TrainingError.self) { try RunDirectory(existing: folder.path + "/none") }
    #expect(throws: TrainingError.self) { try RunDirectory(existing: folder.path) }
  }
}

@Suite("Ledger and checkpoint")
struct LedgerTests {
  private let event = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.poisson(rate: 0.1))

  @Test("charges survive reopening and chain to each other; a round is charged once")
  func chain() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/ledger.sqlite"
    let ledger = try PrivacyLedger.create(at: path, planHash: "plan")
    for round in 1...3 { try ledger.charge(round: round, event: event) }
    #expect(throws: LedgerError.self) { try ledger.charge(round: 2, event: event) }
    let reopened = try PrivacyLedger.open(at: path, planHash: "plan")
    #expect(try reopened.charges() == ledger.charges())
    #expect(Set(try reopened.charges().map(\.hash)).count == 3)
    #expect(throws: LedgerError.self) { try PrivacyLedger.open(at: path, planHash: "another") }
    #expect(throws: LedgerError.self) { try PrivacyLedger.open(at: folder.path + "/none", planHash: "plan") }
    #expect(throws: LedgerError.self) { try PrivacyLedger.create(at: path, planHash: "plan") }
  }

  @Test(
    "any change made outside is found",
    arguments: [
      "UPDATE charge SET event = replace(event, '1', '2') WHERE sequence = 2", "DELETE FROM charge WHERE sequence = 1",
      "DELETE FROM charge WHERE sequence = 2", "UPDATE charge SET date = '2020-01-01T00:00:00Z' WHERE sequence = 3",
      "UPDATE charge SET round = 9 WHERE sequence = 3", "UPDATE run SET planHash = 'x'", "DELETE FROM run", "DROP TABLE charge",
      "UPDATE charge SET round = 'nine' WHERE sequence = 3", "UPDATE charge SET event = x'FFFE00' WHERE sequence = 1",
      "UPDATE charge SET date = 1.5, hash = x'' WHERE sequence = 3", "UPDATE run SET formatVersion = 'two'",
      "UPDATE run SET startHash = x'FF', planHash = x'FF'", "DROP TABLE run", "ALTER TABLE charge DROP COLUMN scope",
    ])
  func tampering(statement: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/ledger.sqlite"
    let ledger = try PrivacyLedger.create(at: path, planHash: "plan")
    for round in 1...3 { try ledger.charge(round: round, event: event) }
    try DatabaseQueue(path: path).write { try $0.execute(sql: statement) }
    let error = #expect(throws: LedgerError.self) { try PrivacyLedger.open(at: path, planHash: "plan") }
    #expect(error.map { isPlain($0, naming: path) } == true, "\(String(describing: error))")
  }

  /// Whether an error names the file and a remedy, without the words of SQLite or of Swift.
  private func isPlain(_ error: any Error, naming path: String) -> Bool {
    let text = String(describing: error)
    return text.contains(path) && text.contains("; ") && !text.contains("SQL") && !text.contains("Error") && !text.contains("Context")
  }

  @Test("a ledger that was cut short or overwritten in places is an error with place and remedy, or still the same charges")
  func garbage() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/ledger.sqlite"
    do {
      let ledger = try PrivacyLedger.create(at: path, planHash: "plan")
      for round in 1...3 { try ledger.charge(round: round, event: event) }
    }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let charges = try PrivacyLedger.open(at: path, planHash: "plan").charges()
    var files = [Data(), Data(repeating: 7, count: 5_000), Data("SQLite format 3\0".utf8)]
    for length in stride(from: 1, to: whole.count, by: whole.count / 23) { files.append(whole.prefix(length)) }
    for start in stride(from: 0, to: whole.count - 64, by: whole.count / 61) {
      var garbled = whole
      for position in start..<(start + 64) { garbled[position] ^= 0x5A }
      files.append(garbled)
    }
    var refused = 0
    for file in files {
      try file.write(to: URL(fileURLWithPath: path))
      do {
        // Bytes that nothing refers to may change.
        #expect(try PrivacyLedger.open(at: path, planHash: "plan").charges() == charges)
      } catch {
        refused += 1
        #expect(isPlain(error, naming: path), "\(error)")
      }
    }
    #expect(refused >= 26)
  }

  @Test("a checkpoint reads back bit for bit; any damage is found")
  func checkpoint() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/model.epsilon"
    let graph = ModelGraph(inputShape: [3], layers: [.dense(units: 2)])
    let parameters: [Float] = [1, -0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1, .pi, -7, 8]
    let checkpoint = try ModelCheckpoint(graph: graph, parameters: parameters, planHash: "abc", rounds: 3)
    try checkpoint.write(to: path)
    let back = try ModelCheckpoint(contentsOf: path)
    #expect(back == checkpoint && back.parameters.map(\.bitPattern) == parameters.map(\.bitPattern))
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for position in stride(from: 0, to: whole.count, by: 7) {
      var damaged = whole
      damaged[position] ^= 0x40
      try damaged.write(to: URL(fileURLWithPath: path))
      #expect(throws: TrainingError.self) { try ModelCheckpoint(contentsOf: path) }
    }
    for length in [0, 4, 8, 15, 40, whole.count - 1] {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: TrainingError.self) { try ModelCheckpoint(contentsOf: path) }
      #expect(error.map { isPlain($0, naming: path) } == true, "\(String(describing: error))")
    }
    #expect(throws: TrainingError.self) { try ModelCheckpoint(contentsOf: folder.path + "/none") }
    // A whole file with a right checksum, whose layout has more values than can be counted.
    let length = whole[12..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = String(decoding: whole[16..<(16 + length)], as: UTF8.self)
    #expect(header.contains("[3,2]"))
    let absurd = Data(header.replacing("[3,2]", with: "[4611686018427387904,4]").utf8)
    var file = whole[..<12] + withUnsafeBytes(of: UInt32(absurd.count).littleEndian) { Data($0) } + absurd
    file += whole[(16 + length)..<(whole.count - 32)]
    try Data(file + SHA256.digest(of: Array(file))).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: TrainingError.self) { try ModelCheckpoint(contentsOf: path) }
    #expect(error?.description.contains("other parameters than its model has") == true)
  }
}
