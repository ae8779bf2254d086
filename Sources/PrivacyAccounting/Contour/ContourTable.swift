import Foundation

/// A composition of losses in one direction, one round of it.
struct DirectedComposition: Sendable {
  struct Part: Sendable {
    let cumulant: LossCumulant
    let count: Double
  }
  let parts: [Part]

  /// Least upper bound of the loss of one round.
  var supremum: Double { parts.reduce(0) { $0 + $1.count * $1.cumulant.supremum } }
  /// Whether some part has a density, so that its transform falls.
  var decays: Bool { parts.contains { $0.cumulant.decays } }
}

/// ΣK on one line Re z = c, and the bounds that turn the sum over the line into an interval.
///
/// A table depends on the mechanisms only: not on the number of rounds, on ε or on δ.
struct ContourTable: Sendable {
  /// Saddle point of the whole that the table was made for; where the bulk is left out the line may lie elsewhere.
  let saddle: Double
  /// Re z, above 0.
  let c: Double
  /// Distance of the points.
  let step: Double
  /// ΣK(z) at c + ikh.
  let line: CumulantLine
  /// What the terms beyond the last point are bounded by.
  let tail: LineTail
  /// Im z at the last point.
  let height: Double
  /// log|z(z+1)| and arg z(z+1) at the points, which every number of rounds needs.
  let logPole: [Double]
  let poleAngle: [Double]
  /// The bulk that the integral leaves out, with the logarithm of its share of the transform at the points; nil for the whole.
  let bulk: (split: BulkSplit, line: CumulantLine)?

  /// Evaluates the cumulants of one round of `composition` as far as `reach` says.
  init(
    _ composition: DirectedComposition, saddle: Double, c: Double, period: Double, reach: LineReach
  ) throws(AccountingError) {
    step = 2 * Double.pi / period
    (self.saddle, self.c) = (saddle, c)
    let count = Int((reach.height / step).rounded(.up)) + 2
    height = Double(count - 1) * step
    tail = reach.tail
    var logPole = [Double](repeating: 0, count: count)
    var poleAngle = logPole
    for index in 0..<count {
      let z = Complex(c, Double(index) * step)
      let pole = z * (z + Complex(1, 0))
      logPole[index] = log(pole.modulus)
      poleAngle[index] = atan2(pole.imaginary, pole.real)
    }
    (self.logPole, self.poleAngle) = (logPole, poleAngle)

    var sum: CumulantLine?
    var share: CumulantLine?
    for part in composition.parts {
      let single: CumulantLine
      if case .gaussian(let sigma) = part.cumulant {
        single = .gaussian(noiseMultiplier: sigma, c: c, step: step, count: count)
      } else {
        let cut = reach.split.flatMap { part.cumulant.tailCut(at: $0.loss, width: $0.width) }
        guard let nodes = try part.cumulant.nodes(greatest: c, height: height, cut: cut)?.pruned(at: c) else { continue }
        single = try CumulantLine(nodes: nodes, c: c, step: step, count: count)
        if cut != nil {
          let line = try CumulantLine(bulkShareOf: single, nodes: nodes, c: c, step: step)
          share = CumulantLine(sum: share, adding: line, times: part.count)
        }
      }
      sum = CumulantLine(sum: sum, adding: single, times: part.count)
    }
    guard let sum else { throw .notConverged(what: "contour integral", reason: "there is nothing to integrate") }
    line = sum
    bulk = reach.split.flatMap { split in share.map { (split, $0) } }
  }
}

extension CumulantLine {
  init(sum: CumulantLine?, adding next: CumulantLine, times count: Double) {
    guard var sum else {
      self = next
      for index in real.indices {
        real[index] *= count
        imaginary[index] *= count
        error[index] *= count
      }
      return
    }
    for index in sum.real.indices {
      sum.real[index] += count * next.real[index]
      sum.imaginary[index] += count * next.imaginary[index]
      sum.error[index] += count * next.error[index]
    }
    self = sum
  }
}
