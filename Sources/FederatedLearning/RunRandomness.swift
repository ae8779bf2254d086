public import SecureNoise

/// Where a run's random numbers come from.
///
/// The draw of the clients is part of the guarantee (amplification needs it secret), so it comes from the same kind of generator as
/// the noise. The order of a client's examples and its dropout protect nobody and always come from keyed streams.
public struct RunRandomness: Hashable, Sendable {
  /// Key of everything that is not private: initial parameters, order of examples, dropout.
  public let seed: UInt64
  /// Whether noise and draws repeat as well. Such a run protects nobody.
  public let isReproducible: Bool

  /// Noise and draws from the operating system's generator; `seed` keys the rest and is drawn as well unless given.
  public static func secure(seed: UInt64? = nil) throws(SecureNoiseError) -> RunRandomness {
    if let seed { return RunRandomness(seed: seed, isReproducible: false) }
    return RunRandomness(seed: try RandomSource.secure().nextUInt64(), isReproducible: false)
  }

  /// Everything from `seed`.
  ///
  /// - Warning: for tests and simulations without privacy: whoever knows the seed can take the noise off.
  public static func reproducible(seed: UInt64) -> RunRandomness { RunRandomness(seed: seed, isReproducible: true) }

  /// The generator of a round's privacy noise.
  public func noise(round: Int) throws(SecureNoiseError) -> RandomSource { try source(.noise, round: round) }

  /// The generator that draws a round's clients.
  public func clientSampling(round: Int) throws(SecureNoiseError) -> RandomSource { try source(.clientSampling, round: round) }

  /// The generator of one client's own numbers in the aggregation: randomised rounding, local noise.
  public func clientNoise(round: Int, client: Int) throws(SecureNoiseError) -> RandomSource {
    isReproducible
      ? .simulation(seed: seed, purpose: .rounding, round: UInt64(clamping: round), client: UInt64(clamping: client)) : try .secure()
  }

  /// The public number that server and clients of a round share.
  public func roundSeed(_ round: Int) -> UInt64 {
    RandomSource.simulation(seed: seed, purpose: .rotation, round: UInt64(clamping: round)).nextUInt64()
  }

  private func source(_ purpose: StreamPurpose, round: Int) throws(SecureNoiseError) -> RandomSource {
    isReproducible ? .simulation(seed: seed, purpose: purpose, round: UInt64(clamping: round)) : try .secure()
  }
}
