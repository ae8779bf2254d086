/// Why no random stream could be made. Keys and random bytes are never part of an error.
public enum SecureNoiseError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The operating system gave no random bytes. `code` is its `errno`.
  case entropyUnavailable(code: Int32)
  /// libcrypto refused to set up AES-128-CTR.
  case cipherUnavailable

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
    }
  }
}
