/// Minimisation of a smooth function of few variables by the method of Broyden, Fletcher, Goldfarb and Shanno with a backtracking line
/// search (Nocedal and Wright 2006, algorithm 6.1). Deterministic.
enum QuasiNewton {
  /// A point where the objective is at most that of `start`.
  ///
  /// - Parameters:
  ///   - iterations: greatest number of steps.
  ///   - tolerance: it stops when a step promises to lower the objective by less.
  ///   - objective: fills the gradient and returns the value; where that is not finite, the line search steps back.
  static func minimize(
    from start: [Double], iterations: Int, tolerance: Double, objective: (_ point: [Double], _ gradient: inout [Double]) -> Double
  ) -> [Double] {
    let n = start.count
    var point = start
    var gradient = [Double](repeating: 0, count: n)
    var value = objective(point, &gradient)
    guard n > 0, value.isFinite else { return start }
    // Estimate of the inverse Hessian, row-major.
    var inverse = identity(n, scale: 1)
    var isScaled = false
    for _ in 0..<iterations {
      var direction = times(inverse, gradient).map { -$0 }
      var slope = dot(direction, gradient)
      if !(slope < 0) {
        inverse = identity(n, scale: 1)
        direction = gradient.map { -$0 }
        slope = dot(direction, gradient)
      }
      guard slope < -tolerance else { break }
      var step = isScaled ? 1.0 : min(1, 0.1 / dot(direction, direction).squareRoot())
      var next = point
      var nextGradient = gradient
      var nextValue = Double.infinity
      var isLower = false
      for _ in 0..<40 {
        for i in 0..<n { next[i] = point[i] + step * direction[i] }
        nextValue = objective(next, &nextGradient)
        isLower = nextValue <= value + 1e-4 * step * slope
        if isLower { break }
        step *= 0.5
      }
      guard isLower else { break }
      let moved = zip(next, point).map { $0 - $1 }
      let changed = zip(nextGradient, gradient).map { $0 - $1 }
      let curvature = dot(moved, changed)
      if curvature > 1e-12 * (dot(moved, moved) * dot(changed, changed)).squareRoot() {
        if !isScaled {
          inverse = identity(n, scale: curvature / dot(changed, changed))
          isScaled = true
        }
        let product = times(inverse, changed)
        let factor = (1 + dot(changed, product) / curvature) / curvature
        for i in 0..<n {
          for j in 0..<n {
            inverse[i * n + j] += factor * moved[i] * moved[j] - (product[i] * moved[j] + moved[i] * product[j]) / curvature
          }
        }
      }
      (point, gradient, value) = (next, nextGradient, nextValue)
    }
    return point
  }

  private static func identity(_ n: Int, scale: Double) -> [Double] {
    var matrix = [Double](repeating: 0, count: n * n)
    for i in 0..<n { matrix[i * n + i] = scale }
    return matrix
  }

  private static func times(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    let n = vector.count
    return (0..<n).map { i in
      var sum = 0.0
      for j in 0..<n { sum += matrix[i * n + j] * vector[j] }
      return sum
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }
}
