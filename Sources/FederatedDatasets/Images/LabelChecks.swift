/// Checks that the readers and the partitions share.
enum LabelChecks {
  /// Throws unless every label is in `0..<classCount`.
  static func check(_ labels: [Int32], classCount: Int) throws(DatasetError) {
    guard classCount > 0, classCount <= Int(Int32.max) else {
      throw .invalidParameter(name: "classCount", value: "\(classCount)", requirement: "positive")
    }
    for (example, label) in labels.enumerated() where label < 0 || Int(label) >= classCount {
      throw .labelOutOfRange(example: example, label: label, classCount: classCount)
    }
  }

  /// One integer per example from a one-dimensional IDX file.
  static func read(_ path: String) throws(DatasetError) -> [Int32] {
    let file = try IDXFile(path: path)
    guard file.dimensions.count == 1, let integers = file.integers else {
      throw .unexpectedContent(
        path: path, expected: "one integer per example, in one dimension", found: file.shapeDescription)
    }
    return integers
  }
}
