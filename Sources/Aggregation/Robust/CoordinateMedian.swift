/// The median of the clients' updates, coordinate by coordinate.
///
/// Fewer than half of the clients cannot move a coordinate out of the range of the others' values, whatever they send
/// (Yin, Chen, Ramchandran and Bartlett 2018, Byzantine-robust distributed learning, definition 1). For an even number of clients it is
/// the mean of the two middle values. It is not a mean: with heterogeneous clients it converges on another point.
///
/// **Not streaming.** It needs every update at once, clients × parameters numbers in memory, so it stands outside
/// ``AggregationPipeline``. It knows no weights: every client counts the same, because a client states its own weight. It gives
/// no differential privacy, and cannot be combined with a secure sum: a client sends its plain update and the server learns it.
public struct CoordinateMedian: Hashable, Sendable {
  /// A median.
  public init() {}

  /// The median of every coordinate.
  ///
  /// - Parameter updates: one update per client, [clients][parameters]; those with a component that is not finite are left out.
  /// - Returns: [parameters]; zeros where every update was left out.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` without updates,
  ///   ``AggregationError/lengthMismatch(expected:found:)``.
  /// - Complexity: O(parameters × clients × log² clients).
  public func aggregate(_ updates: [[Float]]) throws(AggregationError) -> [Double] {
    let (finite, length) = try finiteUpdates(updates)
    var median = [Double](repeating: 0, count: length)
    guard !finite.isEmpty else { return median }
    let lower = (finite.count - 1) / 2
    let upper = finite.count / 2
    CoordinateSort(count: finite.count).forEachBlock(of: finite) { start, width, sorted in
      for lane in 0..<width { median[start + lane] = 0.5 * (Double(sorted[lower][lane]) + Double(sorted[upper][lane])) }
    }
    return median
  }
}
