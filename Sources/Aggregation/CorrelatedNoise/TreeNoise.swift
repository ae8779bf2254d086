public import SecureNoise

/// Noise of running sums by the binary tree: the prefix noise N_t after t rounds, from one buffered node a set bit of t.
///
/// Every complete block of 2^L rounds is a node with its own Gaussian noise of variance s². The plain sum takes the noise of the blocks
/// that t splits into (Dwork et al. 2010; Chan, Shi and Song 2011): variance popcount(t) s². The efficient one weighs each block
/// against what its parts say (Honaker 2015, from the bottom up): with the node noise g, u = g + (u_left + u_right)/2 and the block's
/// noise is u/(2 − 2^−L): variance s² Σ 1/(2 − 2^−L) over the set bits L of t. Both are functions of the noisy nodes alone, so the event
/// is ``PrivacyEvent/treeAggregation(noiseMultiplier:steps:maximumParticipations:minimumSeparation:)``.
///
/// A round adds N_t − N_{t−1}, so that the sum of the first t releases carries N_t. Memory: at most log2(t) + 1 vectors; time: two of
/// them a round on average.
///
/// - Warning: `nodes` hold the noise itself. Whoever sees them and the releases can take the noise off: a checkpoint with them must be
///   kept as secret as the clients' updates.
public struct TreeNoise: Codable, Hashable, Sendable {
  /// A complete block whose noise is still in use.
  public struct Node: Codable, Hashable, Sendable {
    /// L; the block has 2^L rounds.
    public let level: Int
    /// u, [parameters].
    public let values: [Double]
  }

  /// Greatest standard deviation of a node, so that no sum of nodes overflows.
  static let greatestDeviation = 1e150

  /// s, of every node.
  public let standardDeviation: Double
  /// Whether blocks are weighed against their parts.
  public let isEfficient: Bool
  /// t, the rounds so far.
  public private(set) var rounds = 0
  /// The blocks that make up t, smallest first: secret.
  public private(set) var nodes: [Node] = []

  /// An empty tree.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless s is in [0, 1e150].
  public init(standardDeviation: Double, isEfficient: Bool = true) throws(AggregationError) {
    try Self.check(standardDeviation)
    self.init(checked: standardDeviation, isEfficient: isEfficient)
  }

  /// For deviations known to be in range.
  init(checked standardDeviation: Double, isEfficient: Bool) {
    self.standardDeviation = standardDeviation
    self.isEfficient = isEfficient
  }

  static func check(_ standardDeviation: Double) throws(AggregationError) {
    try require(
      standardDeviation >= 0 && standardDeviation <= greatestDeviation, "noise standard deviation of a node", standardDeviation,
      "in [0, 1e150]: lower the noise multiplier or the clipping norm")
  }

  /// The next round: adds N_t − N_{t−1} to `sum`, [parameters].
  ///
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)`` for a vector of another length than before,
  ///   ``AggregationError/stateMismatch(technique:)`` for a damaged tree. Nothing changes then.
  public mutating func addIncrement(to sum: inout [Double], noise: RandomSource) throws(AggregationError) {
    try check(count: sum.count)
    // Trailing ones of t are the blocks that end with the new round's.
    let merged = rounds.trailingZeroBitCountOfComplement
    var node: [Double]
    if isEfficient {
      node = fresh(sum.count, noise)
      for old in nodes[..<merged] {
        var parent = fresh(sum.count, noise)
        for i in parent.indices { parent[i] += 0.5 * (old.values[i] + node[i]) }
        node = parent
      }
    } else {
      node = fresh(sum.count, noise)
    }
    let weight = weight(merged)
    for i in sum.indices { sum[i] += weight * node[i] }
    for old in nodes[..<merged] {
      let weight = self.weight(old.level)
      for i in sum.indices { sum[i] -= weight * old.values[i] }
    }
    nodes.replaceSubrange(..<merged, with: CollectionOfOne(Node(level: merged, values: node)))
    rounds += 1
  }

  /// N_t of `count` parameters.
  public func prefixNoise(count: Int) throws(AggregationError) -> [Double] {
    try check(count: count)
    var total = [Double](repeating: 0, count: count)
    for node in nodes {
      let weight = weight(node.level)
      for i in total.indices { total[i] += weight * node.values[i] }
    }
    return total
  }

  /// Variance of each coordinate of N_t: s² Σ over the set bits of t of 1, or of 1/(2 − 2^−L).
  public var prefixVariance: Double {
    nodes.reduce(0) { $0 + weight($1.level) } * standardDeviation * standardDeviation
  }

  /// Variance of each coordinate of what the last round added, N_t − N_{t−1}; 0 before the first.
  ///
  /// With w_L the weight of a block and m the level of the new one: plain s²(m + 1); efficient, the coefficients of the m + 1 fresh
  /// draws, w_m 2^−j, and of the m old nodes u_L of variance s²/w_L, w_m 2^(L−m) − w_L.
  public var incrementVariance: Double {
    guard let top = nodes.first?.level else { return 0 }
    let square = standardDeviation * standardDeviation
    guard isEfficient else { return square * Double(top + 1) }
    let weight = weight(top)
    var total = weight * weight
    for level in 0..<min(max(0, top), Int.bitWidth) {
      let share = weight / power(top - level)
      let difference = share - self.weight(level)
      total += share * share + difference * difference / self.weight(level)
    }
    return square * total
  }

  private func fresh(_ count: Int, _ noise: RandomSource) -> [Double] {
    var values = [Double](repeating: 0, count: count)
    noise.addGaussian(standardDeviation: standardDeviation, to: &values)
    return values
  }

  /// Weight of a block of 2^level rounds.
  private func weight(_ level: Int) -> Double { isEfficient ? 1 / (2 - 1 / power(level)) : 1 }

  private func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }

  /// A tree read from a file may be damaged: its blocks must be the set bits of its rounds.
  private func check(count: Int) throws(AggregationError) {
    guard rounds >= 0, rounds < Int.max, standardDeviation >= 0, standardDeviation <= Self.greatestDeviation,
      nodes.map(\.level) == (0..<Int.bitWidth).filter({ rounds >> $0 & 1 == 1 })
    else { throw .stateMismatch(technique: "tree noise") }
    for node in nodes where node.values.count != count { throw .lengthMismatch(expected: node.values.count, found: count) }
  }
}

extension Int {
  /// Number of ones at the low end.
  fileprivate var trailingZeroBitCountOfComplement: Int { (~self).trailingZeroBitCount }
}
