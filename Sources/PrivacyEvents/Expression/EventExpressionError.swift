/// Why a text is no event.
public struct EventExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of mistakes.
  public enum Problem: Hashable, Sendable {
    /// Something stands where the grammar has something else.
    case unexpected(found: String, expected: String)
    /// No event has this name; `nearest` is the one that was probably meant.
    case unknownName(found: String, nearest: String?, known: [String])
    /// A parameter is out of its range.
    case invalid(PrivacyEventError)
    /// The text has more bytes than are read.
    case tooLong(byteCount: Int)
    /// Parentheses and arguments are nested too deeply.
    case tooDeep
  }

  /// Where the mistake stands: characters (Unicode scalars) from 1, over all lines of the text. For a parameter that is out of its range,
  /// where its event or its count begins.
  public let column: Int
  /// What is wrong.
  public let problem: Problem

  /// A mistake at `column`.
  public init(column: Int, problem: Problem) {
    self.column = column
    self.problem = problem
  }

  /// Column, what was found and what was expected, on one line.
  public var description: String {
    let text =
      switch problem {
      case .unexpected(let found, let expected): "found \(found), expected \(expected)"
      case .unknownName(let found, let nearest, let known):
        "found the unknown name “\(found)”" + (nearest.map { ", did you mean \($0)?" } ?? ",")
          + " expected one of \(known.joined(separator: ", "))"
      case .invalid(let error): "\(error.path) \(error.problem)"
      case .tooLong(let byteCount):
        "found \(byteCount) bytes, expected at most \(PrivacyEvent.maximumExpressionByteCount); write an event file"
      case .tooDeep: "found more than \(PrivacyEvent.maximumDepth) nested events, expected at most that many"
      }
    return "event expression, column \(column): \(text)"
  }
}
