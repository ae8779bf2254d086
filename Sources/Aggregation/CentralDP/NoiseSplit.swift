public import PrivacyEvents

/// How one noise multiplier is divided over an update and the noised counts released on the same draw of clients.
///
/// A count of centred bits has sensitivity ½, so noise of standard deviation σ_k gives it the multiplier 2σ_k. With
/// z_v = (z⁻² − Σ(2σ_k)⁻²)^(−1/2) on the update, everything together is exactly one Gaussian mechanism of multiplier z
/// (Andrew et al. 2021, theorem 1, for one count).
///
/// An update that is itself released in groups of tensors, each clipped to its own bound, divides z_v over them by shares s_g that
/// add up to 1: z_g = z_v / √s_g, so that Σ z_g⁻² = z_v⁻². Scaled to unit noise, the groups and counts of one client are one vector
/// of norm at most 1/z: nothing is lost against one Gaussian mechanism. Laplace noise is not divided, because no such identity
/// holds for it: there z is that of the update alone and the counts are composed with it.
public struct NoiseSplit: Codable, Hashable, Sendable {
  /// z, of everything released in the round together; of the update alone where its noise is Laplace or correlated over the rounds.
  public let noiseMultiplier: Double
  /// z_v, of the update.
  public let updateNoiseMultiplier: Double
  /// σ_k of every noised count.
  public let bitDeviations: [Double]
  /// z_g of every group of the update, or z_v alone.
  public let groupNoiseMultipliers: [Double]
  /// Whether the update's noise is Laplace, not Gaussian.
  public let isLaplace: Bool

  /// Divides `noiseMultiplier` over an update and counts with noise `bitDeviations`, all of it Gaussian.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z, finite and at least 0.
  ///   - bitDeviations: σ_k, each finite and at least 0.
  ///   - groupShares: s_g, each above 0, together 1; one share where the update is released as one vector.
  /// - Throws: ``AggregationError/noiseSplitImpossible(noiseMultiplier:bitDeviations:)`` where the counts alone use up z, and
  ///   ``AggregationError/invalidParameter(name:value:allowed:)``.
  public init(noiseMultiplier: Double, bitDeviations: [Double], groupShares: [Double] = [1]) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    for share in groupShares { try require(share > 0 && share <= 1, "share of a group", share, "above 0 and at most 1") }
    let total = groupShares.reduce(0, +)
    try require(abs(total - 1) <= 1e-9, "sum of the groups' shares", total, "1")
    self.noiseMultiplier = noiseMultiplier
    self.bitDeviations = bitDeviations
    isLaplace = false
    let left = try Self.multiplierLeft(noiseMultiplier, bitDeviations)
    updateNoiseMultiplier = left
    // Divided by their sum, so that shares that miss 1 by rounding still use exactly z_v.
    groupNoiseMultipliers = groupShares.count == 1 ? [left] : groupShares.map { left / ($0 / total).squareRoot() }
  }

  /// Laplace noise of `laplaceNoiseMultiplier` × the L1 clipping norm on the update, beside counts with Gaussian noise.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``.
  public init(laplaceNoiseMultiplier: Double, bitDeviations: [Double]) throws(AggregationError) {
    try self.init(undivided: laplaceNoiseMultiplier, bitDeviations: bitDeviations, isLaplace: true)
  }

  /// `noiseMultiplier` on the update alone, beside counts that are composed with it.
  init(undivided noiseMultiplier: Double, bitDeviations: [Double], isLaplace: Bool = false) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    self.noiseMultiplier = noiseMultiplier
    updateNoiseMultiplier = noiseMultiplier
    groupNoiseMultipliers = [noiseMultiplier]
    self.bitDeviations = bitDeviations
    self.isLaplace = isLaplace
  }

  /// z_v.
  private static func multiplierLeft(_ noiseMultiplier: Double, _ bitDeviations: [Double]) throws(AggregationError) -> Double {
    guard noiseMultiplier > 0, !bitDeviations.isEmpty else { return noiseMultiplier }
    let precision = 1 / (noiseMultiplier * noiseMultiplier)
    let left = bitDeviations.reduce(precision) { $0 - 1 / (4 * $1 * $1) }
    // A remainder lost in rounding would make z_v meaningless.
    guard left > 1e-12 * precision else { throw .noiseSplitImpossible(noiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations) }
    return 1 / left.squareRoot()
  }

  /// What the round releases, on one draw of clients.
  public var event: PrivacyEvent {
    let updates: [PrivacyEvent] =
      isLaplace
      ? [.laplace(noiseMultiplier: updateNoiseMultiplier)] : groupNoiseMultipliers.map { .gaussian(noiseMultiplier: $0) }
    let events = updates + bitDeviations.map { .gaussian(noiseMultiplier: 2 * $0) }
    return events.count == 1 ? events[0] : .composed(events)
  }

  /// Said where the counts take so much of the budget that the update's noise at least doubles.
  public var warning: String? {
    guard noiseMultiplier > 0, updateNoiseMultiplier >= 2 * noiseMultiplier else { return nil }
    return "the noised counts take most of the budget: the update's noise multiplier is \(updateNoiseMultiplier) instead of "
      + "\(noiseMultiplier); raise the standard deviation of the counts or the cohort"
  }
}
