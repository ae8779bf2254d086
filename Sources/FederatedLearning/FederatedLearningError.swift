public import Aggregation
public import FederatedDatasets
public import NeuralNetworks
public import SecureNoise

/// Why a learning process cannot be built or a round failed.
public enum FederatedLearningError: Error, Sendable, CustomStringConvertible {
  /// A number is out of its range.
  case invalidParameter(name: String, value: Int, allowed: String)
  /// The model and the data do not fit together.
  case dataMismatch(String)
  /// A cohort names a client that the data does not have.
  case unknownClient(index: Int, clientCount: Int)
  /// Reading a client's examples failed.
  case data(DatasetError)
  /// The model could not be compiled or run.
  case network(NeuralNetworkError)
  /// The aggregation could not be built or finished.
  case aggregation(AggregationError)
  /// The random generator failed.
  case noise(SecureNoiseError)
  /// The round was cancelled before anything was released.
  case cancelled

  /// What is wrong and where.
  public var description: String {
    switch self {
    case .invalidParameter(let name, let value, let allowed): "\(name) is \(value), must be \(allowed)"
    case .dataMismatch(let what): what
    case .unknownClient(let index, let clientCount): "client \(index) does not exist: there are \(clientCount)"
    case .data(let error): error.description
    case .network(let error): error.description
    case .aggregation(let error): error.description
    case .noise(let error): error.description
    case .cancelled: "the round was cancelled before anything was released"
    }
  }

  /// Wraps the errors of the targets below.
  init(_ error: any Error) {
    self =
      switch error {
      case let error as FederatedLearningError: error
      case let error as DatasetError: .data(error)
      case let error as NeuralNetworkError: .network(error)
      case let error as AggregationError: .aggregation(error)
      case let error as SecureNoiseError: .noise(error)
      case is CancellationError: .cancelled
      default: .dataMismatch(String(describing: error))
      }
  }
}
