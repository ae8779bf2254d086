/// Writes a message from its header on; numbers are little-endian.
struct ByteWriter {
  private(set) var bytes: [UInt8]

  init(_ format: EncodingFormat, capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity + 2)
    bytes.append(format.rawValue)
    bytes.append(EncodingFormat.version)
  }

  mutating func write(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

  mutating func write(_ value: Float) { write(value.bitPattern) }

  mutating func write(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  /// Adds `count` zeros and lets `body` fill them: it gets the bytes and where its own begin.
  mutating func write(count: Int, _ body: (inout [UInt8], Int) -> Void) {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: count))
    body(&bytes, start)
  }
}

/// Reads a message that may be anything. Every read checks what is left.
struct ByteReader {
  let bytes: [UInt8]
  private let encoder: String
  private(set) var position = 0

  /// Checks the header.
  init(_ encoded: EncodedUpdate, _ format: EncodingFormat, encoder: String) throws(AggregationError) {
    bytes = encoded.bytes
    self.encoder = encoder
    guard bytes.count >= 2, bytes[0] == format.rawValue else { throw malformed("it begins with another format") }
    guard bytes[1] == EncodingFormat.version else { throw malformed("its version is \(bytes[1]), not \(EncodingFormat.version)") }
    position = 2
  }

  var remaining: Int { bytes.count - position }

  /// The error to throw for this message.
  func malformed(_ reason: String) -> AggregationError { .malformedEncoding(encoder: encoder, reason: reason) }

  /// Moves over `count` bytes and returns where they begin.
  mutating func skip(_ count: Int) throws(AggregationError) -> Int {
    guard count >= 0, count <= remaining else { throw malformed("it ends after \(bytes.count) bytes, too early") }
    defer { position += count }
    return position
  }

  mutating func readUInt32() throws(AggregationError) -> UInt32 {
    let start = try skip(4)
    return (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
  }

  /// A number that must be finite.
  mutating func readFiniteFloat() throws(AggregationError) -> Float {
    let value = Float(bitPattern: try readUInt32())
    guard value.isFinite else { throw malformed("a number in it is not finite") }
    return value
  }

  /// Checks that nothing is left.
  func finish() throws(AggregationError) {
    guard remaining == 0 else { throw malformed("\(remaining) bytes follow its end") }
  }
}

/// Writes bits, the highest bit of every byte first.
struct BitWriter {
  private(set) var bytes: [UInt8] = []
  private var pending: UInt64 = 0
  private var used = 0

  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// The low `count` bits of `value`, highest first; `count` is 0...56 and `value` below 2^count.
  mutating func write(_ value: UInt64, count: Int) {
    pending = pending << UInt64(count) | value
    used += count
    while used >= 8 {
      used -= 8
      bytes.append(UInt8(truncatingIfNeeded: pending >> UInt64(used)))
    }
  }

  /// All bits, filled up with zeros to a whole byte.
  consuming func finished() -> [UInt8] {
    if used > 0 { write(0, count: 8 - used) }
    return bytes
  }
}

/// Reads bits of a message from a position on.
struct BitReader {
  private let bytes: [UInt8]
  private var position: Int
  private var pending: UInt64 = 0
  private var available = 0

  init(_ bytes: [UInt8], from position: Int) {
    self.bytes = bytes
    self.position = position
  }

  /// The first byte that no bit was taken from; what is left of the byte before it is padding.
  var endPosition: Int { position - available / 8 }

  /// Whether the rest of the byte begun is zero, as the writer leaves it.
  var paddingIsZero: Bool { pending & ((1 << UInt64(available % 8)) - 1) << UInt64(available - available % 8) == 0 }

  private mutating func refill() {
    while available <= 48, position < bytes.count {
      pending = pending << 8 | UInt64(bytes[position])
      position += 1
      available += 8
    }
  }

  /// The next `count` bits, 0...48; `nil` past the end.
  mutating func read(count: Int) -> UInt64? {
    if available < count { refill() }
    guard available >= count else { return nil }
    available -= count
    return pending >> UInt64(available) & ((1 << UInt64(count)) - 1)
  }

  /// Takes the zeros before the next one, which stays; `nil` if more than `limit` follow or the bits end.
  mutating func readZeros(limit: Int) -> Int? {
    var zeros = 0
    while true {
      if available == 0 { refill() }
      guard available > 0 else { return nil }
      let window = pending << UInt64(64 - available)
      let run = min(window.leadingZeroBitCount, available)
      zeros += run
      available -= run
      guard zeros <= limit else { return nil }
      if available > 0 { return zeros }
    }
  }
}
