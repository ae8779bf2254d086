import Foundation
import PrivacyEvents

/// One mechanism with the neighbouring relation already applied, in units of the distance between neighbours.
///
/// Each case is one pair of distributions, or one curve, that stands for every pair of neighbours; how a method computes with it is said
/// once per method, in `Mechanism+Renyi.swift`, `Mechanism+Contour.swift` and `Mechanism+Grid.swift`.
indirect enum Mechanism: Hashable, Sendable {
  /// Noise standard deviation over the sensitivity.
  case gaussian(noiseMultiplier: Double)
  /// A Gaussian on a random part of the population.
  ///
  /// One-sided: the pair ((1−q)N(0,σ²)+qN(1,σ²), N(0,σ²)) and its mirror. Symmetric: neighbours are both mixtures, and both orders
  /// of the pair obey the profile of the one-sided pair for e^ε ≥ 1 (replace-one).
  case sampledGaussian(samplingRate: Double, noiseMultiplier: Double, symmetric: Bool)
  /// Σ weights[i] N(shifts[i], σ²) against N(0, σ²).
  case gaussianMixture(shifts: [Double], weights: [Double], noiseMultiplier: Double)
  /// A cohort drawn with replacement whose neighbours are both mixtures: known by its profile only.
  case drawnWithReplacement(draws: Int, populationSize: Int, noiseMultiplier: Double)
  /// Noise scale over the sensitivity, on a Poisson sample when `samplingRate` < 1.
  case laplace(samplingRate: Double, noiseMultiplier: Double)
  /// Integer noise or an answer from a finite list, on a Poisson sample when `samplingRate` < 1.
  case discrete(DiscreteMechanism, samplingRate: Double)
  /// Vector Skellam noise: known by its Rényi curve only.
  case skellamVector(variance: Double, l1: Double, l2: Double)
  /// Losses in an interval of length ε.
  case boundedRange(epsilon: Double)
  case pure(epsilon: Double)
  case zeroConcentrated(rho: Double)
  /// Each person in one of `rounds` rounds of Gaussian noise.
  case randomAllocation(rounds: Int, noiseMultiplier: Double)
  /// The best of a random number of runs: known by its Rényi curve only.
  case selection(MechanismComposition, SelectionRuns)
  /// Several mechanisms on the same Poisson sample.
  case sampledComposition(MechanismComposition, samplingRate: Double)

  /// Pairs on the integers or on a finite set.
  enum DiscreteMechanism: Hashable, Sendable {
    case discreteGaussian(sigma: Double, shift: Int)
    case discreteLaplace(scale: Double, shift: Int)
    case skellam(variance: Double, shift: Int)
    case randomizedResponse(noise: Double, buckets: Int)
  }

  /// Whether a contribution of zero leaves the output's law as it would be without the person.
  var isAdditive: Bool {
    switch self {
    case .gaussian, .sampledGaussian, .gaussianMixture, .laplace, .skellamVector, .randomAllocation: true
    case .discrete(.randomizedResponse, _): false
    case .discrete: true
    case .drawnWithReplacement, .boundedRange, .pure, .zeroConcentrated, .selection: false
    case .sampledComposition(let inner, _): inner.isAdditive
    }
  }

  /// The ε that the loss never exceeds, where the mechanism is pure; nil where it is not or a better account exists.
  var pureEpsilon: Double? {
    switch self {
    case .pure(let epsilon), .boundedRange(let epsilon): epsilon
    case .laplace(1, let noiseMultiplier): 1 / noiseMultiplier
    case .discrete(.discreteLaplace(let scale, let shift), 1): Double(shift) / scale
    case .discrete(.randomizedResponse(let noise, let buckets), 1): Self.randomizedResponseEpsilon(noise: noise, buckets: buckets)
    default: nil
    }
  }

  /// log of the ratio of the truthful answer's probabilities.
  static func randomizedResponseEpsilon(noise: Double, buckets: Int) -> Double {
    noise == 0 ? .infinity : log1p((1 - noise) * Double(buckets) / noise)
  }
}
