public import PrivacyEvents

extension PrivacyEvent {
  /// Reads an event from a YAML or JSON tree: one key per node, as in its JSON form.
  ///
  /// - Throws: ``PlanError`` with the place of an unknown key or a bad value.
  public init(_ node: PlanNode) throws(PlanError) {
    try self.init(node, path: "event")
    do throws(PrivacyEventError) { try validate() } catch {
      throw PlanError(place: node.place, path: error.path, problem: error.problem, remedy: "correct the event")
    }
  }

  fileprivate init(_ node: PlanNode, path: String) throws(PlanError) {
    var reader = try EventNodeReader(node, path: path, among: Self.caseNames)
    guard let event = try PrivacyEvent(named: reader.name, from: &reader) else { throw reader.unknownName(Self.caseNames) }
    try reader.finish()
    self = event
  }
}

extension SamplingScheme {
  init(_ node: PlanNode, path: String) throws(PlanError) {
    var reader = try EventNodeReader(node, path: path, among: Self.caseNames)
    guard let scheme = try SamplingScheme(named: reader.name, from: &reader) else { throw reader.unknownName(Self.caseNames) }
    try reader.finish()
    self = scheme
  }
}

extension StrategyMatrix {
  fileprivate init(_ node: PlanNode, path: String) throws(PlanError) {
    var reader = try EventNodeReader(node, path: path, among: Self.caseNames)
    guard let strategy = try StrategyMatrix(named: reader.name, from: &reader) else { throw reader.unknownName(Self.caseNames) }
    try reader.finish()
    self = strategy
  }
}

extension SelectionRuns {
  fileprivate init(_ node: PlanNode, path: String) throws(PlanError) {
    var reader = try EventNodeReader(node, path: path, among: Self.caseNames)
    guard let runs = try SelectionRuns(named: reader.name, from: &reader) else { throw reader.unknownName(Self.caseNames) }
    try reader.finish()
    self = runs
  }
}

/// Reads the one key of a node and the values behind it.
private struct EventNodeReader: EventFieldReader {
  let name: String
  private let value: PlanNode
  private let path: String
  private var keys: PlanReader?
  private var isContentRead = false

  init(_ node: PlanNode, path: String, among known: [String]) throws(PlanError) {
    (name, value) = try PlanReader.chosen(node, path: path, among: known)
    self.path = path + "." + name
  }

  func unknownName(_ known: [String]) -> PlanError {
    PlanError(place: value.place, path: path, problem: "is unknown", remedy: "choose one of \(known.joined(separator: ", "))")
  }

  /// Throws for the first key that was never asked for.
  mutating func finish() throws(PlanError) {
    if !isContentRead { try opened().finish() }
  }

  private mutating func opened() throws(PlanError) -> PlanReader {
    if let keys { return keys }
    let reader = try PlanReader(value, path: path)
    keys = reader
    return reader
  }

  private mutating func read<Value>(_ body: (inout PlanReader) throws(PlanError) -> Value) throws(PlanError) -> Value {
    var reader = try opened()
    defer { keys = reader }
    return try body(&reader)
  }

  private mutating func node(_ label: String) throws(PlanError) -> (PlanNode, path: String) {
    try read { (reader) throws(PlanError) in
      guard let node = reader.node(label) else { throw reader.missing(label) }
      return (node, reader.join(label))
    }
  }

  mutating func number(_ label: String) throws(PlanError) -> Double {
    try read { (reader) throws(PlanError) in try reader.double(label) }
  }

  mutating func count(_ label: String) throws(PlanError) -> Int {
    try read { (reader) throws(PlanError) in try reader.int(label) }
  }

  mutating func text(_ label: String) throws(PlanError) -> String {
    try read { (reader) throws(PlanError) in try reader.string(label) }
  }

  mutating func numbers(_ label: String) throws(PlanError) -> [Double] {
    let (node, path) = try node(label)
    return try PlanReader.doubles(node, path: path)
  }

  mutating func event(_ label: String) throws(PlanError) -> PrivacyEvent {
    let (node, path) = try node(label)
    return try PrivacyEvent(node, path: path)
  }

  mutating func scheme(_ label: String) throws(PlanError) -> SamplingScheme {
    let (node, path) = try node(label)
    return try SamplingScheme(node, path: path)
  }

  mutating func strategy(_ label: String) throws(PlanError) -> StrategyMatrix {
    let (node, path) = try node(label)
    return try StrategyMatrix(node, path: path)
  }

  mutating func runs(_ label: String) throws(PlanError) -> SelectionRuns {
    let (node, path) = try node(label)
    return try SelectionRuns(node, path: path)
  }

  mutating func content() throws(PlanError) -> [PrivacyEvent] {
    isContentRead = true
    var events: [PrivacyEvent] = []
    for (index, part) in try parts("events").enumerated() { events.append(try PrivacyEvent(part, path: "\(path)[\(index)]")) }
    return events
  }

  mutating func contentNumber(_ label: String) throws(PlanError) -> Double {
    isContentRead = true
    return try PlanReader.double(value, path: path)
  }

  mutating func contentRows(_ label: String) throws(PlanError) -> [[Double]] {
    isContentRead = true
    var rows: [[Double]] = []
    for (index, row) in try parts("rows").enumerated() { rows.append(try PlanReader.doubles(row, path: "\(path)[\(index)]")) }
    return rows
  }

  private func parts(_ what: String) throws(PlanError) -> [PlanNode] {
    guard case .sequence(let parts, _) = value else {
      throw PlanError(place: value.place, path: path, problem: "must be a list of \(what)", remedy: "write [ … ]")
    }
    return parts
  }
}
