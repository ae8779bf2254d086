public import Foundation
import PrivacyEvents
import SecureNoise
import Synchronization

/// The folder of a run: `plan.json`, `metrics.csv`, `ledger.sqlite`, `model.epsilon`, `report.json`.
public struct RunDirectory: Hashable, Sendable {
  /// The folder.
  public let path: String

  /// Where the settled plan is.
  public var plan: String { path + "/plan.json" }
  /// One line per round.
  public var metrics: String { path + "/metrics.csv" }
  /// The charges.
  public var ledger: String { path + "/ledger.sqlite" }
  /// The model after the last finished round.
  public var model: String { path + "/model.epsilon" }
  /// The record of the run.
  public var record: String { path + "/report.json" }

  /// The folder of an existing run.
  public init(existing path: String) throws(TrainingError) {
    self.path = path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw .runDirectory(path: path, problem: "is no run folder", remedy: "give the folder that epsilon train printed")
    }
    let files = FileManager.default
    guard files.fileExists(atPath: plan) else {
      throw .runDirectory(path: plan, problem: "does not exist", remedy: "give the folder of a run that epsilon train made")
    }
    if !files.fileExists(atPath: ledger), !files.fileExists(atPath: model), (try? MetricsFile.read(metrics).isEmpty) == true {
      throw .runDirectory(
        path: path, problem: "holds a run that was ended while it was prepared: it has no ledger, nothing was charged and nothing released",
        remedy: "remove the folder and train again")
    }
    for file in [ledger, record] where !files.fileExists(atPath: file) {
      throw .runDirectory(
        path: file, problem: "does not exist, so that no guarantee can be given from this run", remedy: "restore it from a copy")
    }
  }

  /// Makes the folder of a new run and writes its plan; an existing folder with anything in it is refused, so that no run is lost.
  public init(creating path: String, for compiled: CompiledPlan) throws(TrainingError) {
    self.path = path
    do {
      let files = FileManager.default
      if files.fileExists(atPath: path) {
        let contents = try? files.contentsOfDirectory(atPath: path)
        guard contents?.isEmpty == true else {
          throw TrainingError.runDirectory(
            path: path, problem: "exists and is not an empty folder", remedy: "choose another with --run-dir")
        }
      }
      try files.createDirectory(atPath: path, withIntermediateDirectories: true)
      try CanonicalJSON.data(compiled.plan, isPretty: true).write(to: URL(fileURLWithPath: plan), options: .atomic)
      try Data((MetricsFile.header + "\n").utf8).write(to: URL(fileURLWithPath: metrics), options: .atomic)
    } catch let error as TrainingError {
      throw error
    } catch {
      throw .runDirectory(path: path, problem: "cannot be written (\(error.localizedDescription))", remedy: "choose another with --run-dir")
    }
  }

  /// The settled plan of the run.
  public func readPlan() throws(TrainingError) -> TrainingPlan {
    do throws(PlanError) { return try TrainingPlan(PlanNode(contentsOf: plan)) } catch {
      throw .damagedFile(
        path: error.place.description, problem: (error.path.isEmpty ? "" : error.path + " ") + error.problem, remedy: Self.restore)
    }
  }

  private static let restore = "restore the file from a copy: without it no guarantee can be given from this run"

  /// The record of the run.
  public func readRecord() throws(TrainingError) -> RunRecord {
    struct Version: Decodable { let formatVersion: Int }
    let data = FileManager.default.contents(atPath: record) ?? Data()
    if let version = try? CanonicalJSON.decode(Version.self, from: data).formatVersion, version != RunRecord.currentFormatVersion {
      throw .damagedFile(path: record, problem: "was written by another version of epsilon", remedy: "read it with that one")
    }
    do { return try CanonicalJSON.decode(RunRecord.self, from: data) } catch {
      throw .damagedFile(path: record, problem: "is not the record of a run: \(CanonicalJSON.problem(error))", remedy: Self.restore)
    }
  }

  /// The finished rounds.
  public func readMetrics() throws(TrainingError) -> [MetricsFile.Row] { try MetricsFile.read(metrics) }

  func write(_ record: RunRecord) throws(TrainingError) {
    do { try CanonicalJSON.data(record, isPretty: true).write(to: URL(fileURLWithPath: self.record), options: .atomic) } catch {
      throw .runDirectory(path: self.record, problem: "cannot be written (\(error.localizedDescription))", remedy: "check the disk")
    }
  }
}

/// The record of a run, `report.json`: what it was and how it ended.
public struct RunRecord: Codable, Hashable, Sendable {
  /// How a run ended.
  public enum Status: String, Codable, Hashable, Sendable {
    /// It has not ended, or the process died.
    case running
    /// All planned rounds were carried out.
    case completed
    /// The next round would have exceeded the budget.
    case budget
    /// Somebody stopped it.
    case interrupted
  }

  /// Version of the format that this program writes and reads.
  public static let currentFormatVersion = 2

  /// SHA-256, in hexadecimal, of the record as it was before the first round: of everything that a run cannot change.
  public func startHash() throws -> String {
    var start = self
    (start.status, start.completedRounds, start.seconds, start.finalMetrics) = (.running, 0, 0, nil)
    return SHA256.hexDigest(of: Array(try CanonicalJSON.data(start)))
  }

  /// Version of this format.
  public var formatVersion = RunRecord.currentFormatVersion
  /// Version of the program that wrote it.
  public var softwareVersion: String
  /// Name of the plan.
  public var name: String
  /// Hash of the settled plan.
  public var planHash: String
  /// When the run began.
  public var started: Date
  /// How it ended.
  public var status: Status
  /// Rounds whose result was released.
  public var completedRounds: Int
  /// Rounds planned.
  public var plannedRounds: Int
  /// Wall time of all rounds, tests included, seconds.
  public var seconds: Double
  /// Worker threads.
  public var workers: Int
  /// Instruction set that the arithmetic ran on.
  public var instructionSet: String
  /// Whether noise and draws can be repeated by whoever knows the seed: such a run protects nobody.
  public var hasReproducibleNoise: Bool
  /// Whether exact figures about clients were shown.
  public var showsNonPrivateFigures: Bool
  /// Quality after the last round.
  public var finalMetrics: RoundReport.TestMetrics?
  /// What the run said about itself before its first round.
  public var facts: RunFacts
}
