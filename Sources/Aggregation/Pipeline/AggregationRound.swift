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
      values: VectorMath.makeLarge(isInteger ? 0 : sumCount) { $0.initialize(repeating: 0) },
      integers: VectorMath.makeLarge(isInteger ? sumCount : 0) { $0.initialize(repeating: 0) },
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
    try add([update], weights: [weight], to: &sum, own: own.map { [$0] })
  }

  /// The same for several updates, with the same result as one after the other.
  ///
  /// Where updates are at hand together this is the quicker way: a sum of clipped updates on a grid is read and written once for
  /// every 32 of them, not once for each.
  ///
  /// - Parameters:
  ///   - updates: initial minus final parameters, [clients][parameters].
  ///   - weights: the clients' weights, [clients].
  ///   - own: the clients' own random numbers, [clients].
  public func add(
    _ updates: [[Float]], weights: [Double], to sum: inout PartialSum, own: [RandomSource]? = nil
  ) throws(AggregationError) {
    for found in [weights.count, own?.count ?? updates.count] where found != updates.count {
      throw .lengthMismatch(expected: updates.count, found: found)
    }
    for update in updates where update.count != count { throw .lengthMismatch(expected: count, found: update.count) }
    let length = summation == nil ? sum.values.count : sum.integers.count
    guard length == sumCount else { throw .lengthMismatch(expected: sumCount, found: length) }
    for start in stride(from: 0, to: updates.count, by: Self.clientsAtOnce) {
      var clients: [PreparedClient] = []
      for index in start..<min(start + Self.clientsAtOnce, updates.count) {
        clients.append(try prepare(updates[index], weight: weights[index], own: own?[index]))
      }
      try add(&clients, to: &sum)
      for client in clients { count(client, in: &sum) }
    }
  }

  /// As many as the kernel of the grid takes at once.
  private static let clientsAtOnce = 32

  /// A client after the client side of all techniques.
  private struct PreparedClient {
    /// What is to be added; nil where the update or the weight could not be used.
    var vector: ScaledVector?
    let weight: Double
    /// The figures of the techniques, then those of the sum.
    var reports: [Double]
    let randomness: ClientRandomness?
    /// Whether `vector` was added.
    var isAdded = false
    /// Whether zeros and noise were added in its place.
    var isReplaced = false
  }

  private func prepare(_ update: [Float], weight: Double, own: RandomSource?) throws(AggregationError) -> PreparedClient {
    let randomness = try clientRandomness(own)
    var vector = ScaledVector(values: update)
    vector.prepareNorm()
    let isUsable = vector.isFinite && weight.isFinite && weight >= 0
    // A rejected update is represented by an empty vector, whose norm is zero.
    var message = ClientMessage.real(isUsable ? vector : ScaledVector(values: []))
    var reports = [Double](repeating: 0, count: summationSlot.upperBound)
    let used = pipeline.isWeighted ? weight : 1
    for (technique, slot) in zip(opened, slots) {
      try technique.processClient(&message, weight: isUsable ? used : 0, report: &reports[slot], randomness: randomness)
    }
    var final: ScaledVector?
    if isUsable, case .real(var real) = message {
      real.scale *= used
      final = real
    }
    return PreparedClient(vector: final, weight: used, reports: reports, randomness: randomness)
  }

  private func add(_ clients: inout [PreparedClient], to sum: inout PartialSum) throws(AggregationError) {
    let usable = clients.indices.filter { clients[$0].vector != nil }
    let vectors = clients.compactMap(\.vector)
    guard let summation else {
      for vector in vectors { vector.accumulate(into: &sum.values) }
      for index in usable { clients[index].isAdded = true }
      return
    }
    var reports = usable.map { Array(clients[$0].reports[summationSlot]) }
    let isAdded = try summation.add(vectors, to: &sum.integers, reports: &reports, randomness: usable.map { clients[$0].randomness })
    for (place, index) in usable.enumerated() {
      clients[index].isAdded = isAdded[place]
      clients[index].reports.replaceSubrange(summationSlot, with: reports[place])
    }
    guard pipeline.summation?.sendsRejectedAsZero ?? false else { return }
    // The client's noise must not depend on whether its update could be used.
    for index in clients.indices where !clients[index].isAdded {
      var report = [[Double](repeating: 0, count: summationSlot.count)]
      let zero = ScaledVector(values: [Float](repeating: 0, count: messageCount))
      guard try summation.add([zero], to: &sum.integers, reports: &report, randomness: [clients[index].randomness]) == [true] else {
        throw .invalidComposition(technique: pipeline.summation?.name ?? "sum", reason: "cannot represent a zero update")
      }
      clients[index].reports.replaceSubrange(summationSlot, with: report[0])
      clients[index].isReplaced = true
    }
  }

  private func count(_ client: PreparedClient, in sum: inout PartialSum) {
    for index in client.reports.indices { sum.reports[index] += client.reports[index] }
    sum.participants += 1
    if client.isAdded || client.isReplaced { sum.senders += 1 }
    if client.isAdded { sum.weight += client.weight } else { sum.rejected += 1 }
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
