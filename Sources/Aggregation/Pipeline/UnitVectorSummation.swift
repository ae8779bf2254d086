public import ParameterVectors

/// A sum of integers whose clients put a clipped vector, in units of its bound, on a grid of 2^−``gridBits``.
///
/// Whether a client's integers have a norm of at most 2^``gridBits`` is checked in integers; what fails is left out.
public protocol UnitVectorSummation: IntegerSummation {
  /// k: a grid step is 2^−k of the bound, at most 30.
  var gridBits: Int { get }

  /// Client side: clips a finite vector and states the factor that brings it to a norm of at most 1, as its scale.
  ///
  /// - Parameter report: zeros, to be filled.
  func unitVector(
    _ vector: ScaledVector, report: inout ArraySlice<Double>, state: State
  ) throws(AggregationError) -> ScaledVector
}

extension UnitVectorSummation {
  public func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool {
    var reports = [Array(report)]
    let isAdded = try add([vector], to: &sum, reports: &reports, state: state, randomness: [randomness])
    report = reports[0][...]
    return isAdded[0]
  }

  /// All vectors in one pass over the sum.
  public func add(
    _ vectors: [ScaledVector], to sum: inout [Int64], reports: inout [[Double]], state: State, randomness: [ClientRandomness?]
  ) throws(AggregationError) -> [Bool] {
    var (values, factors): ([[Float]], [Double]) = ([], [])
    for (index, vector) in vectors.enumerated() {
      guard vector.count == sum.count else { throw .lengthMismatch(expected: sum.count, found: vector.count) }
      var report = reports[index][...]
      let unit = try unitVector(vector, report: &report, state: state)
      reports[index] = Array(report)
      values.append(unit.values)
      factors.append(unit.scale)
    }
    return VectorMath.accumulateUnitVectors(values, scaledBy: factors, bits: gridBits, into: &sum)
  }
}
