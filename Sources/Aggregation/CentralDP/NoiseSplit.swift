public import PrivacyEvents

/// How one noise multiplier is divided over an update and the noised counts released on the same draw of clients.
///
/// A count of centred bits has sensitivity ½, so noise of standard deviation σ_k gives it the multiplier 2σ_k. With
/// z_v = (z⁻² − Σ(2σ_k)⁻²)^(−1/2) on the update, everything together is exactly one Gaussian mechanism of multiplier z
/// (Andrew et al. 2021, theorem 1, for one count).
public struct NoiseSplit: Codable, Hashable, Sendable {
  /// z, of everything released in the round together.
  public let noiseMultiplier: Double
  /// z_v, of the update.
  public let updateNoiseMultiplier: Double
  /// σ_k of every noised count.
  public let bitDeviations: [Double]

  /// Divides `noiseMultiplier` over an update and counts with noise `bitDeviations`.
  ///
  /// - Throws: ``AggregationError/noiseSplitImpossible(noiseMultiplier:bitDeviations:)`` where the counts alone use up z.
  public init(noiseMultiplier: Double, bitDeviations: [Double]) throws(AggregationError) {
    try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and at least 0")
    self.noiseMultiplier = noiseMultiplier
    self.bitDeviations = bitDeviations
    guard noiseMultiplier > 0, !bitDeviations.isEmpty else {
      updateNoiseMultiplier = noiseMultiplier
      return
    }
    let precision = 1 / (noiseMultiplier * noiseMultiplier)
    let left = bitDeviations.reduce(precision) { $0 - 1 / (4 * $1 * $1) }
    // A remainder lost in rounding would make z_v meaningless.
    guard left > 1e-12 * precision else { throw .noiseSplitImpossible(noiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations) }
    updateNoiseMultiplier = 1 / left.squareRoot()
  }

  /// What the round releases, on one draw of clients.
  public var event: PrivacyEvent {
    let update = PrivacyEvent.gaussian(noiseMultiplier: updateNoiseMultiplier)
    return bitDeviations.isEmpty ? update : .composed([update] + bitDeviations.map { .gaussian(noiseMultiplier: 2 * $0) })
  }

  /// Said where the counts take so much of the budget that the update's noise at least doubles.
  public var warning: String? {
    guard noiseMultiplier > 0, updateNoiseMultiplier >= 2 * noiseMultiplier else { return nil }
    return "the noised counts take most of the budget: the update's noise multiplier is \(updateNoiseMultiplier) instead of "
      + "\(noiseMultiplier); raise the standard deviation of the counts or the cohort"
  }
}
