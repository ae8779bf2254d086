import Foundation
public import PrivacyEvents

/// Which integer noise clients add.
public enum DistributedNoise: String, Codable, Hashable, Sendable, CaseIterable {
  /// Difference of two Poisson variables; sums of it are of the same kind (Agarwal, Kairouz and Liu 2021).
  case skellam
  /// Discrete Gaussian; sums of it are close to one, by a bound that is accounted for (Kairouz, Liu and Steinke 2021, theorem 1).
  case discreteGaussian
}

/// Scale, bounds and noise of distributed differential privacy over b-bit integers, for a clipping norm of 1.
///
/// Everything is in integer units, so that it holds for any clipping norm C: values are multiplied by `scale`/C. After rotation, clip and
/// conditional rounding a client's integers have the squared norm `greatestSquaredNorm` at most, each client adds noise of variance
/// `localVariance` to every integer, and the sum is taken modulo 2^b.
///
/// The scale is the greatest for which a sum of n clients rarely leaves b bits: with k standard deviations,
/// k = √2 erfc⁻¹(p), scale = √(2^{2b} − nk²) / (2k √(n²/d + z²)) (Kairouz, Liu and Steinke 2021, section 4; the reference's heuristic with
/// signals that add up in the worst way).
///
/// The reference caps the scale at 1e6 and adds 1e-5 to the norm; both would make the noise's multiplier depend on the clipping norm,
/// which is released, and are left out: the norm is checked on the integers instead.
public struct DistributedNoiseParameters: Hashable, Sendable {
  /// Which noise.
  public let noise: DistributedNoise
  /// Length of the rotated vector.
  public let dimension: Int
  /// Integer units per unit of the clipped update, for C = 1.
  public let scale: Double
  /// How clipped values, over the clipping norm, become integers.
  public let rounding: ConditionalRounding
  /// Greatest squared L2 norm of a client's integers, which `rounding` checks.
  public let greatestSquaredNorm: UInt64
  /// Variance of one client's noise, in squared units.
  public let localVariance: Double

  /// - Parameters:
  ///   - noiseMultiplier: standard deviation of the noise of `expectedClients` clients together, over the clipping norm; above 0.
  ///   - expectedClients: n, at least 1.
  ///   - dimension: length of the rotated vector, at least 1.
  ///   - bits: b, from 1 to 22, with b ≥ log₂ n and 2^{2b} > nk².
  ///   - wrapProbability: p that one coordinate of the sum is wrapped, in (0, 1).
  ///   - roundingFailure: β of conditional rounding, in [0, 1).
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``, with the number of bits that would do.
  public init(
    noise: DistributedNoise = .skellam, noiseMultiplier: Double, expectedClients: Int, dimension: Int, bits: Int = 20,
    wrapProbability: Double = 1e-4, roundingFailure: Double = 0
  ) throws(AggregationError) {
    try require(noiseMultiplier > 0 && noiseMultiplier.isFinite, "noise multiplier", noiseMultiplier, "finite and above 0")
    try require(expectedClients >= 1 && expectedClients <= 1 << 22, "expected clients", Double(expectedClients), "in 1…2^22")
    try require(dimension >= 1, "dimension", Double(dimension), "at least 1")
    try require((1...22).contains(bits), "bits", Double(bits), "in 1…22")
    let k = try Self.deviations(wrapProbability: wrapProbability)
    let clients = Double(expectedClients)
    let range = pow(4, Double(bits))
    guard pow(2, Double(bits)) >= clients, range > clients * k * k else {
      let needed = max(log2(clients), 0.5 * log2(clients * k * k) + 1e-9).rounded(.up)
      throw .invalidParameter(name: "bits", value: Double(bits), allowed: "at least \(needed) for \(expectedClients) clients")
    }
    let scale = Self.scale(
      localDeviation: noiseMultiplier / clients.squareRoot(), clippingNorm: 1, bits: bits, clients: clients, dimension: dimension,
      deviations: k)
    let rounding = try ConditionalRounding(scale: scale, rounding: .stochastic, beta: roundingFailure, priorNormBound: 1)
    let squared = try rounding.squaredIntegerBound(dimension: dimension, norm: 1)
    // A norm below 1 would let every client send zeros only.
    guard squared >= 1 else {
      throw .invalidParameter(name: "bits", value: Double(bits), allowed: "more: one integer step is larger than the clipping norm")
    }
    (self.noise, self.dimension, self.scale, self.rounding, greatestSquaredNorm) = (noise, dimension, scale, rounding, squared)
    let deviation = noiseMultiplier / clients.squareRoot() * scale
    // The reference rounds the discrete Gaussian's deviation up to a whole number.
    localVariance = noise == .skellam ? deviation * deviation : deviation.rounded(.up) * deviation.rounded(.up)
    guard Self.variances.contains(localVariance) else {
      let remedy = localVariance > 1 ? "fewer" : "more"
      throw .invalidParameter(
        name: "bits", value: Double(bits), allowed: "\(remedy): a client's noise would have the variance \(localVariance)")
    }
  }

  /// What the samplers of integer noise take.
  private static let variances = 0x1p-10...0x1p36

  /// k = √2 erfc⁻¹(p): a normal variable leaves k standard deviations with probability p.
  package static func deviations(wrapProbability p: Double) throws(AggregationError) -> Double {
    try require(p > 0 && p < 1, "wrap probability", p, "in (0, 1)")
    var (low, high) = (0.0, 40.0)
    for _ in 0..<200 where high - low > 1e-15 * high {
      let middle = 0.5 * (low + high)
      if erfc(middle / 2.0.squareRoot()) > p { low = middle } else { high = middle }
    }
    return 0.5 * (low + high)
  }

  /// The heuristic scale for a clipping norm.
  package static func scale(
    localDeviation: Double, clippingNorm: Double, bits: Int, clients: Double, dimension: Int, deviations k: Double
  ) -> Double {
    let signal = clippingNorm * clippingNorm * clients * clients / Double(dimension)
    return (pow(4, Double(bits)) - clients * k * k).squareRoot()
      / (2 * k * (signal + clients * localDeviation * localDeviation).squareRoot())
  }

  /// Δ₂ and Δ₁ of the integers: L1 is at most √d L2, and for integers a whole number, at most the squared L2 norm.
  public var sensitivity: (l2: Double, l1: Double) {
    let l2 = Double(greatestSquaredNorm).squareRoot().nextUp
    return (l2, (l2 * min(Double(dimension).squareRoot(), l2)).nextUp.rounded(.down))
  }

  /// What a sum with the noise of `clients` honest clients releases when one client's integers become zeros (zero-out).
  ///
  /// The event of Skellam noise holds for replace-one as well, because it names its sensitivities; that of the discrete Gaussian does not.
  ///
  /// Skellam noise adds up exactly. A sum of discrete Gaussians of variance σ² is ½ε²-concentrated with
  /// ε = min(√(Δ₂²/(nσ²) + τd/2), Δ₂/(√n σ) + τ√d), τ = 10 Σ_{k=1}^{n−1} exp(−2π²σ² k/(k+1)) (Kairouz, Liu and Steinke 2021, theorem 1).
  public func event(honestClients clients: Int) -> PrivacyEvent {
    guard clients >= 1 else { return .nonPrivate }
    let (l2, l1) = sensitivity
    switch noise {
    case .skellam:
      return .skellam(
        variance: (Double(clients) * localVariance).nextDown, l1Sensitivity: max(l1, l2), l2Sensitivity: l2, dimension: dimension)
    case .discreteGaussian:
      var tau = 0.0
      for k in 1..<max(2, clients) where clients > 1 {
        tau += 10 * exp(-2 * Double.pi * Double.pi * localVariance * Double(k) / Double(k + 1))
      }
      tau *= 1 + 1e-9
      let ratio = l2 / (Double(clients) * localVariance).squareRoot()
      let d = Double(dimension)
      let epsilon = min((ratio * ratio + tau * d / 2).squareRoot(), ratio + tau * d.squareRoot()) * (1 + 1e-12)
      return .zeroConcentratedDP(rho: 0.5 * epsilon * epsilon)
    }
  }
}
