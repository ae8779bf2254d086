/// What can be wrong with a model, a batch, an optimizer or the arithmetic engine.
public enum NeuralNetworkError: Error, Hashable, Sendable {
  /// The shape of one example is neither `[count]` nor `[height, width, channels]`, or has an extent below 1 or too large.
  case invalidInputShape([Int])
  /// A layer cannot stand where it is or has a bad setting; `index` counts from 0 in `ModelGraph.layers`.
  case invalidLayer(index: Int, kind: String, problem: String, remedy: String)
  /// The graph does not end in a vector of at least two class scores.
  case noClassScores(problem: String, remedy: String)
  /// No model of this name is in the catalogue.
  case unknownModel(name: String, known: [String])
  /// A batch size that is below 1 or makes an activation too large.
  case invalidBatchSize(batchSize: Int, problem: String)
  /// A flat buffer of the wrong length; `buffer` is `parameters`, `gradient`, `features`, `moments` or `labels`.
  case wrongCount(buffer: String, expected: Int, actual: Int)
  /// A batch without examples.
  case emptyBatch
  /// More examples than the model was compiled for.
  case batchTooLarge(count: Int, batchSize: Int)
  /// An example index outside the data.
  case exampleOutOfRange(index: Int, exampleCount: Int)
  /// A label that is no class index. The label itself is left out: it is client data.
  case labelOutOfRange(example: Int, classCount: Int)
  /// An optimizer setting outside its range.
  case invalidOptimizer(parameter: String, value: Double, remedy: String)
  /// The arithmetic engine refused an operation; `status` is oneDNN's name for the reason.
  case engine(operation: String, status: String)
  /// The instruction set can be capped only before the first computation of the process.
  case instructionSetAlreadyFixed(requested: InstructionSet, effective: String)
}

extension NeuralNetworkError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidInputShape(let shape):
      """
      input shape \(shape) is not usable; give [count] or [height, width, channels], every extent at least 1, \
      fewer than 2^31 scalars in all
      """
    case .invalidLayer(let index, let kind, let problem, let remedy):
      "layer \(index) (\(kind)): \(problem); \(remedy)"
    case .noClassScores(let problem, let remedy):
      "the model gives no class scores: \(problem); \(remedy)"
    case .unknownModel(let name, let known):
      "there is no model named '\(name)'; choose one of \(known.joined(separator: ", "))"
    case .invalidBatchSize(let batchSize, let problem):
      "batch size \(batchSize) is not usable: \(problem)"
    case .wrongCount(let buffer, let expected, let actual):
      "\(buffer) has \(actual) values where \(expected) are needed"
    case .emptyBatch:
      "the batch is empty; give at least one example"
    case .batchTooLarge(let count, let batchSize):
      "the batch has \(count) examples but the model is compiled for at most \(batchSize); split it or compile for a larger batch"
    case .exampleOutOfRange(let index, let exampleCount):
      "example index \(index) is outside the data, which has \(exampleCount) examples"
    case .labelOutOfRange(let example, let classCount):
      "the label of example \(example) is no class index; labels go from 0 to \(classCount - 1)"
    case .invalidOptimizer(let parameter, let value, let remedy):
      "optimizer setting \(parameter) = \(value) is not usable; \(remedy)"
    case .engine(let operation, let status):
      "the arithmetic engine could not do the \(operation): \(status)"
    case .instructionSetAlreadyFixed(let requested, let effective):
      "cannot cap the instruction set at \(requested.rawValue): it is already fixed as \(effective); cap it before the first computation"
    }
  }
}
