import Foundation

/// The integers modulo a width, represented in [lower, upper).
public struct ModularRange: Codable, Hashable, Sendable {
  /// Least representative.
  public let lower: Int64
  /// The first number above the greatest representative.
  public let upper: Int64

  /// A range whose width fits 32 bits with its sign, as the reference's does, so that sums of two billion clients fit 64.
  public init(lower: Int64, upper: Int64) throws(AggregationError) {
    let (width, overflow) = upper.subtractingReportingOverflow(lower)
    guard upper > lower, !overflow, width <= Int64(Int32.max) else {
      throw .invalidParameter(
        name: "width of the modular range", value: Double(upper) - Double(lower), allowed: "at least 1 and below 2^31")
    }
    (self.lower, self.upper) = (lower, upper)
  }

  /// upper − lower.
  public var width: Int64 { upper - lower }

  /// The representative of `value`: value − ⌊(value − lower)/width⌋ · width.
  public func wrap(_ value: Int64) -> Int64 {
    // Both remainders are taken first: value − lower may not fit.
    let remainder = (value % width - lower % width) % width
    return lower + (remainder < 0 ? remainder + width : remainder)
  }

  /// Standard deviation of integers before they were wrapped, for integers that follow a Gaussian law around any centre:
  /// width/2π · √(−2 ln |mean e^{2πiv/width}|). Nil without values, or where the mean is too near 0 to say anything.
  public func estimatedStandardDeviation(_ values: [Int64]) -> Double? {
    guard !values.isEmpty else { return nil }
    var (real, imaginary) = (0.0, 0.0)
    for value in values {
      let angle = 2 * Double.pi * (Double(wrap(value) - lower) / Double(width))
      real += cos(angle)
      imaginary += sin(angle)
    }
    let modulus = min(1, (real * real + imaginary * imaginary).squareRoot() / Double(values.count))
    // The mean of n random directions is of the order of 1/√n.
    guard modulus * modulus * Double(values.count) > 1e-20 else { return nil }
    return Double(width) / (2 * Double.pi) * (-2 * log(modulus)).squareRoot()
  }
}

/// A real number as the nearest integer, ties away from 0; numbers beyond 2^62 stop there, NaN is 0.
func nearestInteger(_ value: Double) -> Int64 {
  let limit = 0x1p62
  return value.isNaN ? 0 : Int64(min(max(value.rounded(), -limit), limit))
}
