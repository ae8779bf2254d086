import ParameterVectors
import PrivacyEvents
public import SecureNoise
import Synchronization

/// Differential privacy whose noise the clients add themselves, as integers, before a secure sum (Kairouz, Liu and Steinke 2021; Agarwal,
/// Kairouz and Liu 2021).
///
/// A client rotates its update, clips it to C, rounds it to integers whose squared norm is checked in integers, adds its share of the
/// noise, wraps the result into b bits and sends that. The server learns the wrapped sum, in which the noise of all clients that sent
/// something is already contained; it scales and rotates back. With an adaptive norm a client also sends one bit of its unclipped norm;
/// the noise of that count is added by the server, which is trusted with the count.
///
/// **What holds.** The event counts the noise of `minimumClients` only, the least number of honest clients for which a round is released;
/// with fewer the round ends in an error and nothing is released; against the server itself, the protocol of the secure sum has to see to
/// that. It protects against the server and everybody who sees the sums, for
/// the relation of a person's update becoming zero (zero-out): a person who stays away takes a share of the noise along, which this event
/// does not cover. There is no amplification by sampling, because the cohort is known to the server.
public struct DistributedSum: NoiseMechanism, EncodingSummation {
  /// The running estimate of the clipping norm.
  public struct State: Codable, Hashable, Sendable {
    /// Estimate in force this round.
    public var estimate: Double
  }

  /// How a vector is rotated.
  public enum RotationKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Randomised Hadamard: pads to a power of two.
    case hadamard
    /// Random phases in the Fourier domain: pads to an even length.
    case fourier

    var rotation: any Rotation {
      switch self {
      case .hadamard: HadamardRotation.once
      case .fourier: FourierRotation()
      }
    }
  }

  /// Which noise.
  public let noise: DistributedNoise
  /// z, of everything that a round releases together with the noise of `expectedClients` clients.
  public let noiseMultiplier: Double
  /// n, whose noise together has the multiplier.
  public let expectedClients: Int
  /// Least number of clients with whose noise a round is released.
  public let minimumClients: Int
  /// Number of values of an update.
  public let parameterCount: Int
  /// b, of one integer of the sum.
  public let bits: Int
  /// Probability that a coordinate of the sum is wrapped, by the heuristic of the scale.
  public let wrapProbability: Double
  /// β of conditional rounding.
  public let roundingFailure: Double
  /// Where C comes from.
  public let norm: ClippingNorm
  /// How a vector is rotated.
  public let rotation: RotationKind
  private let parameters: DistributedNoiseParameters
  private let range: ModularRange
  private let clientNoise: PreparedNoise

  /// - Throws: ``AggregationError`` for numbers out of range; an adaptive norm must be one whose counts are noised.
  public init(
    noise: DistributedNoise = .skellam, noiseMultiplier: Double, expectedClients: Int, minimumClients: Int, parameterCount: Int,
    norm: ClippingNorm, bits: Int = 16, wrapProbability: Double = 1e-4, roundingFailure: Double = 0.6065306597126334,
    rotation: RotationKind = .hadamard
  ) throws(AggregationError) {
    try norm.validate()
    try require(parameterCount >= 1, "number of parameters", Double(parameterCount), "at least 1")
    try require(
      minimumClients >= 1 && minimumClients <= expectedClients, "minimum clients", Double(minimumClients), "in 1…\(expectedClients)")
    if case .adaptive(let estimator) = norm, case .exact = estimator.release {
      throw .invalidComposition(technique: "distributed sum", reason: "its adaptive clipping norm needs noised counts")
    }
    (self.noise, self.noiseMultiplier, self.expectedClients, self.minimumClients) = (
      noise, noiseMultiplier, expectedClients, minimumClients
    )
    (self.parameterCount, self.bits, self.wrapProbability, self.roundingFailure) = (parameterCount, bits, wrapProbability, roundingFailure)
    (self.norm, self.rotation) = (norm, rotation)
    let split = try Self.split(noiseMultiplier, norm.noisedBitDeviations)
    parameters = try DistributedNoiseParameters(
      noise: noise, noiseMultiplier: split.updateNoiseMultiplier, expectedClients: expectedClients,
      dimension: try rotation.rotation.paddedCount(parameterCount), bits: bits, wrapProbability: wrapProbability,
      roundingFailure: roundingFailure)
    clientNoise = PreparedNoise(noise, variance: parameters.localVariance)
    range = try ModularRange(lower: -(1 << (bits - 1)), upper: 1 << (bits - 1))
  }

  /// Under zero-out a bit moves by 1, not by ½, so that a count of deviation σ has the multiplier σ.
  private static func split(_ noiseMultiplier: Double, _ deviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: deviations.map { $0 / 2 })
  }

  public var name: String { "distributedSum" }
  public var reportWidth: Int { ClippingNorm.reportWidth }
  public var needsClientRandomness: Bool { true }
  public var sendsRejectedAsZero: Bool { true }
  public var noisedBitDeviations: [Double] { norm.noisedBitDeviations }
  public func initialState() -> State { State(estimate: norm.initialEstimate) }
  public func integerCount(for count: Int) -> Int { parameters.dimension }

  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    guard bitDeviations == noisedBitDeviations else {
      throw .invalidComposition(
        technique: name, reason: "a noised count of another technique stands beside it; only its own clipping norm may adapt")
    }
    return try Self.split(noiseMultiplier, bitDeviations)
  }

  /// What a round of `minimumClients` clients releases, for the relation zero-out.
  public func releases(of split: NoiseSplit) -> RoundReleases {
    let update = parameters.event(honestClients: minimumClients)
    let counts = noisedBitDeviations.map { PrivacyEvent.gaussian(noiseMultiplier: $0) }
    return .toKnownCohorts(counts.isEmpty ? update : .composed([update] + counts))
  }

  public func titles(of split: NoiseSplit) -> [String] {
    let (l2, l1) = parameters.sensitivity
    let name = noise == .skellam ? "Skellam" : "discrete Gaussian"
    return [
      "sum of \(bits)-bit integers modulo 2^\(bits), one per coordinate of the rotated and clipped updates: \(name) noise of variance "
        + "\(Figure.noise(parameters.localVariance)) from every client, of which \(minimumClients) count "
        + "(L2 sensitivity \(Figure.sensitivity(l2)), L1 \(Figure.sensitivity(l1)))"
    ]
      + noisedBitDeviations.map {
        "count of clients within the adaptive norm: Gaussian noise of standard deviation \(Figure.noise($0)), added by the server (sensitivity 1)"
      }
  }

  public var assumptions: [String] {
    [
      "clients are trusted to clip and to add their own noise: at least \(minimumClients) of every released round do so, and the protocol of "
        + "secure aggregation opens no sum of fewer",
      "the sum of the clients' integers is all that the server learns of an update: a protocol of secure aggregation carries it, which this "
        + "program computes in the clear",
      "clients' noise consists of integers drawn exactly, from AES-CTR keyed by the operating system",
    ] + (norm.isFixed ? [] : ["the server is trusted with one bit of every client, whether its norm is within the clipping norm"])
  }

  /// Nothing that is not a real vector stands between its clip and its noise.
  public func normGrowth(of technique: any AggregationTechnique) -> Double? { 1 }

  public func encode(
    _ values: [Double], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> [Int64] {
    guard values.count == parameterCount else { throw .lengthMismatch(expected: parameterCount, found: values.count) }
    guard let randomness else { throw .noRandomness(reason: "a client of a distributed sum draws its own noise") }
    var rotated = values.map(Float.init)
    try rotation.rotation.forward(&rotated, seed: randomness.roundSeed)
    var message = ClientMessage.real(ScaledVector(values: rotated))
    norm.clip(&message, report: &report, estimate: state.estimate)
    guard case .real(let clipped) = message else { throw .stateMismatch(technique: name) }
    // A little inside the bound, so that the rounding to Float leaves conditional rounding its room.
    let factor = clipped.scale / norm.bound(state.estimate) * (1 - 0x1p-20)
    let unit = clipped.values.map { Float(Double($0) * factor) }
    var integers = try parameters.rounding.round(unit, randomness: randomness.own)
    do throws(SecureNoiseError) { try randomness.own.add(clientNoise.noise(), to: &integers) } catch {
      throw .noRandomness(reason: error.description)
    }
    for index in integers.indices { integers[index] = range.wrap(integers[index]) }
    return integers
  }

  public func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement]) {
    guard senders >= minimumClients else { throw .tooFewClients(found: senders, needed: minimumClients) }
    let bound = norm.bound(state.estimate)
    let unit = bound / parameters.scale
    var values = sum.map { Float(Double(range.wrap($0)) * unit) }
    try rotation.rotation.inverse(&values, count: count, seed: round.roundSeed)
    let deviation = (Double(minimumClients) * parameters.localVariance).squareRoot() * unit
    let measurements = [
      AggregationMeasurement(.integerScale, 1 / unit, .released),
      AggregationMeasurement(.noiseStandardDeviation, deviation / Double(expectedClients), .released),
    ]
    return (
      values.map(Double.init),
      try measurements
        + norm.advance(&state.estimate, reports: reports, participants: round.participants, protection: .released, noise: noise)
    )
  }
}

/// One client's noise, prepared when the first client needs it: calibration makes many mechanisms that never run.
private final class PreparedNoise: Sendable {
  private let kind: DistributedNoise
  private let variance: Double
  private let prepared = Mutex<IntegerNoise?>(nil)

  init(_ kind: DistributedNoise, variance: Double) { (self.kind, self.variance) = (kind, variance) }

  func noise() throws(SecureNoiseError) -> IntegerNoise {
    try prepared.withLock { prepared throws(SecureNoiseError) in
      if let prepared { return prepared }
      let noise =
        switch kind {
        case .skellam: try IntegerNoise.skellam(variance: variance)
        case .discreteGaussian: try IntegerNoise.discreteGaussian(sigma: variance.squareRoot())
        }
      prepared = noise
      return noise
    }
  }
}

extension AggregationPipeline {
  /// Distributed differential privacy: the mean over the expected clients of updates whose noise the clients add themselves.
  public func distributed(_ sum: DistributedSum) throws(AggregationError) -> AggregationPipeline {
    try requireUnweighted(for: sum.name)
    return try AggregationPipeline(sum, under: self, denominator: .expectedCohort(Double(sum.expectedClients)))
  }
}
