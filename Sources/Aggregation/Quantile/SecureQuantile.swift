public import SecureNoise

/// Follows a quantile like ``QuantileEstimator``, with the clients' centred bits b − ½ carried by a ``SecureSum`` between −1 and 1.
///
/// A client sends one integer below 2^32, the code of its bit; the server learns the sum of the codes and the number of clients, and no
/// client's bit. What it releases of them is up to the estimator: an exact count is outside any guarantee, a noised one carries
/// the server's noise. For a sum that the server must not see without noise, see ``DistributedSum``.
///
/// Codes are rounded, counts of bits are multiples of ½: the decoded sum is taken to the nearest one, so that the estimates are those of
/// the plain sum, to the bit, for up to 2^30 clients.
public struct SecureQuantile: Hashable, Sendable {
  /// Greatest number of clients of a round.
  public static let maximumClientCount = 1 << 30

  /// The rule of the estimate.
  public let estimator: QuantileEstimator

  /// A quantile.
  public init(_ estimator: QuantileEstimator) { self.estimator = estimator }

  /// Client side: the integer of a client with `value`, to be summed without overflow or modulo more than 2^32 × clients.
  public func encode(value: Double, estimate: Double) -> Int64 {
    SecureSum.code(estimator.centeredBit(value: value, estimate: estimate), lower: -1, upper: 1, of: .real)
  }

  /// Server side: moves `estimate` on by the sum of the clients' integers, and returns the fraction b̄ of clients at or below it.
  ///
  /// - Parameters:
  ///   - sum: of ``encode(value:estimate:)`` over the clients.
  ///   - clients: how many those were.
  ///   - noise: used by an estimator with noised counts only.
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for a sum that no such clients can have, and what
  ///   ``QuantileEstimator/advance(_:sumOfCenteredBits:participants:noise:)`` throws.
  public func advance(_ estimate: inout Double, sum: Int64, clients: Int, noise: RandomSource) throws(AggregationError) -> Double {
    try require((0...Self.maximumClientCount).contains(clients), "number of clients", Double(clients), "in 0…2^30")
    let decoded = SecureSum.decoded(Double(sum), clients: Double(clients), lower: -1, upper: 1, of: .real)
    // ±½ and −1 are a quarter of a step or exactly half a step off: at most a quarter step a client beyond what all of them share, 2^−33 of
    // a unit, together an eighth.
    let doubled = (2 * decoded).rounded()
    try require(
      abs(doubled) <= Double(clients), "sum of centred bits", decoded, "in ±\(Double(clients) / 2)")
    return try estimator.advance(&estimate, sumOfCenteredBits: doubled / 2, participants: clients, noise: noise)
  }
}
