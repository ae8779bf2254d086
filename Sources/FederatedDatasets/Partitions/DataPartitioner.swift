public import SecureNoise

/// A way to deal the examples of a data set out to clients, each example to one client.
public protocol DataPartitioner: Sendable {
  /// Deals out the examples whose classes are `labels`.
  ///
  /// - Parameters:
  ///   - labels: class of each example, in `0..<classCount`.
  ///   - classCount: number of classes.
  ///   - random: where all chance comes from; the same stream gives the same partition.
  /// - Throws: ``DatasetError`` if there are too few examples or a label is out of range.
  func partition(labels: [Int32], classCount: Int, using random: RandomSource) throws(DatasetError) -> ClientPartition
}

extension DataPartitioner {
  /// Deals out the examples by the ``SimulationStream`` of `seed`: the same partition on every machine.
  public func partition(labels: [Int32], classCount: Int, seed: UInt64) throws(DatasetError) -> ClientPartition {
    try partition(labels: labels, classCount: classCount, using: .simulation(seed: seed, purpose: .partition))
  }
}

/// What the partitions have in common.
enum Dealing {
  static func checkClients(_ clients: Int) throws(DatasetError) {
    guard clients > 0 else {
      throw .invalidParameter(name: "clients", value: "\(clients)", requirement: "at least 1")
    }
  }

  static func checkExamples(_ examples: Int, parts: Int, what: String) throws(DatasetError) {
    guard examples <= Int(Int32.max) else { throw .tooManyExamples(examples: examples) }
    guard parts <= examples else { throw .tooFewExamples(examples: examples, parts: parts, what: what) }
  }

  /// The range of part `index` when `count` things are cut into `parts` parts of equal size, the first
  /// `count % parts` one larger.
  static func range(of index: Int, count: Int, parts: Int) -> Range<Int> {
    let size = count / parts
    let larger = count % parts
    let start = index * size + min(index, larger)
    return start..<(start + size + (index < larger ? 1 : 0))
  }
}
