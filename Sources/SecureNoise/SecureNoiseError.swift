/// Why no random stream could be made, or no noise drawn from it. Keys and random bytes are never part of an error.
public enum SecureNoiseError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The operating system gave no random bytes. `code` is its `errno`.
  case entropyUnavailable(code: Int32)
  /// libcrypto refused to set up AES-128-CTR.
  case cipherUnavailable
  /// A parameter of a distribution is not a number or outside the range in which the sampler is exact. `supported` names the range.
  case unsupportedParameter(name: String, value: String, supported: String)
  /// A noisy value does not fit into 64 bits. Nothing was released: the values are all 0 now.
  case overflow

  public var description: String {
    switch self {
    case .entropyUnavailable(let code):
      """
      The operating system gave no random bytes (errno \(code)), so no private noise can be drawn. \
      Check that the system call getrandom is allowed here, for instance by the container's seccomp profile.
      """
    case .cipherUnavailable:
      """
      OpenSSL could not set up AES-128 in counter mode, so no random numbers can be drawn. \
      Check that libcrypto 3 is installed (package libssl3) and that its default provider is enabled.
      """
    case .unsupportedParameter(let name, let value, let supported):
      "No noise was drawn: its \(name) is \(value), but must be \(supported)."
    case .overflow:
      """
      A noisy value does not fit into 64 bits, so no noisy value was released. \
      Use a coarser grid, or less noise: sums and standard deviations far below 2⁶³ never come here.
      """
    }
  }
}
