import Foundation

/// Σ_j w_j e^{ikθ_j} for k = 0 … count−1 by one fast Fourier transform on a finer grid.
///
/// The weights are spread over the grid with the Kaiser–Bessel window, whose transform is divided out again (Potts, Steidl and Tasche 2001,
/// "Fast Fourier transforms for nonequispaced data", section 2; Fourmont 2003). With cut-off m = 9 and twice as many grid points as
/// frequencies, the error from cutting the window is at most 4π(√m + m)(1/2)^{1/4} e^{−2πm/√2} < 6e−16 of Σ|w|.
struct NonuniformTransform {
  private static let cutoff = 9
  private static let shape = 1.5 * Double.pi
  private static let windowError = 6e-16

  /// Σ w cos and Σ w sin.
  let real: [Double]
  let imaginary: [Double]
  /// Bound of the error of each sum, apart from that of the phases kθ.
  let error: [Double]

  /// About how many nanoseconds it takes, for the choice between this and the direct sum.
  static func cost(nodes: Int, count: Int) -> Double {
    let size = 4 * Double(count) + 64
    return 350 * Double(nodes) + 2.5 * size * log2(size)
  }

  /// e^(−x) I₀(x) for x ≥ 39, as all arguments here are: fourteen terms of the asymptotic series, of which the next is below 1e-17.
  private static func scaledBesselI0(_ x: Double) -> Double {
    let inverse = 1 / x
    return besselTerms.reduce(0) { $0 * inverse + $1 } / (2 * Double.pi * x).squareRoot()
  }

  /// ((2k−1)!!)² / (k! 8ᵏ), the greatest k first.
  private static let besselTerms: [Double] = (1...13).reduce(into: [1.0]) { terms, k in
    let odd = Double(2 * k - 1)
    terms.append(terms[k - 1] * odd * odd / (8 * Double(k)))
  }.reversed()

  init(weights: [Double], angles: [Double], count: Int) throws(AccountingError) {
    let size = RealTransform.goodSize(atLeast: 4 * count + 64)
    let transform = try RealTransform(size: size)
    let cutoff = Double(Self.cutoff)
    let peak = Self.shape * cutoff
    transform.real.update(repeating: 0, count: size)
    let least = exp(-2 * peak)
    var total = 0.0
    for (weight, angle) in zip(weights, angles) {
      // Within half a turn, so that small angles keep their digits.
      let turns = angle / (2 * Double.pi)
      let position = (turns - turns.rounded()) * Double(size)
      let centre = position.rounded()
      total += weight
      for offset in -Self.cutoff...Self.cutoff {
        let distance = position - centre - Double(offset)
        let square = cutoff * cutoff - distance * distance
        guard square > 0 else { continue }
        let root = square.squareRoot()
        // sinh(b√…)/√… × e^{−bm}; where its two terms cancel it is below e^{−bm} and does not count.
        let grown = exp(Self.shape * root - peak)
        let window = 0.5 * (grown - least / grown) / root
        var cell = (Int(centre) + offset) % size
        if cell < 0 { cell += size }
        transform.real[cell] += weight * window
      }
    }
    transform.forward()
    var real = [Double](repeating: 0, count: count)
    var imaginary = real
    var error = real
    let rounding = RealTransform.roundingBound(size: size) + 64 * unitRoundoff
    let whole = Self.scaledBesselI0(peak)
    for index in 0..<count {
      let frequency = 2 * Double.pi * Double(index) / Double(size)
      let argument = cutoff * (Self.shape * Self.shape - frequency * frequency).squareRoot()
      // The window's transform at this frequency, times π because the window above lacks the factor 1/π.
      let factor = Double.pi * Self.scaledBesselI0(argument) * exp(argument - peak)
      real[index] = transform.spectrum[2 * index] / factor
      imaginary[index] = -transform.spectrum[2 * index + 1] / factor
      error[index] = total * (Self.windowError + rounding * 1.01 * Double.pi * whole / factor)
    }
    (self.real, self.imaginary, self.error) = (real, imaginary, error)
  }
}
