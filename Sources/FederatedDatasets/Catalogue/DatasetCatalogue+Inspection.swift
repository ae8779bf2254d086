extension DatasetCatalogue {
  /// Describes an IDX file, or the IDX files of a directory (those with `idx` in their names).
  ///
  /// - Throws: ``DatasetError`` if `path` is a file that cannot be read, or a directory that cannot be listed. Unsound
  ///   files inside a directory are listed in ``DatasetSummary/problems``.
  public static func inspect(_ path: String) throws(DatasetError) -> DatasetSummary {
    guard let isDirectory = FileReading.isDirectory(path) else { throw .fileNotFound(path: path) }
    var summary = DatasetSummary(path: path, isDirectory: isDirectory, files: [], problems: [], datasets: [])
    guard isDirectory else {
      summary.files = [describe(try IDXFile(path: path))]
      return summary
    }
    for name in try FileReading.entries(ofDirectory: path) where name.contains("idx") {
      let file = FileReading.join(path, name)
      if FileReading.isDirectory(file) == true { continue }
      do throws(DatasetError) {
        summary.files.append(describe(try IDXFile(path: file)))
      } catch {
        summary.problems.append(.init(path: file, message: error.description))
      }
    }
    let present = Set(summary.files.map(\.path))
    summary.datasets = entries.filter { entry in
      !entry.files.isEmpty
        && entry.files.allSatisfy {
          let plain = FileReading.join(path, $0)
          return present.contains(plain) || present.contains(plain + ".gz")
        }
    }.map(\.name)
    return summary
  }

  private static func describe(_ file: IDXFile) -> DatasetSummary.File {
    let type =
      switch file.elementType {
      case .byte: "uint8"
      case .int32: "int32"
      case .float32: "float32"
      }
    var result = DatasetSummary.File(
      path: file.path, byteCount: file.fileByteCount, isCompressed: file.isCompressed, elementType: type,
      dimensions: file.dimensions, values: nil, groups: nil)
    if file.dimensions.count == 1, let integers = file.integers {
      var counts: [Int32: Int] = [:]
      for value in integers { counts[value, default: 0] += 1 }
      result.values = counts.sorted { $0.key < $1.key }.map { .init(value: Int($0.key), count: $0.value) }
      let sizes = counts.values.sorted()
      if let least = sizes.first, let most = sizes.last {
        result.groups = .init(
          count: sizes.count, minimum: least, median: sizes[(sizes.count - 1) / 2], maximum: most)
      }
    }
    return result
  }
}
