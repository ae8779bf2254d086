import Foundation

/// Numbers as people read them, rounded so that no guarantee looks better than it is.
public enum Figure {
  /// Rounded up to `decimals` decimals, or to four significant digits where it is small: for ε that is promised.
  public static func up(_ value: Double, decimals: Int = 4) -> String {
    guard value.isFinite else { return value > 0 ? "∞" : "−∞" }
    guard value > 0 else { return "0" }
    if value < 0.1 { return plain(Double(outward(value, up: true, 3, true)) ?? value.nextUp) }
    return trimmed(outward(value, up: true, decimals, false))
  }

  /// Rounded down to `decimals` decimals, or to four significant digits where it is small: for the lower end of a bound.
  public static func down(_ value: Double, decimals: Int = 4) -> String {
    guard value.isFinite, value > 0 else { return value > 0 ? "∞" : "0" }
    if value < 0.1 { return plain(Double(outward(value, up: false, 3, true)) ?? 0) }
    return trimmed(outward(value, up: false, decimals, false))
  }

  /// All digits of a number that somebody chose, such as δ: the fewest that read back to it.
  public static func exact(_ value: Double) -> String {
    let short = plain(value)
    guard value.isFinite, Double(short) != value else { return short }
    return scientific(value.description)
  }

  /// The shortest text that shows about six significant digits.
  public static func plain(_ value: Double) -> String {
    guard value.isFinite else { return value > 0 ? "∞" : "−∞" }
    if value == 0 { return "0" }
    let magnitude = abs(value)
    // As many decimals are kept as rounding up leaves, so that a figure rounded up stays up.
    if magnitude >= 1e-3 && magnitude < 1e6 { return trimmed(String(format: "%.\(magnitude >= 0.1 ? 4 : 7)f", value)) }
    return scientific(String(format: "%.3e", value))
  }

  /// `text` without the zeros before and in its exponent. By bytes: a regular expression takes a millisecond when it is first used.
  private static func scientific(_ text: String) -> String {
    guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "e")) else { return text }
    let exponent = Int(text[text.index(after: mark)...]) ?? 0
    return trimmed(String(text[..<mark])) + "e\(exponent)"
  }

  /// `text` without zeros at the end of its decimals.
  private static func trimmed(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
    var kept = text[...]
    while kept.utf8.last == UInt8(ascii: "0") { kept.removeLast() }
    if kept.utf8.last == UInt8(ascii: ".") { kept.removeLast() }
    return String(kept)
  }

  /// Four significant digits in scientific notation, rounded up: for δ that is promised.
  public static func scientificUp(_ value: Double) -> String {
    guard value > 0, value < 1 else { return plain(value) }
    let text = String(format: "%.3e", value)
    guard let shown = Double(text), shown < value else { return text }
    return String(format: "%.3e", value * (1 + 1e-3))
  }

  /// Six significant digits, rounded up: for a noise multiplier that must not be too small.
  public static func upSignificant(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return plain(value) }
    return outward(value, up: true, significantDecimals(value), false)
  }

  /// The same without zeros at the end: for a sensitivity.
  public static func sensitivity(_ value: Double) -> String { trimmed(upSignificant(value)) }

  /// Six significant digits, rounded down, without zeros at the end: for noise that was drawn.
  public static func noise(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return plain(value) }
    return trimmed(outward(value, up: false, significantDecimals(value), false))
  }

  /// Decimals that leave six significant digits.
  private static func significantDecimals(_ value: Double) -> Int { max(0, 5 - Int(floor(log10(value)))) }

  /// An interval with `decimals` decimals, or as many digits in scientific notation where it is small, rounded outward: `[1.25, 1.5]`.
  public static func interval(lower: Double, upper: Double, decimals: Int = 9) -> String {
    let isSmall = upper < 0.1
    return "[\(outward(lower, up: false, decimals, isSmall)), \(outward(upper, up: true, decimals, isSmall))]"
  }

  private static func outward(_ value: Double, up: Bool, _ decimals: Int, _ isScientific: Bool) -> String {
    guard value != 0, value.isFinite else { return plain(value) }
    let format = "%.\(decimals)\(isScientific ? "e" : "f")"
    let text = String(format: format, value)
    guard let shown = Double(text), up ? shown < value : shown > value else { return text }
    // One unit of the last digit further.
    let unit = pow(10, (isScientific ? floor(log10(abs(value))) : 0) - Double(decimals))
    return String(format: format, up ? value + unit : max(0, value - unit))
  }

  /// As a percentage with one decimal.
  public static func percent(_ value: Double) -> String { String(format: "%.1f %%", 100 * value) }

  /// With a fixed number of decimals.
  public static func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
}
