import Foundation
public import SecureNoise

/// Follows a quantile of a figure that each client holds, from one bit per client and round
/// (Andrew, Thakkar, McMahan and Ramaswamy 2021, algorithm 1).
///
/// A client sends b − ½ with b = 1 if its value is at most the estimate C, so that adding or removing a client moves the sum by ½.
/// With the fraction b̄ of clients at or below C, which may be noised, and the target quantile q,
/// geometric: C ← C e^(−η(b̄ − q)); arithmetic: C ← C − η(b̄ − q); never below 0.
public struct QuantileEstimator: Codable, Hashable, Sendable {
  /// How the estimate moves.
  public enum Update: String, Codable, Hashable, Sendable, CaseIterable {
    /// By a factor; reaches any scale in a logarithmic number of rounds.
    case geometric
    /// By a difference.
    case arithmetic
  }

  /// How the bits are released.
  public enum Release: Codable, Hashable, Sendable {
    /// The exact count over the number of participants: outside any guarantee.
    case exact
    /// The count plus Gaussian noise of this standard deviation, over the expected number of clients.
    case noised(standardDeviation: Double, expectedClients: Double)
  }

  /// Estimate before the first round.
  public let initialEstimate: Double
  /// The quantile to follow, in [0, 1].
  public let targetQuantile: Double
  /// Step η, at least 0.
  public let learningRate: Double
  /// How the estimate moves.
  public let update: Update
  /// How the bits are released.
  public let release: Release
  /// The value reported is `multiplier` × estimate + `increment`.
  public let multiplier: Double
  /// See `multiplier`.
  public let increment: Double
  /// Whether a noised fraction is clamped to [0, 1] before it moves the estimate, as in the paper.
  ///
  /// Clamping a fraction that is close to 1 lowers its mean: with noise of standard deviation s in the fraction, a true fraction of 1
  /// comes out as 1 − s/√(2π) on average. A target quantile near that value is then met by every large estimate, and the estimate
  /// wanders off. Without the clamp the fraction is unbiased. Both are post-processing of the noised count.
  public let clampsFraction: Bool

  /// An estimator.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)``.
  public init(
    initialEstimate: Double, targetQuantile: Double, learningRate: Double, update: Update = .geometric, release: Release = .exact,
    multiplier: Double = 1, increment: Double = 0, clampsFraction: Bool = true
  ) throws(AggregationError) {
    let least = update == .geometric ? Double.leastNonzeroMagnitude : 0
    try require(
      initialEstimate >= least && initialEstimate.isFinite, "initial estimate", initialEstimate,
      update == .geometric ? "finite and above 0" : "finite and at least 0")
    try require(targetQuantile >= 0 && targetQuantile <= 1, "target quantile", targetQuantile, "in [0, 1]")
    try require(learningRate >= 0 && learningRate.isFinite, "learning rate of the quantile", learningRate, "finite and at least 0")
    try require(multiplier > 0 && multiplier.isFinite, "multiplier", multiplier, "finite and above 0")
    try require(increment >= 0 && increment.isFinite, "increment", increment, "finite and at least 0")
    if case .noised(let deviation, let expected) = release {
      try require(deviation >= 0 && deviation <= 0x1p50, "standard deviation of the count", deviation, "in [0, 2^50]")
      try require(expected > 0 && expected.isFinite, "expected number of clients", expected, "finite and above 0")
    }
    self.initialEstimate = initialEstimate
    self.targetQuantile = targetQuantile
    self.learningRate = learningRate
    self.update = update
    self.release = release
    self.multiplier = multiplier
    self.increment = increment
    self.clampsFraction = clampsFraction
  }

  /// The value in force for `estimate`.
  public func report(_ estimate: Double) -> Double { multiplier * estimate + increment }

  /// What a client with `value` adds to the sum, b − ½.
  public func centeredBit(value: Double, estimate: Double) -> Double { value <= estimate ? 0.5 : -0.5 }

  /// Moves `estimate` on and returns the fraction b̄, clamped to [0, 1], of clients at or below it.
  ///
  /// - Parameters:
  ///   - sumOfCenteredBits: Σ(b − ½) over the participants.
  ///   - participants: used by the exact release only; with nobody the estimate stays.
  ///   - noise: used by the noised release only: a real Gaussian rounded to a grid that the exact count lies on, so that what is released
  ///     is a function of the continuous mechanism's output.
  /// - Throws: ``AggregationError/noRandomness(reason:)`` where the noise cannot be drawn.
  public func advance(
    _ estimate: inout Double, sumOfCenteredBits: Double, participants: Int, noise: RandomSource
  ) throws(AggregationError) -> Double {
    let fraction: Double
    switch release {
    case .exact:
      guard participants > 0 else { return targetQuantile }
      fraction = sumOfCenteredBits / Double(participants) + 0.5
    case .noised(let standardDeviation, let expectedClients):
      let noised = try Self.noised(sumOfCenteredBits, standardDeviation: standardDeviation, noise)
      fraction = clampsFraction ? clamped(noised / expectedClients + 0.5) : noised / expectedClients + 0.5
    }
    let step = learningRate * (fraction - targetQuantile)
    switch update {
    // A norm that underflowed or overflowed could never move again, or would not be a norm.
    case .geometric: estimate = min(max(estimate * exp(-step), 1e-300), 1e300)
    case .arithmetic: estimate = max(0, estimate - step)
    }
    return clamped(fraction)
  }

  /// A sum of halves plus Gaussian noise, on a grid of 2^−k.
  private static func noised(
    _ sum: Double, standardDeviation: Double, _ noise: RandomSource
  ) throws(AggregationError) -> Double {
    guard standardDeviation > 0 else { return sum }
    let grid = IntegerGrid(noiseDeviation: standardDeviation)
    var steps = [nearestInteger(2 * sum) << Int64(grid.bits - 1)]
    try noise.addGridNoise(deviation: grid.steps(standardDeviation), to: &steps)
    return grid.units(Double(steps[0]))
  }

  private func clamped(_ fraction: Double) -> Double { min(1, max(0, fraction)) }
}
