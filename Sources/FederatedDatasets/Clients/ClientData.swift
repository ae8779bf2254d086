/// A data set that belongs to many clients.
///
/// Clients are counted from 0. Nothing but the examples of one client at a time has to be in memory.
public protocol ClientData: Sendable {
  /// Number of clients.
  var clientCount: Int { get }
  /// Extents of one example, outermost first, for instance `[28, 28, 1]`.
  var exampleShape: [Int] { get }
  /// Number of classes; labels are in `0..<classCount`.
  var classCount: Int { get }
  /// Name of a client, unique within the data set. `index` must be in `0..<clientCount`.
  func clientID(_ index: Int) -> String
  /// Number of examples of a client. `index` must be in `0..<clientCount`.
  func exampleCount(ofClient index: Int) -> Int
  /// The examples of a client, the same at every call.
  ///
  /// - Throws: ``DatasetError/clientOutOfRange(index:clientCount:)``, or why the examples cannot be read.
  func examples(ofClient index: Int) throws(DatasetError) -> ExampleSet
}

extension ClientData {
  /// Number of examples of all clients together. Complexity: O(clients).
  public var exampleCount: Int { (0..<clientCount).reduce(0) { $0 + exampleCount(ofClient: $1) } }

  /// Throws unless there is a client `index`.
  func checkClient(_ index: Int) throws(DatasetError) {
    guard index >= 0 && index < clientCount else { throw .clientOutOfRange(index: index, clientCount: clientCount) }
  }
}
