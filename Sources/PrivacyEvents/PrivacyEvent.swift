/// What happened to private data, as far as privacy is concerned: a value that mechanisms state about themselves
/// and accountants turn into ε.
///
/// An event says nothing of how ε is computed. Its meaning never changes with the accountant; an accountant that cannot
/// bound an event refuses it by name.
///
/// ```swift
/// let round = PrivacyEvent.gaussian(noiseMultiplier: 1.1).sampled(.poisson(rate: 0.01))
/// let training = round.repeated(1_000)
/// ```
public indirect enum PrivacyEvent: Hashable, Sendable {
  /// Nothing was released.
  case noOp
  /// Something was released without any protection: ε is infinite.
  case nonPrivate
  /// Something was released for which no bound is known; `reason` says what. Every accountant refuses it.
  case unsupported(reason: String)
  /// A release with Gaussian noise of standard deviation `noiseMultiplier` × the L2 clipping norm.
  case gaussian(noiseMultiplier: Double)
  /// A release with Laplace noise of scale `noiseMultiplier` × the L1 clipping norm.
  case laplace(noiseMultiplier: Double)
  /// One integer with discrete Gaussian noise: P(x) ∝ exp(−x²/(2σ²)) on the integers (Canonne, Kamath and Steinke 2020, definition 1).
  ///
  /// `sigma` is σ in units of the answer, finite and above 0. Adding, removing or zeroing one person moves the answer by at most
  /// `sensitivity` ≥ 1 units; exchanging one for another, as for every sum, by at most twice as much.
  case discreteGaussian(sigma: Double, sensitivity: Int)
  /// One integer with discrete Laplace (two-sided geometric) noise: P(x) ∝ exp(−|x|/scale) (Ghosh, Roughgarden and Sundararajan 2009).
  ///
  /// `scale` is in units of the answer, finite and above 0; `sensitivity` is that of ``discreteGaussian(sigma:sensitivity:)``.
  case discreteLaplace(scale: Double, sensitivity: Int)
  /// A vector of integers with symmetric Skellam noise, the difference of two Poisson variables of mean `variance`/2, in every coordinate
  /// (Agarwal, Kairouz and Liu 2021).
  ///
  /// `variance` is that of one coordinate of the released sum, in squared units of the answer. Adding, removing or zeroing one person moves
  /// the `dimension` coordinates by at most `l1Sensitivity` in L1 and `l2Sensitivity` in L2 norm; exchanging one for another by at most
  /// twice as much. Integer vectors have L2 ≤ L1 ≤ √dimension · L2; in one dimension both are the same whole number.
  case skellam(variance: Double, l1Sensitivity: Double, l2Sensitivity: Double, dimension: Int)
  /// One person's answer out of `buckets` ≥ 2 values: with probability `noise` in [0, 1] uniform among all of them, else the truth
  /// (Warner 1965; Kairouz, Oh and Viswanath 2014). Neighbours differ in the truth.
  case randomizedResponse(noise: Double, buckets: Int)
  /// A choice whose privacy loss has a range of `epsilon`: for each pair of neighbours the losses of any two outcomes differ by at most
  /// `epsilon` (Durfee and Rogers 2019, bounded range), under the accountant's neighbouring relation.
  ///
  /// This is the exponential mechanism that draws r with probability ∝ exp(ε·score(r)/(2Δ)), and the same thing made by reporting the
  /// greatest score with Gumbel noise.
  case exponentialMechanism(epsilon: Double)
  /// A choice by permute-and-flip at `epsilon` (McKenna and Sheldon 2020), ε-differentially private under the accountant's relation.
  case permuteAndFlip(epsilon: Double)
  /// The index of the greatest score with Laplace or exponential noise at `epsilon` (Dwork and Roth 2014, claim 3.9; Ding et al. 2021),
  /// ε-differentially private under the accountant's relation. With Gumbel noise it is ``exponentialMechanism(epsilon:)``.
  case reportNoisyMax(epsilon: Double)
  /// A sum that one person moves by a random amount, `sensitivities[i]` ≥ 0 clipping norms with probability `probabilities[i]`, released
  /// with Gaussian noise of standard deviation `noiseMultiplier` × the clipping norm (Choquette-Choo et al. 2024, mixture of Gaussians).
  ///
  /// Both lists have the same length, 1 to 1,000; the probabilities sum to 1 within 1e-12. Exchanging one person for another moves the sum
  /// by up to twice these amounts.
  case gaussianMixture(noiseMultiplier: Double, sensitivities: [Double], probabilities: [Double])
  /// All nodes of a binary tree over the sums of `steps` ≥ 1 rounds, each with Gaussian noise of standard deviation
  /// `noiseMultiplier` × the clipping norm (Kairouz et al. 2021, DP-FTRL; Dwork et al. 2010, Chan, Shi and Song 2011).
  ///
  /// A person takes part in at most `maximumParticipations` ≥ 1 rounds, and from one of them to the next at least `minimumSeparation` ≥ 1
  /// rounds pass (1: consecutive rounds are possible). A tree that is restarted is a `repeated` or `composed` event of trees.
  case treeAggregation(noiseMultiplier: Double, steps: Int, maximumParticipations: Int, minimumSeparation: Int)
  /// C·X + Z, where row t of X is the sum of the clipped updates of round t, C is the `strategy` and the entries of Z are Gaussian with
  /// standard deviation `noiseMultiplier` × the clipping norm (Denisov et al. 2022; Choquette-Choo et al. 2023).
  ///
  /// The noise multiplier does not include the sensitivity of C. Participation is limited as in
  /// ``treeAggregation(noiseMultiplier:steps:maximumParticipations:minimumSeparation:)``.
  case matrixMechanism(noiseMultiplier: Double, strategy: StrategyMatrix, maximumParticipations: Int, minimumSeparation: Int)
  /// Any release known to be ε-differentially private under the accountant's neighbouring relation.
  case pureDP(epsilon: Double)
  /// Any release known to be (ε, δ)-differentially private under the accountant's neighbouring relation.
  case approximateDP(epsilon: Double, delta: Double)
  /// Any release known to be ρ-zero-concentrated differentially private (Bun and Steinke 2016, definition 1.1), under the accountant's
  /// neighbouring relation.
  case zeroConcentratedDP(rho: Double)
  /// All of these, on the same data; inside `sampled`, on the same draw of participants.
  case composed([PrivacyEvent])
  /// The same event `count` times, each with fresh randomness (inside `sampled`: on the same draw, unless the scheme
  /// draws for every round, ``SamplingScheme/spansEvent``).
  case repeated(event: PrivacyEvent, count: Int)
  /// The event on a random part of the population.
  ///
  /// Most schemes draw once for all that `event` holds. ``SamplingScheme/randomAllocation(participations:rounds:)`` and
  /// ``SamplingScheme/ballsInBins(rounds:)`` span several rounds, of which `event` is one. With schemes whose
  /// ``SamplingScheme/spansEvent`` is true, `event` itself holds all the rounds, each with its own participants.
  case sampled(event: PrivacyEvent, by: SamplingScheme)
  /// The event run a random number of times on the same data, of which only the best run's output is released
  /// (Papernot and Steinke 2022, algorithm 1): tuning of hyperparameters.
  case repeatAndSelect(event: PrivacyEvent, runs: SelectionRuns)

  /// This event on participants chosen by `scheme`.
  public func sampled(_ scheme: SamplingScheme) -> PrivacyEvent { .sampled(event: self, by: scheme) }

  /// This event `count` times with fresh randomness, including a fresh draw of the participants.
  public func repeated(_ count: Int) -> PrivacyEvent { .repeated(event: self, count: count) }
}
