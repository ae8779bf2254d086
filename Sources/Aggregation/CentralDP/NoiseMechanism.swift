import PrivacyEvents

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

  /// What the rounds release when the noise is divided as `split` says.
  func releases(of split: NoiseSplit) -> RoundReleases

  /// The releases of a round with their noise and sensitivity, as sentences for a report.
  func titles(of split: NoiseSplit) -> [String]

  /// What the guarantee takes for granted about whoever runs the mechanism and about its noise, as sentences for a report.
  var assumptions: [String] { get }

  /// By how much `technique`, standing between this mechanism's clip and its noise, can enlarge the norms that the clip bounds;
  /// `nil` where that is not known.
  func normGrowth(of technique: any AggregationTechnique) -> Double?
}

extension NoiseMechanism {
  /// A Gaussian mechanism unless stated otherwise: all releases together have the multiplier `noiseMultiplier`.
  public func noiseSplit(bitDeviations: [Double]) throws(AggregationError) -> NoiseSplit {
    try NoiseSplit(noiseMultiplier: noiseMultiplier, bitDeviations: bitDeviations)
  }

  /// The event of the split, in every round anew, unless stated otherwise.
  public func releases(of split: NoiseSplit) -> RoundReleases { .fresh(split.event) }

  /// A noised sum of clipped updates, and noised counts, unless stated otherwise.
  public func titles(of split: NoiseSplit) -> [String] {
    let (noise, norm) = split.isLaplace ? ("Laplace noise of scale", "L1") : ("Gaussian noise of", "L2")
    return split.groupNoiseMultipliers.map {
      "sum of clipped updates: \(noise) \(Figure.noise($0)) × the clipping norm per coordinate (\(norm) sensitivity: the clipping norm)"
    } + split.bitDeviations.map(countTitle)
  }

  /// Sentence for a count of centred bits.
  func countTitle(_ deviation: Double) -> String {
    "count of clients within an adaptive norm: Gaussian noise of standard deviation \(Figure.noise(deviation)) "
      + "(sensitivity 1/2, multiplier \(Figure.noise(2 * deviation)))"
  }

  /// A trusted server with noise on the integer grid, unless stated otherwise.
  public var assumptions: [String] {
    [
      "the server is trusted: it sees clipped updates and adds the noise",
      "noise is a Gaussian rounded exactly to the grid of the integer sum (no floating-point hole, Mironov 2012), from AES-CTR keyed by the operating system",
    ]
  }

  /// The growth of the L2 norm unless stated otherwise.
  public func normGrowth(of technique: any AggregationTechnique) -> Double? { technique.worstCaseNormGrowth }
}
