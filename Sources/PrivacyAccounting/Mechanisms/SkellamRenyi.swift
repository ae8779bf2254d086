import Foundation
import Synchronization

/// Rényi divergence of a one-dimensional Skellam law of variance v against itself moved by `shift`, on a random part of the population: by
/// summation.
///
/// Masses are e^−v I_|x|(v). The quotients ρ_k = I_{k+1}/I_k follow the recurrence 1/ρ_k = 2(k+1)/v + ρ_{k+1}, which is stable
/// downwards; the masses are normalised by their sum. From ρ_{x−s}/ρ_x ≤ (x+1)/(x−s+1) the terms of the sum fall at least by
/// ρ_K ((K+1)/(K−s+1))^α a step beyond K, and the rest is added as a geometric series.
final class SkellamRenyi: Sendable {
  private let variance: Double
  private let shift: Int
  /// The masses up to K do not depend on the order.
  private let tables = Mutex<[Int: Table]>([:])

  init(variance: Double, shift: Int) {
    self.variance = variance
    self.shift = shift
  }

  private struct Table {
    let pair: DiscretePair
    /// log of the masses, not normalised, and of their quotients, from 0 on.
    let weight: [Double]
    let logQuotient: [Double]
    let logNorm: Double
  }

  private func table(through K: Int) -> Table {
    if let known = tables.withLock({ $0[K] }) { return known }
    let v = variance
    let top = K + shift + 64 + Int(2 * v.squareRoot())
    var logQuotient = [Double](repeating: 0, count: top + 1)
    // Start between the bounds of Amos 1974; each step down shrinks the relative error by ρ².
    var quotient = v / (Double(top) + 0.5 + ((Double(top) + 1) * (Double(top) + 1) + v * v).squareRoot())
    for k in (0...top).reversed() {
      quotient = v / (2 * Double(k + 1) + v * quotient)
      logQuotient[k] = log(quotient)
    }
    var weight = [Double](repeating: 0, count: K + shift + 1)
    for k in 1...(K + shift) { weight[k] = weight[k - 1] + logQuotient[k - 1] }
    var norm = LogSum()
    for k in (0..<weight.count).reversed() { norm.add(weight[k] + (k == 0 ? 0 : log(2.0))) }
    // What lies beyond K + s is missing in the norm: masses come out too large, which is outward.
    let logNorm = norm.value
    let pair = DiscretePair(
      logMass: (-K...K).map { weight[abs($0)] - logNorm }, logRatio: (-K...K).map { weight[abs($0 - shift)] - weight[abs($0)] })
    let made = Table(pair: pair, weight: weight, logQuotient: logQuotient, logNorm: logNorm)
    tables.withLock { $0[K] = made }
    return made
  }

  /// Rounded up by 1e-13 + 8e-16 √v relative. Where more points would be needed than are summed, `RenyiDivergence.skellam` is the bound.
  func divergence(
    order alpha: Double, samplingRate q: Double, direction: NeighborDirection = .removal
  ) throws(AccountingError) -> Double {
    let v = variance
    try MechanismParameters.positive("variance", v)
    try MechanismParameters.count("shift", shift, atLeast: 0)
    try MechanismParameters.order(alpha)
    try MechanismParameters.probability("sampling rate", q)
    if shift == 0 || q == 0 { return 0 }
    let closed = try RenyiDivergence.skellam(variance: v, l1: Double(shift), l2: Double(shift), order: alpha)
    let beta = alpha - 1
    var reach = Double(shift) + 12 * v.squareRoot() + 40
    while 2 * reach + Double(shift) < RenyiDivergence.maximumPoints {
      let K = Int(reach)
      let table = table(through: K)
      let (near, far) = (K - shift, K)
      let (weight, logNorm) = (table.weight, table.logNorm)
      let fall = table.logQuotient[far] + alpha * log(Double(far + 1) / Double(far - shift + 1))
      let nearQuotient = exp(table.logQuotient[near])
      if fall < 0 {
        let logTerm = alpha * weight[far - shift] - beta * weight[far] - logNorm + fall - log(-expm1(fall))
        let logTail = weight[near] - logNorm + table.logQuotient[near] - log1p(-nearQuotient) + log(2 * (2 * alpha + 2))
        let rest = logAddExp(logTerm, logTail)
        let sum = table.pair.logConvexSum(order: alpha, samplingRate: q, direction: direction)
        if rest < sum - 32 {
          let value = DiscretePair.divergence(logConvexSum: logAddExp(sum, rest), order: alpha)
          // Sampling never increases the divergence.
          return min(closed, value * (1 + 1e-13 + 8e-16 * v.squareRoot()))
        }
      }
      reach *= 1.6
    }
    return RenyiDivergence.sampledRemoval(divergence: closed, rate: q, order: alpha)
  }
}
