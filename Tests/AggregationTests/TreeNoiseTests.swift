import Aggregation
import Foundation
import SecureNoise
import Testing

/// Σ over `values`, two at a time, of the products with `others`, over their number.
func meanProduct(_ values: [Double], _ others: [Double]) -> Double {
  zip(values, others).reduce(0) { $0 + $1.0 * $1.1 } / Double(values.count)
}

/// `value` as it comes back from JSON.
func reread<Value: Codable>(_ value: Value) throws -> Value {
  try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
}

@Suite("Tree noise")
struct TreeNoiseTests {
  /// Runs `rounds` rounds on zeros and returns what each added.
  private func increments(_ tree: inout TreeNoise, rounds: Int, count: Int, noise: RandomSource) throws -> [[Double]] {
    try (0..<rounds).map { _ in
      var sum = [Double](repeating: 0, count: count)
      try tree.addIncrement(to: &sum, noise: noise)
      return sum
    }
  }

  @Test("variance of the running sum: the reference's four cases, by formula and in 40,000 draws (6.5σ bands, false alarm below 1e-9)")
  func golden() throws {
    // golden/federated.json, dp_factory.tree_aggregation_cumsum_variance.
    for (steps, deviation, isEfficient, variance) in [
      (6, 0.5, false, 0.5), (7, 1, false, 3), (8, 1, false, 1), (4, 1, true, 0.5714285714285714),
    ] as [(Int, Double, Bool, Double)] {
      var tree = try TreeNoise(standardDeviation: deviation, isEfficient: isEfficient)
      var total = [Double](repeating: 0, count: 40_000)
      for _ in 0..<steps { try tree.addIncrement(to: &total, noise: testNoise(UInt64(steps) * 100 + UInt64(tree.rounds))) }
      #expect(abs(tree.prefixVariance - variance) < 1e-15)
      #expect(abs(meanProduct(total, total) / variance - 1) < 6.5 * (2.0 / 40_000).squareRoot())
    }
  }

  @Test("variance formulas: popcount for the plain tree, Σ 1/(2 − 2^−L) for the efficient one; memory grows with the logarithm")
  func formulas() throws {
    for isEfficient in [false, true] {
      var tree = try TreeNoise(standardDeviation: 3, isEfficient: isEfficient)
      for t in 1...1100 {
        var sum = [0.0]
        try tree.addIncrement(to: &sum, noise: testNoise())
        var expected = 0.0
        for level in 0..<11 where t >> level & 1 == 1 { expected += isEfficient ? 9 / (2 - pow(2, -Double(level))) : 9 }
        #expect(abs(tree.prefixVariance - expected) < 1e-12 && tree.nodes.count == t.nonzeroBitCount)
      }
    }
  }

  @Test("the efficient weights are the best unbiased ones: 1/(2 − 2^−L) is the least squared norm of node weights covering each leaf once")
  func bestLinear() throws {
    for level in 0...3 {
      let leaves = 1 << level
      // Gram matrix of the leaves: how many nodes of the block hold both.
      var gram = (0..<leaves).map { i in
        (0..<leaves).map { j in Double((0...level).count { i >> $0 == j >> $0 }) }
      }
      // Solves gram · x = 1 by elimination; the least norm is Σ x.
      var right = [Double](repeating: 1, count: leaves)
      for pivot in 0..<leaves {
        for row in (pivot + 1)..<max(leaves, pivot + 1) {
          let factor = gram[row][pivot] / gram[pivot][pivot]
          for column in pivot..<leaves { gram[row][column] -= factor * gram[pivot][column] }
          right[row] -= factor * right[pivot]
        }
      }
      for pivot in (0..<leaves).reversed() {
        for column in (pivot + 1)..<max(leaves, pivot + 1) { right[pivot] -= gram[pivot][column] * right[column] }
        right[pivot] /= gram[pivot][pivot]
      }
      var tree = try TreeNoise(standardDeviation: 1, isEfficient: true)
      for _ in 0..<leaves {
        var sum = [0.0]
        try tree.addIncrement(to: &sum, noise: testNoise())
      }
      #expect(abs(tree.prefixVariance - right.reduce(0, +)) < 1e-12)
    }
  }

  @Test("what is streamed is the tree's definition on the same draws, plain and efficient")
  func definition() throws {
    let count = 3
    for isEfficient in [false, true] {
      let (source, copy) = (testNoise(77), testNoise(77))
      var tree = try TreeNoise(standardDeviation: 2, isEfficient: isEfficient)
      // own[level] holds the noise of every node of that level in order, as far as it was drawn.
      var own = [[[Double]]](repeating: [], count: 7)
      func draw() -> [Double] {
        var values = [Double](repeating: 0, count: count)
        copy.addGaussian(standardDeviation: 2, to: &values)
        return values
      }
      /// Best estimate of the noise of a block: its own noise and its parts, weighted by the inverses of their variances.
      func estimate(_ level: Int, _ index: Int) -> (values: [Double], variance: Double) {
        let node = own[level][index]
        if level == 0 || !isEfficient { return (node, 1) }
        let (left, right) = (estimate(level - 1, 2 * index), estimate(level - 1, 2 * index + 1))
        let variance = 1 / (1 + 1 / (left.variance + right.variance))
        let parts = zip(left.values, right.values).map { ($0 + $1) / (left.variance + right.variance) }
        return (zip(node, parts).map { variance * ($0 + $1) }, variance)
      }
      var running = [Double](repeating: 0, count: count)
      for t in 1...40 {
        let top = t.trailingZeroBitCount
        // The plain tree draws the new block alone, the efficient one its last leaf and all blocks above it.
        for level in 0...top {
          if isEfficient || level == top { own[level].append(draw()) } else { own[level].append([.nan, .nan, .nan]) }
        }
        var expected = [Double](repeating: 0, count: count)
        for level in 0..<7 where t >> level & 1 == 1 {
          let block = estimate(level, (t >> level) - 1)
          for i in 0..<count { expected[i] += block.values[i] }
        }
        try tree.addIncrement(to: &running, noise: source)
        let prefix = try tree.prefixNoise(count: count)
        #expect(zip(running, expected).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(zip(prefix, expected).allSatisfy { abs($0 - $1) < 1e-12 })
      }
    }
  }

  @Test("covariance of the prefix noises and variance of the increments, 60,000 draws (70 figures, 6.5σ: false alarm below 1e-8)")
  func covariance() throws {
    let (rounds, draws) = (7, 60_000)
    for isEfficient in [false, true] {
      var tree = try TreeNoise(standardDeviation: 1, isEfficient: isEfficient)
      var prefix = [Double](repeating: 0, count: draws)
      var prefixes: [[Double]] = []
      for round in 0..<rounds {
        let before = prefix
        try tree.addIncrement(to: &prefix, noise: testNoise(UInt64(900 + round)))
        prefixes.append(prefix)
        let step = zip(prefix, before).map { $0 - $1 }
        #expect(abs(meanProduct(step, step) / tree.incrementVariance - 1) < 6.5 * (2.0 / Double(draws)).squareRoot())
      }
      // The covariance of prefixes s < t: exact coefficients from unit impulses in each draw of the definition.
      let exact = exactCovariance(rounds: rounds, isEfficient: isEfficient)
      for s in 0..<rounds {
        for t in 0...s {
          let bound = ((exact[s][s] * exact[t][t] + exact[s][t] * exact[s][t]) / Double(draws)).squareRoot()
          #expect(abs(meanProduct(prefixes[s], prefixes[t]) - exact[s][t]) < 6.5 * bound)
        }
      }
    }
  }

  /// Covariances of N_1 … by expanding each into the noises of all nodes.
  private func exactCovariance(rounds: Int, isEfficient: Bool) -> [[Double]] {
    /// Coefficients of a block's noise on the nodes, keyed by level × 100 + index.
    func block(_ level: Int, _ index: Int) -> (weights: [Int: Double], variance: Double) {
      if level == 0 || !isEfficient { return ([level * 100 + index: 1], 1) }
      let (left, right) = (block(level - 1, 2 * index), block(level - 1, 2 * index + 1))
      let variance = 1 / (1 + 1 / (left.variance + right.variance))
      let share = variance / (left.variance + right.variance)
      var weights = left.weights.merging(right.weights) { $0 + $1 }.mapValues { $0 * share }
      weights[level * 100 + index] = variance
      return (weights, variance)
    }
    let expanded = (1...rounds).map { t in
      (0..<4).filter { t >> $0 & 1 == 1 }.map { block($0, (t >> $0) - 1).weights }.reduce(into: [Int: Double]()) { total, weights in
        total.merge(weights) { $0 + $1 }
      }
    }
    return expanded.map { a in expanded.map { b in a.reduce(0) { $0 + $1.value * (b[$1.key] ?? 0) } } }
  }

  @Test("a tree read back from JSON continues bit by bit")
  func resume() throws {
    for isEfficient in [false, true] {
      var whole = try TreeNoise(standardDeviation: 1.7, isEfficient: isEfficient)
      _ = try increments(&whole, rounds: 13, count: 5, noise: testNoise(1))
      var resumed = try reread(whole)
      #expect(resumed == whole)
      #expect(
        try increments(&resumed, rounds: 20, count: 5, noise: testNoise(2)) == increments(&whole, rounds: 20, count: 5, noise: testNoise(2))
      )
      #expect(resumed == whole)
    }
  }

  @Test("without noise nothing is added; bad numbers, other lengths and damaged trees are errors that change nothing")
  func errors() throws {
    var silent = try TreeNoise(standardDeviation: 0)
    #expect(try increments(&silent, rounds: 9, count: 2, noise: testNoise()).allSatisfy { $0 == [0, 0] })
    for deviation in [-1, .nan, .infinity, 1e200] {
      #expect(throws: AggregationError.self) { try TreeNoise(standardDeviation: deviation) }
    }
    var tree = try TreeNoise(standardDeviation: 1)
    _ = try increments(&tree, rounds: 3, count: 4, noise: testNoise())
    let before = tree
    var other = [1.0, 2, 3]
    #expect(throws: AggregationError.lengthMismatch(expected: 4, found: 3)) { try tree.addIncrement(to: &other, noise: testNoise()) }
    #expect(tree == before && other == [1, 2, 3])
    let text = String(decoding: try JSONEncoder().encode(tree), as: UTF8.self)
    for (old, new) in [("\"rounds\":3", "\"rounds\":4"), ("\"rounds\":3", "\"rounds\":-3"), ("\"level\":1", "\"level\":77")] {
      let damaged = text.replacingOccurrences(of: old, with: new)
      #expect(damaged != text)
      var broken = try JSONDecoder().decode(TreeNoise.self, from: Data(damaged.utf8))
      var sum = [0.0, 0, 0, 0]
      #expect(throws: AggregationError.stateMismatch(technique: "tree noise")) { try broken.addIncrement(to: &sum, noise: testNoise()) }
      #expect(broken.incrementVariance.isFinite)
    }
    // No parameters at all is a defined case.
    var empty = try TreeNoise(standardDeviation: 1)
    #expect(try increments(&empty, rounds: 3, count: 0, noise: testNoise()) == [[], [], []])
  }
}
