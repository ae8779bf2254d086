/// Events as one line of text, for the command line.
///
/// ```text
/// sum    = term {"+" term}                       all of these: `composed`
/// term   = [count "*"] factor                    so many times: `repeated`
/// factor = name "(" [argument {"," argument}] ")" | "(" sum ")"
/// argument = [label ":"] (number | list | text | sum)
/// number = digits ["." digits] ["e" digits] ["/" number] | "infinity"
/// ```
///
/// For instance `1000 * poisson(0.01, gaussian(1)) + 5 * laplace(20)` or `fixedSize(100, 3400, gaussian(noiseMultiplier: 1))`. A sampling
/// scheme, a strategy matrix and a distribution of runs are functions whose arguments are its own, in the order of its case; the event, and
/// for a matrix mechanism its participation, come last. Labels may be left out and are those of the cases.
extension PrivacyEvent {
  /// Greatest length of an expression in bytes of UTF-8; what is longer belongs in an event file.
  public static let maximumExpressionByteCount = 64 << 10

  /// Reads and validates `expression`.
  ///
  /// - Throws: ``EventExpressionError`` with the column, what was found and what was expected.
  public init(expression: String) throws(EventExpressionError) {
    var parser = try EventExpressionParser(expression)
    self = try parser.parse()
  }

  /// The canonical expression of a valid event: it reads back to an equal event, unless explicit lists make it longer than
  /// ``maximumExpressionByteCount``.
  public var expression: String {
    if case .composed(let events) = self, events.count > 1 { return events.map(\.term).joined(separator: " + ") }
    return term
  }

  private var term: String {
    if case .repeated(let event, let count) = self { return "\(count) * \(event.factor)" }
    return factor
  }

  private var factor: String {
    switch self {
    case .repeated: "(\(expression))"
    case .composed(let events) where events.count > 1: "(\(expression))"
    default: "\(function.name)(\(payload.arguments.joined(separator: ", ")))"
    }
  }

  private var function: EventFunction {
    switch self {
    case .sampled(_, let scheme): .sampled(by: scheme.caseName)
    case .matrixMechanism(_, let strategy, _, _): .matrixMechanism(strategy: strategy.caseName)
    case .repeatAndSelect(_, let runs): .repeatAndSelect(runs: runs.caseName)
    default: .event(caseName)
    }
  }
}

extension EventPayload {
  /// The arguments of the node's function, in its order.
  fileprivate var arguments: [String] {
    switch self {
    case .content(let value): value.arguments
    case .labelled(let fields): fields.flatMap(\.value.arguments)
    }
  }
}

extension EventField {
  fileprivate var arguments: [String] {
    switch self {
    case .number(let value): [Self.text(value)]
    case .count(let value): [String(value)]
    case .text(let value): [Self.quoted(value)]
    case .numbers(let values): [Self.text(values)]
    case .rows(let rows): ["[" + rows.map(Self.text).joined(separator: ", ") + "]"]
    case .event(let event): [event.expression]
    case .events(let events): events.map(\.expression)
    case .scheme(let scheme): scheme.payload.arguments
    case .strategy(let strategy): strategy.payload.arguments
    case .runs(let runs): runs.payload.arguments
    }
  }

  /// The shortest digits that read back to `value`.
  private static func text(_ value: Double) -> String {
    if value == .infinity { return "infinity" }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func text(_ values: [Double]) -> String { "[" + values.map(Self.text).joined(separator: ", ") + "]" }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.properties.generalCategory == .control: result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
