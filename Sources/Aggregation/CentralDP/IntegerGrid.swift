import Foundation
import ParameterVectors
import SecureNoise

/// A grid of 2^−bits, in units of a bound or of one, whose noise is quick to draw.
///
/// Products with 2^±bits are exact: shifts of a `Double`.
struct IntegerGrid: Hashable, Sendable {
  let bits: Int

  /// 2^30 steps for a unit: the most for which single values fit their kernel.
  static let finest = IntegerGrid(bits: 30)

  private init(bits: Int) { self.bits = bits }

  /// The grid for Gaussian noise of `deviation` units: the finest one, and a coarser one above a deviation of 1, because noise of up
  /// to 2^31 steps is the quickest.
  init(noiseDeviation deviation: Double) {
    bits = deviation > 1 ? Self.finest.bits - min(29, Int(log2(deviation).rounded(.up))) : Self.finest.bits
  }

  /// `value` units in steps.
  func steps(_ value: Double) -> Double { Double(sign: .plus, exponent: bits, significand: value) }

  /// `steps` steps in units, or a step of a unit that is itself worth `steps`.
  func units(_ steps: Double) -> Double { Double(sign: .plus, exponent: -bits, significand: steps) }
}

extension RandomSource {
  /// Adds real Gaussian noise of `deviation` steps, rounded exactly to whole steps; nothing at 0.
  func addGridNoise(deviation: Double, to steps: inout [Int64]) throws(AggregationError) {
    do throws(SecureNoiseError) { try addGridGaussian(standardDeviation: deviation, to: &steps) } catch {
      throw .noRandomness(reason: error.description)
    }
  }

  /// `steps` plus noise of `deviation` steps, times `step`: block by block, so that the noised integers stay in a near cache.
  func noisyUnits(of steps: [Int64], deviation: Double, step: Double) throws(AggregationError) -> [Double] {
    var failure: AggregationError?
    let values: [Double] = VectorMath.makeLarge(steps.count) { values in
      for start in stride(from: 0, to: steps.count, by: 1 << 14) {
        var block = Array(steps[start..<min(start + 1 << 14, steps.count)])
        // What fails is zeroed.
        do throws(AggregationError) { try addGridNoise(deviation: deviation, to: &block) } catch { failure = error }
        for (index, noised) in block.enumerated() { values.initializeElement(at: start + index, to: Double(noised) * step) }
      }
    }
    if let failure { throw failure }
    return values
  }
}
