import CVectorKernels

/// The C kernels on Swift arrays, at a chosen level. `VectorMath` is this at the best level; tests force the others.
package struct VectorKernels: Sendable {
  /// The instruction set that is used.
  package let level: KernelLevel

  /// The kernels of `level`, which the machine must have.
  package init(level: KernelLevel) {
    precondition(level <= KernelLevel.best, "this machine cannot execute the kernels for \(level)")
    self.level = level
  }

  /// The kernels for this machine.
  package static let best = VectorKernels(level: .best)

  package func sumOfSquares(_ x: [Float]) -> Double {
    x.withUnsafeBufferPointer { cvk_sum_of_squares(level.rawValue, $0.baseAddress, $0.count) }
  }

  package func sumOfSquares(_ x: [Double]) -> Double {
    x.withUnsafeBufferPointer { cvk_sum_of_squares_f64(level.rawValue, $0.baseAddress, $0.count) }
  }

  package func l1Norm(_ x: [Float]) -> Double {
    x.withUnsafeBufferPointer { cvk_l1_norm(level.rawValue, $0.baseAddress, $0.count) }
  }

  package func maximumMagnitude(_ x: [Float]) -> Float {
    x.withUnsafeBufferPointer { cvk_max_magnitude(level.rawValue, $0.baseAddress, $0.count) }
  }

  package func accumulate(_ x: [Float], scaledBy scale: Double, into sum: inout [Double]) {
    precondition(x.count == sum.count, "a vector of \(x.count) values cannot be added to \(sum.count) sums")
    sum.withUnsafeMutableBufferPointer { sum in
      x.withUnsafeBufferPointer { cvk_accumulate(level.rawValue, scale, $0.baseAddress, sum.baseAddress, $0.count) }
    }
  }

  package func add(_ x: [Double], into sum: inout [Double]) {
    precondition(x.count == sum.count, "\(x.count) values cannot be added to \(sum.count) sums")
    sum.withUnsafeMutableBufferPointer { sum in
      x.withUnsafeBufferPointer { cvk_add_f64(level.rawValue, $0.baseAddress, sum.baseAddress, $0.count) }
    }
  }

  package func add(_ x: [Float], scaledBy scale: Float, into y: inout [Float]) {
    precondition(x.count == y.count, "\(x.count) values cannot be added to \(y.count) values")
    y.withUnsafeMutableBufferPointer { y in
      x.withUnsafeBufferPointer { cvk_axpy(level.rawValue, scale, $0.baseAddress, y.baseAddress, $0.count) }
    }
  }

  package func scale(_ x: inout [Float], by factor: Float) {
    x.withUnsafeMutableBufferPointer { cvk_scale(level.rawValue, factor, $0.baseAddress, $0.count) }
  }

  package func accumulateOnGrid(
    _ x: [Float], scaledBy factor: Double, subtracting: Bool, into sum: inout [Int64]
  ) -> (high: UInt64, low: UInt64) {
    precondition(x.count == sum.count && x.count < 1 << 32, "a vector of \(x.count) values cannot be added to \(sum.count) sums")
    var (high, low): (UInt64, UInt64) = (0, 0)
    sum.withUnsafeMutableBufferPointer { sum in
      x.withUnsafeBufferPointer {
        cvk_grid_accumulate(level.rawValue, factor, subtracting ? -1 : 1, $0.baseAddress, sum.baseAddress, $0.count, &high, &low)
      }
    }
    return (high, low)
  }

  package func add(_ x: [Int64], into sum: inout [Int64]) -> Bool {
    precondition(x.count == sum.count, "\(x.count) values cannot be added to \(sum.count) sums")
    return sum.withUnsafeMutableBufferPointer { sum in
      x.withUnsafeBufferPointer { cvk_add_i64(level.rawValue, $0.baseAddress, sum.baseAddress, $0.count) != 0 }
    }
  }

  package func difference(_ a: [Float], _ b: [Float]) -> [Float] {
    precondition(a.count == b.count, "\(b.count) values cannot be subtracted from \(a.count) values")
    return [Float](unsafeUninitializedCapacity: a.count) { out, count in
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          cvk_subtract(level.rawValue, a.baseAddress, b.baseAddress, out.baseAddress, a.count)
        }
      }
      count = a.count
    }
  }
}
