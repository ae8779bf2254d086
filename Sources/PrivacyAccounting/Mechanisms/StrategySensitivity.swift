import Foundation

/// How often and how densely one person may take part in a run of n steps: at most `maximumParticipations` times, any two
/// of them at least `minimumSeparation` steps apart (b-min-separation of Choquette-Choo et al. 2023).
package struct ParticipationPattern: Hashable, Sendable {
  /// k, at least 1.
  package let maximumParticipations: Int
  /// b, at least 1; 1 allows neighbouring steps.
  package let minimumSeparation: Int

  /// Checks both numbers.
  package init(maximumParticipations: Int, minimumSeparation: Int) throws(AccountingError) {
    try MechanismParameters.count("maximum participations", maximumParticipations)
    try MechanismParameters.count("minimum separation", minimumSeparation)
    self.maximumParticipations = maximumParticipations
    self.minimumSeparation = minimumSeparation
  }

  /// The most participations that fit into `steps`: min(k, ⌈steps/b⌉).
  package func participations(in steps: Int) -> Int {
    min(maximumParticipations, (steps - 1) / minimumSeparation + 1)
  }
}

/// L2 sensitivity of correlated-noise mechanisms, in units of the clipping norm.
///
/// The mechanism releases C x + noise, where row i of x is what step i adds up. A person in steps i ∈ π changes row i by a vector
/// v_i of norm at most 1, so the sensitivity is the greatest ‖Σ_{i∈π} C[:,i] v_iᵀ‖ (Frobenius) over all patterns π and all v.
/// With G = CᵀC its square is Σ_{i,j∈π} G_ij ⟨v_i, v_j⟩, hence at most Σ_{i,j∈π} |G_ij|. All results are rounded up.
package enum StrategySensitivity {
  /// Releases of all complete nodes of the binary tree over `steps` leaves (Kairouz et al. 2021, DP-FTRL).
  ///
  /// The nodes of level l are the complete blocks of 2^l steps, N = ⌊n/2^l⌋ of them. A node that holds c participations moves by at
  /// most c, because the v_i are added. Two participations in one block are at least b apart, so c ≤ m = min(k′, ⌈2^l/b⌉) with k′
  /// the participations that fit into n steps, and the c of a level add up to at most k′. A convex function such as Σ c² is
  /// greatest at a vertex of {0 ≤ c ≤ m, Σ c ≤ k′}: ⌊k′/m⌋ nodes with m and one with the rest, no more than N nodes. The sum over
  /// the levels bounds the square of the sensitivity.
  ///
  /// For k′ = 1 every level contributes 1, which step 1 attains: ⌊log2 n⌋ + 1 = ⌈log2(n + 1)⌉ levels, exact.
  package static func binaryTree(steps: Int, participation: ParticipationPattern) throws(AccountingError) -> Double {
    try MechanismParameters.count("steps", steps)
    let total = participation.participations(in: steps)
    var square = 0.0
    var block = 1
    while block <= steps {
      let most = min(total, (block - 1) / participation.minimumSeparation + 1)
      let nodes = steps / block
      let full = min(nodes, total / most)
      let rest = full < nodes ? total - full * most : 0
      square += Double(full) * Double(most) * Double(most) + Double(rest) * Double(rest)
      block *= 2
    }
    // The sum is exact below 2^53; above, each of at most 64 additions and products rounds once.
    return rootRoundedUp(square < 0x1p53 ? square : square * (1 + 1e-13))
  }

  /// A lower-triangular matrix C, `rows[i]` holding at least the entries 0...i of row i (entries beyond must be 0).
  ///
  /// One participation: exact, the greatest norm of a column. More: with r_i the greatest Σ_{j∈π} |G_ij| over the patterns π that
  /// contain i, every pattern has Σ_{i,j∈π} |G_ij| ≤ Σ_{i∈π} r_i, and both maxima over patterns are found by dynamic programming.
  /// Where columns at least b apart are orthogonal, as in a matrix with at most b bands, r_i = G_ii and the result is exact
  /// (Choquette-Choo et al. 2023, "(Amplified) banded matrix factorization", theorem 2).
  ///
  /// O(n³ + n² k) time, O(n²) memory; n up to 2,048, so that no input runs for minutes.
  package static func matrix(_ rows: [[Double]], participation: ParticipationPattern) throws(AccountingError) -> Double {
    let n = rows.count
    try MechanismParameters.count("steps", n, atMost: 2048)
    var columns = [[Double]](repeating: [], count: n)
    for (i, row) in rows.enumerated() {
      guard row.count > i else {
        throw .invalidParameter(name: "entries in row \(i)", value: Double(row.count), allowed: "at least \(i + 1)")
      }
      for (j, value) in row.enumerated() {
        guard value.isFinite else { throw .invalidParameter(name: "entry (\(i), \(j))", value: value, allowed: "finite") }
        guard j <= i || value == 0 else {
          throw .invalidParameter(name: "entry (\(i), \(j))", value: value, allowed: "0 above the diagonal")
        }
        if j <= i { columns[j].append(value) }
      }
    }
    // Column j starts at row j.
    func product(_ i: Int, _ j: Int) -> Double {
      let (low, high) = (min(i, j), max(i, j))
      let offset = high - low
      var sum = 0.0
      for row in 0..<columns[high].count { sum += columns[high][row] * columns[low][row + offset] }
      return sum
    }
    // Each sum of at most 2n roundings; the absolute products bound what cancels inside G_ij.
    let slack = 1 + 4e-16 * Double(2 * n + 8)
    let diagonal = (0..<n).map { product($0, $0) * slack }
    let count = participation.participations(in: n)
    if count == 1 { return rootRoundedUp(try finite(diagonal.max() ?? 0)) }
    var gram = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
    for i in 0..<n {
      gram[i][i] = diagonal[i]
      for j in 0..<i {
        let value = product(i, j)
        let error = value == 0 ? 0 : 4e-16 * Double(n) * (diagonal[i] * diagonal[j]).squareRoot()
        gram[i][j] = abs(value) + error
        gram[j][i] = gram[i][j]
      }
    }
    let separation = participation.minimumSeparation
    let reach = (0..<n).map { i -> Double in
      // Best sums of exactly c or fewer entries at least b before i, and at least b after i.
      let before = i >= separation ? prefixBest(Array(gram[i][0...(i - separation)]), count - 1, separation) : []
      let after = i + separation < n ? prefixBest(gram[i][(i + separation)...].reversed(), count - 1, separation) : []
      var best = 0.0
      for c in 0..<count {
        best = max(best, (before.isEmpty ? 0 : before[c]) + (after.isEmpty ? 0 : after[count - 1 - c]))
      }
      return gram[i][i] + best
    }
    let square = prefixBest(reach, count, separation)[count] * slack
    // The triangle inequality bounds it too.
    let largest = diagonal.max() ?? 0
    return rootRoundedUp(try finite(min(square, Double(count) * Double(count) * largest * slack)))
  }

  /// For c = 0...`count`, the greatest sum of at most c of the `values` (none negative) that are at least `separation` apart.
  private static func prefixBest(_ values: [Double], _ count: Int, _ separation: Int) -> [Double] {
    let n = values.count
    var result = [0.0]
    var previous = [Double](repeating: 0, count: n + 1)
    for _ in 0..<max(0, count) {
      var next = previous
      for i in 0..<n {
        let base = i - separation + 1 > 0 ? previous[i - separation + 1] : 0
        next[i + 1] = max(next[i], base + values[i])
      }
      result.append(next[n])
      // Once another participation adds nothing, no further one will.
      if next[n] == previous[n] {
        result.append(contentsOf: repeatElement(next[n], count: count + 1 - result.count))
        break
      }
      previous = next
    }
    return result
  }

  /// A result beyond the range of Double is refused.
  static func finite(_ square: Double) throws(AccountingError) -> Double {
    guard square.isFinite else {
      throw .invalidParameter(name: "squared sensitivity", value: square, allowed: "in the range of Double")
    }
    return square
  }

  /// √square, the least Double that is not below it.
  static func rootRoundedUp(_ square: Double) -> Double {
    let root = square.squareRoot()
    return (-square).addingProduct(root, root) < 0 ? root.nextUp : root
  }
}
