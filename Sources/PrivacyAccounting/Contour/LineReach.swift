import Foundation

/// How far up the line Re z = c a sum must go, and a bound of the transform of one round beyond that.
struct LineReach: Sendable {
  /// About how many nanoseconds the sum will take.
  private(set) var cost = 0.0
  /// Im z of the last point that counts.
  private(set) var height: Double
  /// log of a bound of |E e^{zL}| / E e^{cL} for all Im z ≥ `height`.
  private(set) var logTail: Double

  /// - Parameters:
  ///   - step: distance of the points of the sum.
  ///   - rounds: for which the tail of the sum must be below `logTailTarget`.
  init(
    _ composition: DirectedComposition, c: Double, step: Double, rounds: Double, logTailTarget: Double
  ) throws(AccountingError) {
    // A bound for all greater heights follows from the density of the losses.
    var bounds: [(count: Double, bound: ModulusBound)] = []
    var scale = 0.0
    for part in composition.parts {
      if case .gaussian(let sigma) = part.cumulant {
        bounds.append((part.count, ModulusBound(gaussianNoiseMultiplier: sigma)))
        scale = max(scale, 1 / sigma)
      } else if let nodes = try part.cumulant.nodes(greatest: c, height: 24) {
        bounds.append((part.count, ModulusBound(nodes: nodes.pruned(at: c), at: c)))
        scale = max(scale, LossMoments(nodes: RealNodes(nodes), at: c).curvature.squareRoot())
      }
    }
    func logBound(_ y: Double) -> Double { bounds.reduce(0) { $0 + $1.count * $1.bound.logBound(at: y) } }
    // The terms beyond y sum to at most e^{rounds × bound} / (π y).
    func isFarEnough(_ y: Double, _ logBound: Double) -> Bool { rounds * logBound - log(Double.pi * y) <= logTailTarget }
    var far = max(step, c / 16)
    while !isFarEnough(far, logBound(far)) {
      far *= 1.5
      guard far / step < 1.5e6 else {
        throw .notConverged(what: "contour integral", reason: "its integrand falls too slowly")
      }
    }
    var near = far / 1.5
    for _ in 0..<5 {
      let middle = (near * far).squareRoot()
      if isFarEnough(middle, logBound(middle)) { far = middle } else { near = middle }
    }
    height = far
    logTail = logBound(far)
    try shorten(composition, c: c, step: step, scale: scale) { y, bound in isFarEnough(y, bound) }
    for part in composition.parts {
      guard let nodes = try part.cumulant.nodes(greatest: c, height: height) else { continue }
      cost += CumulantLine.cost(nodes: nodes.losses.count, count: Int(height / step) + 2)
    }
  }

  /// Moves `height` down to where the transform itself, known on a coarse grid, stays small enough.
  ///
  /// ψ(y) = |E e^{zL}|² / (E e^{cL})² is E cos(y(L − L′)) for independent tilted copies, so that |ψ″| ≤ 2 Var L: between two points at
  /// distance Δ it is at most the greater of the two plus Δ² Var(L)/4.
  private mutating func shorten(
    _ composition: DirectedComposition, c: Double, step: Double, scale: Double, isFarEnough: (Double, Double) -> Bool
  ) throws(AccountingError) {
    // As many points as keep the work small against that of the sum.
    let count = Int(min(height / step / 4, 400))
    guard count >= 100 else { return }
    let spacing = height / Double(count - 1)
    var bounds = [Double](repeating: 0, count: count - 1)
    for part in composition.parts {
      if case .gaussian(let sigma) = part.cumulant {
        for index in bounds.indices {
          let y = Double(index) * spacing
          bounds[index] -= part.count * 0.5 * y * y / (sigma * sigma)
        }
        continue
      }
      guard let nodes = try part.cumulant.nodes(greatest: c, height: height)?.pruned(at: c) else { continue }
      let line = try CumulantLine(nodes: nodes, c: c, step: spacing, count: count)
      let variance = LossMoments(nodes: RealNodes(nodes), at: c).curvature * 1.001
      let squares = line.real.indices.map { exp(2 * (line.real[$0] - line.real[0] + min(line.error[$0], 1e3))) }
      for index in bounds.indices {
        let greatest = max(squares[index], squares[index + 1]) + spacing * spacing * variance / 4
        bounds[index] += part.count * min(0, 0.5 * log(greatest))
      }
    }
    var worst = logTail
    var index = bounds.count - 1
    while index >= 1 {
      let next = max(worst, bounds[index])
      guard isFarEnough(Double(index) * spacing, next) else { break }
      worst = next
      height = Double(index) * spacing
      logTail = worst
      index -= 1
    }
  }
}
