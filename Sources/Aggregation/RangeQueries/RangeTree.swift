/// A histogram as a tree of partial sums, so that the sum over any range of its bins is a sum of few released numbers
/// (Hay, Rastogi, Miklau and Suciu 2010, "Boosting the accuracy of differentially private histograms through consistency", section 4).
///
/// The bins are the leaves, padded with zeros to a power of the arity; every other node is the sum of its children; the flat form has
/// the root first and then level after level. A client sends the flat tree of its own histogram, and a mechanism sums, clips and noises
/// it like any vector:
///
/// ```swift
/// let tree = try RangeTree(leafCount: 1000)
/// let pipeline = try AggregationPipeline.mean().gaussianFixed(
///   noiseMultiplier: 1, clientsPerRound: 1, clippingNorm: tree.oneHotNorm)
/// // Each client: round.add(try tree.flattened(histogram), …). Afterwards:
/// let count = try tree.sum(of: 100..<900, in: result.update)
/// ```
/// A client with one entry in one bin touches one node of each level: the norm of its tree is ``oneHotNorm`` = √(levels), and
/// every range takes at most 2 (arity − 1) nodes of each level, where bins released singly would take as many as the range has. The
/// server learns what the mechanism releases; the tree itself protects nothing.
public struct RangeTree: Codable, Hashable, Sendable {
  /// Greatest number of nodes.
  public static let maximumNodeCount = 1 << 28

  /// Number of bins.
  public let leafCount: Int
  /// Children of a node, at least 2.
  public let arity: Int
  /// Number of nodes of each level, the root's first: 1, arity, arity², …
  public let levelCounts: [Int]

  /// A tree over `leafCount` bins.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless there is at least one bin, the arity is in 2…1024, and the
  ///   tree has at most 2^28 nodes.
  public init(leafCount: Int, arity: Int = 2) throws(AggregationError) {
    try require(leafCount >= 1 && leafCount <= Self.maximumNodeCount, "number of bins", Double(leafCount), "in 1…2^28")
    try require((2...1024).contains(arity), "arity of a tree", Double(arity), "in 2…1024")
    var counts = [1]
    while counts[counts.count - 1] < leafCount { counts.append(counts[counts.count - 1] * arity) }
    let nodes = counts.reduce(0, +)
    try require(nodes <= Self.maximumNodeCount, "number of nodes", Double(nodes), "at most 2^28: lower the arity or the number of bins")
    self.leafCount = leafCount
    self.arity = arity
    levelCounts = counts
  }

  private enum CodingKeys: String, CodingKey { case leafCount, arity }

  /// Reads a tree and checks it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(leafCount: values.decode(Int.self, forKey: .leafCount), arity: values.decode(Int.self, forKey: .arity))
  }

  /// Number of nodes, the length of the flat form.
  public var nodeCount: Int { levelCounts.reduce(0, +) }

  /// L2 norm of the tree of a histogram with a single 1: √(levels).
  public var oneHotNorm: Double { Double(levelCounts.count).squareRoot() }

  /// The flat tree of a histogram, [nodes]; sums are taken in `Double` and rounded once.
  ///
  /// - Parameter histogram: [bins].
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)``.
  public func flattened(_ histogram: [Float]) throws(AggregationError) -> [Float] {
    guard histogram.count == leafCount else { throw .lengthMismatch(expected: leafCount, found: histogram.count) }
    var nodes = [Double](repeating: 0, count: nodeCount)
    let leaves = nodes.count - levelCounts[levelCounts.count - 1]
    for (index, value) in histogram.enumerated() { nodes[leaves + index] = Double(value) }
    // Every node but the root adds itself to its parent, the last first: in a complete tree node i > 0 has the parent (i − 1)/arity.
    for index in stride(from: nodes.count - 1, to: 0, by: -1) { nodes[(index - 1) / arity] += nodes[index] }
    return nodes.map { Float($0) }
  }

  /// The flat tree cut into its levels, the root's first and the bins' last, padding included.
  ///
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)``.
  public func levels(_ nodes: [Double]) throws(AggregationError) -> [[Double]] {
    try check(nodes)
    var start = 0
    return levelCounts.map { count in
      defer { start += count }
      return Array(nodes[start..<(start + count)])
    }
  }

  /// The sum over a range of bins, from the fewest nodes.
  ///
  /// - Parameters:
  ///   - range: within 0..<`leafCount`.
  ///   - nodes: a flat tree, noised or not, [nodes].
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)``, ``AggregationError/invalidParameter(name:value:allowed:)``.
  public func sum(of range: Range<Int>, in nodes: [Double]) throws(AggregationError) -> Double {
    try check(nodes)
    return try self.nodes(covering: range).reduce(0) { $0 + nodes[$1] }
  }

  /// Indices of the fewest nodes whose bins together are `range`, padding aside, ascending: the variance of the range's sum is their number
  /// times that of a node.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for bins that do not exist.
  public func nodes(covering range: Range<Int>) throws(AggregationError) -> [Int] {
    try require(range.lowerBound >= 0, "first bin", Double(range.lowerBound), "at least 0")
    try require(range.upperBound <= leafCount, "end of the bins", Double(range.upperBound), "at most \(leafCount)")
    var chosen: [Int] = []
    var low = range.lowerBound
    // A range up to the last bin may take the padding along, which holds nothing.
    var high = range.upperBound == leafCount && low < leafCount ? levelCounts[levelCounts.count - 1] : range.upperBound
    var start = nodeCount
    for count in levelCounts.reversed() where low < high {
      start -= count
      // Nodes that do not fill a parent are taken; the others leave it to the next level.
      while low < high && !(low.isMultiple(of: arity) && high - low >= arity) && count > 1 {
        chosen.append(start + low)
        low += 1
      }
      while low < high && !high.isMultiple(of: arity) && count > 1 {
        high -= 1
        chosen.append(start + high)
      }
      if count == 1 { chosen.append(start) }
      (low, high) = (low / arity, high / arity)
    }
    return chosen.sorted()
  }

  private func check(_ nodes: [Double]) throws(AggregationError) {
    guard nodes.count == nodeCount else { throw .lengthMismatch(expected: nodeCount, found: nodes.count) }
  }
}
