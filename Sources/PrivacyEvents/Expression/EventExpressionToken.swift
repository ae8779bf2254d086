/// The smallest parts of an expression.
enum EventExpressionToken: Hashable {
  case name(String)
  /// Digits, point and exponent as they stand, with the sign.
  case number(String)
  case string(String)
  case symbol(Character)
  case end

  /// The token as errors show it.
  var shown: String {
    switch self {
    case .name(let text), .number(let text): "“\(Self.shortened(text))”"
    case .string(let text): "the text “\(Self.shortened(text))”"
    case .symbol(let symbol): "“\(Self.shortened(String(symbol)))”"
    case .end: "the end"
    }
  }

  /// At most 40 scalars of `text`, without control characters.
  static func shortened(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(40) {
      result.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return text.unicodeScalars.dropFirst(40).isEmpty ? result : result + "…"
  }
}

/// Cuts an expression into tokens, on demand.
struct EventExpressionLexer {
  private let bytes: [UInt8]
  private var position = 0
  /// The token that is next to be read.
  private(set) var next = EventExpressionToken.end
  /// Byte at which `next` begins.
  private(set) var start = 0

  init(_ text: String) throws(EventExpressionError) {
    bytes = Array(text.utf8)
    guard bytes.count <= PrivacyEvent.maximumExpressionByteCount else {
      throw EventExpressionError(column: 1, problem: .tooLong(byteCount: bytes.count))
    }
    try advance()
  }

  /// Column of the byte at `offset`.
  func column(at offset: Int) -> Int {
    // Every byte but the second to fourth of a scalar begins a column.
    1 + bytes[..<offset].count { $0 & 0xC0 != 0x80 }
  }

  func unexpected(_ found: String, expected: String, at offset: Int) -> EventExpressionError {
    EventExpressionError(column: column(at: offset), problem: .unexpected(found: found, expected: expected))
  }

  /// Whether the token after `next` is `symbol`.
  func isFollowed(by symbol: Character) -> Bool {
    var index = position
    while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
    return index < bytes.count && bytes[index] == symbol.asciiValue
  }

  /// Reads the token after `next` into `next`.
  mutating func advance() throws(EventExpressionError) {
    while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    start = position
    guard position < bytes.count else {
      next = .end
      return
    }
    let byte = bytes[position]
    switch byte {
    case _ where Self.isLetter(byte):
      while position < bytes.count, Self.isLetter(bytes[position]) || Self.isDigit(bytes[position]) { position += 1 }
      next = .name(text(start..<position))
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"): next = .number(try number())
    case UInt8(ascii: "\""): next = .string(try string())
    case 0x21..<0x7F:
      position += 1
      next = .symbol(Character(Unicode.Scalar(byte)))
    default:
      let scalar = String(decoding: bytes[position...].prefix(4), as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
      throw unexpected(EventExpressionToken.symbol(Character(scalar)).shown, expected: "an event expression in plain ASCII", at: position)
    }
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// `[-] (digits [. digits] | . digits) [e [+|-] digits]`, after which no letter, digit or point may follow.
  private mutating func number() throws(EventExpressionError) -> String {
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    var isValid = skipDigits() > 0
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      isValid = skipDigits() > 0
    }
    if isValid, position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") { position += 1 }
      isValid = skipDigits() > 0
    }
    let end = position
    while position < bytes.count, Self.isLetter(bytes[position]) || Self.isDigit(bytes[position]) || bytes[position] == UInt8(ascii: ".") {
      position += 1
    }
    guard isValid, end == position else {
      throw unexpected(
        EventExpressionToken.number(text(start..<position)).shown, expected: "a number such as 100, 0.01 or 1e-5", at: start)
    }
    return text(start..<end)
  }

  private mutating func skipDigits() -> Int {
    let begin = position
    while position < bytes.count, Self.isDigit(bytes[position]) { position += 1 }
    return position - begin
  }

  /// `"…"` with the escapes `\"`, `\\`, `\n`, `\r`, `\t` and `\u{hexadecimal}`.
  private mutating func string() throws(EventExpressionError) -> String {
    position += 1
    var result: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &result)
      default: result.append(byte)
      }
    }
    throw unexpected("the end", expected: "“\"” that closes the text begun at column \(column(at: start))", at: position)
  }

  private mutating func escape(into result: inout [UInt8]) throws(EventExpressionError) {
    let begin = position - 1
    let kind = position < bytes.count ? bytes[position] : 0
    position = min(bytes.count, position + 1)
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): result.append(kind)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"):
      let rest = bytes[position...].prefix(10)
      if rest.first == UInt8(ascii: "{"), let close = rest.firstIndex(of: UInt8(ascii: "}")),
        let value = UInt32(text(position + 1..<close), radix: 16), let scalar = Unicode.Scalar(value)
      {
        result.append(contentsOf: Array(String(Character(scalar)).utf8))
        position = close + 1
        return
      }
      fallthrough
    default: throw unexpected("a broken escape", expected: #"\", \\, \n, \r, \t or \u{…}"#, at: begin)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
  }
}
