import Foundation

/// The tilt, from sketches of the laws: nothing that is certified rests on it.
extension GridAccountant {
  func moments(_ theta: Double) -> (value: Double, first: Double, second: Double) {
    var (value, first, second) = (0.0, 0.0, 0.0)
    for part in components {
      let n = Double(part.count)
      let m = part.sketch.moments(theta)
      value += n * m.value
      first += n * m.first
      second += n * m.second
    }
    return (value, first, second)
  }

  /// Root of an increasing function of log θ.
  func bisect(_ function: (Double) -> Double) -> Double {
    var (low, high) = (log(1e-9), log(1e9))
    for _ in 0..<60 where high - low > 1e-4 {
      let middle = 0.5 * (low + high)
      if function(exp(middle)) > 0 { high = middle } else { low = middle }
    }
    return exp(0.5 * (low + high))
  }

  /// The tilt where exp(ΣnK(θ) − θε)/(θ(θ + 1)) is least (Alghamdi et al. 2023).
  func tilt(epsilon: Double) -> Double { bisect { moments($0).first - 1 / $0 - 1 / ($0 + 1) - epsilon } }

  /// Saddle-point approximation of log δ with the ε that θ belongs to.
  func saddle(_ theta: Double) -> (epsilon: Double, logDelta: Double) {
    let m = moments(theta)
    let epsilon = m.first - 1 / theta - 1 / (theta + 1)
    let curvature = m.second + 1 / (theta * theta) + 1 / ((theta + 1) * (theta + 1))
    return (epsilon, m.value - theta * epsilon - log(theta) - log1p(theta) - 0.5 * log(2 * Double.pi * curvature))
  }

  /// The same with the sketches cut at the top, where all the cut losses together have at most this mass in the composition.
  func truncated(logMass: Double) -> GridAccountant {
    var copy = self
    for i in copy.components.indices {
      let budget = exp(max(logMass, -690) - log(Double(components[i].count) * Double(components.count)))
      copy.components[i].sketch = components[i].sketch.truncated(above: budget)
    }
    return copy
  }
}
