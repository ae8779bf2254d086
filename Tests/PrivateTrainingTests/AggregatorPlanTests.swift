import Aggregation
import Foundation
import PrivacyAccounting
import PrivacyEvents
import PrivateTraining
import Testing

@Suite("Aggregators in plans")
struct AggregatorPlanTests {
  private static let cyclic = "sampling={cyclic: {clientsPerRound: 15}}"
  /// The small plan with ε = 8 at δ = 1e-3, `aggregation`, and people's rounds kept apart where the noise needs it.
  private func compile(_ aggregation: String, _ more: String...) throws -> CompiledPlan {
    var node = try PlanNode(text: smallPlan, source: "plan.yaml")
    for change in ["aggregation=\(aggregation)"] + more { try node.set(change) }
    return try CompiledPlan(TrainingPlan(node))
  }

  private func run(_ compiled: CompiledPlan, seed: UInt64? = nil) async throws -> (reports: [RoundReport], directory: RunDirectory) {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-aggregator-\(UUID())").path
    let directory = try RunDirectory(creating: path, for: compiled)
    var options = PrivateTrainer.Options()
    options.insecureReproducibleSeed = seed
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options)
    var reports: [RoundReport] = []
    for try await report in trainer.rounds() { reports.append(report) }
    return (reports, directory)
  }

  @Test(
    "every aggregation runs by its bare name or with its settings, and its settled plan reads back from the run's folder",
    arguments: [
      "mean", "{clipping: {clippingNorm: 1}}", "adaptiveClipping", "robust", "{robust: {zeroing: false}}", "compression",
      "{compression: {bits: 4, threshold: 10, clipping: false}}", "entropy", "secure", "dp", "{dp: {zeroing: false}}", "gaussianAdaptive",
      "{gaussianFixed: {clippingNorm: 1}}", "ddp", "{ddp: {noise: discreteGaussian, bits: 18, minimumClients: 5, rotation: fourier}}",
      "{ddpFixed: {clippingNorm: 0.5}}", "tree", "{tree: {clippingNorm: 0.5, efficient: false, restartFrequency: 3}}",
      "{treeAdaptive: {restartWarmup: 2, restartFrequency: 4}}", "banded", "{banded: {bands: 2, clippingNorm: 0.5}}", "blt",
      "{blt: {buffers: 2, noiseMultiplier: 3}}",
    ])
  func runs(aggregation: String) async throws {
    let plan = try makePlan(smallPlan, "aggregation=\(aggregation)")
    let compiled =
      try plan.aggregation.isPrivate
      ? compile(aggregation, Self.cyclic) : compile(aggregation, Self.cyclic, "privacy=null", "algorithm.weighting=examples")
    let (reports, directory) = try await run(compiled)
    defer { try? FileManager.default.removeItem(atPath: directory.path) }
    #expect(reports.count == 4 && reports.allSatisfy { $0.rejection == nil })
    #expect(try directory.readPlan() == compiled.plan)
    let again = try CompiledPlan(compiled.plan)
    #expect(again.hash == compiled.hash)
    guard plan.aggregation.isPrivate else { return }
    // What the screen showed is what the ledger holds.
    let total = try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash).totalEvent()
    let privacy = try #require(compiled.privacy)
    let ledger = try privacy.accountant.epsilon(of: total, delta: 1e-3).upper
    let shown = try #require(reports.last?.epsilon?.upper)
    #expect(abs(ledger / shown - 1) < 1e-9 && shown <= 8)
    #expect(compiled.facts.allowedRounds == 4)
    if plan.aggregation.isCalibrated { #expect(shown > 7.999, "\(shown)") }
    let spent = reports.compactMap { $0.epsilon?.upper }
    #expect(spent.count == 4 && zip(spent, spent.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test("noise correlated over the rounds is charged as the whole run so far, each charge in place of the last")
  func wholeRun() async throws {
    let compiled = try compile("{banded: {bands: 3}}", "sampling={cyclic: {clientsPerRound: 10, cycle: 3}}", "algorithm.rounds=8")
    let privacy = try #require(compiled.privacy)
    #expect(privacy.roundEvent == nil && privacy.sampling == .cyclicPoisson(rate: 0.5, cycle: 3))
    let (_, directory) = try await run(compiled)
    defer { try? FileManager.default.removeItem(atPath: directory.path) }
    let ledger = try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash)
    let charges = try ledger.charges()
    #expect(charges.map(\.scope) == [LedgerCharge.Scope](repeating: .run, count: 8))
    #expect(try charges.map(\.event) == (1...8).map { try privacy.event(rounds: $0) })
    #expect(try ledger.totalEvent() == .composed([privacy.event(rounds: 8)]))
    // Three participations at rate ½ of a Gaussian whose multiplier is the plan's.
    let multiplier = try #require(compiled.aggregation.noiseSplit?.noiseMultiplier)
    let amplified = PrivacyEvent.gaussian(noiseMultiplier: multiplier).sampled(.poisson(rate: 0.5)).repeated(3)
    let expected = try PrivacyAccountant().epsilon(of: amplified, delta: 1e-3).upper
    #expect(abs(try privacy.epsilon(afterRounds: 8).upper / expected - 1) < 1e-9)
    #expect(expected <= 8 && expected > 7.999)
  }

  @Test("a tree's ε is that of its sensitivity: 4 participations 4 rounds apart out of 16, none of them amplified")
  func tree() throws {
    let compiled = try compile("{tree: {noiseMultiplier: 5}}", Self.cyclic, "algorithm.rounds=16", "privacy.epsilon=null")
    let privacy = try #require(compiled.privacy)
    #expect(
      try privacy.event(rounds: 16)
        == .treeAggregation(noiseMultiplier: 5, steps: 16, maximumParticipations: 4, minimumSeparation: 4))
    // Rounds 0, 4, 8, 12: levels of 1, 2 and 4 rounds hold one each, of 8 two in each of 2 nodes, of 16 all four.
    let sensitivity = (4.0 + 4 + 4 + 2 * 4 + 16).squareRoot()
    let expected = try PrivacyAccountant().epsilon(of: .gaussian(noiseMultiplier: 5 / sensitivity), delta: 1e-3).upper
    #expect(abs(try privacy.epsilon(afterRounds: 16).upper / expected - 1) < 1e-9)
    #expect(compiled.facts.releases.contains { $0.contains("dyadic ranges") })
  }

  @Test("clients' own noise is charged without amplification: every turn of a person's part, or every round where anybody may come")
  func distributed() throws {
    let fixed = "{ddpFixed: {clippingNorm: 1, noiseMultiplier: 2}}"
    let apart = try compile(fixed, Self.cyclic, "algorithm.rounds=8", "privacy.epsilon=null")
    let privacy = try #require(apart.privacy)
    guard case .repeated(let round, 2) = try privacy.event(rounds: 8), case .skellam(_, _, _, let dimension) = round else {
      Issue.record("\(try privacy.event(rounds: 8))")
      return
    }
    #expect(dimension == 65_536 && privacy.accountant.neighboringRelation == .zeroOut)
    // ⌈5/4⌉ turns after 5 rounds.
    #expect(
      try privacy.event(rounds: 5) == .repeated(event: round, count: 2) && privacy.event(rounds: 4) == .repeated(event: round, count: 1))
    let anybody = try compile(fixed, "algorithm.rounds=8", "privacy.epsilon=null")
    guard case .repeated(.skellam, 8) = try #require(anybody.privacy).event(rounds: 8) else {
      Issue.record("charged with amplification")
      return
    }
    #expect(anybody.warnings.contains { $0.contains("use cyclic sampling") })
    #expect(apart.warnings.isEmpty && apart.facts.assumptions.contains { $0.contains("at least 12 of every released round") })
    #expect(!apart.facts.assumptions.contains { $0.contains("stays secret") })
  }

  @Test(
    "who is replaced moves a sum twice as far as who is zeroed: twice the noise, whatever the mechanism",
    arguments: ["ddpFixed", "tree", "banded"])
  func replaceOne(aggregation: String) throws {
    let settings = "{\(aggregation): {clippingNorm: 1}}"
    let zeroed = try compile(settings, Self.cyclic, "privacy.neighboringRelation=zeroOut").plan.aggregation
    let replaced = try compile(settings, Self.cyclic, "privacy.neighboringRelation=replaceOne").plan.aggregation
    let (z, twice) = (try #require(zeroed.calibrated), try #require(replaced.calibrated))
    #expect(twice >= 1.99 * z && twice < 2.5 * z, "\(z) \(twice)")
  }

  @Test("a cohort too small for its noise is dropped: charged, the model unchanged, the run goes on")
  func tooFewClients() async throws {
    let compiled = try compile(
      "{ddpFixed: {clippingNorm: 1, minimumClients: 15}}", "sampling={cyclic: {clientsPerRound: 15, cycle: 4}}", "algorithm.rounds=6")
    let (reports, directory) = try await run(compiled, seed: 1)
    defer { try? FileManager.default.removeItem(atPath: directory.path) }
    #expect(reports.count == 6 && reports.contains { $0.rejection == .tooFewClients } && reports.contains { $0.rejection == nil })
    #expect(try PrivacyLedger.open(at: directory.ledger, planHash: compiled.hash).charges().count == 6)
  }

  @Test("a cycle is as long as the cohorts allow; longer ones and free sampling of correlated noise are refused with the remedy")
  func cycles() throws {
    let compiled = try compile("tree", Self.cyclic)
    #expect(compiled.plan.sampling == .cyclic(clientsPerRound: 15, cycle: 4, seed: 1))
    #expect(compiled.privacy?.sampling == .cyclicPoisson(rate: 1, cycle: 4) && compiled.expectedCohort == 15)
    for (changes, message) in [
      (["aggregation=tree"], "sampling={cyclic: {clientsPerRound: 30}}"),
      (["aggregation=blt", "sampling={fixedSize: {clientsPerRound: 10}}"], "correlated over the rounds"),
      (["aggregation=banded", "sampling={cyclic: {clientsPerRound: 15, cycle: 5}}"], "fill only 4 cohorts of 15"),
      (["aggregation=ddp", "privacy.neighboringRelation=addOrRemoveOne"], "takes its noise along"),
      (["aggregation={ddp: {noise: discreteGaussian}}", Self.cyclic, "privacy.neighboringRelation=replaceOne"], "or Skellam noise"),
      (["aggregation={ddpFixed: {clippingNorm: 1, noiseMultiplier: 50, bits: 22}}", "sampling={cyclic: {clientsPerRound: 1}}"], "fewer"),
      (["aggregation={banded: {bands: 1024}}", "algorithm.rounds=100_000", Self.cyclic], "aggregation.banded.bands"),
      (["aggregation={treeAdaptive: {restartWarmup: 9}}"], "restartFrequency"),
      (["aggregation={tree: {restartWarmup: 9, restartFrequency: 3}}"], "in 1…3"),
      (["aggregation={ddp: {bits: 40}}"], "in 1…22"),
      (["aggregation={banded: {bands: 0}}"], "in 1…1024"),
      (["aggregation={ddpFixed: {clippingNorm: 1, bits: 4}}", Self.cyclic], "bits"),
      (["aggregation={ddp: {minimumClients: 16}}", Self.cyclic], "minimum clients"),
      (["aggregation={treeAdaptive: {clippedCountStandardDeviation: 0.001}}", Self.cyclic], "count"),
    ] {
      var node = try PlanNode(text: smallPlan, source: "plan.yaml")
      let error = #expect(throws: (any Error).self) {
        for change in changes { try node.set(change) }
        _ = try CompiledPlan(TrainingPlan(node))
      }
      #expect(String(describing: error).contains(message), "\(changes): \(String(describing: error))")
    }
  }
}

extension AggregationPlan {
  /// The settled multiplier.
  fileprivate var calibrated: Double? {
    switch self {
    case .ddpFixed(let multiplier, _, _, _, _, _), .tree(let multiplier, _, _, _, _), .banded(let multiplier, _, _): multiplier
    default: nil
    }
  }

  /// Whether the multiplier of this plan, as written, is calibrated.
  fileprivate var isCalibrated: Bool {
    if case .blt(.some, _, _) = self { false } else { true }
  }
}
