import Aggregation
import Foundation
import ParameterVectors
import SecureNoise
import Testing

@Suite("Range queries over a tree")
struct RangeTreeTests {
  @Test("golden: flat trees of one-hot histograms, arity 2 over 4 bins and arity 3 over 4 to 9 bins")
  func golden() throws {
    let binary = try RangeTree(leafCount: 4)
    #expect(try binary.flattened([1, 0, 0, 0]) == [1, 1, 0, 1, 0, 0, 0])
    for count in 4...9 {
      let tree = try RangeTree(leafCount: count, arity: 3)
      let flat = try tree.flattened([1] + [Float](repeating: 0, count: count - 1))
      #expect(flat == [1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
      #expect(try tree.levels(flat.map(Double.init)) == [[1], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0]])
    }
  }

  @Test("every node is the sum of its bins, and every range is the sum of the nodes that cover it, each bin once", arguments: [2, 3, 5])
  func ranges(arity: Int) throws {
    for count in [1, 2, 3, 8, 9, 10, 26, 27, 28] {
      let tree = try RangeTree(leafCount: count, arity: arity)
      let histogram = (0..<count).map { Float(1 + ($0 * 7) % 13) }
      let flat = try tree.flattened(histogram).map(Double.init)
      #expect(flat.count == tree.nodeCount && flat[0] == histogram.reduce(0) { $0 + Double($1) })
      for low in 0...count {
        for high in low...count {
          #expect(try tree.sum(of: low..<high, in: flat) == histogram[low..<high].reduce(0) { $0 + Double($1) })
          if low == 0 && high == count { #expect(try tree.nodes(covering: low..<high) == [0]) }
          #expect(try tree.nodes(covering: low..<high).count <= max(1, 2 * (arity - 1) * (tree.levelCounts.count - 1)))
        }
      }
    }
  }

  @Test("no smaller set of nodes covers a range: by dynamic programming over the tree")
  func fewest() throws {
    for (arity, count) in [(2, 16), (3, 27), (4, 16)] {
      let tree = try RangeTree(leafCount: count, arity: arity)
      func least(_ node: Range<Int>, _ range: Range<Int>) -> Int {
        if !node.overlaps(range) { return 0 }
        if range.clamped(to: node) == node { return 1 }
        let width = node.count / arity
        return (0..<arity).reduce(0) { sum, child in
          let start = node.lowerBound + child * width
          return sum + least(start..<(start + width), range)
        }
      }
      for low in 0..<count {
        for high in (low + 1)...count {
          #expect(try tree.nodes(covering: low..<high).count == least(0..<count, low..<high))
        }
      }
    }
  }

  /// Noise of a coordinate is C z; a range's sum has as much for each of its nodes. 6 standard errors: 2e-9.
  @Test("released through the Gaussian mechanism, a client moves the tree by √levels, and a range's error is its nodes' (2,000 releases)")
  func released() throws {
    let tree = try RangeTree(leafCount: 64)
    #expect(abs(tree.oneHotNorm - 7.0.squareRoot()) < 1e-15)
    var one = [Float](repeating: 0, count: 64)
    one[17] = 1
    #expect(abs(VectorMath.norm(try tree.flattened(one)) - tree.oneHotNorm) < 1e-6)
    let z = 0.5
    let pipeline = try AggregationPipeline.mean().gaussianFixed(noiseMultiplier: z, clientsPerRound: 1, clippingNorm: tree.oneHotNorm)
    let updates = try [3, 17, 17, 40].map { bin in
      var histogram = [Float](repeating: 0, count: 64)
      histogram[bin] = 1
      return try tree.flattened(histogram)
    }
    let range = 3..<41
    let nodes = try tree.nodes(covering: range).count
    var (total, squares) = (0.0, 0.0)
    let releases = 2_000
    let noise = testNoise(31)
    for _ in 0..<releases {
      let error = try tree.sum(of: range, in: aggregate(pipeline, updates, noise: noise).update) - 4
      total += error
      squares += error * error
    }
    let variance = Double(nodes) * z * z * 7
    let n = Double(releases)
    #expect(abs(total / n) < 6 * (variance / n).squareRoot())
    #expect(abs(squares / n / variance - 1) < 6 * (2 / n).squareRoot())
    #expect(nodes < range.count / 3)
  }

  @Test("impossible trees, foreign lengths and ranges outside are errors; a tree survives JSON")
  func errors() throws {
    for (count, arity) in [(0, 2), (-1, 2), (4, 1), (4, 0), (4, 1025), (1 << 28, 2), (.max, 2), (1_000_001, 1000)] {
      #expect(throws: AggregationError.self) { try RangeTree(leafCount: count, arity: arity) }
    }
    let tree = try RangeTree(leafCount: 5)
    #expect(throws: AggregationError.self) { try tree.flattened([1, 2]) }
    #expect(throws: AggregationError.self) { try tree.levels([1, 2]) }
    #expect(throws: AggregationError.self) { try tree.sum(of: 0..<1, in: []) }
    let zeros = [Double](repeating: 0, count: tree.nodeCount)
    #expect(throws: AggregationError.self) { try tree.sum(of: -1..<2, in: zeros) }
    #expect(throws: AggregationError.self) { try tree.sum(of: 0..<6, in: zeros) }
    #expect(try tree.sum(of: 2..<2, in: zeros) == 0)
    #expect(try JSONDecoder().decode(RangeTree.self, from: JSONEncoder().encode(tree)) == tree)
    #expect(throws: (any Error).self) { try JSONDecoder().decode(RangeTree.self, from: Data(#"{"leafCount":0,"arity":2}"#.utf8)) }
  }
}
