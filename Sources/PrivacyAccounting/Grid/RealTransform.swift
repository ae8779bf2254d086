import CFFTW
import Foundation

/// A real Fourier transform of one size with its own buffers; not to be used by two threads at once.
final class RealTransform {
  let size: Int
  private let handle: OpaquePointer
  /// `size` real numbers.
  let real: UnsafeMutablePointer<Double>
  /// size/2 + 1 pairs (real, imaginary).
  let spectrum: UnsafeMutablePointer<Double>

  init(size: Int) throws(AccountingError) {
    guard let handle = epsilon_fftw_create(size), let real = epsilon_fftw_real(handle), let spectrum = epsilon_fftw_spectrum(handle)
    else { throw .notConverged(what: "Fourier transform", reason: "no memory for \(size) points") }
    self.size = size
    self.handle = handle
    self.real = real
    self.spectrum = spectrum
  }

  deinit { epsilon_fftw_destroy(handle) }

  func forward() { epsilon_fftw_forward(handle) }

  /// Without the factor 1/size; destroys the spectrum.
  func inverse() { epsilon_fftw_inverse(handle) }

  /// Bound γ on the rounding of one transform: every output has an error of at most γ‖input‖₁, and the whole output an error of
  /// at most γ‖output‖₂ in the Euclidean norm.
  ///
  /// Each output is a sum of inputs times products of at most log₂ N computed roots of unity, through log₂ N levels of additions.
  /// A level costs a relative error of at most μ + γ₄(√2 + μ) < 7u with roots correct to μ ≤ u (Higham, "Accuracy and Stability of
  /// Numerical Algorithms", 2nd edition, theorem 24.2); 8u, and two levels for the split of real data, keep clear of the
  /// higher radices of FFTW.
  static func roundingBound(size: Int) -> Double { 8 * (log2(Double(size)) + 2) * unitRoundoff }

  /// Size of the form 2^k × {1, 5/4, 3/2} that is at least `count`.
  static func goodSize(atLeast count: Int) -> Int {
    var power = 16
    while power < count { power *= 2 }
    for candidate in [power / 8 * 5, power / 4 * 3] where candidate >= count && candidate % 2 == 0 { return candidate }
    return power
  }
}

/// Half the distance of 1 to the next Double: the relative error of one rounding.
let unitRoundoff = 0x1p-53
