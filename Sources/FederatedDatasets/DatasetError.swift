/// Why a data set, a partition or a sampler cannot be had. Every message says what is wrong, where, and what to do.
public enum DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no file at `path`.
  case fileNotFound(path: String)
  /// `path` is a directory, a device or something else that is not a regular file.
  case notARegularFile(path: String)
  /// The operating system refused to read `path`.
  case unreadable(path: String, reason: String)
  /// A file holds, or declares, more than `limit` bytes.
  case tooLarge(path: String, byteCount: UInt64, limit: UInt64)
  /// The content (after decompression) breaks the IDX format at byte `offset`.
  case malformed(path: String, offset: Int, problem: String)
  /// The compressed file is damaged at byte `offset`.
  case corruptGzip(path: String, offset: Int, problem: String)
  /// The file is sound but holds other data than was asked for.
  case unexpectedContent(path: String, expected: String, found: String)
  /// Two parts of a data set that must have the same number of entries have not.
  case countMismatch(what: String, count: Int, other: String, otherCount: Int)
  /// The label of one example is not in `0..<classCount`.
  case labelOutOfRange(example: Int, label: Int32, classCount: Int)
  /// An image's extents are not positive or too large.
  case invalidImageSize(height: Int, width: Int)
  /// There is no client with this index.
  case clientOutOfRange(index: Int, clientCount: Int)
  /// A partition gives a client an example that does not exist.
  case exampleOutOfRange(client: String, example: Int, exampleCount: Int)
  /// More clients, or shards, than examples to give them.
  case tooFewExamples(examples: Int, parts: Int, what: String)
  /// More examples than this format of partition can index.
  case tooManyExamples(examples: Int)
  /// A parameter of a partition, a sampler or a synthetic data set makes no sense.
  case invalidParameter(name: String, value: String, requirement: String)
  /// The natural partition was asked for, and the data set does not say whom an example belongs to.
  case noNaturalPartition(dataset: String)
  /// People appear both among the training and the test clients.
  case overlappingPopulations(path: String, people: Int)
  /// The catalogue has no data set of this name.
  case unknownDataset(name: String, known: [String])
  /// The files of a catalogued data set are not there. `remedy` says how to get them.
  case missingDataset(name: String, directory: String, file: String, remedy: String)
  /// The data set is read from a directory and none was given.
  case directoryRequired(name: String, remedy: String)

  public var description: String {
    switch self {
    case .fileNotFound(let path):
      "There is no file at '\(path)'. Check the path."
    case .notARegularFile(let path):
      "'\(path)' is not a regular file. Give the path of an IDX file, plain or compressed by gzip."
    case .unreadable(let path, let reason):
      "'\(path)' cannot be read: \(reason). Check its permissions."
    case .tooLarge(let path, let byteCount, let limit):
      """
      '\(path)' holds or declares \(byteCount) bytes, more than the limit of \(limit). \
      If the file is genuine, read it with a larger limit.
      """
    case .malformed(let path, let offset, let problem):
      "'\(path)' is not a sound IDX file: \(problem) (byte \(offset) of its content). Fetch the file again."
    case .corruptGzip(let path, let offset, let problem):
      "'\(path)' cannot be decompressed: \(problem) (byte \(offset) of the file). Fetch the file again."
    case .unexpectedContent(let path, let expected, let found):
      "'\(path)' should hold \(expected), but it holds \(found). Check that the files were not mixed up."
    case .countMismatch(let what, let count, let other, let otherCount):
      "There are \(count) \(what) for \(otherCount) \(other). Check that the files belong together."
    case .labelOutOfRange(let example, let label, let classCount):
      """
      Example \(example) has the label \(label), which is not in 0..<\(classCount). \
      Check the label file and the number of classes.
      """
    case .invalidImageSize(let height, let width):
      "Images of \(height) × \(width) pixels cannot be stored. Both extents must be positive and their product small."
    case .clientOutOfRange(let index, let clientCount):
      "There is no client \(index): the data set has \(clientCount) clients, counted from 0."
    case .exampleOutOfRange(let client, let example, let exampleCount):
      """
      The partition gives the client '\(client)' the example \(example), but there are \(exampleCount). \
      Make the partition for the data that it is used with.
      """
    case .tooFewExamples(let examples, let parts, let what):
      "\(examples) examples cannot be dealt out to \(parts) \(what). Ask for fewer clients or shards."
    case .tooManyExamples(let examples):
      "\(examples) examples are more than a partition can index (2^31 − 1). Split the data set."
    case .invalidParameter(let name, let value, let requirement):
      "The parameter \(name) is \(value), but it must be \(requirement)."
    case .noNaturalPartition(let dataset):
      """
      '\(dataset)' does not say whom an example belongs to, so it has no natural partition. \
      Choose the iid, shards or dirichlet partition, or a data set with users.
      """
    case .overlappingPopulations(let path, let people):
      """
      \(people) people in '\(path)' are also in the training population, so test metrics from them would leak. \
      Use test files of other people.
      """
    case .unknownDataset(let name, let known):
      "There is no data set '\(name)'. Known data sets: \(known.joined(separator: ", "))."
    case .missingDataset(let name, let directory, let file, let remedy):
      "The data set '\(name)' is not in '\(directory)': '\(file)' is missing. \(remedy)"
    case .directoryRequired(let name, let remedy):
      "The data set '\(name)' is read from a directory and none was given. \(remedy)"
    }
  }
}
