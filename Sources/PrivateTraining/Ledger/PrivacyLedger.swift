public import Foundation
import GRDB
public import PrivacyEvents
import SecureNoise

/// One charge of a ledger.
public struct LedgerCharge: Codable, Hashable, Sendable {
  /// What a charge covers.
  public enum Scope: String, Codable, Hashable, Sendable {
    /// Its round.
    case round
    /// All rounds up to its own: it stands in place of all charges before it.
    case run
  }

  /// Position in the ledger, from 1.
  public let sequence: Int
  /// Round that was charged.
  public let round: Int
  /// What the rounds in `scope` may release.
  public let event: PrivacyEvent
  /// Whether that is this round or all rounds so far.
  public let scope: Scope
  /// When the charge was written.
  public let date: Date
  /// SHA-256 over the previous hash and this charge, in hexadecimal.
  public let hash: String
}

/// Why a ledger cannot be opened, read or written.
public enum LedgerError: Error, Sendable, CustomStringConvertible {
  /// The file cannot be read or written.
  case storage(path: String, reason: String, remedy: String)
  /// The file is no ledger, or not a whole one.
  case damaged(path: String)
  /// A charge does not match its hash, or the chain is broken.
  case tampered(path: String, sequence: Int)
  /// The ledger is of another run.
  case foreign(path: String, expected: String, found: String)
  /// The record of the run is not the one that the ledger began with.
  case foreignRecord(path: String)
  /// Another version of the program wrote the ledger.
  case formatVersion(path: String)
  /// The round stands in the ledger already.
  case alreadyCharged(round: Int)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .storage(let path, let reason, let remedy): "ledger \(path): \(reason); \(remedy)"
    case .damaged(let path):
      "ledger \(path): is no ledger of epsilon, or not a whole one, so that no guarantee can be given from it; restore it from a copy"
    case .tampered(let path, let sequence):
      "ledger \(path): charge \(sequence) does not match its hash: the file was changed outside epsilon and no guarantee can be given from it; "
        + "restore it from a copy"
    case .foreign(let path, let expected, let found):
      "ledger \(path): belongs to plan \(found.prefix(12)), not to \(expected.prefix(12)); put the run's own ledger in its place"
    case .foreignRecord(let path):
      "ledger \(path): what report.json beside it says about the run is not what the run began with, so that no guarantee can be given from "
        + "it; restore report.json from a copy"
    case .formatVersion(let path): "ledger \(path): was written by another version of epsilon; read it with that one"
    case .alreadyCharged(let round): "round \(round) has been charged already; a round is released once"
    }
  }
}

/// The durable record of what was spent.
///
/// A charge is committed, with SQLite's full synchronisation, before the noise that it pays for is drawn: a crash can waste
/// budget but never forget it. Charges are chained by hashes, so that a line changed or taken out of the middle is found; lines
/// missing at the end are found by the report, which compares with the rounds that were released. The chain is not keyed: it finds
/// accidents and careless edits, not a forger who computes it anew.
public final class PrivacyLedger: Sendable {
  private static let formatVersion = 2
  private let database: DatabaseQueue
  private let path: String
  private let planHash: String
  private let startHash: String

  /// Creates the ledger of a run at `path`, or in memory where that is `nil`.
  ///
  /// - Parameter startHash: of the record as the run began, which the chain of charges then holds as well.
  public static func create(at path: String?, planHash: String, startHash: String = "") throws(LedgerError) -> PrivacyLedger {
    if let path, FileManager.default.fileExists(atPath: path) {
      throw .storage(path: path, reason: "exists already", remedy: "a ledger belongs to one run: choose another folder")
    }
    let ledger = PrivacyLedger(
      database: try openDatabase(at: path), path: path ?? "in memory", planHash: planHash, startHash: startHash)
    try ledger.access { database in
      try database.execute(
        sql: """
          CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 1), formatVersion INTEGER NOT NULL, planHash TEXT NOT NULL, startHash TEXT NOT NULL);
          CREATE TABLE charge (sequence INTEGER PRIMARY KEY, round INTEGER NOT NULL UNIQUE, event TEXT NOT NULL, scope TEXT NOT NULL, date TEXT NOT NULL, hash TEXT NOT NULL);
          """)
      try database.execute(sql: "INSERT INTO run VALUES (1, \(Self.formatVersion), ?, ?)", arguments: [planHash, startHash])
    }
    return ledger
  }

  /// Opens the ledger at `path` for reading, checks that it is that of `planHash` and `startHash`, and verifies its chain.
  ///
  /// - Parameter startHash: as at creation; `nil` where there is no record.
  public static func open(at path: String, planHash: String, startHash: String? = nil) throws(LedgerError) -> PrivacyLedger {
    guard FileManager.default.fileExists(atPath: path) else {
      throw .storage(path: path, reason: "does not exist", remedy: "restore it from a copy: without it no guarantee can be given")
    }
    let database = try openDatabase(at: path)
    let row = try access(database, at: path) { database -> Row? in
      // A file that lost its end can still be read in parts.
      guard try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") == "ok" else { throw LedgerError.damaged(path: path) }
      guard let version = try Row.fetchOne(database, sql: "SELECT formatVersion FROM run WHERE id = 1") else { return nil }
      guard version.value("formatVersion", Int.self) == Self.formatVersion else { throw LedgerError.formatVersion(path: path) }
      return try Row.fetchOne(database, sql: "SELECT planHash, startHash FROM run WHERE id = 1")
    }
    guard let found = row?.value("planHash", String.self), let start = row?.value("startHash", String.self) else {
      throw .damaged(path: path)
    }
    guard found == planHash else { throw .foreign(path: path, expected: planHash, found: found) }
    guard startHash == nil || startHash == start else { throw .foreignRecord(path: path) }
    let ledger = PrivacyLedger(database: database, path: path, planHash: planHash, startHash: start)
    _ = try ledger.charges()
    return ledger
  }

  private init(database: DatabaseQueue, path: String, planHash: String, startHash: String) {
    (self.database, self.path, self.planHash, self.startHash) = (database, path, planHash, startHash)
  }

  private static func openDatabase(at path: String?) throws(LedgerError) -> DatabaseQueue {
    var configuration = Configuration()
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = FULL")
      try database.execute(sql: "PRAGMA fullfsync = 1")
    }
    do {
      return try path.map { try DatabaseQueue(path: $0, configuration: configuration) } ?? DatabaseQueue(configuration: configuration)
    } catch { throw LedgerError(error, path: path ?? "in memory") }
  }

  /// Commits the charge of a round; on return it is durable.
  public func charge(
    round: Int, event: PrivacyEvent, scope: LedgerCharge.Scope = .round, date: Date = Date()
  ) throws(LedgerError) {
    let stamp = Self.stamp(date)
    let text: String
    do { text = try CanonicalJSON.text(event) } catch {
      throw .storage(path: path, reason: "cannot hold the event (\(error))", remedy: "report this with the plan")
    }
    // Only the last charge is read: a ledger of thousands of rounds must not be verified anew in each of them.
    let isNew = try access { database in
      guard try Int.fetchOne(database, sql: "SELECT round FROM charge WHERE round = ?", arguments: [round]) == nil else { return false }
      let last = try Row.fetchOne(database, sql: "SELECT sequence, hash FROM charge ORDER BY sequence DESC LIMIT 1")
      let sequence = (last?.value("sequence", Int.self) ?? 0) + 1
      let previous = last?.value("hash", String.self)
      let hash = hash(previous: previous, sequence: sequence, round: round, event: text, scope: scope, stamp: stamp)
      try database.execute(
        sql: "INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?)", arguments: [sequence, round, text, scope.rawValue, stamp, hash])
      return true
    }
    guard isNew else { throw .alreadyCharged(round: round) }
  }

  /// All charges in order, with their chain verified.
  public func charges() throws(LedgerError) -> [LedgerCharge] {
    let rows = try access { database in
      try Row.fetchAll(database, sql: "SELECT sequence, round, event, scope, date, hash FROM charge ORDER BY sequence")
    }
    var charges: [LedgerCharge] = []
    var previous: String?
    for (index, row) in rows.enumerated() {
      guard let sequence = row.value("sequence", Int.self), let round = row.value("round", Int.self),
        let text = row.value("event", String.self), let scope = row.value("scope", String.self).flatMap(LedgerCharge.Scope.init),
        let stamp = row.value("date", String.self), let stored = row.value("hash", String.self), sequence == index + 1,
        stored == hash(previous: previous, sequence: sequence, round: round, event: text, scope: scope, stamp: stamp),
        let event = try? CanonicalJSON.decode(PrivacyEvent.self, from: Data(text.utf8)), let date = Self.date(stamp)
      else { throw .tampered(path: path, sequence: index + 1) }
      charges.append(LedgerCharge(sequence: sequence, round: round, event: event, scope: scope, date: date, hash: stored))
      previous = stored
    }
    return charges
  }

  /// Everything that was charged, equal neighbours counted together.
  public func totalEvent() throws(LedgerError) -> PrivacyEvent {
    var parts: [(event: PrivacyEvent, count: Int)] = []
    for charge in try charges() {
      if charge.scope == .run { parts = [] }
      if let last = parts.last, last.event == charge.event { parts[parts.count - 1].count += 1 } else { parts.append((charge.event, 1)) }
    }
    return .composed(parts.map { $0.count == 1 ? $0.event : $0.event.repeated($0.count) })
  }

  private func hash(previous: String?, sequence: Int, round: Int, event: String, scope: LedgerCharge.Scope, stamp: String) -> String {
    SHA256.hexDigest(of: Array("\(previous ?? planHash + startHash)\n\(sequence)\n\(round)\n\(event)\n\(scope.rawValue)\n\(stamp)".utf8))
  }

  private static func stamp(_ date: Date) -> String { date.formatted(.iso8601) }
  private static func date(_ stamp: String) -> Date? { try? Date(stamp, strategy: .iso8601) }

  private func access<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
    try Self.access(database, at: path, body)
  }

  private static func access<Value>(
    _ database: DatabaseQueue, at path: String, _ body: (Database) throws -> Value
  ) throws(LedgerError) -> Value {
    do { return try database.write(body) } catch { throw LedgerError(error, path: path) }
  }
}

extension Row {
  /// The value of a column, `nil` where it is of another type: SQLite's columns hold anything, and a subscript would trap.
  fileprivate func value<Value: DatabaseValueConvertible>(_ column: String, _ type: Value.Type) -> Value? {
    (self[column] as DatabaseValue?).flatMap(Value.fromDatabaseValue)
  }
}

extension LedgerError {
  /// What an error of SQLite means for whoever has the ledger.
  fileprivate init(_ error: any Error, path: String) {
    if let error = error as? LedgerError {
      self = error
      return
    }
    self =
      switch (error as? DatabaseError)?.resultCode {
      case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_FORMAT, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT, .SQLITE_ERROR: .damaged(path: path)
      case .SQLITE_FULL: .storage(path: path, reason: "cannot be written, the disk is full", remedy: "make room")
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        .storage(path: path, reason: "is in use by another program", remedy: "wait until that has ended")
      case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
        .storage(path: path, reason: "cannot be opened for writing", remedy: "check the permissions of the file and its folder")
      case let code:
        .storage(
          path: path, reason: "cannot be read or written\(code.map { " (SQLite's code \($0.rawValue))" } ?? "")", remedy: "check the disk")
      }
  }
}
