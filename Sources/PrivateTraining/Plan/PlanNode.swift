import Foundation
import Yams

/// A plan or event file as a tree, with the place of every node, before it is given a meaning.
public indirect enum PlanNode: Hashable, Sendable {
  /// Where a node stands.
  public struct Place: Hashable, Sendable, CustomStringConvertible {
    /// The file, or the flag that set the node.
    public let source: String
    /// Line from 1; 0 where the node has none.
    public let line: Int
    /// Column from 1.
    public let column: Int
    /// Dotted path of the key that the flag stands for; `nil` in a file.
    public let key: String?

    init(source: String, line: Int = 0, column: Int = 0, key: String? = nil) {
      (self.source, self.line, self.column, self.key) = (source, line, column, key)
    }

    /// `file:line:column`, or the flag.
    public var description: String { line > 0 ? "\(source):\(line):\(column)" : source }
  }

  /// A scalar as it was written; `isQuoted` scalars are strings whatever they look like.
  case scalar(String, isQuoted: Bool, Place)
  /// A mapping in the order of the file.
  case mapping([Entry], Place)
  /// A sequence.
  case sequence([PlanNode], Place)

  /// One key of a mapping.
  public struct Entry: Hashable, Sendable {
    /// The key.
    public let key: String
    /// Where the key stands.
    public let place: Place
    /// Its value.
    public var value: PlanNode
  }

  /// Where the node stands.
  public var place: Place {
    switch self {
    case .scalar(_, _, let place), .mapping(_, let place), .sequence(_, let place): place
    }
  }

  /// Greatest size of a file in bytes.
  public static let maximumByteCount = 1 << 20
  /// Greatest depth of a tree.
  public static let maximumDepth = 64

  /// Reads the YAML or JSON file at `path`.
  public init(contentsOf path: String) throws(PlanError) {
    let place = Place(source: path)
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw PlanError(
        place: place, path: "", problem: "cannot be read", remedy: "check that the file exists and may be read", isUnreadableFile: true)
    }
    defer { try? handle.close() }
    let data: Data
    do { data = try handle.read(upToCount: Self.maximumByteCount + 1) ?? Data() } catch {
      throw PlanError(place: place, path: "", problem: "cannot be read", remedy: "it must be a file, not a folder", isUnreadableFile: true)
    }
    guard data.count <= Self.maximumByteCount else {
      throw PlanError(place: place, path: "", problem: "is larger than 1 MiB", remedy: "this is not a plan or event file")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw PlanError(place: place, path: "", problem: "is not UTF-8 text", remedy: "save it as UTF-8")
    }
    try self.init(text: text, source: path)
  }

  /// Reads YAML or JSON `text`; errors name `source`.
  public init(text: String, source: String) throws(PlanError) {
    let start = Place(source: source)
    do {
      let parser = try Parser(yaml: text)
      // Anchors live only as long as the parser.
      self = try withExtendedLifetime(parser) {
        guard let root = try parser.singleRoot() else {
          throw PlanError(place: start, path: "", problem: "is empty", remedy: "see Plans/ for examples")
        }
        return try PlanNode(root, source: source, depth: 1)
      }
    } catch let error as PlanError {
      throw error
    } catch let error as YamlError {
      throw PlanError(error, source: source)
    } catch {
      throw PlanError(place: start, path: "", problem: "cannot be parsed", remedy: String(describing: error))
    }
  }

  private init(_ node: Node, source: String, depth: Int) throws(PlanError) {
    let place = Place(source: source, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0)
    guard depth <= Self.maximumDepth else {
      throw PlanError(place: place, path: "", problem: "is nested deeper than \(Self.maximumDepth)", remedy: "flatten it")
    }
    if node.anchor != nil {
      throw PlanError(place: place, path: "", problem: "anchors and aliases are not allowed", remedy: "write the value out")
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style != .plain && scalar.style != .any
      self = .scalar(scalar.string, isQuoted: isQuoted, place)
    case .sequence(let sequence):
      var nodes: [PlanNode] = []
      for element in sequence { nodes.append(try PlanNode(element, source: source, depth: depth + 1)) }
      self = .sequence(nodes, place)
    case .mapping(let mapping):
      var entries: [Entry] = []
      for (key, value) in mapping {
        let keyPlace = Place(source: source, line: key.mark?.line ?? 0, column: key.mark?.column ?? 0)
        guard case .scalar(let name) = key else {
          throw PlanError(place: keyPlace, path: "", problem: "a key must be a word", remedy: "see Plans/ for examples")
        }
        guard !entries.contains(where: { $0.key == name.string }) else {
          throw PlanError(place: keyPlace, path: name.string, problem: "stands twice", remedy: "keep one of them")
        }
        entries.append(Entry(key: name.string, place: keyPlace, value: try PlanNode(value, source: source, depth: depth + 1)))
      }
      self = .mapping(entries, place)
    case .alias:
      throw PlanError(place: place, path: "", problem: "anchors and aliases are not allowed", remedy: "write the value out")
    }
  }

  /// Sets the value at a dotted path, as `--set algorithm.rounds=20` does; missing mappings are made.
  ///
  /// - Parameter assignment: `key.key=value`; the value is read as YAML.
  public mutating func set(_ assignment: String) throws(PlanError) {
    guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else {
      throw PlanError(
        place: Place(source: "--set"), path: "", problem: "“\(assignment)” is not key=value",
        remedy: "write for instance algorithm.rounds=20")
    }
    let key = String(assignment[..<equals])
    try set(key, to: String(assignment[assignment.index(after: equals)...]), flag: "--set \(key)")
  }

  /// Sets the value at a dotted path; missing mappings are made.
  ///
  /// - Parameters:
  ///   - key: `key.key`.
  ///   - value: read as YAML.
  ///   - flag: what errors call the place.
  public mutating func set(_ key: String, to value: String, flag: String) throws(PlanError) {
    let place = Place(source: flag, key: key)
    let keys = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !keys.contains(""), keys.count < Self.maximumDepth else {
      throw PlanError(place: place, path: key, problem: "is no path of keys", remedy: "write for instance algorithm.rounds")
    }
    var parsed = PlanNode.scalar("", isQuoted: false, place)
    if !value.isEmpty {
      do throws(PlanError) { parsed = try PlanNode(text: value, source: flag) } catch {
        throw PlanError(place: place, path: key, problem: error.problem, remedy: error.remedy)
      }
    }
    try set(keys[...], to: parsed.moved(to: place), place: place)
  }

  /// Where the value of a dotted path stands, or what is nearest to it of the mappings that should hold it.
  func place(ofValueAt path: String) -> Place {
    var node = self
    for key in path.split(separator: ".") {
      guard let value = node.value(of: key) else { break }
      node = value
    }
    return node.place
  }

  /// The value of `key`, which a section that names a choice, such as `sampling`, holds inside of that.
  private func value(of key: Substring) -> PlanNode? {
    guard case .mapping(let entries, _) = self else { return nil }
    if let entry = entries.first(where: { $0.key == key }) { return entry.value }
    return entries.count == 1 ? entries[0].value.value(of: key) : nil
  }

  private mutating func set(_ keys: ArraySlice<String>, to value: PlanNode, place: Place) throws(PlanError) {
    guard let key = keys.first else {
      self = value
      return
    }
    // A key without a value is an empty mapping that has not been filled yet.
    var entries: [Entry] = []
    switch self {
    case .mapping(let known, _): entries = known
    case .scalar("", _, _), .scalar("null", false, _), .scalar("~", false, _): break
    default:
      throw PlanError(place: place, path: place.key ?? key, problem: "is inside a value that has no keys", remedy: "set the value itself")
    }
    if let index = entries.firstIndex(where: { $0.key == key }) {
      try entries[index].value.set(keys.dropFirst(), to: value, place: place)
    } else {
      var child = PlanNode.mapping([], place)
      try child.set(keys.dropFirst(), to: value, place: place)
      entries.append(Entry(key: key, place: place, value: child))
    }
    self = .mapping(entries, self.place)
  }

  private func moved(to place: Place) -> PlanNode {
    switch self {
    case .scalar(let text, let isQuoted, _): .scalar(text, isQuoted: isQuoted, place)
    case .sequence(let nodes, _): .sequence(nodes.map { $0.moved(to: place) }, place)
    case .mapping(let entries, _): .mapping(entries.map { Entry(key: $0.key, place: place, value: $0.value.moved(to: place)) }, place)
    }
  }
}

/// What is wrong with a plan or an event file, where, and what to do.
public struct PlanError: Error, Hashable, Sendable, CustomStringConvertible {
  /// File, line and column, or the flag.
  public let place: PlanNode.Place
  /// Dotted path of the key inside the plan; empty for the file itself.
  public let path: String
  /// What is wrong.
  public let problem: String
  /// What to do.
  public let remedy: String
  /// Whether the file itself could not be read; everything else is about what it says.
  public let isUnreadableFile: Bool

  init(place: PlanNode.Place, path: String, problem: String, remedy: String, isUnreadableFile: Bool = false) {
    self.place = place
    self.path = path
    self.problem = problem
    self.remedy = remedy
    self.isUnreadableFile = isUnreadableFile
  }

  /// `error` with the place of its key in `node`; `nil` where it is not about a key of the plan.
  public init?(_ error: TrainingError, in node: PlanNode) {
    guard case .infeasiblePlan(let key, let problem, let remedy) = error else { return nil }
    self.init(place: node.place(ofValueAt: key), path: key, problem: problem, remedy: remedy)
  }

  /// `place: path problem; remedy`. A flag stands for its key, which whoever wrote the flag may never have seen.
  public var description: String {
    let key = place.key ?? ""
    let subject =
      if path.isEmpty {
        "\(place):"
      } else if path == key {
        "\(place)"
      } else if !key.isEmpty, path.hasPrefix(key + ".") {
        "\(place): \(path.dropFirst(key.count + 1))"
      } else {
        "\(place): \(path)"
      }
    return "\(subject) \(problem); \(remedy)"
  }

  init(_ error: YamlError, source: String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      let place = PlanNode.Place(source: source, line: mark.line, column: mark.column)
      self.init(place: place, path: "", problem: "is not valid YAML (\(problem))", remedy: "check indentation, colons and quotes")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let place = PlanNode.Place(source: source, line: context.mark.line, column: context.mark.column)
      self.init(place: place, path: duplicates.joined(separator: ", "), problem: "stands twice", remedy: "keep one of them")
    default:
      self.init(
        place: .init(source: source), path: "", problem: "is not valid YAML",
        remedy: "check indentation, colons and quotes")
    }
  }
}
