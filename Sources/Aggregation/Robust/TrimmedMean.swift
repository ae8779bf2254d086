/// The mean of every coordinate without its largest and smallest values.
///
/// With a fraction β trimmed on each side, ⌊βn⌋ of n clients cannot move a coordinate out of the range of the others' values
/// (Yin, Chen, Ramchandran and Bartlett 2018, Byzantine-robust distributed learning, definition 2). Which clients are trimmed differs
/// from coordinate to coordinate.
///
/// **Not streaming.** It needs every update at once, clients × parameters numbers in memory, so it stands outside
/// ``AggregationPipeline``. It knows no weights: every client counts the same, because a client states its own weight. It gives
/// no differential privacy, and cannot be combined with a secure sum: a client sends its plain update and the server learns it.
public struct TrimmedMean: Hashable, Sendable {
  /// β, the fraction left out on each side, in [0, ½).
  public let trimmedFraction: Double

  /// A mean without the fraction `trimmedFraction` on each side.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``.
  public init(trimmedFraction: Double) throws(AggregationError) {
    try require(trimmedFraction >= 0 && trimmedFraction < 0.5, "trimmed fraction", trimmedFraction, "at least 0 and below 0.5")
    self.trimmedFraction = trimmedFraction
  }

  /// How many of `count` values are left out on each side: ⌊βn⌋, where a product that falls short of an integer by rounding counts as
  /// that integer; never all.
  public func trimmedPerSide(of count: Int) -> Int {
    let product = trimmedFraction * Double(count) * (1 + 1e-12)
    return min(Int(product), max(0, (count - 1) / 2))
  }

  /// The trimmed mean of every coordinate.
  ///
  /// - Parameter updates: one update per client, [clients][parameters]; those with a component that is not finite are left out first.
  /// - Returns: [parameters]; zeros where every update was left out.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` without updates,
  ///   ``AggregationError/lengthMismatch(expected:found:)``.
  /// - Complexity: O(parameters × clients × log² clients).
  public func aggregate(_ updates: [[Float]]) throws(AggregationError) -> [Double] {
    let (finite, length) = try finiteUpdates(updates)
    var mean = [Double](repeating: 0, count: length)
    guard !finite.isEmpty else { return mean }
    let trimmed = trimmedPerSide(of: finite.count)
    let kept = trimmed..<(finite.count - trimmed)
    CoordinateSort(count: finite.count).forEachBlock(of: finite) { start, width, sorted in
      for row in kept { for lane in 0..<width { mean[start + lane] += Double(sorted[row][lane]) } }
    }
    for index in mean.indices { mean[index] /= Double(kept.count) }
    return mean
  }
}
