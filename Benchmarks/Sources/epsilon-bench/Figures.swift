import Foundation

/// Numbers as the tables show them.
enum Figures {
  /// `value` with three significant digits, thousands separated.
  static func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    if value >= 1000 { return grouped(Int(value.rounded())) }
    let decimals = max(0, 2 - Int(floor(log10(abs(value)))))
    return fixed(value, decimals)
  }

  /// `value` with a fixed number of decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

  /// `value` as a multiple of a power of ten, with two significant digits.
  static func scientific(_ value: Double) -> String { String(format: "%.1e", value) }

  /// A duration in the unit that suits it.
  static func duration(seconds: Double) -> String {
    switch seconds {
    case ..<1e-3: "\(short(seconds * 1e6)) µs"
    case ..<1: "\(short(seconds * 1e3)) ms"
    default: "\(short(seconds)) s"
    }
  }

  /// A share in whole percent.
  static func percent(_ share: Double) -> String { "\(fixed(100 * share, share < 0.1 ? 1 : 0)) %" }

  private static func grouped(_ value: Int) -> String {
    let digits = Array(String(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return text
  }
}
