/// The compositions that the reference's tutorial "Tuning recommended aggregations for learning" recommends, with its constants, and
/// Epsilon's own default. On a client zeroing comes first, then clipping, then the rest.
extension AggregationPipeline {
  /// Zeroing and clipping at adaptive norms around a mean, without privacy: for clients that may be broken or far from the others.
  ///
  /// Zeroing follows the 98th percentile of the greatest magnitudes (from 10, rate ln 10, bound 2C + 1), clipping the 80th of the L2 norms
  /// (from 1, rate 0.2).
  public static func robust(weighted: Bool = true, zeroing: Bool = true, clipping: Bool = true) throws(AggregationError)
    -> AggregationPipeline
  {
    try mean(weighted: weighted).guarded(zeroing: zeroing, clipping: clipping)
  }

  /// The Gaussian mechanism with adaptive clipping as the reference composes it: the zeroing norm adapts to exact counts, which stands in
  /// the list of leaks.
  public static func referencePrivate(
    noiseMultiplier: Double, clientsPerRound: Double, zeroing: Bool = true
  ) throws(AggregationError) -> AggregationPipeline {
    try mean().gaussianAdaptive(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound).guarded(
      zeroing: zeroing, clipping: false)
  }

  /// The Gaussian mechanism with adaptive clipping and zeroing, everything inside the guarantee: both norms follow noised counts, and the
  /// noise multiplier is that of update and counts together.
  public static func differentiallyPrivate(
    noiseMultiplier: Double, clientsPerRound: Double, zeroing: Bool = true
  ) throws(AggregationError) -> AggregationPipeline {
    let noised = try mean().gaussianAdaptive(noiseMultiplier: noiseMultiplier, clientsPerRound: clientsPerRound)
    return zeroing ? try noised.zeroing(privateWithClientsPerRound: clientsPerRound) : noised
  }

  /// ``robust(weighted:zeroing:clipping:)`` with updates of more than `threshold` values quantised to `bits` bits.
  public static func compressed(
    weighted: Bool = true, zeroing: Bool = true, clipping: Bool = true, bits: Int = 8, threshold: Int = 20_000
  ) throws(AggregationError) -> AggregationPipeline {
    try mean(weighted: weighted).compression(QuantizeAboveThreshold(bits: bits, threshold: threshold))
      .guarded(zeroing: zeroing, clipping: clipping)
  }

  /// ``robust(weighted:zeroing:clipping:)`` with updates on a lattice of `stepSize`, Elias-gamma coded, and the error measured.
  public static func entropyCompressed(
    weighted: Bool = true, zeroing: Bool = true, clipping: Bool = true, stepSize: Double = 0.5
  ) throws(AggregationError) -> AggregationPipeline {
    try mean(weighted: weighted).compression(StochasticDiscretization(stepSize: stepSize), measuresDistortion: true)
      .guarded(zeroing: zeroing, clipping: clipping)
  }

  /// ``robust(weighted:zeroing:clipping:)`` over a secure sum between ± an adaptive bound: twice the 95th percentile of the greatest
  /// components (from 50, rate 1).
  ///
  /// The server learns the sum of the updates, their weights and the counts, each as a sum only.
  public static func secure(weighted: Bool = true, zeroing: Bool = true, clipping: Bool = true) throws(AggregationError)
    -> AggregationPipeline
  {
    try mean(weighted: weighted).secureSum().guarded(zeroing: zeroing, clipping: clipping)
  }

  /// Distributed differential privacy under a secure sum: Skellam noise of the clients, 20 bits, randomised Hadamard rotation, a clipping
  /// norm that follows the median from 0.1 at rate 0.2, zeroing outside.
  ///
  /// Unlike the reference it divides by the expected cohort, states its event, which counts the noise of `minimumClients` only (see
  /// ``DistributedSum``), and rounds again where a client's rounded vector is long (β = e^(−½) instead of 0), which keeps the bound of its
  /// norm low. The zeroing norm adapts to exact counts, and the count of the clipping norm is noised by the server: the first is a leak,
  /// with the second the server is trusted.
  ///
  /// - Parameters:
  ///   - noiseMultiplier: z of update and count together with the noise of all expected clients.
  ///   - expectedClients: the cohort.
  ///   - minimumClients: least number of clients with whose noise a round is released.
  ///   - parameterCount: number of values of an update.
  ///   - bits: of one integer of the sum.
  ///   - zeroing: whether broken updates are zeroed.
  ///   - rotation: how an update is rotated.
  public static func distributedSecure(
    noiseMultiplier: Double, expectedClients: Int, minimumClients: Int, parameterCount: Int, bits: Int = 20, zeroing: Bool = true,
    rotation: DistributedSum.RotationKind = .hadamard
  ) throws(AggregationError) -> AggregationPipeline {
    let norm = try QuantileEstimator.noised(initialEstimate: 0.1, targetQuantile: 0.5, clientsPerRound: Double(expectedClients))
    let sum = try DistributedSum(
      noiseMultiplier: noiseMultiplier, expectedClients: expectedClients, minimumClients: minimumClients, parameterCount: parameterCount,
      norm: .adaptive(norm), bits: bits, rotation: rotation)
    return try mean().distributed(sum).guarded(zeroing: zeroing, clipping: false)
  }

  /// Zeroing and clipping as ``robust(weighted:zeroing:clipping:)`` has them, around what is there.
  private func guarded(zeroing: Bool, clipping: Bool) throws(AggregationError) -> AggregationPipeline {
    let clipped = clipping ? try self.clipping(adaptive: nil) : self
    return zeroing ? try clipped.zeroing(adaptive: nil) : clipped
  }
}
