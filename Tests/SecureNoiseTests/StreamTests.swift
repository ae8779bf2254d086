import SecureNoise
import Testing

@Suite("Streams")
struct StreamTests {
  /// Computed independently: `python3`'s hashlib for the SHA-256 of the tuple, `openssl enc -aes-128-ctr` for the stream.
  @Test("A simulation stream has the same first bytes on every machine")
  func stableBytes() {
    let stream = SimulationStream(seed: 1, purpose: .noise, round: 2, client: 3)
    #expect(read(16, from: stream) == Self.firstBytes)
    let random = RandomSource.simulation(seed: 1, purpose: .noise, round: 2, client: 3)
    #expect(random.nextUInt64() == Self.firstBytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }
  static let firstBytes: [UInt8] = [0xbd, 0xe8, 0xbe, 0xfc, 0x73, 0x7b, 0xf4, 0x90, 0xa7, 0x82, 0x0e, 0xc1, 0x6c, 0x43, 0xb2, 0x0b]

  @Test("Streams of different seeds, purposes, rounds or clients differ")
  func streamsDiffer() {
    var seen: Set<[UInt8]> = []
    var count = 0
    for seed in [0, 1, UInt64.max] {
      for purpose in StreamPurpose.allCases {
        for round in [0, 1, 256] as [UInt64] {
          for client in [0, 1, 256] as [UInt64] {
            let stream = SimulationStream(seed: seed, purpose: purpose, round: round, client: client)
            seen.insert(read(16, from: stream))
            count += 1
          }
        }
      }
    }
    #expect(seen.count == count)
  }

  @Test("The numbers do not depend on the size of the buffer")
  func bufferSize() {
    func numbers(_ size: Int) -> [UInt64] {
      let source = RandomSource(SimulationStream(seed: 5, purpose: .testing), bufferByteCount: size)
      return (0..<10_000).map { _ in source.nextUInt64() }
    }
    let expected = numbers(1 << 15)
    for size in [8, 24, 1000, 1 << 16] { #expect(numbers(size) == expected) }
  }

  /// A false alarm has probability 2⁻²⁵⁶.
  @Test("Two secure generators give different streams, and neither repeats itself")
  func secureGeneratorsDiffer() throws {
    let first = try SecureGenerator()
    let second = try SecureGenerator()
    let streams = [read(32, from: first), read(32, from: first), read(32, from: second), read(32, from: second)]
    #expect(Set(streams).count == 4)
  }

  /// A false alarm has probability below 1e-30: a repeated key would repeat 16-byte pieces for certain.
  @Test("A secure generator that changes its key does not repeat a block, and fills every byte")
  func changeOfKey() throws {
    let generator = try SecureGenerator(bytesPerKey: 48)
    let bytes = read(16 * 1000, from: generator)
    let blocks = Set((0..<1000).map { Array(bytes[16 * $0..<16 * $0 + 16]) })
    #expect(blocks.count == 1000)
  }

  @Test("References share one stream: nothing is drawn twice")
  func referencesShareTheStream() {
    let source = RandomSource.simulation(seed: 1, purpose: .testing)
    let other = source
    let values = [source.gaussian(), other.gaussian(), source.gaussian(), other.gaussian()]
    #expect(Set(values).count == 4)
  }

  @Test("Errors say what to do")
  func messages() {
    #expect(SecureNoiseError.entropyUnavailable(code: 1).description.contains("getrandom"))
    #expect(SecureNoiseError.cipherUnavailable.description.contains("libssl3"))
  }
}
