import ParameterVectors
import SecureNoise

/// A technique together with its state, the concrete type hidden.
protocol OpenedTechnique: Sendable {
  func processClient(
    _ message: inout ClientMessage, weight: Double, report: inout ArraySlice<Double>, randomness: ClientRandomness?
  ) throws(AggregationError)
  func processServer(
    _ sum: inout [Double], reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement])
}

struct Opened<Technique: AggregationTechnique>: OpenedTechnique {
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

func open<Technique: AggregationTechnique>(
  _ technique: Technique, _ box: any Codable & Hashable & Sendable
) throws(AggregationError) -> any OpenedTechnique {
  guard let state = box as? Technique.State else { throw .stateMismatch(technique: technique.name) }
  return Opened(technique: technique, state: state)
}

/// A summation together with its state, the concrete type hidden.
protocol OpenedSummation: Sendable {
  func add(
    _ vectors: [ScaledVector], to sum: inout [Int64], reports: inout [[Double]], randomness: [ClientRandomness?]
  ) throws(AggregationError) -> [Bool]
  func decode(
    _ sum: [Int64], senders: Int, count: Int, reports: ArraySlice<Double>, round: RoundFacts, noise: RandomSource
  ) throws(AggregationError) -> (values: [Double], state: any Codable & Hashable & Sendable, measurements: [AggregationMeasurement])
}

struct OpenedSum<Summation: IntegerSummation>: OpenedSummation {
  let summation: Summation
  let state: Summation.State

  func add(
    _ vectors: [ScaledVector], to sum: inout [Int64], reports: inout [[Double]], randomness: [ClientRandomness?]
  ) throws(AggregationError) -> [Bool] {
    try summation.add(vectors, to: &sum, reports: &reports, state: state, randomness: randomness)
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

func open<Summation: IntegerSummation>(
  _ summation: Summation, _ box: (any Codable & Hashable & Sendable)?
) throws(AggregationError) -> any OpenedSummation {
  guard let state = box as? Summation.State else { throw .stateMismatch(technique: summation.name) }
  return OpenedSum(summation: summation, state: state)
}
