/// Turns fresh noise z_t into correlated noise y_t = z_t − Σ_{j<t} c_{t−j} y_j, round by round: Y = C⁻¹ Z of a ``ToeplitzStrategy``.
///
/// Banded: the last bands − 1 outputs are kept. Buffered: one vector a buffer, S_i ← θ_i S_i + y_t, with y_t = z_t − Σ_i ω_i S_i
/// (Dvijotham et al. 2024, algorithm 1). Memory is buffers × parameters, whatever the number of rounds.
///
/// - Warning: `buffers` hold the noise itself. Whoever sees them and the releases can take the noise off: a checkpoint with them must be
///   kept as secret as the clients' updates.
public struct CorrelatedStream: Codable, Hashable, Sendable {
  /// C.
  public let strategy: ToeplitzStrategy
  /// Rounds so far.
  public private(set) var rounds = 0
  /// Banded: past outputs, that of round t at place t mod (bands − 1). Buffered: S_i. Secret.
  public private(set) var buffers: [[Double]] = []

  /// A stream before its first round.
  public init(strategy: ToeplitzStrategy) throws(AggregationError) {
    try strategy.validate()
    self.strategy = strategy
  }

  /// For a strategy that has been checked.
  init(checked strategy: ToeplitzStrategy) { self.strategy = strategy }

  /// The next round: turns fresh noise, [parameters], into correlated noise.
  ///
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)`` for a vector of another length than before,
  ///   ``AggregationError/stateMismatch(technique:)`` for a damaged stream. Nothing changes then.
  public mutating func correlate(_ noise: inout [Double]) throws(AggregationError) {
    try check(count: noise.count)
    switch strategy {
    case .banded(let coefficients):
      let kept = coefficients.count - 1
      guard kept > 0 else { break }
      for j in 1..<max(1, min(coefficients.count, rounds + 1)) {
        subtract(buffers[(rounds - j) % kept], times: coefficients[j], from: &noise)
      }
      if buffers.count < kept { buffers.append(noise) } else { buffers[rounds % kept] = noise }
    case .buffered(let scales, let decays):
      if buffers.isEmpty { buffers = decays.map { _ in [Double](repeating: 0, count: noise.count) } }
      for (scale, buffer) in zip(scales, buffers) { subtract(buffer, times: scale, from: &noise) }
      for (index, decay) in decays.enumerated() {
        for i in noise.indices { buffers[index][i] = decay * buffers[index][i] + noise[i] }
      }
    }
    rounds += 1
  }

  private func subtract(_ values: [Double], times factor: Double, from sum: inout [Double]) {
    for i in sum.indices { sum[i] -= factor * values[i] }
  }

  /// A stream read from a file may be damaged.
  private func check(count: Int) throws(AggregationError) {
    try strategy.validate()
    let expected: Int
    switch strategy {
    case .banded(let coefficients): expected = min(coefficients.count - 1, rounds)
    case .buffered(_, let decays): expected = rounds == 0 ? 0 : decays.count
    }
    guard rounds >= 0, rounds < Int.max, buffers.count == expected else { throw .stateMismatch(technique: "correlated noise") }
    for buffer in buffers where buffer.count != count { throw .lengthMismatch(expected: buffer.count, found: count) }
  }
}
