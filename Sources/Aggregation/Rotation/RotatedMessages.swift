import ParameterVectors
public import SecureNoise

/// Rotates every update by the round's random rotation, and the sum back.
///
/// A client sends its rotated update, padded where the rotation needs it. The server learns the sum, as without: the rotation is public.
/// It spreads single large values over all coordinates for whatever stands inside, a quantiser or a sum of bounded numbers.
public struct RotatedMessages: AggregationTechnique {
  /// Nothing is carried.
  public struct State: Codable, Hashable, Sendable {}

  /// The rotation.
  public let rotation: any Rotation

  /// Messages rotated by `rotation`.
  public init(_ rotation: any Rotation) { self.rotation = rotation }

  public var name: String { "rotation" }
  public var reportWidth: Int { 0 }
  /// Rounding can enlarge the norm a little, so that it must not stand between a clip and its noise.
  public var worstCaseNormGrowth: Double? { nil }
  public var needsClientRandomness: Bool { true }
  public func messageCount(for count: Int) -> Int { (try? rotation.paddedCount(count)) ?? count }
  public func initialState() -> State { State() }

  public func processClient(
    _ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) {
    guard case .real(let vector) = message, vector.count > 0 else { return }
    guard let seed = randomness?.roundSeed else { throw .noRandomness(reason: "the round has no seed for its rotation") }
    var values = vector.values
    try rotation.forward(&values, seed: seed)
    message = .real(ScaledVector(values: values, scale: vector.scale))
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    // Rotations run in Float; the greatest magnitude is taken out, so that no sum leaves its range.
    let greatest = sum.reduce(0) { max($0, abs($1)) }
    guard greatest > 0, greatest.isFinite else {
      sum = [Double](repeating: greatest == 0 ? 0 : .nan, count: round.messageCount)
      return []
    }
    var values = sum.map { Float($0 / greatest) }
    try rotation.inverse(&values, count: round.messageCount, seed: round.roundSeed)
    sum = values.map { Double($0) * greatest }
    return []
  }
}

extension AggregationPipeline {
  /// Rotates messages on their way, for what stands inside.
  public func rotation(_ rotation: any Rotation) throws(AggregationError) -> AggregationPipeline {
    try AggregationPipeline(RotatedMessages(rotation), around: self)
  }
}
