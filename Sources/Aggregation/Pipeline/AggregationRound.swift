import ParameterVectors
public import SecureNoise

/// The sum over some of a round's clients; partial sums are merged in a fixed order.
public struct PartialSum: Sendable {
  /// Σ of the clients' messages.
  public internal(set) var values: [Double]
  /// Σ of the clients' weights.
  public internal(set) var weight = 0.0
  /// Number of clients, those with rejected updates included.
  public internal(set) var participants = 0
  /// Number of clients whose update or weight was not finite.
  public internal(set) var rejected = 0
  var reports: [Double]

  /// Adds the sum over other clients.
  public mutating func merge(_ other: PartialSum) {
    VectorMath.add(other.values, into: &values)
    for index in reports.indices { reports[index] += other.reports[index] }
    weight += other.weight
    participants += other.participants
    rejected += other.rejected
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
  private let opened: [any OpenedTechnique]
  private let slots: [Range<Int>]

  init(pipeline: AggregationPipeline, count: Int, state: AggregationState) throws(AggregationError) {
    guard state.boxes.count == pipeline.techniques.count else { throw .stateMismatch(technique: "the pipeline") }
    self.pipeline = pipeline
    self.count = count
    var opened: [any OpenedTechnique] = []
    var slots: [Range<Int>] = []
    for (technique, box) in zip(pipeline.techniques, state.boxes) {
      opened.append(try open(technique, box))
      let start = slots.last?.upperBound ?? 0
      slots.append(start..<(start + technique.reportWidth))
    }
    self.opened = opened
    self.slots = slots
  }

  /// A sum over no clients.
  public func emptySum() -> PartialSum {
    PartialSum(
      values: [Double](repeating: 0, count: count), reports: [Double](repeating: 0, count: slots.last?.upperBound ?? 0))
  }

  /// Runs the client side of every technique on one update and adds the outcome to `sum`.
  ///
  /// An update with a component that is not finite, or with a weight that is negative or not finite, adds nothing; its client still
  /// counts as a participant, with the reports of a zero update.
  ///
  /// - Parameters:
  ///   - update: initial minus final parameters, [parameters].
  ///   - weight: the client's weight, ignored unless the mean is weighted.
  public func add(_ update: [Float], weight: Double, to sum: inout PartialSum) throws(AggregationError) {
    guard update.count == count, sum.values.count == count else {
      throw .lengthMismatch(expected: count, found: update.count == count ? sum.values.count : update.count)
    }
    let vector = ScaledVector(values: update)
    let isUsable = vector.isFinite && weight.isFinite && weight >= 0
    // A rejected update is represented by an empty vector, whose norm is zero.
    var message = ClientMessage.real(isUsable ? vector : ScaledVector(values: []))
    var reports = [Double](repeating: 0, count: sum.reports.count)
    for (technique, slot) in zip(opened, slots) { technique.processClient(&message, report: &reports[slot]) }
    for index in reports.indices { sum.reports[index] += reports[index] }
    sum.participants += 1
    guard isUsable, case .real(var final) = message else {
      sum.rejected += 1
      return
    }
    let used = pipeline.isWeighted ? weight : 1
    sum.weight += used
    final.scale *= used
    final.accumulate(into: &sum.values)
  }

  /// Runs the server side of every technique and divides.
  ///
  /// - Parameters:
  ///   - sum: the sum over all clients of the round; it may be over none.
  ///   - noise: the generator of the privacy noise.
  public func finish(_ sum: PartialSum, noise: RandomSource) throws(AggregationError) -> AggregationResult {
    guard sum.values.count == count else { throw .lengthMismatch(expected: count, found: sum.values.count) }
    var values = sum.values
    let facts = RoundFacts(participants: sum.participants, noiseSplit: pipeline.noiseSplit)
    var boxes: [any Codable & Hashable & Sendable] = []
    var measurements = [
      AggregationMeasurement(.participants, Double(sum.participants), .nonPrivate),
      AggregationMeasurement(.rejectedUpdates, Double(sum.rejected), .nonPrivate),
    ]
    for (technique, slot) in zip(opened, slots).reversed() {
      let outcome = try technique.processServer(&values, reports: sum.reports[slot], round: facts, noise: noise)
      boxes.append(outcome.state)
      measurements += outcome.measurements
    }
    let divisor: Double
    switch pipeline.denominator {
    case .totalWeight: divisor = sum.weight
    case .participants: divisor = Double(sum.participants)
    case .expectedCohort(let size): divisor = size
    }
    // The mean over nobody moves nothing.
    if divisor > 0 { for index in values.indices { values[index] /= divisor } }
    return AggregationResult(update: values, state: AggregationState(boxes: boxes.reversed()), measurements: measurements)
  }
}

/// A technique together with its state, the concrete type hidden.
private protocol OpenedTechnique: Sendable {
  func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>)
  func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement])
}

private struct Opened<Technique: AggregationTechnique>: OpenedTechnique {
  let technique: Technique
  let state: Technique.State

  func processClient(_ message: inout ClientMessage, report: inout ArraySlice<Double>) {
    technique.processClient(&message, report: &report, state: state)
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
