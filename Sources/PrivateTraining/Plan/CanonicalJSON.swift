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
}
