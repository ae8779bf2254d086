import Aggregation
import FederatedLearning
import Foundation
import NeuralNetworks
import PrivacyAccounting
import Synchronization

/// Carries a compiled plan out, one round at a time, and reports ε beside quality.
///
/// ```swift
/// let trainer = try PrivateTrainer(CompiledPlan(plan))
/// for try await round in trainer.rounds() { print(round.round, round.metrics?.testAccuracy ?? 0, round.epsilon?.upper ?? 0) }
/// ```
public final class PrivateTrainer: Sendable {
  /// What is not part of the plan.
  public struct Options: Sendable {
    /// Worker threads.
    public var workers = ComputeExecutor.coreCount
    /// Show exact figures about the round's clients, which then stand in the leak list.
    public var showsNonPrivateFigures = false
    /// Draw noise and cohorts from this seed.
    /// - Warning: whoever knows the seed can take the noise off: for tests only, and every report says so.
    public var insecureReproducibleSeed: UInt64?

    /// The defaults: one worker per core, released figures only, noise from the operating system.
    public init() {}
  }

  /// The plan that is carried out.
  public let compiled: CompiledPlan
  private let session: TrainingSession
  private let stopRequest = Mutex(false)

  /// Prepares a run; with a directory everything is kept there, otherwise the ledger is in memory.
  public init(_ compiled: CompiledPlan, directory: RunDirectory? = nil, options: Options = Options()) throws(TrainingError) {
    self.compiled = compiled
    session = try TrainingSession(compiled, directory: directory, options: options)
  }

  /// The rounds: each `next()` carries out exactly one, so that nothing is charged after the reader stops.
  public func rounds() -> TrainingRounds { TrainingRounds(trainer: self) }

  /// Ends the run after the round that is under way, with everything written. Safe from any thread.
  public func requestStop() { stopRequest.withLock { $0 = true } }

  /// How the run ended, with the quality of its last model; `running` while it has not.
  public func record() async -> RunRecord { await session.record }

  /// The model after the last finished round.
  public func model() async throws(TrainingError) -> ModelCheckpoint { try await session.checkpoint() }

  fileprivate func next() async throws -> RoundReport? {
    try await session.next(isStopRequested: stopRequest.withLock { $0 })
  }
}

/// The rounds of a run, carried out as they are asked for.
public struct TrainingRounds: AsyncSequence, Sendable {
  public typealias Element = RoundReport
  let trainer: PrivateTrainer

  public func makeAsyncIterator() -> Iterator { Iterator(trainer: trainer) }

  /// Carries out one round per call.
  public struct Iterator: AsyncIteratorProtocol {
    let trainer: PrivateTrainer
    public mutating func next() async throws -> RoundReport? { try await trainer.next() }
  }
}

/// The state of a run between two rounds.
private actor TrainingSession {
  private let compiled: CompiledPlan
  private let directory: RunDirectory?
  private let options: PrivateTrainer.Options
  private let randomness: RunRandomness
  private let process: FederatedAveraging
  private let evaluation: FederatedEvaluation
  private let ledger: PrivacyLedger
  private let plannedEpsilon: PrivacyBound?
  private var state: FederatedAveraging.State
  private var isBusy = false
  private(set) var record: RunRecord

  init(_ compiled: CompiledPlan, directory: RunDirectory?, options: PrivateTrainer.Options) throws(TrainingError) {
    do {
      self.compiled = compiled
      self.directory = directory
      self.options = options
      randomness =
        if let seed = options.insecureReproducibleSeed { .reproducible(seed: seed) } else { try .secure(seed: compiled.plan.seed) }
      let executor = ComputeExecutor(threadCount: options.workers)
      process = try compiled.process(randomness: randomness, executor: executor)
      evaluation = try FederatedEvaluation(graph: compiled.plan.task.graph, clients: compiled.dataset.test, executor: executor)
      state = try process.initialState()
      plannedEpsilon = try compiled.privacy?.epsilon(afterRounds: compiled.plan.algorithm.rounds)
      record = RunRecord(compiled, options: options)
      // The ledger comes last, so that without one nothing can have been charged.
      try directory?.write(record)
      ledger = try .create(at: directory?.ledger, planHash: compiled.hash, startHash: record.startHash())
    } catch { throw TrainingError(error) }
  }

  /// Carries out one round, or concludes the run and returns nil.
  func next(isStopRequested: Bool) async throws(TrainingError) -> RoundReport? {
    guard record.status == .running else { return nil }
    // An actor lets another call in while this one waits for the clients.
    guard !isBusy else { throw .other("a round is under way already: ask for rounds from one place only") }
    isBusy = true
    defer { isBusy = false }
    let round = record.completedRounds + 1
    guard round <= record.plannedRounds else {
      try await conclude(.completed)
      return nil
    }
    do {
      // Projected before any client is touched.
      let spent = try compiled.privacy?.epsilon(afterRounds: round)
      if let budget = compiled.plan.privacy?.epsilon, let spent, spent.upper > budget {
        try await conclude(.budget)
        return nil
      }
      if isStopRequested {
        try await conclude(.interrupted)
        return nil
      }
      let clock = ContinuousClock()
      let start = clock.now
      let cohort = compiled.sampler.sample(
        round: round, populationSize: compiled.populationSize, using: try randomness.clientSampling(round: round))
      let (ledger, charge) = (ledger, try compiled.privacy?.charge(round: round))
      let (next, outcome) = try await process.next(state, round: round, cohort: cohort) {
        if let charge { try ledger.charge(round: round, event: charge.event, scope: charge.scope) }
      }
      // From here on the round is paid for: it finishes even if the caller is cancelled.
      state = next
      record.completedRounds = round
      let seconds = (clock.now - start) / .seconds(1)
      let isTested = round % compiled.plan.evaluation.everyRounds == 0 || round == record.plannedRounds
      record.finalMetrics = isTested ? try await test() : nil
      record.seconds += (clock.now - start) / .seconds(1)
      let report = report(round: round, spent: spent, outcome: outcome, seconds: seconds)
      if let directory {
        try checkpoint().write(to: directory.model)
        try MetricsFile.append(report, to: directory.metrics)
      }
      return report
    } catch {
      let failure = TrainingError(error)
      if case .learning(.cancelled) = failure {
        try await conclude(.interrupted)
        return nil
      }
      throw failure
    }
  }

  /// Ends the run and writes its record.
  private func conclude(_ status: RunRecord.Status) async throws(TrainingError) {
    guard record.status == .running else { return }
    if record.finalMetrics == nil { record.finalMetrics = try await test() }
    record.status = status
    if let directory {
      try directory.write(record)
      if record.completedRounds == 0 { try checkpoint().write(to: directory.model) }
    }
  }

  func checkpoint() throws(TrainingError) -> ModelCheckpoint {
    do {
      return try ModelCheckpoint(
        graph: compiled.plan.task.graph, parameters: state.parameters, planHash: compiled.hash, rounds: record.completedRounds)
    } catch { throw TrainingError(error) }
  }

  /// Tests the model on the test people, in a task of its own, so that a cancelled caller does not lose a round that is paid for.
  private func test() async throws(TrainingError) -> RoundReport.TestMetrics? {
    let (evaluation, parameters) = (evaluation, state.parameters)
    do {
      let sums = try await Task { try await evaluation.metrics(of: parameters) }.value
      return sums.count > 0 && sums.meanLoss.isFinite ? .init(testLoss: sums.meanLoss, testAccuracy: sums.accuracy) : nil
    } catch { throw TrainingError(error) }
  }

  private func report(round: Int, spent: PrivacyBound?, outcome: RoundOutcome, seconds: Double) -> RoundReport {
    let privacy = compiled.plan.privacy
    let showsExact = privacy == nil || options.showsNonPrivateFigures
    // Exact figures never stand in for released ones in a private run.
    let visible = outcome.measurements.filter { $0.protection == .released || privacy == nil }
    func released(_ name: AggregationMeasurementName) -> Double? { visible.first { $0.name == name }?.value }
    let train = outcome.trainMetrics
    let exact = RoundReport.NonPrivateFigures(
      participants: Int(outcome.value(.participants) ?? 0), rejectedUpdates: Int(outcome.value(.rejectedUpdates) ?? 0),
      clippedCount: outcome.value(.clippedCount).map { Int($0) },
      trainLoss: train.count > 0 && train.meanLoss.isFinite ? train.meanLoss : nil, trainAccuracy: train.count > 0 ? train.accuracy : nil)
    return RoundReport(
      round: round, plannedRounds: record.plannedRounds, expectedCohort: compiled.expectedCohort, metrics: record.finalMetrics,
      epsilon: spent.map(RoundReport.Interval.init), plannedEpsilon: plannedEpsilon.map(RoundReport.Interval.init),
      epsilonBudget: privacy?.epsilon, delta: privacy?.delta, clippingNorm: released(.clippingNorm),
      noisedFractionClipped: released(.noisedFractionClipped), noiseStandardDeviation: released(.noiseStandardDeviation),
      signalToNoiseRatio: released(.signalToNoiseRatio), rejection: outcome.rejection, seconds: seconds,
      hasReproducibleNoise: record.hasReproducibleNoise, nonPrivate: showsExact ? exact : nil)
  }
}

extension RunRecord {
  fileprivate init(_ compiled: CompiledPlan, options: PrivateTrainer.Options) {
    var facts = compiled.facts
    if compiled.plan.privacy != nil && options.showsNonPrivateFigures {
      facts.addLeak("exact numbers of participants, of clipped and of rejected updates, and training loss and accuracy: shown on request")
    }
    self.init(
      softwareVersion: EpsilonVersion.current, name: compiled.plan.name, planHash: compiled.hash,
      started: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)), status: .running,
      completedRounds: 0, plannedRounds: compiled.plan.algorithm.rounds, seconds: 0, workers: options.workers,
      instructionSet: InstructionSet.effective, hasReproducibleNoise: options.insecureReproducibleSeed != nil,
      showsNonPrivateFigures: options.showsNonPrivateFigures, finalMetrics: nil, facts: facts)
  }
}
