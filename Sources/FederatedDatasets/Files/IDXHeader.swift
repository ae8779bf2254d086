/// The first bytes of an IDX file: `00 00 TYPE NDIM`, then NDIM extents of 32 bits, all big-endian.
struct IDXHeader {
  /// Largest possible header: 255 dimensions.
  static let mostBytes = 4 + 4 * 255

  let elementType: IDXFile.ElementType
  let dimensions: [Int]

  /// Size of the header itself.
  var byteCount: Int { 4 + 4 * dimensions.count }
  /// Number of elements.
  let count: Int
  /// Bytes of header and elements together: what the content must have.
  let contentByteCount: Int

  /// Reads the header at the start of `bytes` and checks that what it declares is at most `limit` bytes.
  init(_ bytes: UnsafeRawBufferPointer, path: String, limit: UInt64) throws(DatasetError) {
    func malformed(_ offset: Int, _ problem: String) -> DatasetError {
      .malformed(path: path, offset: offset, problem: problem)
    }
    if bytes.isEmpty { throw malformed(0, "it is empty") }
    if bytes.count < 4 { throw malformed(bytes.count, "it ends inside the 4 bytes of its header") }
    if bytes[0] != 0 || bytes[1] != 0 { throw malformed(0, "it does not begin with two zero bytes") }
    guard let type = IDXFile.ElementType(rawValue: bytes[2]) else {
      throw malformed(2, "the element type \(bytes[2]) is none of 8 (bytes), 12 (32-bit integers), 13 (32-bit floats)")
    }
    let rank = Int(bytes[3])
    if rank == 0 { throw malformed(3, "it has no dimensions") }
    if bytes.count < 4 + 4 * rank { throw malformed(bytes.count, "it ends inside its \(rank) dimensions") }

    var dimensions: [Int] = []
    var total = type.byteCount
    for index in 0..<rank {
      let extent = (0..<4).reduce(0) { $0 << 8 | Int(bytes[4 + 4 * index + $1]) }
      dimensions.append(extent)
      let (product, overflow) = total.multipliedReportingOverflow(by: extent)
      if overflow { throw malformed(4 + 4 * index, "its dimensions multiply to more than any memory") }
      total = product
    }
    let (all, overflow) = total.addingReportingOverflow(4 + 4 * rank)
    if overflow { throw malformed(4, "its dimensions multiply to more than any memory") }
    if UInt64(all) > limit { throw .tooLarge(path: path, byteCount: UInt64(all), limit: limit) }
    elementType = type
    self.dimensions = dimensions
    count = total / type.byteCount
    contentByteCount = all
  }
}
