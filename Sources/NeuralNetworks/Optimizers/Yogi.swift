/// Steps of Yogi on flat buffers of equal length.
enum Yogi {
  /// a ← a + (1 − β₁)(g − a), p ← p + (1 − β₂) sign(g² − p) g², w ← w − rate · a / (√p + ε), with Adam's rate
  static func step(
    _ parameters: inout [Float], _ gradient: [Float], mean: inout [Float], square: inout [Float], _ factors: Adam.Factors
  ) {
    for index in parameters.indices {
      let slope = gradient[index]
      let a = mean[index] + factors.gain1 * (slope - mean[index])
      let squared = SecondMoment.finite(slope * slope)
      let change = factors.gain2 * squared
      let before = square[index]
      // Falls only where g² < p, by at most g²: p never gets below zero.
      let p = SecondMoment.finite(squared > before ? before + change : squared < before ? before - change : before)
      mean[index] = a
      square[index] = p
      parameters[index] -= factors.rate * SecondMoment.quotient(a, p.squareRoot() + factors.epsilon)
    }
  }
}
