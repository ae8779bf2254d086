import PrivacyEvents

/// A composition of Poisson-sampled Gaussians with its exact ε.
///
/// The golden values are contour integrals with 34 digits, or in double precision on two contours (then good to about 1e-10).
struct AccountingCase {
  let name: String
  let event: PrivacyEvent
  let delta: Double
  /// ε of the worse direction when a person is added or removed.
  let golden: Double
  /// Greatest median time in seconds that counts as met.
  let target: Double

  /// One round of Poisson sampling and a Gaussian; rate 1 is the Gaussian alone.
  static func round(rate: Double, noiseMultiplier: Double) -> PrivacyEvent {
    .gaussian(noiseMultiplier: noiseMultiplier).sampled(.poisson(rate: rate))
  }

  private init(_ name: String, _ event: PrivacyEvent, delta: Double, golden: Double, target: Double = 1e-3) {
    (self.name, self.event, self.delta, self.golden, self.target) = (name, event, delta, golden, target)
  }

  private static func rounds(_ count: Int, rate: Double, noiseMultiplier: Double) -> PrivacyEvent {
    round(rate: rate, noiseMultiplier: noiseMultiplier).repeated(count)
  }

  static let a1 = AccountingCase(
    "a1", rounds(1_000, rate: 0.01, noiseMultiplier: 1), delta: 1e-5, golden: 1.828236666516576842614)

  static let all: [AccountingCase] = [
    a1,
    AccountingCase("a2", rounds(10_000, rate: 0.001, noiseMultiplier: 0.8), delta: 1e-6, golden: 0.9471956872702805655491),
    AccountingCase("a3", rounds(5_000, rate: 0.1, noiseMultiplier: 2), delta: 1e-6, golden: 24.43112373141881678403725),
    AccountingCase("a4", rounds(14_062, rate: 256 / 60_000, noiseMultiplier: 1.1), delta: 1e-5, golden: 2.381596921424397254688),
    AccountingCase("a5", rounds(1_000, rate: 1, noiseMultiplier: 10), delta: 1e-5, golden: 17.85658683010761392552),
    AccountingCase("a6", rounds(1_500, rate: 100 / 3_400, noiseMultiplier: 1), delta: 1e-5, golden: 7.459152689141594320275),
    AccountingCase(
      "e1", .composed((8...27).map { rounds(50, rate: 0.01, noiseMultiplier: Double($0) / 10) }), delta: 1e-5,
      golden: 1.50818738420216323360556, target: 10e-3),
    AccountingCase("x_d15", rounds(1_000, rate: 0.01, noiseMultiplier: 1), delta: 1e-15, golden: 4.854537750605176),
    AccountingCase("x_T1e6c", rounds(1_000_000, rate: 0.01, noiseMultiplier: 1), delta: 1e-6, golden: 145.4968355051982),
    AccountingCase("x_T1e7", rounds(10_000_000, rate: 0.0001, noiseMultiplier: 2), delta: 1e-8, golden: 0.853016944872405),
  ]
}
