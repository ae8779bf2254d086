public import Foundation

/// JSON as a contract: sorted keys, every Double as the shortest text that reads back to it, infinities as strings, NaN an error.
public enum CanonicalJSON {
  /// A value that JSON cannot hold.
  public struct NotANumber: Error, CustomStringConvertible {
    /// What happened.
    public let description = "a figure is not a number; this is a defect of the program, please report it"
  }

  private static let notANumber = "\u{FFFE}NaN"

  /// Encodes `value`, on one line unless `isPretty`.
  public static func data(_ value: some Encodable, isPretty: Bool = false) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = isPretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: notANumber)
    encoder.dateEncodingStrategy = .iso8601
    let data = try encoder.encode(value)
    guard data.range(of: Data(notANumber.utf8)) == nil else { throw NotANumber() }
    return data
  }

  /// Encodes `value` to text.
  public static func text(_ value: some Encodable, isPretty: Bool = false) throws -> String {
    String(decoding: try data(value, isPretty: isPretty), as: UTF8.self)
  }

  /// Decodes what ``data(_:isPretty:)`` wrote.
  public static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: notANumber)
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(type, from: data)
  }

  /// What keeps ``decode(_:from:)`` from reading a file, in words.
  static func problem(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it cannot be decoded" }
    func path(_ keys: [any CodingKey]) -> String {
      keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".").replacing(".[", with: "[")
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): return "\(path(context.codingPath)) has a value of another kind"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty: return "\(path(context.codingPath)) has a value that cannot be"
    default: return "it is not whole JSON text"
    }
  }
}
