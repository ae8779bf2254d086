/// What the catalogue says about a data set.
public struct DatasetEntry: Codable, Hashable, Sendable {
  /// Name, as in plans.
  public let name: DatasetName
  /// What it is, in a sentence.
  public let summary: String
  /// Extents of one example, outermost first.
  public let exampleShape: [Int]
  /// Number of classes.
  public let classCount: Int
  /// Whether it says whom each example belongs to, so that the natural partition exists.
  public let hasNaturalPartition: Bool
  /// Where the files are looked for unless a directory is given; `nil` where one must be given or none is needed.
  public let defaultDirectory: String?
  /// Names of the files that are read, without `.gz`.
  public let files: [String]
  /// Where it comes from.
  public let source: String
  /// Under which terms it may be used.
  public let licence: String
  /// How to get the files.
  public let remedy: String
}
