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
  /// Any release known to be ε-differentially private under the accountant's neighbouring relation.
  case pureDP(epsilon: Double)
  /// Any release known to be (ε, δ)-differentially private under the accountant's neighbouring relation.
  case approximateDP(epsilon: Double, delta: Double)
  /// Any release known to be ρ-zero-concentrated differentially private (Bun and Steinke 2016, definition 1.1).
  case zeroConcentratedDP(rho: Double)
  /// All of these, on the same data; inside `sampled`, on the same draw of participants.
  case composed([PrivacyEvent])
  /// The same event `count` times, each with fresh randomness (inside `sampled`: on the same draw).
  case repeated(event: PrivacyEvent, count: Int)
  /// The event on a random part of the population.
  case sampled(event: PrivacyEvent, by: SamplingScheme)

  /// This event on participants chosen by `scheme`.
  public func sampled(_ scheme: SamplingScheme) -> PrivacyEvent { .sampled(event: self, by: scheme) }

  /// This event `count` times with fresh randomness, including a fresh draw of the participants.
  public func repeated(_ count: Int) -> PrivacyEvent { .repeated(event: self, count: count) }
}
