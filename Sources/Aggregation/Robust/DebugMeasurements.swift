import ParameterVectors
public import SecureNoise

/// Measures the updates on their way and changes nothing: the clients' average norm and its spread, and the size of the mean.
///
/// With weights w_i and L2 norms n_i of the messages that reach it: average Σwn / Σw, and deviation
/// √(c (Σwn²/Σw − average²)) with c = W₁²/(W₁² − W₂), W₁ = Σw, W₂ = Σw², which makes the variance unbiased for fixed weights
/// (0 for a single client). In an unweighted mean all weights are 1. Innermost, it sees what is summed; around a mechanism that adds
/// noise in its sum, the messages before its clip and the noised mean. Updates that were rejected do not count.
///
/// A client sends nothing new but its norm, its square and its weight, of which the server learns the sums. Exact functions of client
/// data are among the figures: all are shown only on request.
public struct DebugMeasurements: WeightObservingTechnique {
  /// Nothing is carried on.
  public struct State: Codable, Hashable, Sendable {}

  /// Measurements of a pipeline.
  public init() {}

  public var name: String { "debug" }
  /// Σw, Σwn, Σwn² and Σw².
  public var reportWidth: Int { 4 }
  public var worstCaseNormGrowth: Double? { 1 }

  public func initialState() -> State { State() }

  public func observe(_ message: ClientMessage, weight: Double, report: inout ArraySlice<Double>) {
    let norm = message.norm(.l2)
    for (index, value) in [weight, weight * norm, weight * norm * norm, weight * weight].enumerated() {
      report[report.startIndex + index] = value
    }
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    let sums = Array(reports)
    let average = sums[0] > 0 ? sums[1] / sums[0] : 0
    let variance = sums[0] > 0 ? max(0, sums[2] / sums[0] - average * average) : 0
    let squaredWeight = sums[0] * sums[0]
    let correction = squaredWeight > sums[3] ? squaredWeight / (squaredWeight - sums[3]) : 0
    var figures: [(AggregationMeasurementName, Double)] = []
    // Weights near the end of the range can overflow in the sums: no figure rather than a wrong one.
    if sums.allSatisfy(\.isFinite) && squaredWeight.isFinite {
      figures = [(.averageClientNorm, average), (.clientNormDeviation, (correction * variance).squareRoot())]
    }
    if let maximum = sum.max(), let minimum = sum.min() {
      let divisor = round.divisor > 0 ? round.divisor : 1
      figures.append((.serverUpdateMaximum, maximum / divisor))
      figures.append((.serverUpdateNorm, VectorMath.norm(sum) / divisor))
      figures.append((.serverUpdateMinimum, minimum / divisor))
    }
    return figures.map { AggregationMeasurement($0, $1, .nonPrivate) }
  }
}

/// A technique that looks at every client's weight as well as at its message, and leaves both as they are.
public protocol WeightObservingTechnique: AggregationTechnique {
  /// Client side, after ``AggregationTechnique/processClient(_:report:state:)``.
  ///
  /// - Parameters:
  ///   - message: the message as it leaves this technique.
  ///   - weight: what the message will be multiplied by: 1 where the mean is not weighted, 0 for a rejected update.
  ///   - report: the technique's report.
  func observe(_ message: ClientMessage, weight: Double, report: inout ArraySlice<Double>)
}

extension AggregationPipeline {
  /// Measures norms of the messages that reach this point, and of the mean. See ``DebugMeasurements``.
  public func measuringNorms() throws(AggregationError) -> AggregationPipeline {
    try AggregationPipeline(DebugMeasurements(), around: self)
  }
}
