import CGSL
import Foundation

/// The numerical routines of GSL that the accountants use, as throwing Swift functions over closures.
enum Numerics {
  /// GSL's default handler ends the process; this is evaluated once, before the first call.
  private static let abortDisabled: Void = epsilon_gsl_disable_abort()

  /// Carries a closure through C's `void *`. It lives on the caller's stack frame for the length of one call.
  private final class Box {
    let function: (Double) -> Double
    init(_ function: @escaping (Double) -> Double) { self.function = function }
  }

  private static func withFunction<Result>(
    _ function: (Double) -> Double, _ body: (epsilon_gsl_function, UnsafeMutableRawPointer) -> Result
  ) -> Result {
    abortDisabled
    return withoutActuallyEscaping(function) { function in
      let box = Box(function)
      return withExtendedLifetime(box) {
        body(
          { x, context in
            guard let context else { return .nan }
            return Unmanaged<Box>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.function(x) }
          }, Unmanaged.passUnretained(box).toOpaque())
      }
    }
  }

  private static func check(_ status: Int32, _ what: String) throws(AccountingError) {
    guard status == 0 else {
      throw .notConverged(what: what, reason: String(cString: epsilon_gsl_message(status)))
    }
  }

  /// Density of the standard normal over its upper tail at `x`.
  static func normalHazard(_ x: Double) throws(AccountingError) -> Double {
    abortDisabled
    var result = 0.0
    try check(epsilon_gsl_normal_hazard(x, &result), "hazard function of the normal at \(x)")
    return result
  }

  /// Upper tail of the standard normal at `x`.
  static func normalUpperTail(_ x: Double) -> Double { epsilon_gsl_normal_upper_tail(x) }

  /// Integral of `function` over [`lower`, `upper`], with the error estimate of Gauss–Kronrod as a second value.
  static func integrate(
    from lower: Double, to upper: Double, relativeTolerance: Double, what: String, _ function: (Double) -> Double
  ) throws(AccountingError) -> (value: Double, error: Double) {
    var value = 0.0
    var error = 0.0
    let status = withFunction(function) {
      epsilon_gsl_integrate($0, $1, lower, upper, relativeTolerance, &value, &error)
    }
    // Near the limit of Double the rule reports round-off although its estimate is good: the estimate decides.
    if status != 0 && !(error <= 100 * relativeTolerance * abs(value)) { try check(status, what) }
    return (value, error)
  }

  /// The two ends of a bracket of the root of `function`, of opposite signs at `lower` and `upper`.
  static func rootBracket(
    from lower: Double, to upper: Double, relativeTolerance: Double, what: String, _ function: (Double) -> Double
  ) throws(AccountingError) -> (lower: Double, upper: Double) {
    var low = lower
    var high = upper
    let status = withFunction(function) { epsilon_gsl_root($0, $1, &low, &high, relativeTolerance) }
    try check(status, what)
    return (low, high)
  }

  /// Abscissae in increasing order and weights of the Gauss–Legendre rule on [−1, 1].
  static func gaussLegendre(_ order: Int) -> [(x: Double, weight: Double)] {
    (0..<order).map { index in
      var point = (x: 0.0, weight: 0.0)
      epsilon_gsl_gauss_legendre(order, index, &point.x, &point.weight)
      return point
    }
  }

  /// The least value found by Brent's method inside (`lower`, `upper`), starting at `start`.
  ///
  /// Returns `nil` where `start` is not below both ends, in which case the caller keeps the best end.
  static func minimum(
    from lower: Double, to upper: Double, start: Double, tolerance: Double, _ function: (Double) -> Double
  ) -> (x: Double, value: Double)? {
    var x = start
    var value = 0.0
    let status = withFunction(function) { epsilon_gsl_minimum($0, $1, lower, upper, tolerance, &x, &value) }
    return status == 0 && value.isFinite ? (x, value) : nil
  }
}

/// log(exp(a) + exp(b)) without overflow.
func logAddExp(_ a: Double, _ b: Double) -> Double {
  let high = max(a, b)
  guard high.isFinite else { return high }
  return high + log1p(exp(min(a, b) - high))
}

/// e^z − 1 − z ≥ 0, by its series up to z¹⁷ where it would cancel.
@inline(__always) func exponentialRemainder(_ z: Double) -> Double {
  if abs(z) > 0.5 { return expm1(z) - z }
  // Even and odd powers apart: the processor works on both at once.
  let s = z * z
  let even =
    1 / 2.0 + s
    * (1 / 24.0 + s
      * (1 / 720.0 + s
        * (1 / 40_320.0 + s
          * (1 / 3_628_800.0 + s
            * (1 / 479_001_600.0
              + s * (1 / 87_178_291_200.0 + s * (1 / 20_922_789_888_000.0)))))))
  let odd =
    1 / 6.0 + s
    * (1 / 120.0 + s
      * (1 / 5_040.0 + s
        * (1 / 362_880.0 + s
          * (1 / 39_916_800.0 + s
            * (1 / 6_227_020_800.0
              + s * (1 / 1_307_674_368_000.0 + s * (1 / 355_687_428_096_000.0)))))))
  return s * (even + z * odd)
}
