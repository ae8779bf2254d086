public import ParameterVectors
public import SecureNoise

/// A sum over integers that stands in for a secure one: the seam for a cryptographic protocol.
///
/// A client turns its real vector into integers; the integers of all clients are added, and nothing else about a client leaves its side.
/// The server turns the sum back into real numbers. What is summed here in the clear is what a protocol of secure aggregation would
/// reveal: the sum, and the sums of the reports.
public protocol IntegerSummation: Sendable {
  /// What is carried from round to round.
  associatedtype State: Codable & Hashable & Sendable

  /// Key of its measurements.
  var name: String { get }
  /// How many figures each client reports beside its integers; they are summed over the clients.
  var reportWidth: Int { get }
  /// Whether encoding draws random numbers.
  var needsClientRandomness: Bool { get }
  /// Whether a client whose update cannot be used sends zeros in its place, because its noise is part of a guarantee.
  var sendsRejectedAsZero: Bool { get }
  /// Standard deviations of the noised counts that it releases, each of which has sensitivity ½.
  var noisedBitDeviations: [Double] { get }
  /// What it learns from clients and releases outside any privacy event, as sentences for the report.
  var leaks: [String] { get }

  /// The state before the first round.
  func initialState() -> State

  /// Number of integers for a vector of `count` values.
  func integerCount(for count: Int) -> Int

  /// Client side: turns a finite real vector, the message after all techniques, into integers and adds them to `sum`.
  ///
  /// - Parameters:
  ///   - report: zeros, to be filled.
  ///   - randomness: `nil` unless ``needsClientRandomness``.
  /// - Returns: whether the vector was added; one that cannot be encoded is left out like one that is not finite.
  func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool

  /// The client side of several clients, with the same result as one after the other, which it is by default.
  ///
  /// - Parameters:
  ///   - reports: zeros for each client, to be filled.
  ///   - randomness: of each client.
  /// - Returns: whether each vector was added.
  func add(
    _ vectors: [ScaledVector], to sum: inout [Int64], reports: inout [[Double]], state: State, randomness: [ClientRandomness?]
  ) throws(AggregationError) -> [Bool]

  /// Server side: the sum of all clients' integers as real numbers.
  ///
  /// - Parameters:
  ///   - sum: exact sum over the clients that sent integers, [integers].
  ///   - senders: how many those were.
  ///   - count: number of values wanted.
  func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, state: inout State, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], measurements: [AggregationMeasurement])
}

extension IntegerSummation {
  /// No random numbers unless it says so.
  public var needsClientRandomness: Bool { false }
  /// Left out unless it says so.
  public var sendsRejectedAsZero: Bool { false }
  /// No noised counts unless it says so.
  public var noisedBitDeviations: [Double] { [] }
  /// No leaks unless it says so.
  public var leaks: [String] { [] }
  /// One integer for each value unless it says so.
  public func integerCount(for count: Int) -> Int { count }

  public func add(
    _ vectors: [ScaledVector], to sum: inout [Int64], reports: inout [[Double]], state: State, randomness: [ClientRandomness?]
  ) throws(AggregationError) -> [Bool] {
    var isAdded: [Bool] = []
    for index in vectors.indices {
      var report = reports[index][...]
      isAdded.append(try add(vectors[index], to: &sum, report: &report, state: state, randomness: randomness[index]))
      reports[index] = Array(report)
    }
    return isAdded
  }
}

/// A sum of integers whose clients make a vector of integers first, which is then added as it is.
public protocol EncodingSummation: IntegerSummation {
  /// Client side: a finite real vector as integers.
  ///
  /// - Parameters:
  ///   - values: the message after all techniques, [values].
  ///   - report: zeros, to be filled.
  ///   - randomness: `nil` unless ``IntegerSummation/needsClientRandomness``.
  func encode(
    _ values: [Double], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> [Int64]
}

extension EncodingSummation {
  /// Encodes, then adds; what cannot be rounded within its norm is left out.
  public func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, state: State, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool {
    let integers: [Int64]
    do throws(AggregationError) {
      integers = try encode(vector.values.map { Double($0) * vector.scale }, report: &report, state: state, randomness: randomness)
    } catch {
      guard case .roundingFailed = error else { throw error }
      return false
    }
    guard integers.count == sum.count else { throw .lengthMismatch(expected: sum.count, found: integers.count) }
    guard VectorMath.add(integers, into: &sum) else { throw .sumOverflow }
    return true
  }
}
