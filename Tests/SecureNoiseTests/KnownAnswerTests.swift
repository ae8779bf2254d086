import SecureNoise
import Testing

private func bytes(_ hex: String) -> [UInt8] {
  let digits = hex.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func read(_ count: Int, from source: any RandomByteSource) -> [UInt8] {
  var result = [UInt8](repeating: 0, count: count)
  result.withUnsafeMutableBytes { source.fill($0) }
  return result
}

@Suite("Known answers")
struct KnownAnswerTests {
  @Test("AES-128-CTR gives the key stream of NIST SP 800-38A, F.5.1, however it is cut into calls")
  func counterMode() throws {
    let expected = bytes(
      "ec8cdf7398607cb0f2d21675ea9ea1e4" + "362b7c3c6773516318a077d7fc5073ae"
        + "6a2cc3787889374fbeb4c81b17ba6c44" + "e89c399ff0f198c6d40a31db156cabfe")
    let key = bytes("2b7e151628aed2a6abf7158809cf4f3c")
    let counter = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    for pieces in [[64], [16, 16, 16, 16], [1, 0, 30, 33], [7, 57]] {
      let keystream = try Keystream(key: key, counter: counter)
      var stream: [UInt8] = []
      for count in pieces {
        var piece = [UInt8](repeating: 0xAA, count: count)
        piece.withUnsafeMutableBytes { keystream.fill($0) }
        stream += piece
      }
      #expect(stream == expected)
    }
  }

  @Test("SHA-256 gives the digests of FIPS 180-4's examples")
  func digests() {
    #expect(
      SHA256.hexDigest(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hexDigest(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.digest(of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == bytes("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"))
  }
}
