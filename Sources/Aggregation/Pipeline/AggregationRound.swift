import ParameterVectors
public import SecureNoise

/// The sum over some of a round's clients; partial sums are merged in a fixed order.
public struct PartialSum: Sendable {
  /// Σ of the clients' messages; empty where integers are summed.
  public internal(set) var values: [Double]
  /// Σ of the clients' integers, where the pipeline sums integers; else empty.
  public internal(set) var integers: [Int64] = []
  /// Σ of the clients' weights.
  public internal(set) var weight = 0.0
  /// Number of clients, those with rejected updates included.
  public internal(set) var participants = 0
  /// Number of clients whose update or weight was not finite, or could not be encoded.
  public internal(set) var rejected = 0
  /// Number of clients that added something to the sum, if only zeros and noise.
  var senders = 0
  var reports: [Double]

  /// Adds the sum over other clients.
  ///
  /// - Throws: ``AggregationError/sumOverflow`` where integers leave the range of 64 bits.
  public mutating func merge(_ other: PartialSum) throws(AggregationError) {
    VectorMath.add(other.values, into: &values)
    guard VectorMath.add(other.integers, into: &integers) else { throw .sumOverflow }
    for index in reports.indices { reports[index] += other.reports[index] }
    weight += other.weight
    participants += other.participants
    rejected += other.rejected
    senders += other.senders
  }
}

/// What a round gives.
public struct AggregationResult: Sendable {
  /// The aggregated update, [parameters].
  public let update: [Double]
  /// The state for the next round.
  public let state: AggregationState
  /// Figures of the round, with their protection.
  public let measurements: [AggregationMeasurement]
}

/// One round of a pipeline, with every technique's state opened: used by all workers at once, without shared mutable state.
public struct AggregationRound: Sendable {
  private let pipeline: AggregationPipeline
  private let count: Int
  private let roundSeed: UInt64
  private let opened: [any OpenedTechnique]
  private let slots: [Range<Int>]
  private let summation: (any OpenedSummation)?
  private let summationSlot: Range<Int>
  /// Number of values of a message after each technique, outermost first, starting with that of an update.
  private let counts: [Int]
  /// Number of values of a message after all techniques, and of the sum over the clients.
  private let messageCount: Int
  private let sumCount: Int

  init(pipeline: AggregationPipeline, count: Int, state: AggregationState, roundSeed: UInt64) throws(AggregationError) {
    guard state.boxes.count == pipeline.techniques.count else { throw .stateMismatch(technique: "the pipeline") }
    self.pipeline = pipeline
    self.count = count
    self.roundSeed = roundSeed
    var opened: [any OpenedTechnique] = []
    var slots: [Range<Int>] = []
    for (technique, box) in zip(pipeline.techniques, state.boxes) {
      opened.append(try open(technique, box))
      let start = slots.last?.upperBound ?? 0
      slots.append(start..<(start + technique.reportWidth))
    }
    self.opened = opened
    self.slots = slots
    counts = pipeline.techniques.reduce(into: [count]) { $0.append($1.messageCount(for: $0.last ?? count)) }
    messageCount = counts.last ?? count
    sumCount = pipeline.summation?.integerCount(for: messageCount) ?? messageCount
    let end = slots.last?.upperBound ?? 0
    summation = try pipeline.summation.map { summation throws(AggregationError) in try open(summation, state.summation) }
    summationSlot = end..<(end + (pipeline.summation?.reportWidth ?? 0))
  }

  /// A sum over no clients.
  public func emptySum() -> PartialSum {
    let isInteger = summation != nil
    return PartialSum(
      values: [Double](repeating: 0, count: isInteger ? 0 : sumCount), integers: [Int64](repeating: 0, count: isInteger ? sumCount : 0),
      reports: [Double](repeating: 0, count: summationSlot.upperBound))
  }

  /// Runs the client side of every technique on one update and adds the outcome to `sum`.
  ///
  /// An update with a component that is not finite, or with a weight that is negative or not finite, adds nothing; its client still
  /// counts as a participant, with the reports of a zero update.
  ///
  /// - Parameters:
  ///   - update: initial minus final parameters, [parameters].
  ///   - weight: the client's weight, ignored unless the mean is weighted.
  ///   - own: the client's own random numbers, used where the pipeline ``AggregationPipeline/needsClientRandomness``; by default from
  ///     the system's generator.
  public func add(_ update: [Float], weight: Double, to sum: inout PartialSum, own: RandomSource? = nil) throws(AggregationError) {
    guard update.count == count else { throw .lengthMismatch(expected: count, found: update.count) }
    let length = summation == nil ? sum.values.count : sum.integers.count
    guard length == sumCount else { throw .lengthMismatch(expected: sumCount, found: length) }
    let randomness = try clientRandomness(own)
    var vector = ScaledVector(values: update)
    vector.prepareNorm()
    let isUsable = vector.isFinite && weight.isFinite && weight >= 0
    // A rejected update is represented by an empty vector, whose norm is zero.
    var message = ClientMessage.real(isUsable ? vector : ScaledVector(values: []))
    var reports = [Double](repeating: 0, count: sum.reports.count)
    let used = pipeline.isWeighted ? weight : 1
    for (technique, slot) in zip(opened, slots) {
      try technique.processClient(&message, weight: isUsable ? used : 0, report: &reports[slot], randomness: randomness)
    }
    var isAdded = false
    if isUsable, case .real(var final) = message {
      final.scale *= used
      if let summation {
        isAdded = try summation.add(final, to: &sum.integers, report: &reports[summationSlot], randomness: randomness)
      } else {
        final.accumulate(into: &sum.values)
        isAdded = true
      }
    }
    if !isAdded, let summation, pipeline.summation?.sendsRejectedAsZero ?? false {
      // The client's noise must not depend on whether its update could be used.
      let zero = ScaledVector(values: [Float](repeating: 0, count: messageCount))
      for index in summationSlot { reports[index] = 0 }
      guard try summation.add(zero, to: &sum.integers, report: &reports[summationSlot], randomness: randomness) else {
        throw .invalidComposition(technique: pipeline.summation?.name ?? "sum", reason: "cannot represent a zero update")
      }
      sum.senders += 1
    }
    for index in reports.indices { sum.reports[index] += reports[index] }
    sum.participants += 1
    if isAdded {
      sum.weight += used
      sum.senders += 1
    } else {
      sum.rejected += 1
    }
  }

  private func clientRandomness(_ own: RandomSource?) throws(AggregationError) -> ClientRandomness? {
    guard pipeline.needsClientRandomness else { return nil }
    if let own { return ClientRandomness(own: own, roundSeed: roundSeed) }
    do throws(SecureNoiseError) { return ClientRandomness(own: try .secure(), roundSeed: roundSeed) } catch {
      throw .noRandomness(reason: error.description)
    }
  }

  /// Runs the server side of every technique and divides.
  ///
  /// - Parameters:
  ///   - sum: the sum over all clients of the round; it may be over none.
  ///   - noise: the generator of the privacy noise.
  public func finish(_ sum: PartialSum, noise: RandomSource) throws(AggregationError) -> AggregationResult {
    let divisor: Double
    switch pipeline.denominator {
    case .totalWeight: divisor = sum.weight
    case .participants: divisor = Double(sum.participants)
    case .expectedCohort(let size): divisor = size
    }
    func facts(messageCount: Int) -> RoundFacts {
      RoundFacts(
        participants: sum.participants, noiseSplit: pipeline.noiseSplit, messageCount: messageCount, roundSeed: roundSeed,
        divisor: divisor)
    }
    var boxes: [any Codable & Hashable & Sendable] = []
    var measurements = [
      AggregationMeasurement(.participants, Double(sum.participants), .nonPrivate),
      AggregationMeasurement(.rejectedUpdates, Double(sum.rejected), .nonPrivate),
    ]
    var values = sum.values
    var summationState: (any Codable & Hashable & Sendable)?
    if let summation {
      let outcome = try summation.decode(
        sum.integers, senders: sum.senders, count: messageCount, reports: sum.reports[summationSlot],
        round: facts(messageCount: messageCount),
        noise: noise)
      (values, summationState) = (outcome.values, outcome.state)
      measurements += outcome.measurements
    }
    guard values.count == messageCount else { throw .lengthMismatch(expected: messageCount, found: values.count) }
    for index in opened.indices.reversed() {
      let outcome = try opened[index].processServer(
        &values, reports: sum.reports[slots[index]], round: facts(messageCount: counts[index]), noise: noise)
      guard values.count == counts[index] else { throw .lengthMismatch(expected: counts[index], found: values.count) }
      boxes.append(outcome.state)
      measurements += outcome.measurements
    }
    // The mean over nobody moves nothing.
    if divisor > 0 { for index in values.indices { values[index] /= divisor } }
    return AggregationResult(
      update: values, state: AggregationState(boxes: boxes.reversed(), summation: summationState), measurements: measurements)
  }
}

/// A technique together with its state, the concrete type hidden.
private protocol OpenedTechnique: Sendable {
  func processClient(
    _ message: inout ClientMessage, weight: Double, report: inout ArraySlice<Double>, randomness: ClientRandomness?
  ) throws(AggregationError)
  func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement])
}

private struct Opened<Technique: AggregationTechnique>: OpenedTechnique {
  let technique: Technique
  let state: Technique.State

  func processClient(
    _ message: inout ClientMessage, weight: Double, report: inout ArraySlice<Double>, randomness: ClientRandomness?
  ) throws(AggregationError) {
    try technique.processClient(&message, report: &report, state: state, randomness: randomness)
    if let observer = technique as? any WeightObservingTechnique { observer.observe(message, weight: weight, report: &report) }
  }

  func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement]) {
    var next = state
    let measurements = try technique.processServer(&sum, reports: reports, round: round, state: &next, noise: noise)
    return (next, measurements)
  }
}

private func open<Technique: AggregationTechnique>(
  _ technique: Technique, _ box: any Codable & Hashable & Sendable
) throws(AggregationError) -> any OpenedTechnique {
  guard let state = box as? Technique.State else { throw .stateMismatch(technique: technique.name) }
  return Opened(technique: technique, state: state)
}

/// A summation together with its state, the concrete type hidden.
private protocol OpenedSummation: Sendable {
  func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool
  func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement])
}

private struct OpenedSum<Summation: IntegerSummation>: OpenedSummation {
  let summation: Summation
  let state: Summation.State

  func add(
    _ vector: ScaledVector, to sum: inout [Int64], report: inout ArraySlice<Double>, randomness: ClientRandomness?
  ) throws(AggregationError) -> Bool {
    try summation.add(vector, to: &sum, report: &report, state: state, randomness: randomness)
  }

  func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement]) {
    var next = state
    let outcome = try summation.decode(
      sum, senders: senders, count: count, reports: reports, round: round, state: &next, noise: noise)
    return (outcome.values, next, outcome.measurements)
  }
}

private func open<Summation: IntegerSummation>(
  _ summation: Summation, _ box: (any Codable & Hashable & Sendable)?
) throws(AggregationError) -> any OpenedSummation {
  guard let state = box as? Summation.State else { throw .stateMismatch(technique: summation.name) }
  return OpenedSum(summation: summation, state: state)
}
