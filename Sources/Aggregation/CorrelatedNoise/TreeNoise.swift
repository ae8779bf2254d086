public import SecureNoise

/// Noise of running sums by the binary tree: the prefix noise N_t after t rounds, from one buffered node a set bit of t. Everything is
/// in integers, steps of a grid.
///
/// Every complete block of 2^L rounds is a node with its own Gaussian noise g of standard deviation s. The plain sum takes the noise of
/// the blocks that t splits into (Dwork et al. 2010; Chan, Shi and Song 2011): variance popcount(t) s². The efficient one weighs each
/// block against what its parts say (Honaker 2015, from the bottom up): with U = 2^L g + U_left + U_right the block's noise is
/// U/(2^(L+1) − 1): variance s² Σ 1/(2 − 2^−L) over the set bits L of t. A round adds N_t − N_{t−1}, so that the sum of the first t
/// releases carries N_t. Memory: at most log2(t) + 1 vectors; time: two of them a round on average.
///
/// **Why the releases are functions of the noisy nodes alone**, those of the event
/// ``PrivacyEvent/treeAggregation(noiseMultiplier:steps:maximumParticipations:minimumSeparation:)``, floating point or not:
///
/// 1. The sum S of a node is an integer and g a real Gaussian G rounded to an integer
///    (``SecureNoise/RandomSource/addGridGaussian(standardDeviation:to:)``), so S + g = round(S + G) is a function of the node's release.
/// 2. The sum of the first t releases is Σ (B + round(U/D)) over the blocks of t, with B a block's sum and D = 2^(L+1) − 1 (plain:
///    U = g, D = 1), rounded to the nearest integer. U is Σ 2^l g over all nodes of the block, l their levels. The sums S of one
///    level add up to B and the 2^l to D, so B·D + U = Σ 2^l (S + g), and B + round(U/D) = round((B·D + U)/D) is computed from the
///    noisy nodes alone. All of it is exact: what leaves 64 bits is an error.
///
/// - Warning: `nodes` hold the noise itself. Whoever sees them and the releases can take the noise off: a checkpoint with them must be
///   kept as secret as the clients' updates.
public struct TreeNoise: Codable, Hashable, Sendable {
  /// A complete block whose noise is still in use.
  public struct Node: Codable, Hashable, Sendable {
    /// L; the block has 2^L rounds.
    public let level: Int
    /// U, [parameters].
    public let values: [Int64]
  }

  /// Greatest standard deviation of a node.
  public static let greatestDeviation = 0x1p40

  /// s, of every node, in steps.
  public let standardDeviation: Double
  /// Whether blocks are weighed against their parts.
  public let isEfficient: Bool
  /// t, the rounds so far.
  public private(set) var rounds = 0
  /// The blocks that make up t, smallest first: secret.
  public private(set) var nodes: [Node] = []

  /// An empty tree.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` unless s is in [0, 2^40].
  public init(standardDeviation: Double, isEfficient: Bool = true) throws(AggregationError) {
    try require(
      standardDeviation >= 0 && standardDeviation <= Self.greatestDeviation, "noise standard deviation of a node", standardDeviation,
      "in [0, 2^40]")
    self.init(checked: standardDeviation, isEfficient: isEfficient)
  }

  /// For deviations known to be in range.
  init(checked standardDeviation: Double, isEfficient: Bool) {
    self.standardDeviation = standardDeviation
    self.isEfficient = isEfficient
  }

  /// The next round: adds N_t − N_{t−1} to `sum`, [parameters].
  ///
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)`` for a vector of another length than before,
  ///   ``AggregationError/stateMismatch(technique:)`` for a damaged tree, ``AggregationError/sumOverflow``,
  ///   ``AggregationError/noRandomness(reason:)``. Nothing changes then.
  public mutating func addIncrement(to sum: inout [Int64], noise: RandomSource) throws(AggregationError) {
    try check(count: sum.count)
    // The trailing ones of t are the blocks that end with the new round's.
    let merged = (~rounds).trailingZeroBitCount
    var node = try fresh(sum.count, noise)
    // The plain tree needs the noise of the new block alone, whichever draw it is.
    if isEfficient {
      for (level, old) in nodes[..<merged].enumerated() {
        var parent = try fresh(sum.count, noise)
        var isExact = true
        for i in parent.indices {
          let (own, first) = parent[i].multipliedReportingOverflow(by: 2 << Int64(level))
          let (parts, second) = old.values[i].addingReportingOverflow(node[i])
          let (total, third) = own.addingReportingOverflow(parts)
          isExact = isExact && !first && !second && !third
          parent[i] = total
        }
        guard isExact else { throw .sumOverflow }
        node = parent
      }
    }
    let new = Node(level: merged, values: node)
    var noised = sum
    try add(new, to: &noised, negated: false)
    for old in nodes[..<merged] { try add(old, to: &noised, negated: true) }
    sum = noised
    nodes.replaceSubrange(..<merged, with: CollectionOfOne(new))
    rounds += 1
  }

  /// N_t of `count` parameters.
  public func prefixNoise(count: Int) throws(AggregationError) -> [Int64] {
    try check(count: count)
    var total = [Int64](repeating: 0, count: count)
    for node in nodes { try add(node, to: &total, negated: false) }
    return total
  }

  /// Variance of each coordinate of N_t: s² Σ over the set bits of t of 1, or of 1/(2 − 2^−L), rounding to the grid not counted.
  public var prefixVariance: Double {
    nodes.reduce(0) { $0 + weight($1.level) } * standardDeviation * standardDeviation
  }

  /// Variance of each coordinate of what the last round added, N_t − N_{t−1}; 0 before the first.
  ///
  /// With w_L the weight of a block and m the level of the new one: plain s²(m + 1); efficient, the coefficients of the m + 1 fresh
  /// draws, w_m 2^−j, and of the m old blocks, w_m 2^(L−m) − w_L on a variance of s²/w_L.
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

  private func fresh(_ count: Int, _ noise: RandomSource) throws(AggregationError) -> [Int64] {
    var values = [Int64](repeating: 0, count: count)
    try noise.addGridNoise(deviation: standardDeviation, to: &values)
    return values
  }

  /// Adds or takes away round(U/D).
  private func add(_ node: Node, to sum: inout [Int64], negated: Bool) throws(AggregationError) {
    // At level 62 and above D leaves 64 bits, and so would the noise long before.
    guard node.level < 62 else { throw .sumOverflow }
    let divisor: Int64 = isEfficient ? 2 << Int64(node.level) - 1 : 1
    var isExact = true
    for i in sum.indices {
      var rounded = node.values[i]
      if divisor > 1 {
        // The divisor is odd: no ties. Rounding to the nearest commutes with adding integers and with the sign.
        let (quotient, remainder) = rounded.quotientAndRemainder(dividingBy: divisor)
        rounded = quotient + (2 * remainder > divisor ? 1 : 2 * remainder < -divisor ? -1 : 0)
      }
      let (total, overflow) = negated ? sum[i].subtractingReportingOverflow(rounded) : sum[i].addingReportingOverflow(rounded)
      isExact = isExact && !overflow
      sum[i] = total
    }
    guard isExact else { throw .sumOverflow }
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
