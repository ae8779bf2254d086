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
  /// Steps of the grid that stand for 1, so that rounding adds less than 1e-12 to a variance.
  private let unit = 0x1p20

  /// Runs `rounds` rounds on zeros and returns what each added.
  private func increments(_ tree: inout TreeNoise, rounds: Int, count: Int, noise: RandomSource) throws -> [[Int64]] {
    try (0..<rounds).map { _ in
      var sum = [Int64](repeating: 0, count: count)
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
      var tree = try TreeNoise(standardDeviation: deviation * unit, isEfficient: isEfficient)
      var total = [Int64](repeating: 0, count: 40_000)
      for _ in 0..<steps { try tree.addIncrement(to: &total, noise: testNoise(UInt64(steps) * 100 + UInt64(tree.rounds))) }
      #expect(abs(tree.prefixVariance / (unit * unit) - variance) < 1e-15)
      let reals = total.map { Double($0) / unit }
      #expect(abs(meanProduct(reals, reals) / variance - 1) < 6.5 * (2.0 / 40_000).squareRoot())
    }
  }

  @Test("variance formulas: popcount for the plain tree, Σ 1/(2 − 2^−L) for the efficient one; memory grows with the logarithm")
  func formulas() throws {
    for isEfficient in [false, true] {
      var tree = try TreeNoise(standardDeviation: 3, isEfficient: isEfficient)
      for t in 1...1100 {
        var sum: [Int64] = [0]
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
        var sum: [Int64] = [0]
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
      var tree = try TreeNoise(standardDeviation: 2 * unit, isEfficient: isEfficient)
      // own[level] holds the noise of every node of that level in order, as far as it was drawn.
      var own = [[[Double]]](repeating: [], count: 7)
      func draw() throws -> [Double] {
        var values = [Int64](repeating: 0, count: count)
        try copy.addGridGaussian(standardDeviation: 2 * unit, to: &values)
        return values.map(Double.init)
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
      var running = [Int64](repeating: 0, count: count)
      for t in 1...40 {
        let top = t.trailingZeroBitCount
        // The plain tree draws the new block alone, the efficient one its last leaf and all blocks above it.
        for level in 0...top {
          if isEfficient || level == top { try own[level].append(draw()) } else { own[level].append([.nan, .nan, .nan]) }
        }
        var expected = [Double](repeating: 0, count: count)
        for level in 0..<7 where t >> level & 1 == 1 {
          let block = estimate(level, (t >> level) - 1)
          for i in 0..<count { expected[i] += block.values[i] }
        }
        try tree.addIncrement(to: &running, noise: source)
        let prefix = try tree.prefixNoise(count: count)
        // Every block is rounded to the grid; the plain ones are integers already.
        let rounding = isEfficient ? 0.5 * Double(t.nonzeroBitCount) + 1e-3 : 0
        #expect(prefix == running && zip(running, expected).allSatisfy { abs(Double($0) - $1) <= rounding })
      }
    }
  }

  @Test("covariance of the prefix noises and variance of the increments, 60,000 draws (70 figures, 6.5σ: false alarm below 1e-8)")
  func covariance() throws {
    let (rounds, draws) = (7, 60_000)
    for isEfficient in [false, true] {
      var tree = try TreeNoise(standardDeviation: unit, isEfficient: isEfficient)
      var sums = [Int64](repeating: 0, count: draws)
      var prefix = [Double](repeating: 0, count: draws)
      var prefixes: [[Double]] = []
      for round in 0..<rounds {
        let before = prefix
        try tree.addIncrement(to: &sums, noise: testNoise(UInt64(900 + round)))
        prefix = sums.map { Double($0) / unit }
        prefixes.append(prefix)
        let step = zip(prefix, before).map { $0 - $1 }
        #expect(abs(meanProduct(step, step) / tree.incrementVariance * unit * unit - 1) < 6.5 * (2.0 / Double(draws)).squareRoot())
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

  @Test("with data, the sum of the releases is computed from the noisy node sums alone: Σ over blocks of round(Σ 2^level (S + g) / D)")
  func function() throws {
    for isEfficient in [false, true] {
      let (source, copy) = (testNoise(31), testNoise(31))
      var tree = try TreeNoise(standardDeviation: 3.3, isEfficient: isEfficient)
      let data = (0..<64).map { Int64($0 * $0 % 37 * 1_000_003) - 7_000_000 }
      // noisy[level][index]: the sum of the node's rounds and its noise.
      var noisy = [[Int64]](repeating: [], count: 7)
      func append(_ level: Int, _ index: Int, isDrawn: Bool) throws {
        var node = [data[(index << level)..<((index + 1) << level)].reduce(0, +)]
        if isDrawn { try copy.addGridGaussian(standardDeviation: 3.3, to: &node) }
        noisy[level].append(node[0])
      }
      func weighted(_ level: Int, _ index: Int, down: Bool) -> Int64 {
        if level == 0 || !down { return noisy[level][index] }
        return noisy[level][index] << Int64(level) + weighted(level - 1, 2 * index, down: true)
          + weighted(level - 1, 2 * index + 1, down: true)
      }
      var released: Int64 = 0
      for t in 1...64 {
        for level in 0...t.trailingZeroBitCount {
          try append(level, (t >> level) - 1, isDrawn: isEfficient || level == t.trailingZeroBitCount)
        }
        var sum = [data[t - 1]]
        try tree.addIncrement(to: &sum, noise: source)
        released += sum[0]
        var expected: Int64 = 0
        for level in 0..<7 where t >> level & 1 == 1 {
          let divisor: Int64 = isEfficient ? (2 << Int64(level)) - 1 : 1
          let numerator = 2 * weighted(level, (t >> level) - 1, down: isEfficient) + divisor
          // ⌊x + ½⌋, with the remainder made positive.
          let remainder = (numerator % (2 * divisor) + 2 * divisor) % (2 * divisor)
          expected += (numerator - remainder) / (2 * divisor)
        }
        #expect(released == expected)
      }
    }
  }

  @Test("a tree read back from JSON continues bit by bit")
  func resume() throws {
    for isEfficient in [false, true] {
      var whole = try TreeNoise(standardDeviation: 1.7e6, isEfficient: isEfficient)
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
    for deviation in [-1, .nan, .infinity, 0x1p41] {
      #expect(throws: AggregationError.self) { try TreeNoise(standardDeviation: deviation) }
    }
    var tree = try TreeNoise(standardDeviation: 1)
    _ = try increments(&tree, rounds: 3, count: 4, noise: testNoise())
    let before = tree
    var other: [Int64] = [1, 2, 3]
    #expect(throws: AggregationError.lengthMismatch(expected: 4, found: 3)) { try tree.addIncrement(to: &other, noise: testNoise()) }
    #expect(tree == before && other == [1, 2, 3])
    let text = String(decoding: try JSONEncoder().encode(tree), as: UTF8.self)
    for (old, new) in [("\"rounds\":3", "\"rounds\":4"), ("\"rounds\":3", "\"rounds\":-3"), ("\"level\":1", "\"level\":77")] {
      let damaged = text.replacingOccurrences(of: old, with: new)
      #expect(damaged != text)
      var broken = try JSONDecoder().decode(TreeNoise.self, from: Data(damaged.utf8))
      var sum: [Int64] = [0, 0, 0, 0]
      #expect(throws: AggregationError.stateMismatch(technique: "tree noise")) { try broken.addIncrement(to: &sum, noise: testNoise()) }
      #expect(broken.incrementVariance.isFinite)
    }
    // A sum beyond 64 bits is an error, never wrapped.
    var extreme = try TreeNoise(standardDeviation: 0x1p40)
    var full = [Int64](repeating: .max, count: 64)
    #expect(throws: AggregationError.sumOverflow) { try extreme.addIncrement(to: &full, noise: testNoise()) }
    #expect(extreme.rounds == 0 && full[0] == .max)
    // No parameters at all is a defined case.
    var empty = try TreeNoise(standardDeviation: 1)
    #expect(try increments(&empty, rounds: 3, count: 0, noise: testNoise()) == [[], [], []])
  }
}
