/// Reads an expression by recursive descent.
///
/// Only sums recurse, and their depth is limited, so hostile text cannot exhaust the stack.
struct EventExpressionParser: EventFieldReader {
  private var lexer: EventExpressionLexer
  private var depth = 0
  /// The function whose arguments are being read, for errors, and how many have been.
  private var call = (name: "", argumentCount: 0)

  init(_ text: String) throws(EventExpressionError) { lexer = try EventExpressionLexer(text) }

  /// The event that the whole text is.
  mutating func parse() throws(EventExpressionError) -> PrivacyEvent {
    let event = try sum()
    guard lexer.next == .end else { throw unexpected(expected: "“+” or the end") }
    try validate(event, at: 0)
    return event
  }

  private func unexpected(expected: String) -> EventExpressionError {
    lexer.unexpected(lexer.next.shown, expected: expected, at: lexer.start)
  }

  private mutating func skip(_ symbol: Character) throws(EventExpressionError) -> Bool {
    guard lexer.next == .symbol(symbol) else { return false }
    try lexer.advance()
    return true
  }

  private func validate(_ event: PrivacyEvent, at offset: Int) throws(EventExpressionError) {
    do throws(PrivacyEventError) { try event.validate() } catch {
      throw EventExpressionError(column: lexer.column(at: offset), problem: .invalid(error))
    }
  }

  /// `term {+ term}`.
  private mutating func sum() throws(EventExpressionError) -> PrivacyEvent {
    depth += 1
    defer { depth -= 1 }
    guard depth <= PrivacyEvent.maximumDepth else {
      throw EventExpressionError(column: lexer.column(at: lexer.start), problem: .tooDeep)
    }
    var terms = [try term()]
    while try skip("+") { terms.append(try term()) }
    return terms.count == 1 ? terms[0] : .composed(terms)
  }

  /// `[count *] factor`.
  private mutating func term() throws(EventExpressionError) -> PrivacyEvent {
    guard case .number = lexer.next else { return try factor() }
    let start = lexer.start
    let count = try wholeNumber("a count of repetitions")
    guard try skip("*") else { throw unexpected(expected: "“*” after a count of repetitions") }
    guard count >= 0 else {
      throw EventExpressionError(
        column: lexer.column(at: start),
        problem: .invalid(PrivacyEventError(path: "repeated.count", problem: "is \(count), must be at least 0")))
    }
    return .repeated(event: try factor(), count: count)
  }

  /// `name(arguments)` or `(sum)`.
  private mutating func factor() throws(EventExpressionError) -> PrivacyEvent {
    if try skip("(") {
      let event = try sum()
      guard try skip(")") else { throw unexpected(expected: "“+” or “)”") }
      return event
    }
    guard case .name(let name) = lexer.next else { throw unexpected(expected: "an event such as gaussian(1), or “(”") }
    let start = lexer.start
    guard let function = EventFunction.named(name) else {
      throw EventExpressionError(
        column: lexer.column(at: start),
        problem: .unknownName(
          found: EventExpressionToken.shortened(name), nearest: EventFunction.nearest(to: name), known: EventFunction.all.map(\.name)))
    }
    try lexer.advance()
    guard try skip("(") else { throw unexpected(expected: "“(” after \(name)") }
    let outer = call
    call = (name, 0)
    defer { call = outer }
    let event = try arguments(of: function, at: start)
    guard try skip(")") else {
      let count = call.argumentCount
      throw unexpected(expected: "“)”: \(name) takes \(count) argument\(count == 1 ? "" : "s")")
    }
    try validate(event, at: start)
    return event
  }

  private mutating func arguments(of function: EventFunction, at start: Int) throws(EventExpressionError) -> PrivacyEvent {
    let event: PrivacyEvent?
    switch function {
    case .event(let name): event = try PrivacyEvent(named: name, from: &self)
    case .sampled(let name):
      guard let scheme = try SamplingScheme(named: name, from: &self) else { throw unexpected(expected: "a sampling scheme") }
      event = .sampled(event: try self.event("event"), by: scheme)
    case .matrixMechanism(let name):
      let noiseMultiplier = try number("noiseMultiplier")
      guard let strategy = try StrategyMatrix(named: name, from: &self) else { throw unexpected(expected: "a strategy matrix") }
      event = .matrixMechanism(
        noiseMultiplier: noiseMultiplier, strategy: strategy, maximumParticipations: try count("maximumParticipations"),
        minimumSeparation: try count("minimumSeparation"))
    case .repeatAndSelect(let name):
      guard let runs = try SelectionRuns(named: name, from: &self) else { throw unexpected(expected: "a distribution of runs") }
      event = .repeatAndSelect(event: try self.event("event"), runs: runs)
    }
    guard let event else { throw unexpected(expected: "an event") }
    return event
  }

  /// Moves to the argument `label`: past the comma before it and past its label, where it has one.
  private mutating func begin(_ label: String) throws(EventExpressionError) {
    if call.argumentCount > 0, try !skip(",") { throw unexpected(expected: "“,” and the argument \(label) of \(call.name)") }
    call.argumentCount += 1
    if lexer.next == .symbol(")") || lexer.next == .end { throw unexpected(expected: "the argument \(label) of \(call.name)") }
    guard case .name(let found) = lexer.next, lexer.isFollowed(by: ":") else { return }
    guard found == label else { throw unexpected(expected: "the argument \(label) of \(call.name)") }
    try lexer.advance()
    _ = try skip(":")
  }

  mutating func number(_ label: String) throws(EventExpressionError) -> Double {
    try begin(label)
    if lexer.next == .name("infinity") {
      try lexer.advance()
      return .infinity
    }
    return try finiteNumber("a number for \(label) of \(call.name)")
  }

  mutating func count(_ label: String) throws(EventExpressionError) -> Int {
    try begin(label)
    return try wholeNumber("a whole number for \(label) of \(call.name)")
  }

  mutating func text(_ label: String) throws(EventExpressionError) -> String {
    try begin(label)
    guard case .string(let text) = lexer.next else { throw unexpected(expected: "a text in “\"” for \(label) of \(call.name)") }
    try lexer.advance()
    return text
  }

  mutating func numbers(_ label: String) throws(EventExpressionError) -> [Double] {
    try begin(label)
    return try list("a number of \(label)")
  }

  mutating func event(_ label: String) throws(EventExpressionError) -> PrivacyEvent {
    try begin(label)
    return try sum()
  }

  mutating func content() throws(EventExpressionError) -> [PrivacyEvent] {
    var events: [PrivacyEvent] = []
    if lexer.next == .symbol(")") { return events }
    repeat { events.append(try sum()) } while try skip(",")
    call.argumentCount = events.count
    return events
  }

  mutating func contentNumber(_ label: String) throws(EventExpressionError) -> Double { try number(label) }

  mutating func contentRows(_ label: String) throws(EventExpressionError) -> [[Double]] {
    try begin(label)
    guard try skip("[") else { throw unexpected(expected: "“[” and the rows of \(call.name)") }
    var rows: [[Double]] = []
    if try skip("]") { return rows }
    repeat { rows.append(try list("a number of a row")) } while try skip(",")
    guard try skip("]") else { throw unexpected(expected: "“,” or “]”") }
    return rows
  }

  /// Schemes, matrices and distributions are no values of their own in an expression: their name is that of the function.
  mutating func scheme(_ label: String) throws(EventExpressionError) -> SamplingScheme { throw unexpected(expected: label) }
  mutating func strategy(_ label: String) throws(EventExpressionError) -> StrategyMatrix { throw unexpected(expected: label) }
  mutating func runs(_ label: String) throws(EventExpressionError) -> SelectionRuns { throw unexpected(expected: label) }

  private mutating func list(_ element: String) throws(EventExpressionError) -> [Double] {
    guard try skip("[") else { throw unexpected(expected: "“[” and a list of numbers") }
    var values: [Double] = []
    if try skip("]") { return values }
    repeat { values.append(try finiteNumber(element)) } while try skip(",")
    guard try skip("]") else { throw unexpected(expected: "“,” or “]”") }
    return values
  }

  /// `number [/ number]`.
  private mutating func finiteNumber(_ expected: String) throws(EventExpressionError) -> Double {
    let start = lexer.start
    let numerator = try decimal(expected)
    guard try skip("/") else { return numerator }
    let denominatorStart = lexer.start
    let denominator = try decimal("a number to divide by")
    guard denominator > 0 else {
      throw lexer.unexpected("a division by “\(denominator)”", expected: "a number above 0", at: denominatorStart)
    }
    let quotient = numerator / denominator
    guard quotient.isFinite, quotient != 0 || numerator == 0 else {
      throw lexer.unexpected("a fraction that is no Double", expected: "a magnitude from 5e-324 to 1.7e308", at: start)
    }
    return quotient
  }

  private mutating func decimal(_ expected: String) throws(EventExpressionError) -> Double {
    guard case .number(let text) = lexer.next else { throw unexpected(expected: expected) }
    // A rate that silently became 0 would grant perfect privacy, so what is too small is an error like what is too large.
    let mantissa = text.prefix { $0 != "e" && $0 != "E" }
    guard let value = Double(text), value.isFinite, value != 0 || !mantissa.contains(where: { ("1"..."9").contains($0) }) else {
      throw unexpected(expected: "a magnitude from 5e-324 to 1.7e308")
    }
    try lexer.advance()
    return value
  }

  private mutating func wholeNumber(_ expected: String) throws(EventExpressionError) -> Int {
    guard case .number(let text) = lexer.next, let value = Self.wholeNumber(text) else {
      throw unexpected(expected: expected)
    }
    try lexer.advance()
    return value
  }

  /// The value of `text` if that is a whole number, computed on its digits: 1e6 and 2.50e1 are, 1e-1 and 1.00000000000000000001 are not.
  private static func wholeNumber(_ text: String) -> Int? {
    let parts = text.lowercased().split(separator: "e", maxSplits: 1)
    let isNegative = parts[0].hasPrefix("-")
    let mantissa = parts[0].drop { $0 == "-" }.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    var digits = mantissa.joined().drop { $0 == "0" }
    guard !digits.isEmpty else { return 0 }
    guard var exponent = parts.count > 1 ? Int(parts[1]) : 0, exponent.magnitude <= 1 << 20 else { return nil }
    if mantissa.count > 1 { exponent -= mantissa[1].count }
    while digits.last == "0" {
      digits.removeLast()
      exponent += 1
    }
    guard exponent >= 0, digits.count + exponent <= 19 else { return nil }
    return Int((isNegative ? "-" : "") + digits + String(repeating: "0", count: exponent))
  }
}
