public import ParameterVectors
public import SecureNoise

/// What one client sends towards the sum.
public enum ClientMessage: Sendable {
  /// A vector of real numbers with a deferred scale.
  case real(ScaledVector)
}

/// Random numbers of one client in one round.
public struct ClientRandomness {
  /// The client's own numbers: nobody else may know them. From a cryptographic generator wherever they protect anything.
  public let own: RandomSource
  /// A number that the server and all clients of the round share, for rotations. It is public and depends on no data.
  public let roundSeed: UInt64

  /// The numbers of a client.
  public init(own: RandomSource, roundSeed: UInt64) {
    self.own = own
    self.roundSeed = roundSeed
  }
}

/// One step of an aggregation, with a side that runs for every client and a side that runs once on the sum.
///
/// The client side of the outermost technique comes first, the server side of the innermost first. A technique is a
/// value; what changes from round to round is its `State`.
public protocol AggregationTechnique: Sendable {
  /// What the technique carries from round to round.
  associatedtype State: Codable & Hashable & Sendable

  /// Key of its measurements, unique in a pipeline.
  var name: String { get }

  /// How many figures each client reports beside its message; they are summed over the clients.
  var reportWidth: Int { get }

  /// By how much the technique can enlarge the L2 norm of a message at worst; `nil` where that is not known.
  ///
  /// Between a clip and its noise only techniques that state this are allowed, and 1 is required until noise can be scaled.
  var worstCaseNormGrowth: Double? { get }

  /// Standard deviations of the noised counts that it releases, each of which has sensitivity ½.
  var noisedBitDeviations: [Double] { get }

  /// What it learns from clients and releases outside any privacy event, as sentences for the report.
  var leaks: [String] { get }

  /// Whether the client side draws random numbers.
  var needsClientRandomness: Bool { get }

  /// Number of values that a message of `count` values has after the client side; the server side undoes it.
  func messageCount(for count: Int) -> Int

  /// The state before the first round.
  func initialState() -> State

  /// Client side: transforms the message and fills `report` (of `reportWidth` zeros). It sees one client only.
  func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State)

  /// The client side of a technique that draws random numbers or can fail; by default the other one.
  ///
  /// - Parameter randomness: `nil` unless some technique of the pipeline ``needsClientRandomness``.
  func processClient(
    _ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError)

  /// Server side: transforms the sum, releases figures and moves the state on.
  ///
  /// - Parameters:
  ///   - sum: sum of the clients' messages as they left this technique.
  ///   - reports: sum of this technique's reports.
  ///   - round: facts of the round that are not private.
  ///   - state: the state that the clients used; on return that of the next round.
  ///   - noise: the generator that privacy noise is drawn from.
  func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> [AggregationMeasurement]
}

extension AggregationTechnique {
  /// No technique leaks unless it says so.
  public var leaks: [String] { [] }
  /// No noised counts unless it says so.
  public var noisedBitDeviations: [Double] { [] }
  /// No random numbers unless it says so.
  public var needsClientRandomness: Bool { false }
  /// As many values as before unless it says so.
  public func messageCount(for count: Int) -> Int { count }
  /// Nothing to do for a client unless it says so.
  public func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State) {}
  /// Most techniques need no random numbers.
  public func processClient(
    _ message: inout ClientMessage, report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) {
    processClient(&message, report: &report, state: state)
  }
}

/// What a server side may know about the round.
public struct RoundFacts: Sendable {
  /// Clients that took part. A private technique must not let this show.
  public let participants: Int
  /// How the noise multiplier of the pipeline is divided; `nil` in a pipeline without differential privacy.
  public let noiseSplit: NoiseSplit?
  /// Number of values of the sum as the technique outside this one wants it: that of a message before the client side.
  public let messageCount: Int
  /// The number shared by the server and all clients of the round, see ``ClientRandomness/roundSeed``.
  public let roundSeed: UInt64
  /// What the sum will be divided by: the total weight, the participants or the expected cohort; 0 over nobody.
  public let divisor: Double

  /// Facts of a round.
  public init(participants: Int, noiseSplit: NoiseSplit?, messageCount: Int = 0, roundSeed: UInt64 = 0, divisor: Double = 1) {
    self.messageCount = messageCount
    self.participants = participants
    self.noiseSplit = noiseSplit
    self.roundSeed = roundSeed
    self.divisor = divisor
  }
}

/// One figure of a round.
public struct AggregationMeasurement: Hashable, Sendable, Codable {
  /// Whether the figure may be seen.
  public enum Protection: String, Hashable, Sendable, Codable {
    /// A function of noised values and of public parameters: inside the privacy event.
    case released
    /// An exact function of client data: shown only on request, and then a leak.
    case nonPrivate
  }

  /// What it is.
  public let name: AggregationMeasurementName
  /// Its value.
  public let value: Double
  /// Whether it may be seen.
  public let protection: Protection
  /// The group of tensors that it belongs to, where a technique treats groups apart; `nil` for figures of the whole update.
  public let group: String?

  /// A figure of the round.
  public init(_ name: AggregationMeasurementName, _ value: Double, _ protection: Protection, group: String? = nil) {
    self.name = name
    self.value = value
    self.protection = protection
    self.group = group
  }
}

/// Names of measurements.
public enum AggregationMeasurementName: String, Hashable, Sendable, Codable, CaseIterable {
  /// Clipping norm that the clients of this round used.
  case clippingNorm
  /// Clipping norm of the next round.
  case nextClippingNorm
  /// Number of clients whose update was clipped.
  case clippedCount
  /// Fraction of clients clipped, one minus the noised fraction within the norm, clamped to [0, 1].
  case noisedFractionClipped
  /// Standard deviation of the noise in each coordinate of the mean.
  case noiseStandardDeviation
  /// Root of the noised squared norm of the mean less what noise adds on average, over the norm of the noise.
  case signalToNoiseRatio
  /// Number of clients that took part.
  case participants
  /// Number of clients whose update was not finite and left out of the sum.
  case rejectedUpdates
  /// Bytes that the clients' messages take together.
  case encodedBytes
  /// Mean squared error of the values that were encoded.
  case distortion
  /// Bound of the components that a secure sum carries this round, above.
  case secureUpperBound
  /// The same below.
  case secureLowerBound
  /// Number of clients with a component above the upper bound.
  case secureUpperClippedCount
  /// Number of clients with a component below the lower bound.
  case secureLowerClippedCount
  /// Factor between real values and the integers that are summed.
  case integerScale
  /// Standard deviation of a modular sum before it was wrapped, estimated from the wrapped one.
  case estimatedStandardDeviation
  /// Bound of the norm that the clients of this round used; longer updates were sent as zeros.
  case zeroingNorm
  /// Zeroing norm of the next round.
  case nextZeroingNorm
  /// Number of clients whose update was zeroed.
  case zeroedCount
  /// One minus the noised fraction of clients whose norm is within the estimated quantile, clamped to [0, 1].
  case noisedFractionZeroed
  /// Mean of the clients' L2 norms, by weight where the mean is weighted.
  case averageClientNorm
  /// Standard deviation of the clients' L2 norms, estimated without bias of the variance.
  case clientNormDeviation
  /// Greatest component of the round's update.
  case serverUpdateMaximum
  /// L2 norm of the round's update.
  case serverUpdateNorm
  /// Least component of the round's update.
  case serverUpdateMinimum
}
