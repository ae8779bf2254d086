import Foundation
import Synchronization

/// The points of the trapezoidal rule for E[r^α − 1 − α(r − 1)] of one sampled Gaussian, with what does not depend on α.
///
/// They start at −`reach` and are `step` apart; a greater order needs more of them, which are added when first asked for.
final class SampledGaussianNodes: Sendable {
  /// One point x.
  struct Node: Sendable {
    /// Log of step × density of N(0, σ²) at x.
    let logWeight: Double
    /// The factor exp(`logWeight`), which underflows to 0 where the term cannot count unless it is formed in log space.
    let weight: Double
    /// u = r − 1.
    let excess: Double
    /// log r.
    let logRatio: Double
    /// r log r − u, never negative.
    let divergence: Double

    /// (1+u)^α − 1 − αu with β = α − 1 > 0, as r (e^z − 1 − z) + β (r log r − u) with z = β log r: neither part is negative,
    /// so that no digits are lost, not even as α → 1.
    @inline(__always) func convexPart(_ beta: Double) -> Double {
      (1 + excess) * exponentialRemainder(beta * logRatio) + beta * divergence
    }
  }

  /// Distance beyond 0 and α at which the integrand has fallen by more than the depth asked for.
  let reach: Double
  /// Step of the trapezoidal rule: exp(−2π·halfWidth/h) against growth exp(halfWidth²/2σ²) on the shifted line.
  let step: Double
  private let samplingRate: Double
  private let noiseMultiplier: Double
  private let logStay: Double
  private let logRate: Double
  private let kept = Mutex<[Node]>([])

  /// Points beyond this number are made anew each time: they serve huge orders only, and memory stays small.
  private static let greatestKept = 4_096

  /// - Parameter depth: nats by which a neglected part of the sum may lie below its greatest term.
  init(samplingRate: Double, noiseMultiplier sigma: Double, depth: Double) {
    self.samplingRate = samplingRate
    noiseMultiplier = sigma
    logStay = log1p(-samplingRate)
    logRate = log(samplingRate)
    reach = sigma * (2 * (depth + 4)).squareRoot()
    let strip = min(Double.pi * sigma * sigma, sigma * (2 * depth).squareRoot())
    step = 2 * Double.pi * strip / (depth + strip * strip / (2 * sigma * sigma))
  }

  /// log r(x).
  func logRatio(_ x: Double) -> Double {
    let grown = logRate + (2 * x - 1) / (2 * noiseMultiplier * noiseMultiplier)
    return grown > logStay ? grown + log1p(exp(logStay - grown)) : logStay + log1p(exp(grown - logStay))
  }

  /// r(x) − 1, without cancellation.
  func excess(_ x: Double) -> Double { samplingRate * expm1((2 * x - 1) / (2 * noiseMultiplier * noiseMultiplier)) }

  /// Calls `body` with the points 0…`last` in order.
  @inline(__always) func forEach(through last: Int, _ body: (Node) -> Void) {
    let wanted = min(last + 1, Self.greatestKept)
    let nodes = kept.withLock { nodes in
      for index in nodes.count..<max(nodes.count, wanted) { nodes.append(node(index)) }
      return nodes
    }
    for index in 0..<wanted { body(nodes[index]) }
    for index in wanted..<(last + 1) { body(node(index)) }
  }

  private func node(_ index: Int) -> Node {
    let x = -reach + Double(index) * step
    let logWeight = log(step) - log(noiseMultiplier) - 0.5 * log(2 * Double.pi) - x * x / (2 * noiseMultiplier * noiseMultiplier)
    let u = excess(x)
    // log(1 + u) has lost its digits near u = −1, and u may overflow.
    let logRatio = abs(u) < 0.5 ? log1p(u) : logRatio(x)
    return Node(
      logWeight: logWeight, weight: exp(logWeight), excess: u, logRatio: logRatio,
      divergence: abs(u) <= 0.1 ? Self.divergence(smallExcess: u) : max(0, (1 + u) * logRatio - u))
  }

  /// (1+u) log(1+u) − u = Σ (−u)^k/(k(k−1)) from k = 2, for |u| ≤ 0.1.
  private static func divergence(smallExcess u: Double) -> Double {
    var sum = 0.0
    for k in stride(from: 18.0, through: 2, by: -1) { sum = 1 / (k * (k - 1)) - u * sum }
    return u * u * sum
  }
}
