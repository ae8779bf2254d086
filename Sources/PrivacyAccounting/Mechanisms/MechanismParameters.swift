import Foundation

/// Range checks of the numbers that the mechanisms in this folder take.
enum MechanismParameters {
  static func positive(_ name: String, _ value: Double) throws(AccountingError) {
    guard value > 0, value.isFinite else { throw .invalidParameter(name: name, value: value, allowed: "finite and above 0") }
  }

  static func nonNegative(_ name: String, _ value: Double) throws(AccountingError) {
    guard value >= 0, value.isFinite else { throw .invalidParameter(name: name, value: value, allowed: "finite and at least 0") }
  }

  static func order(_ alpha: Double) throws(AccountingError) {
    guard alpha > 1, alpha.isFinite else { throw .invalidParameter(name: "order", value: alpha, allowed: "finite and above 1") }
  }

  static func probability(_ name: String, _ value: Double) throws(AccountingError) {
    guard value >= 0, value <= 1 else { throw .invalidParameter(name: name, value: value, allowed: "in [0, 1]") }
  }

  static func count(_ name: String, _ value: Int, atLeast least: Int = 1, atMost most: Int = 1 << 53) throws(AccountingError) {
    guard value >= least, value <= most else {
      throw .invalidParameter(name: name, value: Double(value), allowed: "in [\(least), \(most)]")
    }
  }
}
