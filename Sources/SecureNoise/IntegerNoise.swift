/// Integer noise prepared for many draws: made once for a distribution, then added to any number of vectors, by any thread.
///
/// ```swift
/// let noise = try IntegerNoise.skellam(variance: 1_000)
/// try source.add(noise, to: &sums)
/// ```
public struct IntegerNoise: Sendable {
  private enum Method: Sendable {
    case none
    case table(InversionTable)
    /// Sums of `terms` differences of two numbers.
    case differences(InversionTable, terms: Int)
    case strips(sigma: Double)
    case laplace(RoundedLaplace)
  }

  private let method: Method

  /// The mean of a Poisson distribution above which a table of some 18 standard deviations would be larger than a core's cache.
  private static let largestTableMean = 0x1p26

  /// Noise from N_Z(0, σ²), exactly: k with probability in proportion to exp(−k² / (2σ²)).
  ///
  /// Below σ = 2¹⁰ by inversion with lazily refined cumulative probabilities (``InversionTable``), which takes some 30 µs for each
  /// unit of σ to prepare; from there on by rejection under the strips of the grid Gaussian, with nothing to prepare.
  ///
  /// - Parameter sigma: 0 (no noise), or σ from 2⁻¹⁰ to 2⁵⁰; its exact value as a `Double` counts.
  /// - Throws: ``SecureNoiseError/unsupportedParameter(name:value:supported:)`` for any other σ.
  public static func discreteGaussian(sigma: Double) throws(SecureNoiseError) -> IntegerNoise {
    if sigma == 0 { return IntegerNoise(method: .none) }
    guard RandomSource.exactScales.contains(sigma) else {
      throw .unsupportedParameter(name: "standard deviation", value: "\(sigma)", supported: "0 or " + RandomSource.exactScalesText)
    }
    if sigma >= RandomSource.smallestWideSigma { return IntegerNoise(method: .strips(sigma: sigma)) }
    return IntegerNoise(method: .table(InversionTable(.discreteGaussian(sigma: DyadicNumber(sigma)))))
  }

  /// Noise from the Skellam distribution, exactly: the difference of two independent Poisson numbers of mean variance / 2.
  ///
  /// Poisson numbers come by inversion with lazily refined cumulative probabilities (``InversionTable``). Preparing the table takes
  /// some 30 µs for each unit of the standard deviation. From a variance of 2²⁷ on each difference is a sum of 2, 4, 8, … differences with
  /// equal parts of the variance, so that the cost of a draw grows with the variance.
  ///
  /// - Parameter variance: 0 (no noise), or from 2⁻¹⁰ to 2³⁶; its exact value as a `Double` counts.
  /// - Throws: ``SecureNoiseError/unsupportedParameter(name:value:supported:)`` for any other variance.
  public static func skellam(variance: Double) throws(SecureNoiseError) -> IntegerNoise {
    if variance == 0 { return IntegerNoise(method: .none) }
    guard variance >= 0x1p-10 && variance <= 0x1p36 else {
      throw .unsupportedParameter(name: "variance", value: "\(variance)", supported: "0 or a number from 2⁻¹⁰ to 2³⁶")
    }
    // Halving is exact.
    var mean = variance / 2
    var terms = 1
    while mean > largestTableMean {
      mean /= 2
      terms *= 2
    }
    return IntegerNoise(method: .differences(InversionTable(.poisson(mean: DyadicNumber(mean))), terms: terms))
  }

  /// Noise from a real Laplace distribution of scale b, each number **exactly rounded** to the nearest integer: 0 with probability
  /// 1 − exp(−1/(2b)), and ±k with ½ (exp(−(k − ½)/b) − exp(−(k + ½)/b)). See ``RoundedLaplace``.
  ///
  /// - Parameter scale: 0 (no noise), or b from 2⁻¹⁰ to 2⁵⁰; its exact value as a `Double` counts.
  /// - Throws: ``SecureNoiseError/unsupportedParameter(name:value:supported:)`` for any other scale.
  public static func roundedLaplace(scale: Double) throws(SecureNoiseError) -> IntegerNoise {
    if scale == 0 { return IntegerNoise(method: .none) }
    guard RandomSource.exactScales.contains(scale) else {
      throw .unsupportedParameter(name: "scale", value: "\(scale)", supported: "0 or " + RandomSource.exactScalesText)
    }
    return IntegerNoise(method: .laplace(RoundedLaplace(scale: scale)))
  }

  /// Adds a number to every value, false where a sum does not fit into 64 bits. Tables have a fast path in any case.
  fileprivate func add(to values: UnsafeMutableBufferPointer<Int64>, from source: RandomSource, usingFastPath: Bool) -> Bool {
    switch method {
    case .none: return true
    case .table(let table):
      return Self.add(to: values) { table.draw(from: source) }
    case .differences(let table, 1):
      return Self.add(to: values) { table.draw(from: source) - table.draw(from: source) }
    case .differences(let table, let terms):
      return Self.add(to: values) {
        var sum: Int64 = 0
        for _ in 0..<terms { sum += table.draw(from: source) - table.draw(from: source) }
        return sum
      }
    case .laplace(let laplace):
      return laplace.add(to: values, from: source)
    case .strips(let sigma):
      return source.addWideDiscreteGaussian(sigma, to: values, usingFastPath: usingFastPath)
    }
  }

  @inline(__always)
  private static func add(to values: UnsafeMutableBufferPointer<Int64>, _ noise: () -> Int64) -> Bool {
    for index in values.indices {
      let (sum, overflow) = values[index].addingReportingOverflow(noise())
      if overflow { return false }
      values[index] = sum
    }
    return true
  }
}

extension RandomSource {
  /// Adds independent integer noise to every element of `values`.
  ///
  /// - Parameters:
  ///   - noise: the distribution.
  ///   - values: integers. On an error they are all set to 0, so that no value without noise can be released.
  /// - Throws: ``SecureNoiseError/overflow`` where a noisy value exceeds 64 bits.
  public func add(_ noise: IntegerNoise, to values: inout [Int64]) throws(SecureNoiseError) {
    try add(noise, to: &values, usingFastPath: true)
  }

  /// The same numbers from the same bits, without floating point where `usingFastPath` is false.
  package func add(_ noise: IntegerNoise, to values: inout [Int64], usingFastPath: Bool) throws(SecureNoiseError) {
    let fits = values.withUnsafeMutableBufferPointer { noise.add(to: $0, from: self, usingFastPath: usingFastPath) }
    if !fits {
      values.zero()
      throw .overflow
    }
  }

  /// Adds independent noise from N_Z(0, σ²), exactly. See ``IntegerNoise/discreteGaussian(sigma:)``, which prepares the noise once
  /// for many vectors, and ``add(_:to:)``.
  public func addDiscreteGaussian(sigma: Double, to values: inout [Int64]) throws(SecureNoiseError) {
    try addPrepared(to: &values) { () throws(SecureNoiseError) in try IntegerNoise.discreteGaussian(sigma: sigma) }
  }

  /// Adds independent noise from the Skellam distribution, exactly. See ``IntegerNoise/skellam(variance:)``, which prepares the
  /// noise once for many vectors, and ``add(_:to:)``.
  public func addSkellam(variance: Double, to values: inout [Int64]) throws(SecureNoiseError) {
    try addPrepared(to: &values) { () throws(SecureNoiseError) in try IntegerNoise.skellam(variance: variance) }
  }

  private func addPrepared(
    to values: inout [Int64], _ prepare: () throws(SecureNoiseError) -> IntegerNoise
  ) throws(SecureNoiseError) {
    let noise: IntegerNoise
    do {
      noise = try prepare()
    } catch {
      values.zero()
      throw error
    }
    try add(noise, to: &values)
  }
}
