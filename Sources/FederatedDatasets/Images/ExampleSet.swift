/// Labelled examples in the form that a model takes.
public struct ExampleSet: Equatable, Sendable {
  /// Features of all examples one after another, `[count × shape]`; for images pixel / 255, in [0, 1].
  public var features: [Float]
  /// Class of each example, `[count]`.
  public var labels: [Int32]
  /// Number of examples.
  public var count: Int { labels.count }

  /// Examples with the given features and labels.
  public init(features: [Float], labels: [Int32]) {
    self.features = features
    self.labels = labels
  }
}
