import COneDNN

/// Processor instructions that the arithmetic engine may use. Results are bit-for-bit the same on all machines that use the same one.
public enum InstructionSet: String, CaseIterable, Codable, Hashable, Sendable {
  /// What every x86-64 machine since 2008 has (SSE 4.1).
  case baseline
  /// 256-bit vectors.
  case avx2
  /// 512-bit vectors (F, BW, DQ and VL).
  case avx512

  /// Caps the instructions for the whole process; the processor may have fewer.
  ///
  /// - Throws: `NeuralNetworkError.instructionSetAlreadyFixed` after the first computation or the first look at `effective`.
  public static func cap(_ level: InstructionSet) throws(NeuralNetworkError) {
    let code: Int
    switch level {
    case .baseline: code = EPS_ISA_BASELINE
    case .avx2: code = EPS_ISA_AVX2
    case .avx512: code = EPS_ISA_AVX512
    }
    guard eps_cap_instruction_set(Int32(code)) == 0 else {
      throw .instructionSetAlreadyFixed(requested: level, effective: effective)
    }
  }

  /// oneDNN's name for the instructions in use, for instance `avx512_core`. Reading it fixes the choice.
  public static var effective: String { String(cString: eps_effective_instruction_set()) }
}
