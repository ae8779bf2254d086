public import PrivacyEvents

/// A technique, or a sum of integers, that clips every message and adds the privacy noise of a pipeline to the sum.
///
/// A pipeline holds at most one. It divides its noise multiplier over the update and the noised counts that the pipeline's
/// techniques release on the same draw of clients, and states what everything together is worth as a privacy event.
public protocol NoiseMechanism: Sendable {
  /// Key of its measurements, unique in a pipeline.
  var name: String { get }

  /// Multiplier of the noise, in the units of the mechanism's event; at least 0.
  var noiseMultiplier: Double { get }

  /// Divides the noise over the update and counts released with standard deviations `bitDeviations`.
  ///
  /// - Throws: ``AggregationError/noiseSplitImpossible(noiseMultiplier:bitDeviations:)``.
  func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit

  /// What one round releases, on one draw of clients, when the noise is divided as `split` says.
  func event(of split: NoiseSplit) -> PrivacyEvent

  /// By how much `technique`, standing between this mechanism's clip and its noise, can enlarge the norms that the clip bounds;
  /// `nil` where that is not known.
  func normGrowth(of technique: any AggregationTechnique) -> Double?
}

extension NoiseMechanism {
  /// A Gaussian mechanism unless stated otherwise: all releases together have the multiplier `noiseMultiplier`.
  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations)
  }

  /// The event of the split unless stated otherwise.
  public func event(of split: NoiseSplit) -> PrivacyEvent { split.event }

  /// The growth of the L2 norm unless stated otherwise.
  public func normGrowth(of technique: any AggregationTechnique) -> Double? { technique.worstCaseNormGrowth }
}
