import COpenSSL

/// The hash function SHA-256 (FIPS 180-4).
public enum SHA256 {
  /// The 32 bytes of the digest of `bytes`.
  public static func digest(of bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(COPENSSL_SHA256_BYTES)) { out, count in
      let status = bytes.withUnsafeBufferPointer { copenssl_sha256($0.baseAddress, $0.count, out.baseAddress) }
      precondition(status == 1, "libcrypto has no SHA-256")
      count = Int(COPENSSL_SHA256_BYTES)
    }
  }

  /// The digest of `bytes` as 64 lower-case hexadecimal digits.
  public static func hexDigest(of bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = digest(of: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
