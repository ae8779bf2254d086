import Foundation

/// What a privacy guarantee means for one person, ready for a report.
///
/// All figures are upper bounds of what the best attacker can do (lower bounds of its error), for the worse of the two directions.
/// The attacker knows everything but whether the person takes part, and sees everything that was released.
public struct RiskSummary: Codable, Hashable, Sendable, CustomStringConvertible {
  /// A bound of the true-positive rate at one false-positive rate.
  public struct TestPower: Codable, Hashable, Sendable {
    /// FPR of the membership test.
    public let falsePositiveRate: Double
    /// No test of this FPR finds more than this share of the members.
    public let truePositiveRate: Double
  }

  /// The guarantee for several people at once.
  public struct Group: Codable, Hashable, Sendable {
    /// How many people are present or absent together.
    public let size: Int
    /// ε for the group at ``RiskSummary/delta``; `nil` where it is infinite.
    public let epsilon: Double?
  }

  /// δ of the group statements.
  public let delta: Double
  /// Greatest TPR − FPR of any membership test.
  public let advantage: Double
  /// Greatest true-positive rates at the false-positive rates 0.1 %, 1 % and 10 %.
  public let testPowers: [TestPower]
  /// μ of the Gaussian release that is no more private, over the range of false-positive rates below; `nil` where it is infinite.
  public let gaussianParameter: Double?
  /// The false-positive rates that the μ covers: from this one to one minus it.
  public let leastFalsePositiveRate: Double
  /// Least error probability of an attacker who holds presence as likely as absence; ½ is guessing.
  public let bayesRisk: Double
  /// The guarantee for 2 and 5 people.
  public let groups: [Group]

  /// The summary of a curve, with group statements at `delta`.
  ///
  /// It asks the accountant for about a thousand values of δ.
  ///
  /// - Parameters:
  ///   - curve: the trade-off curve of everything released.
  ///   - delta: δ of the report, in (0, 1).
  public init(of curve: TradeOffCurve, delta: Double) throws(AccountingError) {
    self.delta = delta
    advantage = try curve.advantage().upper
    var powers: [TestPower] = []
    for rate in [1e-3, 1e-2, 0.1] {
      powers.append(TestPower(falsePositiveRate: rate, truePositiveRate: try curve.truePositiveRate(atFalsePositiveRate: rate).upper))
    }
    testPowers = powers
    let gaussian = try curve.gaussianParameter()
    gaussianParameter = gaussian.upper.isFinite ? gaussian.upper : nil
    leastFalsePositiveRate = gaussian.falsePositiveRates.lowerBound
    bayesRisk = try curve.bayesRisk(prior: 0.5).lower
    var groups: [Group] = []
    for size in [2, 5] {
      let epsilon = try curve.groupEpsilon(size: size, delta: delta)
      groups.append(Group(size: size, epsilon: epsilon.isFinite ? epsilon : nil))
    }
    self.groups = groups
  }

  /// The summary in plain English, one statement a line.
  public var lines: [String] {
    var lines = [
      "No test tells a member from a non-member with a true-positive rate more than \(Self.figure(advantage)) above its false-positive rate."
    ]
    for power in testPowers {
      lines.append(
        "A test that accuses \(Self.percent(power.falsePositiveRate)) of the non-members finds at most "
          + "\(Self.percent(power.truePositiveRate)) of the members.")
    }
    lines.append(
      "An attacker who holds presence as likely as absence errs with probability at least \(Self.figure(bayesRisk, up: false)); "
        + "guessing errs with 0.5.")
    let range = "for false-positive rates from \(leastFalsePositiveRate) to 1 − \(leastFalsePositiveRate)"
    if let gaussianParameter {
      lines.append(
        "Membership is at least as hard to tell as by one Gaussian release with μ = \(Self.figure(gaussianParameter)), \(range).")
    } else {
      lines.append("No Gaussian release compares with it \(range).")
    }
    for group in groups {
      lines.append(
        group.epsilon.map { "For \(group.size) people together, ε is at most \(Self.figure($0)) at δ = \(delta)." }
          ?? "For \(group.size) people together there is no bound at δ = \(delta).")
    }
    return lines
  }

  /// ``lines``, joined.
  public var description: String { lines.joined(separator: "\n") }

  /// Four significant digits, rounded to the safe side; a part in 10¹² is taken for the rounding of the bound itself.
  private static func figure(_ value: Double, up: Bool = true) -> String {
    guard value > 0, value.isFinite else { return "\(value)" }
    let unit = pow(10, (log10(value)).rounded(.down) - 3)
    let count = value / unit
    let rounded = up ? (count * (1 - 1e-12)).rounded(.up) : (count * (1 + 1e-12)).rounded(.down)
    return String(format: "%.4g", rounded * unit)
  }

  private static func percent(_ rate: Double) -> String { figure(100 * rate) + " %" }
}
