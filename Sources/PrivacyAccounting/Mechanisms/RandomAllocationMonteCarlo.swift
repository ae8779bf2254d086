import Foundation

/// Monte Carlo bound on δ(ε) of random allocation, one or more epochs.
///
/// δ(ε) = E (1 − e^(ε−L))₊ with L the total loss under the first law of the pair, a variable in [0, 1]. For n draws with average a, the
/// probability that n·kl(a ‖ δ) ≥ log(1/β) with a < δ is at most β (Hoeffding 1963, theorem 1, for variables in [0, 1]), so the
/// largest δ with n·kl(a ‖ δ) ≤ log(1/β) is an upper confidence bound.
package enum RandomAllocationMonteCarlo {
  /// An estimate, and the bound that holds with probability 1 − `failureProbability` over the generator's numbers.
  package struct Estimate: Sendable {
    /// Average over the draws.
    package let mean: Double
    /// Upper confidence bound on δ(ε).
    package let upper: Double
    /// β.
    package let failureProbability: Double
  }

  /// - Parameters:
  ///   - rounds: t of each epoch.
  ///   - epochs: how many epochs are composed, each person being allocated afresh.
  ///   - samples: n; time is n × epochs × t normal draws.
  ///   - failureProbability: β in (0, 1).
  ///   - generator: must not depend on the data; a simulation generator will do.
  package static func delta(
    rounds: Int, epochs: Int = 1, noiseMultiplier sigma: Double, epsilon: Double, direction: NeighborDirection, samples: Int,
    failureProbability: Double, using generator: inout any RandomNumberGenerator
  ) throws(AccountingError) -> Estimate {
    try MechanismParameters.count("rounds", rounds)
    try MechanismParameters.count("epochs", epochs)
    try MechanismParameters.count("samples", samples)
    try MechanismParameters.positive("noise multiplier", sigma)
    try Parameters.check(epsilon: epsilon)
    try MechanismParameters.probability("failure probability", failureProbability)
    guard failureProbability > 0, failureProbability < 1 else {
      throw .invalidParameter(name: "failure probability", value: failureProbability, allowed: "in (0, 1)")
    }
    var spare: Double?
    func normal() -> Double {
      if let value = spare {
        spare = nil
        return value
      }
      // Box and Muller; the radius uses a number in (0, 1].
      let radius = (-2 * log((Double(generator.next() >> 11) + 1) * 0x1p-53)).squareRoot()
      let angle = 2 * Double.pi * Double(generator.next() >> 11) * 0x1p-53
      spare = radius * sin(angle)
      return radius * cos(angle)
    }
    var total = 0.0
    for _ in 0..<samples {
      var loss = 0.0
      for _ in 0..<epochs {
        var sum = LogSum()
        for round in 0..<rounds {
          // By symmetry the person may sit in round 0 under P.
          let shift = direction == .removal && round == 0 ? 0.5 : -0.5
          sum.add((normal() + shift / sigma) / sigma)
        }
        loss += (sum.value - log(Double(rounds))) * (direction == .removal ? 1 : -1)
      }
      if loss > epsilon { total -= expm1(epsilon - loss) }
    }
    let mean = min(1, max(0, total / Double(samples)))
    return Estimate(
      mean: mean, upper: upperBound(mean: mean, samples: samples, failureProbability: failureProbability),
      failureProbability: failureProbability)
  }

  /// The largest p in [mean, 1] with n·kl(mean ‖ p) ≤ log(1/β), rounded up.
  package static func upperBound(mean: Double, samples: Int, failureProbability: Double) -> Double {
    let budget = -log(failureProbability) / Double(samples)
    func divergence(_ p: Double) -> Double {
      (mean > 0 ? mean * log(mean / p) : 0) + (mean < 1 ? (1 - mean) * (log1p(-mean) - log1p(-p)) : 0)
    }
    var (low, high) = (mean, 1.0)
    for _ in 0..<200 {
      let middle = 0.5 * (low + high)
      if divergence(middle) <= budget { low = middle } else { high = middle }
    }
    return min(1, high * (1 + 1e-9))
  }
}
