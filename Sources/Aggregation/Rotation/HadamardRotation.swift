import ParameterVectors
import SecureNoise

/// The randomised Hadamard transform x ↦ H D x/√n: random signs, then the Walsh–Hadamard matrix in Sylvester's order.
///
/// Vectors are padded with zeros to a power of two. n log₂ n additions, with the signs in the first of two passes through memory (three
/// beyond 2²¹ elements). Ailon and Chazelle, Approximate nearest neighbors and the fast Johnson–Lindenstrauss transform, STOC 2006.
public struct HadamardRotation: Rotation, Hashable {
  /// How many times signs and transform are applied, with fresh signs each.
  public let repeats: Int

  /// A rotation of `repeats` transforms, 1...64.
  public init(repeats: Int = 1) throws(AggregationError) {
    try require((1...64).contains(repeats), "number of Hadamard transforms", Double(repeats), "from 1 to 64")
    self.init(checkedRepeats: repeats)
  }

  private init(checkedRepeats: Int) { repeats = checkedRepeats }

  /// One transform, the default.
  public static let once = HadamardRotation(checkedRepeats: 1)

  public var name: String { "Hadamard rotation" }

  public func paddedCount(_ count: Int) throws(AggregationError) -> Int {
    try requireEncodableCount(count)
    return count <= 1 ? 1 : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
  }

  /// (1 + 2⁻²⁴)^(repeats · (log₂ n + 3)): every level of additions, the product with 1/√n and that factor itself.
  public func worstCaseNormGrowth(count: Int) -> Double {
    let levels = Int.bitWidth - max(count - 1, 0).leadingZeroBitCount
    // The sum bounds the power from above: (1 + u)^k ≤ 1 + ku + (ku)² for ku ≤ 1.
    let rounding = Double(repeats * (levels + 3)) * floatRoundoff
    return 1 + rounding + rounding * rounding
  }

  public func forward(_ values: inout [Float], seed: UInt64) throws(AggregationError) {
    let padded = try paddedCount(values.count)
    let scale = Float(1 / Double(padded).squareRoot())
    for signs in signs(count: padded, seed: seed) {
      guard VectorKernels.best.walshHadamard(&values, scaledBy: scale, signs: signs, paddedTo: padded) else {
        throw .nonFiniteUpdate(technique: name)
      }
    }
  }

  public func inverse(_ values: inout [Float], count: Int, seed: UInt64) throws(AggregationError) {
    let padded = try paddedCount(count)
    guard values.count == padded else { throw .lengthMismatch(expected: padded, found: values.count) }
    let scale = Float(1 / Double(padded).squareRoot())
    for signs in signs(count: padded, seed: seed).reversed() {
      VectorKernels.best.walshHadamard(&values)
      VectorKernels.best.scale(&values, by: scale, signs: signs)
    }
    values.removeLast(padded - count)
  }

  /// A bit for every element and repeat.
  private func signs(count: Int, seed: UInt64) -> [[UInt8]] {
    let stream = SimulationStream(seed: seed, purpose: .rotation)
    return (0..<repeats).map { _ in
      var bytes = [UInt8](repeating: 0, count: (count + 7) / 8)
      bytes.withUnsafeMutableBytes { stream.fill($0) }
      return bytes
    }
  }
}
