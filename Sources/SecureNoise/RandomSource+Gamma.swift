#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension RandomSource {
  /// A number from the gamma distribution with the given shape and scale 1.
  ///
  /// - Parameter shape: positive and finite. For shapes below about 0.001 most numbers are too small for `Double`
  ///   and come out as 0.
  ///
  /// Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26, 2000.
  public func gamma(shape: Double) -> Double {
    precondition(shape > 0 && shape.isFinite, "a gamma shape is positive and finite, not \(shape)")
    if shape >= 1 { return gammaAtLeastOne(shape: shape) }
    return exp(logarithmOfGamma(shape: shape))
  }

  /// A point of the simplex from the Dirichlet distribution.
  ///
  /// - Parameter concentrations: one number at least 0 per component, finite, not all 0. A component with
  ///   concentration 0 is always 0.
  /// - Returns: probabilities that add up to 1, whatever the concentrations: the gamma numbers are compared by
  ///   their logarithms, so that very small concentrations give a corner of the simplex instead of 0/0.
  public func dirichlet(_ concentrations: [Double]) -> [Double] {
    precondition(
      concentrations.allSatisfy { $0 >= 0 && $0.isFinite } && concentrations.contains { $0 > 0 },
      "Dirichlet concentrations are finite, at least 0 and not all 0")
    let logarithms = concentrations.map { $0 > 0 ? logarithmOfGamma(shape: $0) : -Double.infinity }
    let largest = logarithms.reduce(-Double.infinity, max)
    let weights =
      largest.isFinite
      ? logarithms.map { exp($0 - largest) }
      // Concentrations so small that every logarithm overflows: the distribution is all corners by then.
      : corner(concentrations)
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// One corner of the simplex, chosen in proportion to `concentrations`: the limit of small concentrations.
  private func corner(_ concentrations: [Double]) -> [Double] {
    let scale = 1 / concentrations.reduce(0, max)
    let relative = concentrations.map { scale.isFinite ? $0 * scale : ($0 > 0 ? 1 : 0) }
    var rest = uniformDouble() * relative.reduce(0, +)
    var chosen = relative.lastIndex { $0 > 0 } ?? 0
    for (index, weight) in relative.enumerated() where weight > 0 {
      if rest < weight {
        chosen = index
        break
      }
      rest -= weight
    }
    return relative.indices.map { $0 == chosen ? 1 : 0 }
  }

  private func logarithmOfGamma(shape: Double) -> Double {
    if shape >= 1 { return log(gammaAtLeastOne(shape: shape)) }
    // Section 6 of the paper: a gamma number of shape + 1 times U^(1/shape), here in logarithms.
    return log(gammaAtLeastOne(shape: shape + 1)) + log(uniformOpenDouble()) / shape
  }

  private func gammaAtLeastOne(shape: Double) -> Double {
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = gaussian()
      let cubeRoot = 1 + c * x
      if cubeRoot <= 0 { continue }
      let v = cubeRoot * cubeRoot * cubeRoot
      if log(uniformOpenDouble()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
    }
  }
}
