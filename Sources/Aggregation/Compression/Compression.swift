import ParameterVectors
public import SecureNoise

/// Sends every update as the bytes of a lossy encoder.
///
/// A client sends the encoded bytes and, for encoders that rotate, eight bytes of a seed of its own; the server decodes each message by
/// itself and sums what comes out. It learns the decoded updates and the lengths of the messages. No encoder bounds what an update says
/// about its people, and rounding can enlarge a clipped norm: this stands outside any mechanism's clip and noise.
public struct Compression: AggregationTechnique {
  /// Nothing is carried.
  public struct State: Codable, Hashable, Sendable {}

  /// How vectors become bytes.
  public let encoder: any UpdateEncoder
  /// Whether the squared error of what is decoded is measured.
  public let measuresDistortion: Bool

  /// Compression by `encoder`.
  public init(encoder: any UpdateEncoder, measuresDistortion: Bool = false) {
    self.encoder = encoder
    self.measuresDistortion = measuresDistortion
  }

  public var name: String { "compression" }
  public var reportWidth: Int { 2 }
  public var worstCaseNormGrowth: Double? { nil }
  public var needsClientRandomness: Bool { true }
  public var leaks: [String] { ["the lengths of the encoded updates, which can depend on their values"] }
  public func initialState() -> State { State() }

  public func processClient(
    _ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) {
    guard case .real(let vector) = message, vector.count > 0 else { return }
    guard let own = randomness?.own else { throw .noRandomness(reason: "\(encoder.name) draws random numbers") }
    let values = vector.scale == 1 ? vector.values : vector.values.map { Float(Double($0) * vector.scale) }
    let seed = own.nextUInt64()
    let encoded = try encoder.encode(values, randomness: own, shared: seed)
    let decoded = try encoder.decode(encoded, count: values.count, shared: seed)
    report[report.startIndex] = Double(encoded.bytes.count + 8)
    if measuresDistortion { report[report.startIndex + 1] = meanSquaredError(decoded, of: values) }
    message = .real(ScaledVector(values: decoded))
  }

  public func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement] {
    var measurements = [AggregationMeasurement(.encodedBytes, reports[reports.startIndex], .nonPrivate)]
    if measuresDistortion, round.participants > 0 {
      measurements.append(AggregationMeasurement(.distortion, reports[reports.startIndex + 1] / Double(round.participants), .nonPrivate))
    }
    return measurements
  }
}

extension AggregationPipeline {
  /// Sends updates as the bytes of `encoder`.
  public func compression(_ encoder: any UpdateEncoder, measuresDistortion: Bool = false) throws(AggregationError) -> AggregationPipeline {
    try AggregationPipeline(Compression(encoder: encoder, measuresDistortion: measuresDistortion), around: self)
  }
}
