import Foundation

extension Calibration {
  /// The least x in `range` with excess(x) ≤ 1, for an excess that falls with x, to about a relative 1e-11 and never below it.
  ///
  /// - Parameters:
  ///   - range: of positive numbers.
  ///   - start: in it; powers of two times it enclose the answer first.
  ///   - excess: never negative, may be infinite; asked as seldom as can be.
  ///   - unreachable: the error where even the upper end exceeds 1.
  /// - Returns: a value for which `excess` was seen to be at most 1, or the lower end of the range.
  package static func leastSafe(
    in range: ClosedRange<Double>, start: Double, _ excess: (Double) throws(AccountingError) -> Double,
    unreachable: () -> AccountingError
  ) throws(AccountingError) -> Double {
    var safe = SearchPoint(start, try excess(start))
    var unsafe = safe
    while !safe.isSafe {
      unsafe = safe
      guard safe.value < range.upperBound else { throw unreachable() }
      let next = min(safe.value * 2, range.upperBound)
      safe = SearchPoint(next, try excess(next))
    }
    while unsafe.isSafe {
      safe = unsafe
      guard safe.value > range.lowerBound else { return range.lowerBound }
      let next = max(safe.value / 2, range.lowerBound)
      unsafe = SearchPoint(next, try excess(next))
    }
    var search = SafeSearch(unsafe: unsafe, safe: safe)
    while let value = search.next { search.add(SearchPoint(value, try excess(value))) }
    return search.safe.value
  }
}

/// A value that was tried, and what came of it.
private struct SearchPoint {
  let value: Double
  /// log of the value.
  let x: Double
  /// log of the excess, at most 0 where the value is safe.
  let y: Double

  init(_ value: Double, _ excess: Double) {
    self.value = value
    x = log(value)
    y = log(excess)
  }

  var isSafe: Bool { y <= 0 }
}

/// A bracket of the least safe value, narrowed by interpolation on log excess over log value.
///
/// Inverse quadratic interpolation through the last three points, as in Brent's method (1973), with halving where it does not narrow the
/// bracket or a value is not finite. Its end is reached from the safe side.
private struct SafeSearch {
  private(set) var safe: SearchPoint
  private var unsafe: SearchPoint
  /// The last points, the newest last.
  private var recent: [SearchPoint]
  private var steps = 0
  /// Widths of the bracket before the last steps.
  private var widths: [Double]

  /// The logarithm of the answer is this near to the least safe one.
  private static let tolerance = 1e-11
  private static let greatestStepCount = 200

  init(unsafe: SearchPoint, safe: SearchPoint) {
    (self.unsafe, self.safe) = (unsafe, safe)
    recent = abs(unsafe.y) < abs(safe.y) ? [safe, unsafe] : [unsafe, safe]
    widths = [safe.x - unsafe.x]
  }

  mutating func add(_ point: SearchPoint) {
    if point.isSafe { safe = point } else { unsafe = point }
    recent = recent.suffix(2) + [point]
    widths.append(safe.x - unsafe.x)
    steps += 1
  }

  /// The value to try; nil where the search has ended.
  var next: Double? {
    let width = safe.x - unsafe.x
    guard width > Self.tolerance, steps < Self.greatestStepCount, !isAtEnd else { return nil }
    let middle = 0.5 * (safe.x + unsafe.x)
    // Four steps that do not halve the bracket may go on so for ever.
    let isSlow = widths.count > 4 && width > 0.5 * widths[widths.count - 5]
    let margin = 0.2 * Self.tolerance
    let guess = isSlow ? middle : (interpolated ?? middle) + margin
    let value = exp(guess > unsafe.x && guess < safe.x ? guess : middle)
    // Neighbouring numbers leave nothing between them.
    return value > unsafe.value && value < safe.value ? value : nil
  }

  /// Whether the excess of the safe end is so near to 1 that the least safe value is within the tolerance.
  private var isAtEnd: Bool {
    // Slopes that differ are those of a jump, and very small ones may be of rounding errors: they say nothing about the distance.
    guard recent.count > 2, let slope, let before = Self.slope(recent[0], recent[1]), max(slope, before) < 1.1 * min(slope, before),
      slope > 1e-4, safe.y > -1e-9
    else { return false }
    return -safe.y <= Self.tolerance * slope
  }

  /// How fast the logarithm of the excess falls between the last two points.
  private var slope: Double? { Self.slope(recent[recent.count - 2], recent[recent.count - 1]) }

  private static func slope(_ a: SearchPoint, _ b: SearchPoint) -> Double? {
    let slope = (a.y - b.y) / (b.x - a.x)
    return slope.isFinite && slope > 0 ? slope : nil
  }

  /// log of the value at which the excess is 1, by the polynomial through the last points.
  private var interpolated: Double? {
    let (last, other) = (recent[recent.count - 1], recent[recent.count - 2])
    guard let slope else { return nil }
    let secant = last.x + last.y / slope
    guard recent.count > 2 else { return secant }
    // Newton's form of the polynomial in y.
    let first = recent[0]
    let lastSlope = (last.x - other.x) / (last.y - other.y)
    let firstSlope = (other.x - first.x) / (other.y - first.y)
    let guess = secant + last.y * other.y * (lastSlope - firstSlope) / (last.y - first.y)
    return guess.isFinite ? guess : secant
  }
}
