public import Foundation
public import PrivacyAccounting
import PrivacyEvents
public import PrivateTraining

/// What a run guarantees, how, and what it does not: a value that renderers turn into text.
///
/// It is made from the files of the run alone: the settled plan, the record, the ledger, whose chain is verified, and the metrics.
public struct PrivacyReport: Codable, Hashable, Sendable {
  /// An interval around ε or δ.
  public typealias Interval = RoundReport.Interval

  /// What is promised.
  public struct Guarantee: Codable, Hashable, Sendable {
    /// ε at `delta`; `nil` where nothing is promised.
    public let epsilon: Interval?
    /// δ of the guarantee.
    public let delta: Double?
    /// How many rounds it covers.
    public let rounds: Int
    /// The guarantee in one sentence.
    public let sentence: String
    /// Why these rounds, in one sentence.
    public let basis: String
    /// How ε was bounded.
    public let method: AccountingMethod?
    /// Everything that it covers, as `epsilon account` reads it; `nil` where nothing is promised.
    public let event: String?
  }

  /// ε at one δ.
  public struct EpsilonAtDelta: Codable, Hashable, Sendable {
    /// δ.
    public let delta: Double
    /// ε of the rounds that the guarantee covers.
    public let guaranteed: Interval
    /// ε of the rounds charged so far, had their number been fixed ahead.
    public let soFar: Interval
  }

  /// One round of the curve.
  public struct Point: Codable, Hashable, Sendable {
    /// Round, from 1.
    public let round: Int
    /// ε up to it.
    public let epsilon: Double?
    /// Test accuracy after it, where tested.
    public let testAccuracy: Double?
    /// Test loss after it, where tested.
    public let testLoss: Double?
  }

  /// Name of the run.
  public let name: String
  /// Version of the program that trained.
  public let softwareVersion: String
  /// SHA-256 of the settled plan.
  public let planHash: String
  /// When the run began.
  public let started: Date
  /// How it ended.
  public let status: RunRecord.Status
  /// Rounds charged in the ledger.
  public let chargedRounds: Int
  /// Rounds released.
  public let completedRounds: Int
  /// Rounds planned.
  public let plannedRounds: Int
  /// Budget, if the plan has one.
  public let epsilonBudget: Double?
  /// What is promised.
  public let guarantee: Guarantee
  /// Whose data one guarantee is about.
  public let unitOfPrivacy: String
  /// Between which populations it holds.
  public let neighboringRelation: String
  /// How clients were drawn.
  public let sampling: String
  /// Mechanism of every release of a round.
  public let releases: [String]
  /// ε at several δ.
  public let epsilonAtDeltas: [EpsilonAtDelta]
  /// ε and quality by round.
  public let curve: [Point]
  /// Quality of the last model on people outside the training population.
  public let finalMetrics: RoundReport.TestMetrics?
  /// What is outside the guarantee.
  public let outsideTheGuarantee: [String]
  /// What the guarantee takes for granted.
  public let assumptions: [String]
  /// Hash of the last charge of the ledger.
  public let ledgerHead: String?

  /// The report of the run in `directory`.
  ///
  /// - Throws: ``TrainingError`` where a file is missing or damaged, or the ledger does not verify.
  public init(of directory: RunDirectory) throws(TrainingError) {
    let plan = try directory.readPlan()
    let record = try directory.readRecord()
    let rows = try directory.readMetrics()
    do {
      // δ, relation and budget are read from the plan, so it must be the one that ran.
      guard try plan.hash() == record.planHash else {
        throw TrainingError.damagedFile(
          path: directory.plan, problem: "is not the plan that this run carried out: its hash differs",
          remedy: "restore the file from a copy")
      }
      let ledger = try PrivacyLedger.open(at: directory.ledger, planHash: record.planHash, startHash: record.startHash())
      // The model knows the rounds that it went through, whatever the record and the table say.
      let hasModel = FileManager.default.fileExists(atPath: directory.model)
      let modelRounds = hasModel ? try ModelCheckpoint(contentsOf: directory.model).header.rounds : 0
      try self.init(
        plan: plan, record: record, rows: rows, modelRounds: modelRounds, charges: try ledger.charges(), total: try ledger.totalEvent())
      // A ledger whose end is missing would understate what was spent.
      let rounds = try ledger.charges().map(\.round)
      let isWhole = plan.privacy == nil || (rounds.count >= completedRounds && rounds.elementsEqual(rounds.indices.map { $0 + 1 }))
      guard isWhole else {
        throw TrainingError.damagedFile(
          path: directory.ledger,
          problem: "has \(chargedRounds) charges for \(completedRounds) released rounds, so that no guarantee can be given from it",
          remedy: "restore the file from a copy")
      }
    } catch let error as TrainingError {
      throw error
    } catch let error as LedgerError {
      throw .ledger(error)
    } catch let error as AccountingError {
      throw .accounting(error)
    } catch { throw .other(String(describing: error)) }
  }

  private init(
    plan: TrainingPlan, record: RunRecord, rows: [MetricsFile.Row], modelRounds: Int, charges: [LedgerCharge], total: PrivacyEvent
  ) throws {
    name = record.name
    softwareVersion = record.softwareVersion
    planHash = record.planHash
    started = record.started
    status = record.status
    chargedRounds = charges.count
    completedRounds = max(record.completedRounds, rows.last?.round ?? 0, modelRounds)
    plannedRounds = record.plannedRounds
    epsilonBudget = plan.privacy?.epsilon
    let unit = record.facts.hasSimulatedClients ? "one simulated client with all its examples" : "one person with all their examples"
    unitOfPrivacy = plan.privacy == nil ? "none" : unit
    sampling = Self.describe(record.facts)
    releases = record.facts.releases
    finalMetrics = record.finalMetrics
    assumptions = record.facts.assumptions
    ledgerHead = charges.last?.hash
    curve = rows.map {
      Point(round: $0.round, epsilon: $0[.epsilonUpper], testAccuracy: $0[.testAccuracy], testLoss: $0[.testLoss])
    }

    guard let privacy = plan.privacy, let allowedEvent = record.facts.allowedEvent else {
      neighboringRelation = "none"
      epsilonAtDeltas = []
      outsideTheGuarantee = record.facts.leaks
      guarantee = Guarantee(
        epsilon: nil, delta: nil, rounds: completedRounds,
        sentence: "No privacy is guaranteed: this run added no noise.", basis: "the plan has no privacy section", method: nil,
        event: nil)
      return
    }
    neighboringRelation = Self.describe(privacy.neighboringRelation)
    let accountant = privacy.privacyAccountant
    // What could still happen counts: where a person or a crash ended the run, the number of rounds may depend on results.
    // A record that calls itself ended is believed only if the charges say so too.
    let open = status == .running || status == .interrupted || charges.count < record.facts.allowedRounds
    // Where nothing was charged before somebody stopped the run, there was nothing to see that the stop could depend on.
    let isUntouched = status == .interrupted && charges.isEmpty
    let beyond = open && !isUntouched ? max(0, record.facts.allowedRounds - charges.count) : 0
    /// ε of what was charged, and of that and all that could still have happened; the record cannot talk down what the ledger holds.
    func bounds(_ delta: Double) throws -> (soFar: PrivacyBound, covered: PrivacyBound) {
      let soFar = try accountant.epsilon(of: total, delta: delta)
      guard beyond > 0 else { return (soFar, soFar) }
      let allowed = try accountant.epsilon(of: allowedEvent, delta: delta)
      return (soFar, allowed.upper < soFar.upper ? soFar : allowed)
    }
    let bound = try bounds(privacy.delta).covered
    epsilonAtDeltas = try (record.hasReproducibleNoise || isUntouched ? [] : Self.deltas(privacy.delta)).map { delta in
      let (soFar, covered) = try bounds(delta)
      return EpsilonAtDelta(delta: delta, guaranteed: Interval(covered), soFar: Interval(soFar))
    }
    outsideTheGuarantee = record.facts.leaks
    let basis =
      switch status {
      case .completed: "all planned rounds were carried out"
      case .budget: "the run stopped because the next round would have exceeded the budget, which depends on no data"
      case .interrupted where isUntouched:
        "the run was interrupted before its first round was charged, and released nothing that depends on the training data"
      case .interrupted:
        "the run was interrupted after \(charges.count) rounds; the decision to stop may depend on what was seen, so the guarantee is that of "
          + "all \(charges.count + beyond) rounds that the plan allows"
      case .running:
        "the run has not ended, or its process died, after \(charges.count) charged rounds; the guarantee is that of all \(charges.count + beyond) "
          + "rounds that the plan allows"
      }
    guarantee = Guarantee(
      epsilon: record.hasReproducibleNoise ? nil : Interval(bound), delta: privacy.delta, rounds: charges.count + beyond,
      sentence: isUntouched ? Self.untouched : Self.sentence(bound, privacy: privacy, record: record), basis: basis, method: bound.method,
      event: Self.expression(isUntouched ? .noOp : beyond > 0 ? allowedEvent : total))
  }

  /// The event in one line, without the list around a single part.
  private static func expression(_ event: PrivacyEvent) -> String {
    if case .composed(let parts) = event, parts.count == 1 { parts[0].expression } else { event.expression }
  }

  private static func deltas(_ own: Double) -> [Double] { Set([1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, own]).sorted(by: >) }

  private static let untouched =
    "Nothing that depends on the training data was released: ε = 0. The model is the one that training would have started from."

  private static func sentence(_ bound: PrivacyBound, privacy: PrivacyPlan, record: RunRecord) -> String {
    if record.hasReproducibleNoise {
      return "Not private: reproducible noise. Whoever knows the seed can take the noise off; with secret noise the same run would be "
        + "(\(Figure.up(bound.upper)), \(Figure.exact(privacy.delta)))-differentially private."
    }
    guard bound.upper.isFinite else { return "No privacy is guaranteed: ε is infinite at δ = \(Figure.exact(privacy.delta))." }
    let unit = record.facts.hasSimulatedClients ? "one simulated client" : "one person"
    let change =
      switch privacy.neighboringRelation {
      case .addOrRemoveOne: "whether or not \(unit) is in the training population"
      case .replaceOne: "which \(unit) stands in one place of the training population"
      case .zeroOut: "whether or not \(unit) contributes"
      }
    let figures = record.showsNonPrivateFigures ? "released figure but the exact ones below" : "released figure"
    let factor = exp(bound.upper) < 1e6 ? "e^ε = \(Figure.upSignificant(exp(bound.upper).nextUp))" : "e^ε"
    var sentence =
      "The model and every \(figures) of this run are (ε = \(Figure.up(bound.upper)), δ = \(Figure.exact(privacy.delta)))-differentially "
      + "private: \(change) changes the probability of any result by a factor of at most \(factor), except for a probability of at most δ."
    if bound.upper > 10 { sentence += " By itself so great an ε promises little." }
    if privacy.delta * Double(record.facts.populationSize) >= 1 {
      sentence += " δ is not below one over the number of people: publishing one of them at random would pass."
    }
    return sentence
  }

  private static func describe(_ relation: NeighboringRelation) -> String {
    switch relation {
    case .addOrRemoveOne: "add or remove one (the sum of clipped updates moves by at most the clipping norm)"
    case .replaceOne: "replace one (the sum of clipped updates moves by at most twice the clipping norm)"
    case .zeroOut: "zero out one (the sum of clipped updates moves by at most the clipping norm)"
    }
  }

  private static func describe(_ facts: RunFacts) -> String {
    switch facts.samplingScheme {
    case .poisson(let rate):
      "Poisson: each of \(facts.populationSize) takes part with probability \(Figure.plain(rate)), \(Figure.plain(facts.expectedCohort)) on average"
    case .fixedSizeWithoutReplacement(let cohort, let population): "fixed size: \(cohort) of \(population), without replacement"
    case .cyclicPoisson:
      "cyclic: \(facts.samplingScheme.title), \(Figure.plain(facts.expectedCohort)) of \(facts.populationSize) on average"
    default: facts.samplingScheme.title
    }
  }
}
