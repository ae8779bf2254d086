import Foundation

/// A bound of the transform beyond the last point of a sum along Re z = c.
enum LineTail: Sendable {
  /// log of a bound of |E e^{zL}| / E e^{cL} of one round.
  case whole(Double)
  /// log of Σ |φ_t| / φ(c) of one round, where the bulk is left out.
  case split(Double)

  /// log of a bound of the transform after `rounds` rounds, relative to its value at c.
  func logBound(rounds: Double) -> Double {
    switch self {
    case .whole(let logBound): rounds * logBound
    case .split(let logBound): log(rounds) + logBound
    }
  }
}

/// How far up the line Re z = c a sum must go, and a bound of the transform of one round beyond that.
struct LineReach: Sendable {
  /// About how many nanoseconds the sum will take.
  private(set) var cost = 0.0
  /// About how many nanoseconds it took to find that out.
  private(set) var ownCost = 0.0
  /// Im z of the last point that counts.
  private(set) var height: Double
  /// Bound for all Im z ≥ `height`.
  private(set) var tail: LineTail
  /// The bulk that the sum leaves out, if any.
  private(set) var split: BulkSplit?

  private static let failure = AccountingError.notConverged(what: "contour integral", reason: "its integrand falls too slowly")

  /// The least multiple of 1.5^(1/32) or so from which on `isFarEnough` holds, which it does for all that is greater.
  private static func height(
    from start: Double, step: Double, isFarEnough: (Double) -> Bool
  ) throws(AccountingError) -> Double {
    var far = start
    while !isFarEnough(far) {
      far *= 1.5
      guard far / step < 1.5e6 else { throw failure }
    }
    var near = far / 1.5
    for _ in 0..<5 {
      let middle = (near * far).squareRoot()
      if isFarEnough(middle) { far = middle } else { near = middle }
    }
    return far
  }

  /// The terms beyond y sum to at most e^{`logBound`} / (π y) relative to φ(c)^T.
  private static func isFarEnough(_ y: Double, _ logBound: Double, _ target: Double) -> Bool { logBound - log(Double.pi * y) <= target }

  /// How fast the transform falls along the line Re z = c, from the densities of the losses: the same for any depth of a sum.
  struct Decay: Sendable {
    let c: Double
    /// About how many nanoseconds it took to make.
    private(set) var cost = 0.0
    private var bounds: [(count: Double, bound: ModulusBound)] = []

    init(_ composition: DirectedComposition, c: Double) throws(AccountingError) {
      self.c = c
      for part in composition.parts {
        if case .gaussian(let sigma) = part.cumulant {
          bounds.append((part.count, ModulusBound(gaussianNoiseMultiplier: sigma)))
        } else if let nodes = try part.cumulant.nodes(greatest: c, height: 24) {
          bounds.append((part.count, ModulusBound(nodes: nodes.pruned(at: c), at: c)))
          cost += 400 * Double(nodes.losses.count)
        }
      }
    }

    /// log of a bound of one round's |E e^{zL}| / E e^{cL} at Im z = y and above.
    func logBound(_ y: Double) -> Double { bounds.reduce(0) { $0 + $1.count * $1.bound.logBound(at: y) } }
  }

  /// - Parameters:
  ///   - step: distance of the points of the sum.
  ///   - rounds: for which the tail of the sum must be below `logTailTarget`.
  init(
    _ composition: DirectedComposition, decay: Decay, step: Double, rounds: Double, logTailTarget: Double
  ) throws(AccountingError) {
    let c = decay.c
    let far = try Self.height(from: max(step, c / 16), step: step) { Self.isFarEnough($0, rounds * decay.logBound($0), logTailTarget) }
    height = far
    tail = .whole(decay.logBound(far))
    try addCost(composition, c: c, step: step, cut: { _ in nil })
  }

  /// Moves `height` down to where the transform itself, known on a coarse grid, stays small enough. For sums over the whole losses.
  mutating func shorten(
    _ composition: DirectedComposition, c: Double, step: Double, rounds: Double, logTailTarget: Double
  ) throws(AccountingError) {
    try shorten(composition, c: c, step: step) { Self.isFarEnough($0, rounds * $1, logTailTarget) }
    cost = 0
    try addCost(composition, c: c, step: step, cut: { _ in nil })
  }

  /// The same with the bulk of the losses left out.
  ///
  /// - Returns: nil where no loss can be split.
  init?(
    _ composition: DirectedComposition, leavingOut split: BulkSplit, c: Double, step: Double, rounds: Double, logTailTarget: Double
  ) throws(AccountingError) {
    var bounds: [(logCount: Double, bound: TailModulus)] = []
    for part in composition.parts {
      guard case .sampledGaussian(let rate, let sigma, .removal) = part.cumulant,
        let cut = part.cumulant.tailCut(at: split.loss, width: split.width)
      else {
        continue
      }
      guard let nodes = try part.cumulant.nodes(greatest: c, height: 0) else { continue }
      let whole = LossMoments(nodes: RealNodes(nodes), at: c).value
      bounds.append((log(part.count) - whole + 1e-9, TailModulus(rate: rate, sigma: sigma, cut: cut, at: c)))
    }
    guard !bounds.isEmpty else { return nil }
    func logBound(_ y: Double) -> Double {
      bounds.reduce(-.infinity) { logAddExp($0, $1.logCount + $1.bound.logBound(at: y)) }
    }
    let far = try Self.height(from: max(step, c / 16), step: step) {
      Self.isFarEnough($0, log(rounds) + logBound($0), logTailTarget)
    }
    height = far
    tail = .split(logBound(far))
    self.split = split
    try addCost(composition, c: c, step: step) { $0.tailCut(at: split.loss, width: split.width) }
  }

  private mutating func addCost(
    _ composition: DirectedComposition, c: Double, step: Double, cut: (LossCumulant) -> TailCut?
  ) throws(AccountingError) {
    for part in composition.parts {
      let cut = cut(part.cumulant)
      guard let nodes = try part.cumulant.nodeCount(greatest: c, height: height, cut: cut) else { continue }
      cost += CumulantLine.cost(nodes: nodes, count: Int(height / step) + 2) * (cut == nil ? 1 : 2)
      // The nodes are made anew for each height.
      ownCost += 200 * Double(nodes)
    }
  }

  /// ψ(y) = |E e^{zL}|² / (E e^{cL})² is E cos(y(L − L′)) for independent tilted copies, so that |ψ″| ≤ 2 Var L: between two points at
  /// distance Δ it is at most the greater of the two plus Δ² Var(L)/4.
  private mutating func shorten(
    _ composition: DirectedComposition, c: Double, step: Double, isFarEnough: (Double, Double) -> Bool
  ) throws(AccountingError) {
    let laws = try composition.parts.map { part throws(AccountingError) in
      (part: part, nodes: try part.cumulant.nodes(greatest: c, height: height)?.pruned(at: c))
    }
    // As many points as keep the work small against that of the sum.
    let nodeCount = laws.reduce(0) { $0 + ($1.nodes?.losses.count ?? 0) }
    ownCost += 100 * Double(nodeCount)
    let count = Int(min(height / step / 8, 400, 1e7 / Double(nodeCount + 1)))
    guard count >= 50 else { return }
    ownCost += 1.2 * Double(count) * Double(nodeCount)
    let spacing = height / Double(count - 1)
    var bounds = [Double](repeating: 0, count: count - 1)
    for (part, nodes) in laws {
      if case .gaussian(let sigma) = part.cumulant {
        for index in bounds.indices {
          let y = Double(index) * spacing
          bounds[index] -= part.count * 0.5 * y * y / (sigma * sigma)
        }
        continue
      }
      guard let nodes else { continue }
      let line = try CumulantLine(nodes: nodes, c: c, step: spacing, count: count)
      let variance = LossMoments(nodes: RealNodes(nodes), at: c).curvature * 1.001
      let squares = line.real.indices.map { exp(2 * (line.real[$0] - line.real[0] + min(line.error[$0], 1e3))) }
      for index in bounds.indices {
        let greatest = max(squares[index], squares[index + 1]) + spacing * spacing * variance / 4
        bounds[index] += part.count * min(0, 0.5 * log(greatest))
      }
    }
    guard case .whole(var worst) = tail else { return }
    var index = bounds.count - 1
    while index >= 1 {
      let next = max(worst, bounds[index])
      guard isFarEnough(Double(index) * spacing, next) else { break }
      worst = next
      height = Double(index) * spacing
      tail = .whole(worst)
      index -= 1
    }
  }
}
