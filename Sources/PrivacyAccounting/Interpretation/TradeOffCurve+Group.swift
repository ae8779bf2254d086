import Foundation

extension TradeOffCurve {
  /// ε at `delta` for groups of `size` people who are all present or all absent.
  ///
  /// Two bounds are computed and the smaller one stands:
  /// - (kε, δ(ε)(e^(kε) − 1)/(e^ε − 1)) at the best ε (Dwork and Roth 2014, theorem 2.2, for δ = 0; with δ by
  ///   induction over the k steps, as in Vadhan 2017, lemma 2.2);
  /// - the greatest true-positive rate T(α) of one person applied k times (Dong, Roth and Su 2022, theorem 2.14), which is the best
  ///   split of ε among the k steps. T is bounded by a finite set of lines, and every composition of lines is a line. It is computed
  ///   for groups of up to 16.
  ///
  /// Each direction is bounded for itself, for a group removed is k removals. The result is the worse of the two, rounded up.
  ///
  /// - Parameters:
  ///   - size: k, from 1 to 1,000.
  ///   - delta: δ of the statement about the group, in (0, 1).
  /// - Returns: infinite where no ε up to 700 a person was found to be enough.
  public func groupEpsilon(size: Int, delta: Double) throws(AccountingError) -> Double {
    guard size >= 1, size <= 1_000 else {
      throw .invalidParameter(name: "group size", value: Double(size), allowed: "in 1…1000")
    }
    guard delta > 0, delta < 1 else { throw .invalidParameter(name: "delta", value: delta, allowed: "in (0, 1)") }
    var worst = 0.0
    for direction in NeighborDirection.allCases {
      let even = try evenSplit(size: size, delta: delta, direction: direction)
      guard size <= Self.largestComposed else {
        worst = max(worst, even.epsilon)
        continue
      }
      let composed = try composedSplit(size: size, delta: delta, direction: direction, scale: even.single)
      worst = max(worst, min(even.epsilon, composed))
    }
    return worst
  }

  /// The least kε found with δ(ε) Σ e^(jε) ≤ δ, j = 0 … k − 1, infinite where none was; and the ε, or the one that comes nearest.
  private func evenSplit(
    size: Int, delta: Double, direction: NeighborDirection
  ) throws(AccountingError) -> (epsilon: Double, single: Double) {
    let k = Double(size)
    // log of δ(ε) Σ e^(jε) over the target, with Σ = (e^(kε) − 1)/(e^ε − 1); rounded up.
    func excess(_ epsilon: Double) throws(AccountingError) -> Double {
      let single = try profile.delta(epsilon: epsilon, direction: direction).upper
      guard single > 0 else { return -.infinity }
      let sum = epsilon > 0 ? (k - 1) * epsilon + log(-expm1(-k * epsilon)) - log(-expm1(-epsilon)) : log(k)
      return log(single) - log(delta) + sum + 1e-14 * (1 + k * epsilon + abs(log(single)) + abs(log(delta)))
    }
    var candidates = MemoizedProfile.scan
    // The sum may meet the target only on a short stretch, near its least value: look closer there, and closer again.
    for _ in 0...2 {
      var least = (index: 0, value: Double.infinity)
      for (index, high) in candidates.enumerated() {
        let value = try excess(high)
        if value <= 0 {
          guard index > 0 else { return ((k * high).nextUp, high) }
          let single = try boundary(from: candidates[index - 1], to: high, excess)
          return ((k * single).nextUp, single)
        }
        if value < least.value { least = (index, value) }
      }
      let low = candidates[max(0, least.index - 1)]
      let high = candidates[min(candidates.count - 1, least.index + 1)]
      candidates = (0...32).map { low + (high - low) * Double($0) / 32 }
    }
    return (.infinity, candidates[16])
  }

  /// An ε at most 1e-13 (relative) above the point where `excess` turns positive, always one where it is not.
  private func boundary(
    from low: Double, to high: Double, _ excess: (Double) throws(AccountingError) -> Double
  ) throws(AccountingError) -> Double {
    var (low, high) = (low, high)
    for _ in 0..<100 where high - low > 1e-13 * high {
      let middle = 0.5 * (low + high)
      if try excess(middle) <= 0 { high = middle } else { low = middle }
    }
    return high
  }

  /// A stretch on which the bound of the power (true-positive rate) is one line in the false-positive rate.
  private struct Piece {
    var rates: (low: Double, high: Double)
    var powers: (low: Double, high: Double)
  }

  /// Lines laid over the single ε of the even split and half as much again.
  private static let groupLines = 64
  /// The work grows with the cube of the group.
  private static let largestComposed = 16

  private func composedSplit(
    size: Int, delta: Double, direction: NeighborDirection, scale: Double
  ) throws(AccountingError) -> Double {
    var slopes: Set<Double> = [0]
    for epsilon in MemoizedProfile.scan {
      slopes.insert(epsilon)
      // Steeper lines matter only where the power is far below δ.
      if try profile.delta(epsilon: epsilon, direction: direction).upper < 1e-12 * delta { break }
    }
    if scale > 0 && scale < 460 {
      slopes.insert(scale)
      for index in 1...Self.groupLines { slopes.insert(1.5 * scale * Double(index) / Double(Self.groupLines)) }
    }
    let envelope = SupportingLine.envelope(try lines(slopes, direction: direction))
    // From steep to flat, that is by rising false-positive rate; the flattest one ends where its power reaches 1.
    var pieces = [Piece(rates: (0, 1), powers: (0, 1))]
    for _ in 0..<size {
      var next: [Piece] = []
      for piece in pieces {
        // Cut where the power of this piece leaves the range of a line.
        var position = piece
        for (index, (line, _)) in envelope.enumerated().reversed() {
          let end = index > 0 ? envelope[index - 1].from : 1
          guard position.powers.low < end || index == 0 else { continue }
          var part = position
          let isLast = position.powers.high <= end || index == 0
          if !isLast {
            let share = (end - position.powers.low) / (position.powers.high - position.powers.low)
            let cut = position.rates.low + share * (position.rates.high - position.rates.low)
            part.rates.high = cut
            part.powers.high = end
            position.rates.low = cut
            position.powers.low = end
          }
          part.powers = (line.truePositiveUpper(at: part.powers.low), line.truePositiveUpper(at: part.powers.high))
          next.append(part)
          if isLast { break }
        }
      }
      pieces = next
    }
    var epsilon = 0.0
    for piece in pieces {
      for (rate, power) in [(piece.rates.low, piece.powers.low), (piece.rates.high, piece.powers.high)] {
        let excess = power * (1 + 1e-12) - delta
        guard excess > 0 else { continue }
        epsilon = max(epsilon, log(excess / rate) + 1e-12)
      }
    }
    return epsilon
  }
}
