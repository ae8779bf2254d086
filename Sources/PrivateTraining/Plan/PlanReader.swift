import PrivacyEvents

/// Reads one mapping of a plan: typed values by key, and an error for every key that nobody asked for.
///
/// Synthesised decoding would ignore a misspelt key, which here is a privacy bug: `noisee: 2` must not train without noise.
struct PlanReader {
  let path: String
  let place: PlanNode.Place
  private let entries: [PlanNode.Entry]
  private var asked: Set<String> = []
  private var askedInOrder: [String] = []

  /// A reader of `node`, which must be a mapping; an empty value is an empty mapping.
  init(_ node: PlanNode, path: String) throws(PlanError) {
    self.path = path
    place = node.place
    switch node {
    case .mapping(let entries, _): self.entries = entries
    case .scalar("", false, _): entries = []
    default: throw PlanError(place: node.place, path: path, problem: "must have keys", remedy: "see docs/Plans.md for what it may hold")
    }
  }

  /// The node of `key`, if the file has one that is not null.
  mutating func node(_ key: String) -> PlanNode? {
    if asked.insert(key).inserted { askedInOrder.append(key) }
    guard let value = entries.first(where: { $0.key == key })?.value else { return nil }
    if case .scalar(let text, false, _) = value, text == "null" || text == "~" { return nil }
    return value
  }

  /// Throws for the first key that was never asked for.
  func finish() throws(PlanError) {
    for entry in entries where !asked.contains(entry.key) {
      let hint = Misspelling.nearest(to: entry.key, among: askedInOrder).map { "did you mean \($0)?" }
      throw PlanError(
        place: entry.place, path: join(entry.key), problem: "is unknown",
        remedy: hint ?? "known here: \(askedInOrder.sorted().joined(separator: ", "))")
    }
  }

  /// The only key of a mapping that names a choice, for instance `poisson: {…}`, or a bare word.
  static func choice(_ node: PlanNode, path: String, among known: [String]) throws(PlanError) -> (name: String, reader: PlanReader) {
    let (name, value) = try chosen(node, path: path, among: known)
    return (name, try PlanReader(value, path: path + "." + name))
  }

  /// The only key of a mapping that names a choice, with its value, which may be a list or a number; a bare word has an empty mapping.
  static func chosen(_ node: PlanNode, path: String, among known: [String]) throws(PlanError) -> (name: String, value: PlanNode) {
    let list = "choose one of \(known.joined(separator: ", "))"
    let found: String? =
      switch node {
      case .scalar(let name, _, _): name
      case .mapping(let entries, _): entries.first?.key
      default: nil
      }
    let remedy = found.flatMap { Misspelling.nearest(to: $0, among: known) }.map { "did you mean \($0)? \(list)" } ?? list
    switch node {
    case .scalar(let name, _, let place) where known.contains(name): return (name, .mapping([], place))
    case .mapping(let entries, _) where entries.count == 1 && known.contains(entries[0].key): return (entries[0].key, entries[0].value)
    case .mapping(let entries, _) where !entries.isEmpty && !known.contains(entries[0].key):
      throw PlanError(place: entries[0].place, path: path + "." + entries[0].key, problem: "is unknown", remedy: remedy)
    case .scalar(let name, _, let place) where !name.isEmpty:
      throw PlanError(place: place, path: path, problem: "is “\(name)”, which is unknown", remedy: remedy)
    default: throw PlanError(place: node.place, path: path, problem: "must name one choice", remedy: remedy)
    }
  }

  mutating func double(_ key: String, default fallback: Double) throws(PlanError) -> Double { try optionalDouble(key) ?? fallback }

  mutating func double(_ key: String) throws(PlanError) -> Double {
    guard let value = try optionalDouble(key) else { throw missing(key) }
    return value
  }

  mutating func optionalDouble(_ key: String) throws(PlanError) -> Double? {
    guard let node = node(key) else { return nil }
    return try Self.double(node, path: join(key))
  }

  /// The finite number that `node` is.
  static func double(_ node: PlanNode, path: String) throws(PlanError) -> Double {
    guard case .scalar(let text, false, _) = node, let value = Double(text), value.isFinite else {
      throw PlanError(place: node.place, path: path, problem: "must be a finite number", remedy: "write for instance 0.1 or 1e-6")
    }
    return value
  }

  /// The list of finite numbers that `node` is.
  static func doubles(_ node: PlanNode, path: String) throws(PlanError) -> [Double] {
    guard case .sequence(let nodes, _) = node else {
      throw PlanError(place: node.place, path: path, problem: "must be a list of numbers", remedy: "write for instance [1, 0.5]")
    }
    var values: [Double] = []
    for (index, node) in nodes.enumerated() { values.append(try double(node, path: "\(path)[\(index)]")) }
    return values
  }

  mutating func int(_ key: String, default fallback: Int) throws(PlanError) -> Int { try optionalInt(key) ?? fallback }

  mutating func int(_ key: String) throws(PlanError) -> Int {
    guard let value = try optionalInt(key) else { throw missing(key) }
    return value
  }

  mutating func optionalInt(_ key: String) throws(PlanError) -> Int? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, false, _) = node, let value = Int(text.replacing("_", with: "")) else {
      throw PlanError(place: node.place, path: join(key), problem: "must be a whole number", remedy: "write for instance 100")
    }
    return value
  }

  mutating func string(_ key: String) throws(PlanError) -> String {
    guard let value = try optionalString(key) else { throw missing(key) }
    return value
  }

  mutating func optionalString(_ key: String) throws(PlanError) -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, _, _) = node, !text.isEmpty else {
      throw PlanError(place: node.place, path: join(key), problem: "must be a word or text", remedy: "write one value")
    }
    return text
  }

  mutating func optionalBool(_ key: String) throws(PlanError) -> Bool? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, false, _) = node, let value = Bool(text) else {
      throw PlanError(place: node.place, path: join(key), problem: "must be true or false", remedy: "write true or false")
    }
    return value
  }

  mutating func word<Value: RawRepresentable & CaseIterable>(_ key: String, default fallback: Value) throws(PlanError) -> Value
  where Value.RawValue == String {
    guard let text = try optionalString(key) else { return fallback }
    guard let value = Value(rawValue: text) else {
      throw error(key, problem: "is “\(text)”", remedy: "choose one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  /// Checks a value that was read and names its key where it fails.
  func require(_ condition: Bool, _ key: String, _ value: some CustomStringConvertible, _ allowed: String) throws(PlanError) {
    guard condition else { throw error(key, problem: "is \(value)", remedy: "must be \(allowed)") }
  }

  /// An error at the place of `key`, or of the mapping where the key is absent.
  func error(_ key: String, problem: String, remedy: String) -> PlanError {
    PlanError(place: entries.first { $0.key == key }?.value.place ?? place, path: join(key), problem: problem, remedy: remedy)
  }

  /// An error for an absent key; where another key looks like it, that one is named, because it is probably misspelt.
  func missing(_ key: String) -> PlanError {
    if let similar = entries.first(where: { !asked.contains($0.key) && Misspelling.isLikely($0.key, for: key) }) {
      return PlanError(place: similar.place, path: join(similar.key), problem: "is unknown", remedy: "did you mean \(key)?")
    }
    return error(key, problem: "is missing", remedy: "add it")
  }

  func join(_ key: String) -> String { path.isEmpty ? key : path + "." + key }
}
