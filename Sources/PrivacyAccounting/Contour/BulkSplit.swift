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
    guard epsilon > 0, composition.parts.contains(where: { $0.cumulant.splittable != nil }) else { return nil }
    // The bulk falls faster than the whole, so that greater tilts bound it; at 1/ε and below nothing is gained.
    let greatest = max(35 * c, 300 / epsilon)
    let tilts = (0...14).map { c / 4 * pow(4 * greatest / c, Double($0) / 14) }
    let candidates = try Candidates(composition, tilts: tilts, logOutliers: logTarget - log(rounds) - 2)
    var best: BulkSplit?
    for width in [0.12, 0.2, 0.3, 0.45] {
      // A bulk whose losses add up to an eighth of ε is the least that is looked at.
      var (low, high) = (log(epsilon / (candidates.count * rounds) / 8), log(epsilon))
      while high - low > 0.15 {
        let middle = 0.5 * (low + high)
        // |φ_t| has fallen by D nats at a height of about √(2D) σ²/(s × loss).
        if let best, width * exp(high) <= best.width * best.loss { break }
        if let split = try BulkSplit(candidates, loss: exp(middle), width: width),
          split.logDelta(rounds: rounds, epsilon: epsilon) <= logTarget
        {
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

  /// What all cuts of a composition have in common.
  private struct Candidates {
    /// Losses that can be split.
    var parts: [(rate: Double, sigma: Double, count: Double)] = []
    /// ΣK of the others at the tilts.
    var whole: [(tilt: Double, value: Double)]
    /// log of the mass of outliers that does not count.
    let logOutliers: Double

    /// How many losses of one round can be split.
    var count: Double { parts.reduce(0) { $0 + $1.count } }

    init(_ composition: DirectedComposition, tilts: [Double], logOutliers: Double) throws(AccountingError) {
      self.logOutliers = logOutliers
      whole = tilts.map { ($0, 0) }
      let greatest = tilts.last ?? 1
      for part in composition.parts {
        if let (rate, sigma) = part.cumulant.splittable {
          parts.append((rate, sigma, part.count))
          continue
        }
        let nodes = try part.cumulant.nodes(greatest: greatest, height: 0).map { RealNodes($0) }
        for index in whole.indices {
          if let nodes {
            whole[index].value += part.count * LossMoments(nodes: nodes, at: whole[index].tilt).value
          } else if case .gaussian(let sigma) = part.cumulant {
            whole[index].value += part.count * LossMoments.gaussian(noiseMultiplier: sigma, at: whole[index].tilt).value
          }
        }
      }
    }
  }

  /// Longer laws, in widths of the cut, take longer than the sum that a cut would save.
  private static let greatestExtent = 1000.0

  /// - Returns: nil for a cut so far out that its bulk is too much work.
  private init?(_ candidates: Candidates, loss: Double, width: Double) throws(AccountingError) {
    (self.loss, self.width) = (loss, width)
    var sums = candidates.whole
    var outliers = 0.0
    for (rate, sigma, count) in candidates.parts {
      let cut = TailCut(loss: loss, rate: rate, sigma: sigma, width: width)
      // Φ(−u) ≤ e^{−u²/2}/2.
      let end = cut.centre + cut.width * (2 * max(1, log(count * Double(candidates.parts.count)) - candidates.logOutliers)).squareRoot()
      guard end + sigma * LossNodes.bulkReach < Self.greatestExtent * cut.width else { return nil }
      let nodes = try LossNodes.bulk(rate: rate, sigma: sigma, cut: cut, end: end)
      for index in sums.indices { sums[index].value += count * nodes.logMoment(at: sums[index].tilt) }
      outliers +=
        count * cut.bulkShare(at: end) * (Numerics.normalUpperTail(end / sigma) + rate * Numerics.normalUpperTail((end - 1) / sigma))
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
    let chernoff = logBulk.reduce(0) { min($0, rounds * $1.value - $1.tilt * epsilon + RealCumulants.logFactor($1.tilt)) }
    return logAddExp(chernoff, log(rounds * outliers)) + 1e-9
  }
}

/// Where the density of a sampled Gaussian is shared between bulk and tail: Φ((x − centre)/width) of it is tail.
struct TailCut: Hashable, Sendable {
  let centre: Double
  let width: Double

  /// The cut of a sampled Gaussian at this loss, of a width relative to that of the noise or of the strip of analyticity.
  init(loss: Double, rate: Double, sigma: Double, width: Double) {
    // L = log(1 − q + q e^t) with t = (2x − 1)/(2σ²)
    let exponent = loss > 30 ? loss - log(rate) : log(expm1(loss) / rate + 1)
    let variance = sigma * sigma
    centre = exponent * variance + 0.5
    self.width = width * min(sigma, 2 * variance)
  }

  func tailShare(at x: Double) -> Double { 0.5 * erfc((centre - x) / (width * 2.0.squareRoot())) }
  func bulkShare(at x: Double) -> Double { 0.5 * erfc((x - centre) / (width * 2.0.squareRoot())) }
}

extension LossCumulant {
  /// Rate and noise multiplier of a loss that can be split; nil for losses that stay whole.
  fileprivate var splittable: (rate: Double, sigma: Double)? {
    guard case .sampledGaussian(let rate, let sigma, .removal) = self, rate < 1 else { return nil }
    return (rate, sigma)
  }

  /// The cut at this loss, see ``TailCut/init(loss:rate:sigma:width:)``; nil for losses that stay whole.
  func tailCut(at loss: Double, width: Double) -> TailCut? {
    splittable.map { TailCut(loss: loss, rate: $0.rate, sigma: $0.sigma, width: width) }
  }
}

extension LossNodes {
  /// The bulk starts so many σ below 0: the mass below is e^{−46}.
  static let bulkReach = (2 * (depth + 6)).squareRoot()

  /// Nodes of the bulk of the sampled Gaussian by removal up to x = `end`, for real tilts.
  ///
  /// On Im x = b the share of the bulk is at most e^{b²/(2s²)} times that at Re x, because |Φ(u + iv)| ≤ e^{v²/2} Φ(u).
  static func bulk(rate: Double, sigma: Double, cut: TailCut, end: Double) throws(AccountingError) -> LossNodes {
    let variance = sigma * sigma
    let precision = 1 / variance + 1 / (cut.width * cut.width)
    let panels = try GaussPanels(
      from: -sigma * bulkReach, to: end, greatestHalfWidth: 0.9 * Double.pi * variance, what: "bulk of the loss"
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
