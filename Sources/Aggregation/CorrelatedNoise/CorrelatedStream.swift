import ParameterVectors
public import SecureNoise

/// Noise N_0, N_1, … of sums of rounds in integers, steps of a grid, with C N = Z but for rounding: C a ``ToeplitzStrategy``, Z fresh
/// real Gaussian numbers. The noise of round t is N_t = ⌊Z_t − F_t + ½⌋, with F_t the share that earlier noise has in C N.
///
/// Memory is bands − 1 vectors, or one a buffer, whatever the number of rounds.
///
/// **Why the releases x_t + N_t are as private as the event's C X + Z**, where x_t are integers, and floating point plays no part:
///
/// *Banded*, F_t = Σ_{j≥1} c_j N_{t−j}:
/// 1. The c_j are integers over 2^24 (``ToeplitzStrategy/inFixedPoint``), and so F_t is computed exactly.
/// 2. Let y = C X + Z be the real numbers of the event, and x̂_t = ⌊y_t − Σ_{j≥1} c_j x̂_{t−j} + ½⌋. That is a function of y alone.
///    With x̂_{t−j} = x_{t−j} + N_{t−j} for the rounds before, it is ⌊x_t + Z_t − F_t + ½⌋ = x_t + N_t, since x_t is an integer: so x̂ are
///    the releases, and post-processing of y, whoever chose X and when.
/// 3. ⌊Z_t − F_t + ½⌋ is drawn exactly (``SecureNoise/RandomSource/roundWithGaussian(standardDeviation:fixedPoint:fractionBits:)``).
///
/// *Buffered*, F_t = Σ ω_i S_i with S_i ← θ_i S_i + N_t (Dvijotham et al. 2024, algorithm 1), each product rounded to 2^−24, as exact ones
/// would grow by digits in every round:
/// 1. By the past releases x̂, data X determine the past noise x̂ − X. So x̂_t is the rounding of a Gaussian of mean μ_t = x_t − F_t, up to
///    e from x_t − Σ_{j≥1} c_j (x̂ − X)_{t−j}, with e of `roundingError`.
/// 2. The means for data X and X′ differ by the round's row of C(X − X′) and 2e at most a number. Over all rounds and parameters,
///    M numbers, that is Δ ≤ ‖C(X − X′)‖ + 2e√M in L2, whatever was released. ``MatrixGaussian`` widens the noise by as much.
/// 3. Gaussians of deviation s whose means differ, in every course of releases, by Δ together at most lose no more than one that
///    differs by Δ: fill the distances δ_t up to Δ by one more release; then the log likelihood ratio is Σ⟨δ_t, Z_t⟩/s² ± Δ²/2s², and the
///    sum is N(0, Δ²s²), for E exp(iuΣ⟨δ_t, Z_t⟩ + u²s²Σ‖δ_t‖²/2) = 1, taking the last round first.
///
/// What leaves 62 bits is an error. That shows something of the noise, but on the grid that ``MatrixGaussian`` chooses it takes a number of
/// 64 deviations, of a probability below e^−2000, in the planned rounds that it looks at: 2^24 over the bands, 2^20 with buffers.
///
/// - Warning: `buffers` hold the noise itself. Whoever sees them and the releases can take the noise off: a checkpoint with them must be
///   kept as secret as the clients' updates.
public struct CorrelatedStream: Codable, Hashable, Sendable {
  /// C.
  public let strategy: ToeplitzStrategy
  /// Rounds so far.
  public private(set) var rounds = 0
  /// Banded: past noise, that of round t at place t mod (bands − 1). Buffered: S_i · 2^24. Secret.
  public private(set) var buffers: [[Int64]] = []

  /// A stream of ``ToeplitzStrategy/inFixedPoint`` before its first round.
  public init(strategy: ToeplitzStrategy) throws(AggregationError) {
    try strategy.validateInFixedPoint()
    self.init(checked: strategy.inFixedPoint)
  }

  /// For a strategy that has been checked and rounded.
  init(checked strategy: ToeplitzStrategy) { self.strategy = strategy }

  /// The noise of the next round.
  ///
  /// - Parameters:
  ///   - count: number of parameters.
  ///   - deviation: standard deviation of Z_t in steps.
  ///   - noise: the generator.
  /// - Returns: N_t, [parameters].
  /// - Throws: ``AggregationError/lengthMismatch(expected:found:)`` for another length than before,
  ///   ``AggregationError/stateMismatch(technique:)`` for a damaged stream, ``AggregationError/sumOverflow``,
  ///   ``AggregationError/noRandomness(reason:)``. Nothing changes then.
  public mutating func next(count: Int, deviation: Double, noise: RandomSource) throws(AggregationError) -> [Int64] {
    try next(count: count) { shares, _ throws(AggregationError) in
      do throws(SecureNoiseError) {
        try noise.roundWithGaussian(standardDeviation: deviation, fixedPoint: &shares, fractionBits: ToeplitzStrategy.fractionBits)
      } catch {
        switch error {
        case .overflow: throw .sumOverflow
        default: throw .noRandomness(reason: error.description)
        }
      }
    }
  }

  /// The same with another source of noise.
  ///
  /// - Parameter addFresh: turns −F_t · 2^24 of some parameters into N_t.
  package mutating func next(
    count: Int, _ addFresh: (inout [Int64], Range<Int>) throws(AggregationError) -> Void
  ) throws(AggregationError) -> [Int64] {
    try check(count: count)
    let filter = Filter(strategy, rounds: rounds)
    var failure: AggregationError?
    let values: [Int64] = VectorMath.makeLarge(count) { values in
      for start in stride(from: 0, to: count, by: 1 << 12) {
        let range = start..<min(start + 1 << 12, count)
        do throws(AggregationError) {
          var block = try filter.negatedShare(of: buffers, range)
          try addFresh(&block, range)
          _ = UnsafeMutableBufferPointer(rebasing: values[range]).initialize(fromContentsOf: block)
        } catch {
          failure = error
          values.initialize(repeating: 0)
          return
        }
      }
    }
    if let failure { throw failure }
    switch strategy {
    case .banded(let coefficients):
      let kept = coefficients.count - 1
      if buffers.count < kept { buffers.append(values) } else if kept > 0 { buffers[rounds % kept] = values }
    case .buffered: buffers = try filter.advanced(buffers, values)
    }
    rounds += 1
    return values
  }

  /// A stream read from a file may be damaged.
  private func check(count: Int) throws(AggregationError) {
    try strategy.validateInFixedPoint()
    guard count >= 0, strategy == strategy.inFixedPoint, rounds >= 0, rounds < Int.max, buffers.count == strategy.keptCount(after: rounds)
    else { throw .stateMismatch(technique: "correlated noise") }
    for buffer in buffers where buffer.count != count { throw .lengthMismatch(expected: buffer.count, found: count) }
  }
}

/// The integers of a strategy in one round.
private struct Filter {
  /// What each of the kept vectors is taken times for F_t · 2^24.
  private let factors: [VectorKernels.FixedPointFactor]
  /// θ_i in units of 2^−32; `nil` where banded.
  private let decays: [UInt64]?

  init(_ strategy: ToeplitzStrategy, rounds: Int) {
    func fraction(_ value: Double) -> UInt64 {
      UInt64(max(0, ToeplitzStrategy.integer(value, places: ToeplitzStrategy.factorBits)))
    }
    switch strategy {
    case .banded(let coefficients):
      let kept = coefficients.count - 1
      var factors = [VectorKernels.FixedPointFactor](repeating: .integer(0), count: strategy.keptCount(after: rounds))
      for j in 1..<(factors.count + 1) {
        factors[(rounds - j) % kept] = .integer(ToeplitzStrategy.integer(coefficients[j], places: ToeplitzStrategy.fractionBits))
      }
      self.factors = factors
      decays = nil
    case .buffered(let scales, let decays):
      factors = scales.map { .fraction(fraction($0)) }
      self.decays = decays.map(fraction)
    }
  }

  /// −F_t · 2^24 of the parameters in `range`.
  func negatedShare(of buffers: [[Int64]], _ range: Range<Int>) throws(AggregationError) -> [Int64] {
    var share = [Int64](repeating: 0, count: range.count)
    var greatest = 0.0
    for (buffer, factor) in zip(buffers, factors) {
      let bound = Self.bound(VectorKernels.best.subtract(buffer, in: range, times: factor, from: &share))
      switch factor {
      case .integer(let factor): greatest += abs(Double(factor)) * bound
      case .fraction(let factor):
        // Less than what the kernel takes, so that what has decayed leaves room for new noise.
        guard bound <= 0x1p61 else { throw .sumOverflow }
        greatest += Double(factor) * 0x1p-32 * bound
      }
    }
    // Only then nothing has wrapped around.
    guard greatest <= 0x1p62 else { throw .sumOverflow }
    return share
  }

  /// S_i of the next round, after the noise `values` of this one and a ``negatedShare(of:_:)`` of all parameters.
  func advanced(_ buffers: [[Int64]], _ values: [Int64]) throws(AggregationError) -> [[Int64]] {
    guard let decays else { return buffers }
    var seen: Int64 = 0
    for value in values { seen |= value ^ (value &>> 63) }
    guard Self.bound(seen) <= 0x1p37 else { throw .sumOverflow }
    let places = ToeplitzStrategy.fractionBits
    if buffers.isEmpty { return [[Int64]](repeating: values.map { $0 << Int64(places) }, count: decays.count) }
    return zip(buffers, decays).map { VectorKernels.best.decayed($0, by: $1, plus: values, shift: places) }
  }

  /// A power of two that no magnitude exceeds, of those whose bits, inverted below 0, are in `seen`.
  private static func bound(_ seen: Int64) -> Double { Double(sign: .plus, exponent: 64 - seen.leadingZeroBitCount, significand: 1) }
}
