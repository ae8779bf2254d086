import Foundation

/// The binomial law with n trials of probability q, in log space.
package struct BinomialLaw: Sendable {
  /// n.
  package let trials: Int
  /// q.
  package let probability: Double

  /// Checks both numbers; n up to 2^53.
  package init(trials: Int, probability: Double) throws(AccountingError) {
    try MechanismParameters.count("trials", trials, atLeast: 0)
    try MechanismParameters.probability("probability", probability)
    self.trials = trials
    self.probability = probability
  }

  /// log n! − (n + ½) log n + n − ½ log 2π, the error of Stirling's formula.
  private static func stirlingError(_ n: Double) -> Double {
    if n < 16 {
      var logFactorial = 0.0
      for k in stride(from: 2.0, through: n, by: 1) { logFactorial += log(k) }
      return logFactorial - (n + 0.5) * log(n) + n - 0.5 * log(2 * Double.pi)
    }
    let s = 1 / (n * n)
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - s / 1188) * s) * s) * s) / n
  }

  /// x log(x/m) + m − x without cancellation near x = m (Loader 2000).
  private static func deviance(_ x: Double, _ m: Double) -> Double {
    let v = (x - m) / (x + m)
    guard abs(v) < 0.1 else { return x * log(x / m) + m - x }
    var sum = (x - m) * v
    var term = 2 * x * v
    for j in 1..<60 {
      term *= v * v
      let next = sum + term / Double(2 * j + 1)
      if next == sum { break }
      sum = next
    }
    return sum
  }

  /// log P[X = k], −∞ outside 0...n; absolute error below 1e-14 (1 + |log P|) (Loader's saddle-point form).
  package func logMass(_ k: Int) -> Double {
    guard k >= 0, k <= trials else { return -.infinity }
    let (n, x, q) = (Double(trials), Double(k), probability)
    if q == 0 { return k == 0 ? 0 : -.infinity }
    if q == 1 { return k == trials ? 0 : -.infinity }
    if k == 0 { return n * log1p(-q) }
    if k == trials { return n * log(q) }
    let centre = Self.stirlingError(n) - Self.stirlingError(x) - Self.stirlingError(n - x)
    let spread = Self.deviance(x, n * q) + Self.deviance(n - x, n * (1 - q))
    return centre - spread + 0.5 * (log(n) - log(2 * Double.pi) - log(x) - log(n - x))
  }

  /// log P[X > k], rounded up by 1e-12 (1 + |log P|).
  ///
  /// Above the mean: masses from k + 1 on; their quotients fall, so that the rest is at most a geometric series, which is
  /// added. Below the mean: log(1 − P[X ≤ k]) with that sum rounded down.
  package func logUpperTail(_ k: Int) -> Double {
    guard k < trials else { return -.infinity }
    guard k >= 0 else { return 0 }
    let (n, q) = (Double(trials), probability)
    if q == 0 { return -.infinity }
    if q == 1 { return 0 }
    let odds = q / (1 - q)
    func rounded(_ value: Double) -> Double { min(0, value + 1e-12 * (1 + abs(value))) }
    let mostTerms = 20_000_000
    if Double(k + 1) >= n * q {
      let first = logMass(k + 1)
      var (term, sum) = (1.0, 0.0)
      var j = k + 1
      for _ in 0..<mostTerms {
        sum += term
        let quotient = (n - Double(j)) / Double(j + 1) * odds
        term *= quotient
        j += 1
        guard j <= trials else { return rounded(first + log(sum)) }
        let next = (n - Double(j)) / Double(j + 1) * odds
        let rest = next < 1 ? term / (1 - next) : .infinity
        if rest < 1e-17 * sum { return rounded(first + log(sum + rest)) }
      }
      let next = (n - Double(j)) / Double(j + 1) * odds
      return rounded(next < 1 ? first + log(sum + term / (1 - next)) : 0)
    }
    // Fewer terms only make the lower sum smaller, which is outward.
    let first = logMass(k)
    var (term, sum) = (1.0, 0.0)
    var j = k
    for _ in 0..<mostTerms where j >= 0 && term > 1e-18 * sum {
      sum += term
      term *= Double(j) / (n - Double(j) + 1) / odds
      j -= 1
    }
    let lower = exp(first - 1e-12 * (1 + abs(first))) * sum
    return min(0, log1p(-min(lower, 1 - 1e-16)) * (1 - 1e-12))
  }
}
