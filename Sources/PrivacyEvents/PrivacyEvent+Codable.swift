/// One key per node: `{"gaussian":{"noiseMultiplier":1}}`, `{"composed":[…]}`, `{"noOp":{}}`,
/// `{"sampled":{"by":{"poisson":{"rate":0.01}},"event":…}}`.
///
/// Decoding refuses unknown keys, because a misspelt parameter of an event would be a privacy bug, and checks
/// every parameter.
extension PrivacyEvent: Codable {
  public init(from decoder: any Decoder) throws {
    guard decoder.codingPath.count <= 4 * Self.maximumDepth else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "the event is nested deeper than \(Self.maximumDepth) nodes"))
    }
    var reader = try EventNodeDecoder(decoder)
    guard let event = try PrivacyEvent(named: reader.name, from: &reader) else { throw reader.unknownName("event") }
    try reader.finish()
    self = event
    if decoder.codingPath.isEmpty {
      do { try validate() } catch {
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: error.description))
      }
    }
  }

  public func encode(to encoder: any Encoder) throws { try payload.encode(named: caseName, to: encoder) }
}

extension SamplingScheme: Codable {
  public init(from decoder: any Decoder) throws {
    var reader = try EventNodeDecoder(decoder)
    guard let scheme = try SamplingScheme(named: reader.name, from: &reader) else { throw reader.unknownName("sampling scheme") }
    try reader.finish()
    self = scheme
  }

  public func encode(to encoder: any Encoder) throws { try payload.encode(named: caseName, to: encoder) }
}

extension StrategyMatrix: Codable {
  public init(from decoder: any Decoder) throws {
    var reader = try EventNodeDecoder(decoder)
    guard let strategy = try StrategyMatrix(named: reader.name, from: &reader) else { throw reader.unknownName("strategy matrix") }
    try reader.finish()
    self = strategy
  }

  public func encode(to encoder: any Encoder) throws { try payload.encode(named: caseName, to: encoder) }
}

extension SelectionRuns: Codable {
  public init(from decoder: any Decoder) throws {
    var reader = try EventNodeDecoder(decoder)
    guard let runs = try SelectionRuns(named: reader.name, from: &reader) else { throw reader.unknownName("distribution of runs") }
    try reader.finish()
    self = runs
  }

  public func encode(to encoder: any Encoder) throws { try payload.encode(named: caseName, to: encoder) }
}

/// Any string as a key, so that unknown keys can be seen and refused.
private struct EventKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}

/// Reads the one key of a node and the values behind it.
private struct EventNodeDecoder: EventFieldReader {
  private let node: KeyedDecodingContainer<EventKey>
  private let key: EventKey
  private var values: KeyedDecodingContainer<EventKey>?
  private var asked: [String] = []
  private var isContentRead = false

  init(_ decoder: any Decoder) throws {
    node = try decoder.container(keyedBy: EventKey.self)
    guard let key = node.allKeys.first, node.allKeys.count == 1 else {
      let keys = node.allKeys.map(\.stringValue).sorted().joined(separator: ", ")
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected one key that names the node, found [\(keys)]"))
    }
    self.key = key
  }

  var name: String { key.stringValue }

  func unknownName(_ kind: String) -> DecodingError {
    DecodingError.dataCorruptedError(forKey: key, in: node, debugDescription: "unknown \(kind) “\(name)”")
  }

  /// Refuses every key that nobody asked for.
  mutating func finish() throws {
    if isContentRead { return }
    let values = try opened()
    for key in values.allKeys where !asked.contains(key.stringValue) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values,
        debugDescription: "unknown key “\(key.stringValue)”, known here: \(asked.isEmpty ? "none" : asked.joined(separator: ", "))")
    }
  }

  private mutating func opened() throws -> KeyedDecodingContainer<EventKey> {
    if let values { return values }
    let values = try node.nestedContainer(keyedBy: EventKey.self, forKey: key)
    self.values = values
    return values
  }

  private mutating func value<Value: Decodable>(_ label: String) throws -> Value {
    asked.append(label)
    let values = try opened()
    guard values.contains(EventKey(label)) else {
      // The key that is there instead is probably a misspelt one.
      let found = values.allKeys.map(\.stringValue).sorted().joined(separator: ", ")
      throw DecodingError.keyNotFound(
        EventKey(label), .init(codingPath: values.codingPath, debugDescription: "“\(label)” is missing, found [\(found)]"))
    }
    return try values.decode(Value.self, forKey: EventKey(label))
  }

  private mutating func whole<Value: Decodable>() throws -> Value {
    isContentRead = true
    return try node.decode(Value.self, forKey: key)
  }

  mutating func number(_ label: String) throws -> Double { try value(label) }
  mutating func count(_ label: String) throws -> Int { try value(label) }
  mutating func text(_ label: String) throws -> String { try value(label) }
  mutating func numbers(_ label: String) throws -> [Double] { try value(label) }
  mutating func event(_ label: String) throws -> PrivacyEvent { try value(label) }
  mutating func scheme(_ label: String) throws -> SamplingScheme { try value(label) }
  mutating func strategy(_ label: String) throws -> StrategyMatrix { try value(label) }
  mutating func runs(_ label: String) throws -> SelectionRuns { try value(label) }
  mutating func content() throws -> [PrivacyEvent] { try whole() }
  mutating func contentNumber(_ label: String) throws -> Double { try whole() }
  mutating func contentRows(_ label: String) throws -> [[Double]] { try whole() }
}

extension EventPayload {
  fileprivate func encode(named name: String, to encoder: any Encoder) throws {
    var node = encoder.container(keyedBy: EventKey.self)
    switch self {
    case .content(let value): try value.encode(to: &node, forKey: EventKey(name))
    case .labelled(let fields):
      var values = node.nestedContainer(keyedBy: EventKey.self, forKey: EventKey(name))
      for (label, value) in fields { try value.encode(to: &values, forKey: EventKey(label)) }
    }
  }
}

extension EventField {
  fileprivate func encode(to values: inout KeyedEncodingContainer<EventKey>, forKey key: EventKey) throws {
    switch self {
    case .number(let value): try values.encode(value, forKey: key)
    case .count(let value): try values.encode(value, forKey: key)
    case .text(let value): try values.encode(value, forKey: key)
    case .numbers(let value): try values.encode(value, forKey: key)
    case .rows(let value): try values.encode(value, forKey: key)
    case .event(let value): try values.encode(value, forKey: key)
    case .events(let value): try values.encode(value, forKey: key)
    case .scheme(let value): try values.encode(value, forKey: key)
    case .strategy(let value): try values.encode(value, forKey: key)
    case .runs(let value): try values.encode(value, forKey: key)
    }
  }
}
