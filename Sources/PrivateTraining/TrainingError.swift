public import FederatedDatasets
public import FederatedLearning
public import PrivacyAccounting
import Aggregation
import SecureNoise
import NeuralNetworks

/// Why a plan cannot be carried out, or a run failed.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
  /// The plan is well formed but cannot be carried out; `key` is the dotted path of what to change.
  case infeasiblePlan(key: String, problem: String, remedy: String)
  /// The folder of a run cannot be used.
  case runDirectory(path: String, problem: String, remedy: String)
  /// A file of a run is not what it should be.
  case damagedFile(path: String, problem: String, remedy: String)
  /// The data cannot be read.
  case data(DatasetError)
  /// The accountant has no answer.
  case accounting(AccountingError)
  /// A round failed.
  case learning(FederatedLearningError)
  /// The ledger cannot be used.
  case ledger(LedgerError)
  /// Something else, by its own description.
  case other(String)

  /// What is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .infeasiblePlan(let key, let problem, let remedy): "plan: \(key) \(problem); \(remedy)"
    case .runDirectory(let path, let problem, let remedy): "\(path): \(problem); \(remedy)"
    case .damagedFile(let path, let problem, let remedy): "\(path): \(problem); \(remedy)"
    case .data(let error): error.description
    case .accounting(let error): error.description
    case .learning(let error): error.description
    case .ledger(let error): error.description
    case .other(let text): text
    }
  }

  /// Wraps the errors of the targets below.
  init(_ error: any Error) {
    self =
      switch error {
      case let error as TrainingError: error
      case let error as DatasetError: .data(error)
      case let error as AccountingError: .accounting(error)
      case let error as FederatedLearningError: .learning(error)
      case let error as AggregationError: .learning(.aggregation(error))
      case let error as NeuralNetworkError: .learning(.network(error))
      case let error as SecureNoiseError: .learning(.noise(error))
      case let error as LedgerError: .ledger(error)
      case is CancellationError: .learning(.cancelled)
      default: .other(String(describing: error))
      }
  }

  /// Whether `error`, of this target or of one below it, says that what was asked for cannot be had anywhere: the plan, the event or the
  /// question has to change.
  ///
  /// Everything else, such as a file, a data set, a disk or a numerical method that fails, is no fault of the question.
  public static func isRefusal(_ error: any Error) -> Bool {
    switch error {
    case let error as PlanError: return !error.isUnreadableFile
    case let error as TrainingError:
      switch error {
      case .infeasiblePlan: return true
      case .data(let error): return isRefusal(error)
      case .accounting(let error): return isRefusal(error)
      case .learning(let error): return isRefusal(error)
      case .runDirectory, .damagedFile, .ledger, .other: return false
      }
    case let error as FederatedLearningError:
      switch error {
      case .invalidParameter, .dataMismatch: return true
      case .data(let error): return isRefusal(error)
      case .network(let error): return isRefusal(error)
      case .aggregation(let error): return isRefusal(error)
      case .unknownClient, .noise, .cancelled: return false
      }
    case let error as DatasetError:
      switch error {
      case .tooFewExamples, .invalidParameter, .noNaturalPartition, .unknownDataset, .directoryRequired: return true
      default: return false
      }
    case let error as NeuralNetworkError: if case .engine = error { return false } else { return true }
    case let error as AggregationError:
      switch error {
      case .invalidParameter, .noiseSplitImpossible, .invalidComposition: return true
      default: return false
      }
    case let error as AccountingError: if case .notConverged = error { return false } else { return true }
    default: return false
    }
  }
}
