import Foundation

/// A smooth cut through the losses of a composition that leaves to the integral only outcomes with at least one large loss.
///
/// A loss that is nearly an atom, because a person is seldom drawn, has a transform that hardly falls along a line. Write its law as
/// bulk + tail, two positive measures: the tail holds the share Φ((x − x₀)/s) of the density at x. After T rounds
///
///     φ^T = φ_b^T + (φ^T − φ_b^T),
///
/// and the δ of the first term is at most Chernoff's bound of the bulk, which is negligible once T large losses of the bulk stay below
/// ε. The second term is the transform of a positive measure too, and falls with |φ_t|, since
/// |φ^T − φ_b^T| ≤ T |φ_t| φ(c)^{T−1}.
struct BulkSplit: Sendable {
  /// Loss at which half of the density is tail.
  let loss: Double
  /// Width of the cut, see ``LossCumulant/tailCut(at:width:)``.
  let width: Double
  /// log φ_b of one round at tilts above that of the line, without the outliers, rounded up.
  private let logBulk: [(tilt: Double, value: Double)]
  /// Mass of the outliers of one round: outcomes of the bulk so far out that its share of them is negligible.
  private let outliers: Double

  /// The cut after which the transform falls fastest, among those whose bulk counts for at most e^`logTarget` of δ(ε) after `rounds`
  /// rounds; nil where there is none.
  init?(
    _ composition: DirectedComposition, c: Double, rounds: Double, epsilon: Double, logTarget: Double
  ) throws(AccountingError) {
    let count = composition.parts.reduce(0) { $0 + ($1.cumulant.tailCut(at: 1, width: 1) == nil ? 0 : $1.count) }
    guard epsilon > 0, count > 0 else { return nil }
    // The bulk falls faster than the whole, so that greater tilts bound it; at 1/ε and below nothing is gained.
    let greatest = max(35 * c, 300 / epsilon)
    let tilts = (0...14).map { c / 4 * pow(4 * greatest / c, Double($0) / 14) }
    var best: BulkSplit?
    for width in [0.12, 0.2, 0.3, 0.45] {
      // A bulk whose losses add up to an eighth of ε is the least that is looked at.
      var (low, high) = (log(epsilon / (count * rounds) / 8), log(epsilon))
      while high - low > 0.15 {
        let middle = 0.5 * (low + high)
        // |φ_t| has fallen by D nats at a height of about √(2D) σ²/(s × loss).
        if let best, width * exp(high) <= best.width * best.loss { break }
        let split = try BulkSplit(composition, tilts: tilts, loss: exp(middle), width: width, logOutliers: logTarget - log(rounds) - 2)
        if split.logDelta(rounds: rounds, epsilon: epsilon) <= logTarget {
          if width * split.loss > best.map({ $0.width * $0.loss }) ?? 0 { best = split }
          low = middle
        } else {
          high = middle
        }
      }
    }
    guard let best else { return nil }
    self = best
  }

  private init(
    _ composition: DirectedComposition, tilts: [Double], loss: Double, width: Double, logOutliers: Double
  ) throws(AccountingError) {
    (self.loss, self.width) = (loss, width)
    var sums = tilts.map { (tilt: $0, value: 0.0) }
    var outliers = 0.0
    let greatest = tilts.last ?? 1
    for part in composition.parts {
      if case .sampledGaussian(let rate, let sigma, .removal) = part.cumulant, let cut = part.cumulant.tailCut(at: loss, width: width) {
        // Φ(−u) ≤ e^{−u²/2}/2.
        let end = cut.centre + cut.width * (2 * max(1, log(part.count * Double(composition.parts.count)) - logOutliers)).squareRoot()
        let nodes = try LossNodes.bulk(rate: rate, sigma: sigma, cut: cut, end: end, greatest: greatest)
        for index in sums.indices { sums[index].value += part.count * nodes.logMoment(at: sums[index].tilt) }
        outliers +=
          part.count * cut.bulkShare(at: end) * (Numerics.normalUpperTail(end / sigma) + rate * Numerics.normalUpperTail((end - 1) / sigma))
      } else {
        let nodes = try part.cumulant.nodes(greatest: greatest, height: 0).map { RealNodes($0) }
        for index in sums.indices {
          if let nodes {
            sums[index].value += part.count * LossMoments(nodes: nodes, at: sums[index].tilt).value
          } else if case .gaussian(let sigma) = part.cumulant {
            sums[index].value += part.count * LossMoments.gaussian(noiseMultiplier: sigma, at: sums[index].tilt).value
          }
        }
      }
    }
    logBulk = sums.map { ($0.tilt, $0.value.isNaN ? .infinity : $0.value + 1e-15 + abs($0.value) * 1e-12) }
    self.outliers = outliers * 1.001
  }

  /// The tails of the losses that are split, with how often each occurs in a round, for real tilts up to `greatest`.
  func tails(
    _ composition: DirectedComposition, greatest: Double
  ) throws(AccountingError) -> [(count: Double, nodes: LossNodes, whole: RealNodes)] {
    var tails: [(count: Double, nodes: LossNodes, whole: RealNodes)] = []
    for part in composition.parts {
      guard let cut = part.cumulant.tailCut(at: loss, width: width),
        let nodes = try part.cumulant.nodes(greatest: greatest, height: 0, cut: cut)
      else { continue }
      var tail = nodes
      for index in tail.logMasses.indices { tail.logMasses[index] += log(nodes.tailShares[index]) }
      tails.append((part.count, tail, RealNodes(nodes)))
    }
    return tails
  }

  /// log of a bound of what the bulk alone adds to δ(ε) after `rounds` rounds.
  func logDelta(rounds: Double, epsilon: Double) -> Double {
    let chernoff = logBulk.reduce(0) { min($0, rounds * $1.value - $1.tilt * epsilon + DirectedContour.logFactor($1.tilt)) }
    return logAddExp(chernoff, log(rounds * outliers)) + 1e-9
  }
}

/// Where the density of a sampled Gaussian is shared between bulk and tail: Φ((x − centre)/width) of it is tail.
struct TailCut: Hashable, Sendable {
  let centre: Double
  let width: Double

  func tailShare(at x: Double) -> Double { 0.5 * erfc((centre - x) / (width * 2.0.squareRoot())) }
  func bulkShare(at x: Double) -> Double { 0.5 * erfc((x - centre) / (width * 2.0.squareRoot())) }
}

extension LossCumulant {
  /// The cut at this loss, of a width relative to that of the noise or of the strip of analyticity; nil for losses that stay whole.
  func tailCut(at loss: Double, width: Double) -> TailCut? {
    guard case .sampledGaussian(let rate, let sigma, .removal) = self, rate < 1 else { return nil }
    // L = log(1 − q + q e^t) with t = (2x − 1)/(2σ²)
    let exponent = loss > 30 ? loss - log(rate) : log(expm1(loss) / rate + 1)
    let variance = sigma * sigma
    return TailCut(centre: exponent * variance + 0.5, width: width * min(sigma, 2 * variance))
  }
}

extension LossNodes {
  /// Nodes of the bulk of the sampled Gaussian by removal up to x = `end`, for real tilts up to `c`.
  ///
  /// On Im x = b the share of the bulk is at most e^{b²/(2s²)} times that at Re x, because |Φ(u + iv)| ≤ e^{v²/2} Φ(u).
  static func bulk(rate: Double, sigma: Double, cut: TailCut, end: Double, greatest c: Double) throws(AccountingError) -> LossNodes {
    let variance = sigma * sigma
    let precision = 1 / variance + 1 / (cut.width * cut.width)
    // The mass below is e^{−46}.
    let panels = try GaussPanels(
      from: -sigma * (2 * (depth + 6)).squareRoot(), to: end, greatestHalfWidth: 0.9 * Double.pi * variance, what: "bulk of the loss"
    ) { half in 0.5 * half * half * precision }
    var nodes = LossNodes()
    let logNorm = -log(sigma * (2 * Double.pi).squareRoot())
    for (x, weight) in panels.points {
      let loss = sampledLoss((2 * x - 1) / (2 * variance), rate: rate)
      nodes.losses.append(loss)
      nodes.logMasses.append(log(weight * cut.bulkShare(at: x)) + logNorm - x * x / (2 * variance) + loss)
    }
    return nodes
  }

  /// log Σ mass × e^{cL}.
  func logMoment(at c: Double) -> Double {
    var greatest = -Double.infinity
    for (loss, logMass) in zip(losses, logMasses) { greatest = max(greatest, logMass + c * loss) }
    guard greatest.isFinite else { return greatest }
    var sum = 0.0
    for (loss, logMass) in zip(losses, logMasses) { sum += exp(logMass + c * loss - greatest) }
    return greatest + log(sum)
  }
}

/// A bound of |φ_t| on the line Re z = c of the tail of a sampled Gaussian by removal, which falls with Im z.
///
/// With the path of x moved up by b < πσ², φ_t(c + iy) is an integral whose modulus is at most
///
///     ∫ e^{b²/(2σ²) + b²/(2s²)} Φ((x − x₀)/s) p(x) r(x)^{1+c} e^{−y arg r(x+ib)} dx,
///
/// r(x) = 1 − q + q e^((2x−1)/(2σ²)), as |r(x + ib)| ≤ r(x). The argument of r is positive there and rises with x, so that the bound falls
/// with y. Every factor but p is monotone, and p is so on either side of 0: an upper sum over cells bounds the integral.
struct TailModulus: Sendable {
  /// log of each cell's part at y = 0, and arg r at its lower end; one list for each height b.
  private var cells: [[(logPart: Double, angle: Double)]] = []

  init(rate: Double, sigma: Double, cut: TailCut, at c: Double) {
    let variance = sigma * sigma
    let precision = 1 / variance + 1 / (cut.width * cut.width)
    let upper = max(cut.centre, 1 + c) + 10 * sigma
    // At −12 widths the tail's share is e^{−75}.
    let lower = cut.centre - 12 * cut.width
    let count = min(600, ((upper - lower) / (0.15 * cut.width)).rounded(.up))
    let width = (upper - lower) / count
    let logNorm = -0.5 * log(2 * Double.pi * variance)
    func loss(_ x: Double) -> Double { LossNodes.sampledLoss((2 * x - 1) / (2 * variance), rate: rate) }
    var parts: [(logPart: Double, x: Double)] = []
    // Everything below the first cell, which does not fall with y.
    parts.append((log(cut.tailShare(at: lower)) + (1 + c) * loss(lower), -.infinity))
    for index in 0..<Int(count) {
      let x = lower + Double(index) * width
      let end = x + width
      let nearest = x > 0 ? x : min(0, end)
      parts.append((logNorm - nearest * nearest / (2 * variance) + log(cut.tailShare(at: end)) + (1 + c) * loss(end) + log(width), x))
    }
    // Above the last cell r e^{−t} falls, so that p r^{1+c} is at most a multiple of the density of N(1 + c, σ²).
    let last = (2 * upper - 1) / (2 * variance)
    let above = Numerics.normalUpperTail((upper - 1 - c) / sigma)
    parts.append((c * (c + 1) / (2 * variance) + (1 + c) * (loss(upper) - last) + log(above), upper))
    for factor in [0.15, 0.3, 0.5, 0.7, 1, 1.4, 2] {
      let half = min(factor * 4 / precision.squareRoot(), 0.95 * Double.pi * variance)
      let growth = 0.5 * half * half * precision
      let turn = half / variance
      cells.append(
        parts.map { part in
          guard part.x.isFinite else { return (part.logPart + growth, 0) }
          let t = (2 * part.x - 1) / (2 * variance)
          // arg(1 − q + q e^{t + iθ}), both terms divided by e^t where that is large.
          let (rest, grown) = t > 0 ? ((1 - rate) * exp(-t), rate) : (1 - rate, rate * exp(t))
          return (part.logPart + growth, atan2(grown * sin(turn), rest + grown * cos(turn)))
        })
    }
  }

  /// log of the bound at Im z = y and above.
  func logBound(at y: Double) -> Double {
    var best = Double.infinity
    for list in cells {
      var greatest = -Double.infinity
      for cell in list { greatest = max(greatest, cell.logPart - y * cell.angle) }
      guard greatest.isFinite else { return greatest == -.infinity ? greatest : .infinity }
      var sum = 0.0
      for cell in list { sum += exp(cell.logPart - y * cell.angle - greatest) }
      best = min(best, greatest + log(sum))
    }
    // The parts and the sum are rounded; their exponents are below 1e6.
    return best + 1e-6
  }
}
