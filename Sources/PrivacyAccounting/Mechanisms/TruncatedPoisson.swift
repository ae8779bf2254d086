import Foundation

/// Poisson sampling whose cohort is cut to a greatest size, against plain Poisson sampling
/// (Chua et al. 2024, "Scalable DP-SGD: shuffling vs. Poisson subsampling", and 2025).
///
/// Coupled with the plain sampler on the same coins, the truncated one differs only when more than B records are drawn. So a
/// round's output law P′ has total variation at most p = P[Bin(N, q) > B] from the plain law P, whatever it does on
/// that event and however the round depends on earlier ones; over T rounds the coupling breaks with probability at most
/// 1 − (1 − p)^T =: ψ. For every event S and both neighbours,
///
///     P′(S) − e^ε Q′(S) ≤ P(S) + ψ_P − e^ε (Q(S) − ψ_Q) ≤ δ(ε) + ψ_P + e^ε ψ_Q.
package struct TruncatedPoisson: Sendable {
  /// Records without the person who is added or removed.
  package let population: Int
  /// q.
  package let samplingRate: Double
  /// B, the greatest cohort.
  package let maximumCohort: Int

  /// Checks the numbers.
  package init(population: Int, samplingRate: Double, maximumCohort: Int) throws(AccountingError) {
    try MechanismParameters.count("population", population, atLeast: 0, atMost: (1 << 53) - 1)
    try MechanismParameters.probability("sampling rate", samplingRate)
    try MechanismParameters.count("maximum cohort", maximumCohort, atLeast: 0)
    self.population = population
    self.samplingRate = samplingRate
    self.maximumCohort = maximumCohort
  }

  /// The chance that `rounds` rounds ever draw more than the greatest cohort, rounded up; with the person one record more.
  package func truncationProbability(withPerson: Bool, rounds: Int) throws(AccountingError) -> Double {
    try MechanismParameters.count("rounds", rounds, atLeast: 0)
    let law = try BinomialLaw(trials: population + (withPerson ? 1 : 0), probability: samplingRate)
    let single = exp(law.logUpperTail(maximumCohort))
    if rounds == 0 || single == 0 { return rounds == 0 || maximumCohort >= law.trials || samplingRate == 0 ? 0 : 1e-300 }
    return min(1, -expm1(Double(rounds) * log1p(-min(single, 1))) * (1 + 1e-14))
  }

  /// δ(ε) of `rounds` truncated rounds, from an upper bound on δ(ε) of the same rounds without truncation.
  package func delta(
    untruncated: Double, epsilon: Double, rounds: Int, direction: NeighborDirection
  ) throws(AccountingError) -> Double {
    try MechanismParameters.probability("delta", untruncated)
    try Parameters.check(epsilon: epsilon)
    let withPerson = try truncationProbability(withPerson: true, rounds: rounds)
    let without = try truncationProbability(withPerson: false, rounds: rounds)
    let (first, second) = direction == .removal ? (withPerson, without) : (without, withPerson)
    // At ε = ∞ and no truncation the product would be ∞ × 0.
    let weighted = second == 0 ? 0 : exp(epsilon) * second
    return min(1, (untruncated + first + weighted) * (1 + 1e-15))
  }
}
