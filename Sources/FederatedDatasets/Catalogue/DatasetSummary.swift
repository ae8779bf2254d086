/// What a file or a directory of data holds.
public struct DatasetSummary: Codable, Equatable, Sendable {
  /// One IDX file.
  public struct File: Codable, Equatable, Sendable {
    /// Path as given, or inside the directory that was given.
    public var path: String
    /// Size on disk in bytes.
    public var byteCount: Int
    /// Whether it is compressed by gzip.
    public var isCompressed: Bool
    /// `uint8`, `int32` or `float32`.
    public var elementType: String
    /// Extents, outermost first.
    public var dimensions: [Int]
    /// For one integer per example: how often each value occurs, ascending by value.
    public var values: [ValueCount]?
    /// For one integer per example: how many examples the values have.
    public var groups: GroupSizes?
  }

  /// A value and how often it occurs.
  public struct ValueCount: Codable, Equatable, Sendable {
    /// The value: a class, or the number of a person.
    public var value: Int
    /// Number of examples with this value.
    public var count: Int

    /// `value` occurs `count` times.
    public init(value: Int, count: Int) {
      self.value = value
      self.count = count
    }
  }

  /// How many examples the distinct values (classes or people) have.
  public struct GroupSizes: Codable, Equatable, Sendable {
    /// Number of distinct values.
    public var count: Int
    /// Fewest examples of a value.
    public var minimum: Int
    /// Median number of examples, the lower one of the two in the middle.
    public var median: Int
    /// Most examples of a value.
    public var maximum: Int

    /// `count` values with at least `minimum` and at most `maximum` examples.
    public init(count: Int, minimum: Int, median: Int, maximum: Int) {
      self.count = count
      self.minimum = minimum
      self.median = median
      self.maximum = maximum
    }
  }

  /// A file that looks like IDX by its name and is not sound.
  public struct Problem: Codable, Equatable, Sendable {
    /// Path of the file.
    public var path: String
    /// What is wrong with it.
    public var message: String
  }

  /// Path as given.
  public var path: String
  /// Whether it is a directory.
  public var isDirectory: Bool
  /// The IDX files, by name.
  public var files: [File]
  /// Files that could not be read, by name.
  public var problems: [Problem]
  /// Catalogued data sets whose files are all there, so that they can be loaded from this directory.
  public var datasets: [DatasetName]
}
