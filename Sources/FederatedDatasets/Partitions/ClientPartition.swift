/// Which client has which examples.
public struct ClientPartition: Equatable, Sendable {
  /// Name of each client.
  public let ids: [String]
  /// Indices of the examples of each client, in the order of `ids`.
  public let indices: [[Int32]]

  /// Number of clients.
  public var clientCount: Int { ids.count }

  /// A partition with one name and one list of examples per client.
  ///
  /// - Throws: ``DatasetError/countMismatch(what:count:other:otherCount:)`` if there are more of one than of the other.
  public init(ids: [String], indices: [[Int32]]) throws(DatasetError) {
    guard ids.count == indices.count else {
      throw .countMismatch(what: "client names", count: ids.count, other: "example lists", otherCount: indices.count)
    }
    self.ids = ids
    self.indices = indices
  }

  /// Simulated clients called `client-0`, `client-1`, ….
  init(simulated indices: [[Int32]]) {
    ids = indices.indices.map { "client-\($0)" }
    self.indices = indices
  }

  private init(uncheckedIDs ids: [String], indices: [[Int32]]) {
    self.ids = ids
    self.indices = indices
  }

  /// The same partition with `prefix` before every name.
  public func prefixed(_ prefix: String) -> ClientPartition {
    ClientPartition(uncheckedIDs: ids.map { prefix + $0 }, indices: indices)
  }
}
