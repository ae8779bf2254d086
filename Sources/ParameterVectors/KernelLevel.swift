import CVectorKernels

/// An instruction-set level of the vector kernels. All levels give the same bits; they differ in speed only.
package enum KernelLevel: Int32, CaseIterable, Comparable, Sendable {
  case baseline, avx2, avx512

  /// The highest level that this machine can execute.
  package static let best = KernelLevel(rawValue: cvk_best_level()) ?? .baseline

  /// The levels that this machine can execute, lowest first.
  package static var available: [KernelLevel] { allCases.filter { $0 <= best } }

  package static func < (a: KernelLevel, b: KernelLevel) -> Bool { a.rawValue < b.rawValue }
}
