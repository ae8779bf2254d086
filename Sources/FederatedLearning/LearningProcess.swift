public import Aggregation
public import NeuralNetworks

/// A federated algorithm: a state, and a step that takes it from one round to the next.
public protocol LearningProcess: Sendable {
  /// Everything that the algorithm carries from round to round.
  associatedtype State: Sendable

  /// The state before the first round.
  func initialState() throws(FederatedLearningError) -> State

  /// Runs one round.
  ///
  /// - Parameters:
  ///   - state: the state before the round.
  ///   - round: the round's number, from 1, which keys its random streams.
  ///   - cohort: indices of the clients that take part; it may be empty.
  ///   - charge: called once, before any noise is drawn: after all clients are summed, unless they add the noise themselves. If it throws,
  ///     nothing is released.
  /// - Returns: the state after the round and what the round showed.
  func next(
    _ state: State, round: Int, cohort: [Int], charge: @Sendable () throws -> Void
  ) async throws -> (state: State, outcome: RoundOutcome)

  /// The model of a state, [parameters].
  func parameters(of state: State) -> [Float]
}

/// What one round showed.
public struct RoundOutcome: Sendable {
  /// Figures of the aggregation, with their protection.
  public let measurements: [AggregationMeasurement]
  /// Σ over the participants of loss and hits during local training: exact, hence never shown in a private run unless asked for.
  public let trainMetrics: BatchMetrics
  /// Why the round left the model as it was; `nil` where it did not.
  public let rejection: Rejection?

  /// Why a round leaves the model as it was.
  public enum Rejection: String, Codable, Hashable, Sendable {
    /// The aggregate was not finite.
    case notFinite
    /// Too few clients took part for the noise that they add.
    case tooFewClients
  }

  /// The value of a measurement, if the round has it.
  public func value(_ name: AggregationMeasurementName) -> Double? { measurements.first { $0.name == name }?.value }
}
