import Foundation

/// A cohort of m draws with replacement, each uniform over N records: how often one record is in it.
///
/// A record that is drawn k times displaces k draws of others, so the sum moves by at most 2k clipping norms. Let each draw first be
/// made among the other records, and then be replaced by the record in question with probability 1/N, independently. Given the
/// first draws, the output is the mixture Σ_k Bin(m, 1/N)[k] N(θ + v_k, σ²) with ‖v_k‖ ≤ 2k against N(θ, σ²); by joint convexity
/// the pair for **adding or removing** the record is dominated by the one-dimensional mixture of shifts 2k.
///
/// **Replacing** the record needs more: with γ = P[k > 0] and ε′ = log(1 + (e^ε − 1)/γ), δ(ε) ≤ Σ_{k>0} P[k] δ_k(ε′), δ_k
/// that of a Gaussian with shift 2k (Balle, Barthe and Gaboardi 2018, theorem 10). The mixture's own profile is below that, so the mixture
/// must not be used for replace-one.
package struct WithReplacement: Sendable {
  /// P[k] for k = 0...K.
  package let weights: [Double]
  /// Σ of the weights from each k on, rounded up.
  private let restWeights: [Double]
  /// 2k, in clipping norms.
  package let shifts: [Double]
  /// Upper bound on P[k > K]: this mass has infinite loss.
  package let tailMass: Double
  /// P[k > 0], at most this.
  package let inclusionProbability: Double

  /// - Parameters:
  ///   - draws: m.
  ///   - population: N, of the larger data set.
  ///   - tailMass: the greatest mass to leave out, above 0.
  package init(draws: Int, population: Int, tailMass: Double) throws(AccountingError) {
    try MechanismParameters.count("draws", draws, atLeast: 0)
    try MechanismParameters.count("population", population)
    try MechanismParameters.probability("tail mass", tailMass)
    try MechanismParameters.positive("tail mass", tailMass)
    guard Double(draws) / Double(population) <= 1e4 else {
      throw .invalidParameter(name: "draws per record", value: Double(draws) / Double(population), allowed: "at most 10^4")
    }
    let law = try BinomialLaw(trials: draws, probability: 1 / Double(population))
    var last = 0
    while last < draws, exp(law.logUpperTail(last)) > tailMass { last += 1 }
    weights = (0...last).map { exp(law.logMass($0)) }
    shifts = (0...last).map { 2 * Double($0) }
    var rest = 0.0
    restWeights = Array(
      weights.reversed().map { weight in
        rest = (rest + weight).nextUp
        return rest
      }.reversed())
    self.tailMass = last == draws ? 0 : exp(law.logUpperTail(last))
    inclusionProbability = draws == 0 ? 0 : min(1, -expm1(law.logMass(0)) * (1 + 1e-14))
  }

  /// δ(ε) of one release with Gaussian noise σ under replace-one, by theorem 10; the tail counts in full. Rounded up.
  package func replaceOneDelta(noiseMultiplier sigma: Double, epsilon: Double) throws(AccountingError) -> Double {
    try MechanismParameters.positive("noise multiplier", sigma)
    try Parameters.check(epsilon: epsilon)
    guard inclusionProbability > 0, epsilon < .infinity else { return tailMass }
    let amplified = SampledProfile.amplified(epsilon: epsilon, rate: inclusionProbability) * (1 - 1e-15)
    var delta = tailMass
    for index in weights.indices where shifts[index] > 0 {
      // What is left cannot count: it is added in full.
      if restWeights[index] <= 1e-14 * delta {
        delta += restWeights[index]
        break
      }
      delta += weights[index] * (try AnalyticGaussian.delta(noiseMultiplier: sigma / shifts[index], epsilon: amplified).upper)
    }
    return min(1, delta * (1 + 1e-12))
  }
}
