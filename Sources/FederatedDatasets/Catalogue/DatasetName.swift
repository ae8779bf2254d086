/// Name of a catalogued data set, as a plan and the command line write it.
public enum DatasetName: String, CaseIterable, Codable, Hashable, Sendable {
  case fashionMNIST = "fashion-mnist"
  case mnistByWriter = "mnist-by-writer"
  case mnist = "mnist"
  case syntheticEMNIST = "synthetic-emnist"

  /// The data set called `name`.
  ///
  /// - Throws: ``DatasetError/unknownDataset(name:known:)``.
  public init(_ name: String) throws(DatasetError) {
    guard let known = Self(rawValue: name) else {
      throw .unknownDataset(name: name, known: Self.allCases.map(\.rawValue))
    }
    self = known
  }
}
