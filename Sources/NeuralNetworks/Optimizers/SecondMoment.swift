/// What the optimizers share that divide by the root of a second moment.
enum SecondMoment {
  /// `value`, or the largest number where it is infinite: squares of finite gradients overflow from 2⁶⁴ on, and a mean that were
  /// infinite once would be NaN one step later. NaN stays.
  @inline(__always)
  static func finite(_ value: Float) -> Float { min(value, .greatestFiniteMagnitude) }

  /// a / b, or 0 where b is 0: with ε = 0 a parameter without a slope would else move by 0/0.
  @inline(__always)
  static func quotient(_ a: Float, _ b: Float) -> Float { b == 0 ? 0 : a / b }
}
