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

  package func addOnGrid(
    _ vectors: [[Float]], scaledBy factors: [Double], greatestSquaredNorm: UInt64, into sum: inout [Int64]
  ) -> [Bool] {
    precondition(vectors.count == factors.count, "\(vectors.count) vectors need a factor each, not \(factors.count)")
    precondition(greatestSquaredNorm < 1 << 62, "a squared norm of \(greatestSquaredNorm) lets single values leave their range")
    for x in vectors { precondition(x.count == sum.count, "a vector of \(x.count) values cannot be added to \(sum.count) sums") }
    guard !vectors.isEmpty else { return [] }
    if sum.isEmpty { return vectors.map { _ in true } }
    var added = [UInt8](repeating: 0, count: vectors.count)
    sum.withUnsafeMutableBufferPointer { sum in
      Self.withPointers(to: vectors[...]) { pointers in
        cvk_grid_add(
          level.rawValue, pointers.count, factors, pointers, greatestSquaredNorm, sum.baseAddress, sum.count, &added)
      }
    }
    return added.map { $0 != 0 }
  }

  /// The addresses of all vectors, which are not empty, at once.
  private static func withPointers(
    to vectors: ArraySlice<[Float]>, after pointers: [UnsafePointer<Float>?] = [], _ body: ([UnsafePointer<Float>?]) -> Void
  ) {
    guard let first = vectors.first else { return body(pointers) }
    first.withUnsafeBufferPointer { withPointers(to: vectors.dropFirst(), after: pointers + [$0.baseAddress], body) }
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
