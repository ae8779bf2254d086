import ArgumentParser
import PrivacyEvents
import PrivateTraining

/// What was released: rounds of a Gaussian mechanism, an expression, or a file.
struct EventOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The event as an expression, such as \"1000 * poisson(0.01, gaussian(1))\".", valueName: "expression"))
  var positionalExpression: String?
  @Option(help: "The event as an expression; the same as the argument.")
  var expression: String?
  @Option(help: "YAML or JSON file with the event.")
  var event: String?
  @Option(
    parsing: .unconditional, help: "Noise standard deviation over the clipping norm, of a Gaussian mechanism under the sampling below.")
  var noiseMultiplier: Double?

  func validate() throws {
    let count = [positionalExpression != nil, expression != nil, event != nil, noiseMultiplier != nil].count { $0 }
    guard count == 1 else {
      throw ValidationError(
        "give either --noise-multiplier or --event FILE or one expression such as \"1000 * poisson(0.01, gaussian(1))\"; "
          + (count == 0 ? "there is none" : "there are \(count)"))
    }
    if let noiseMultiplier, !(noiseMultiplier >= 0 && noiseMultiplier.isFinite) {
      throw ValidationError("--noise-multiplier is \(noiseMultiplier), must be finite and at least 0")
    }
  }

  /// The event, under `scheme` where it is a noise multiplier.
  func event(sampledBy scheme: SamplingScheme?) throws -> PrivacyEvent {
    if let text = positionalExpression ?? expression {
      do { return try PrivacyEvent(expression: text) } catch {
        throw CommandFailure("\(error)\n\(Self.pointing(at: error.column, of: text))", status: 2)
      }
    }
    if let event { return try PrivacyEvent(PlanNode(contentsOf: event)) }
    return .gaussian(noiseMultiplier: noiseMultiplier ?? 0).sampled(by: scheme)
  }

  /// The line of `text` that holds the character `column`, from 1, with a caret below that character.
  private static func pointing(at column: Int, of text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    let place = min(max(column - 1, 0), scalars.count)
    let lineStart = scalars[..<place].lastIndex { $0 == "\n" }.map { $0 + 1 } ?? 0
    let lineEnd = scalars[place...].firstIndex { $0 == "\n" } ?? scalars.count
    // No more than fits a terminal.
    let start = max(lineStart, place - 60)
    let end = min(lineEnd, start + 100)
    let shown = scalars[start..<end].map { scalar -> String in
      switch scalar.properties.generalCategory {
      // Tabs would shift the caret, and control characters could move the cursor.
      case .control, .format, .lineSeparator, .paragraphSeparator, .nonspacingMark, .enclosingMark: " "
      default: String(scalar)
      }
    }
    return "  \(shown.joined())\n  \(String(repeating: " ", count: place - start))^"
  }
}

/// Numbers separated by commas.
struct NumberList {
  let values: [Double]
  /// One number without a comma: the answer is one object instead of a list.
  let isSingle: Bool

  static func parse(_ text: String) throws -> NumberList {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= greatestCount else {
      throw ValidationError("\(parts.count) numbers are given, at most \(greatestCount) are taken")
    }
    let values = try parts.enumerated().map { index, part in
      guard let value = Double(part.trimmingPrefix { $0 == " " }) else {
        throw ValidationError("entry \(index + 1), “\(part)”, is no number; write numbers with commas between, such as 1e-5,1e-6")
      }
      return value
    }
    return NumberList(values: values, isSingle: parts.count == 1)
  }

  private static let greatestCount = 1_000
}
