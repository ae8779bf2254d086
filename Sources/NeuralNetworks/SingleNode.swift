/// A coding key that is whatever stands in the document, so that unknown keys can be seen and refused.
struct NodeKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral value: String) { stringValue = value }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

/// A node of the form `{"kind":{settings}}`, read strictly.
struct SingleNode {
  let kind: String
  private let container: KeyedDecodingContainer<NodeKey>

  /// Reads the one key of the node, which must be among `kinds`.
  init(from decoder: any Decoder, kinds: [String]) throws {
    container = try decoder.container(keyedBy: NodeKey.self)
    let keys = container.allKeys.map(\.stringValue).sorted()
    guard keys.count == 1, kinds.contains(keys[0]) else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: container.codingPath,
          debugDescription: "expected exactly one of the keys \(kinds.joined(separator: ", ")), found \(Self.list(keys))"))
    }
    kind = keys[0]
  }

  /// The settings of the node, whose keys must be among `known`.
  func settings(_ known: [String]) throws -> KeyedDecodingContainer<NodeKey> {
    let settings = try container.nestedContainer(keyedBy: NodeKey.self, forKey: NodeKey(stringValue: kind))
    try Self.refuseUnknownKeys(in: settings, known: known, of: kind)
    return settings
  }

  static func refuseUnknownKeys(in container: KeyedDecodingContainer<NodeKey>, known: [String], of kind: String) throws {
    let unknown = container.allKeys.map(\.stringValue).filter { !known.contains($0) }.sorted()
    guard unknown.isEmpty else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: container.codingPath,
          debugDescription: "\(kind) does not have \(list(unknown)); its keys are: \(list(known))"))
    }
  }

  private static func list(_ keys: [String]) -> String { keys.isEmpty ? "none" : keys.joined(separator: ", ") }
}
