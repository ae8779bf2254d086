/// Sums over examples, finalised by whoever shows them, so that merging batches, clients or machines is addition.
public struct BatchMetrics: Codable, Hashable, Sendable {
  /// Sum of the examples' cross-entropies, in nats.
  public var lossSum: Double
  /// Examples whose first largest score is that of their label.
  public var correct: Int
  /// Examples.
  public var count: Int

  /// The given sums; by default those of no example.
  public init(lossSum: Double = 0, correct: Int = 0, count: Int = 0) {
    self.lossSum = lossSum
    self.correct = correct
    self.count = count
  }

  /// Mean cross-entropy in nats, NaN for no example.
  public var meanLoss: Double { lossSum / Double(count) }

  /// Share of correct examples, NaN for no example.
  public var accuracy: Double { Double(correct) / Double(count) }

  /// Adds the sums of `other`.
  public mutating func merge(_ other: BatchMetrics) {
    lossSum += other.lossSum
    correct += other.correct
    count += other.count
  }

  /// The sums of both.
  public func merging(_ other: BatchMetrics) -> BatchMetrics {
    var merged = self
    merged.merge(other)
    return merged
  }
}
