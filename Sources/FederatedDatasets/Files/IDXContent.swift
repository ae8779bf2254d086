import CZlib

/// The bytes of a file after decompression, where the file is compressed.
struct IDXContent {
  let path: String
  let file: [UInt8]

  /// Whether the file begins like gzip.
  var isCompressed: Bool { file.starts(with: [0x1f, 0x8b]) }

  /// Calls `body` with the first bytes of the content: all of it, or at least `count`.
  func withPrefix<Result>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) throws(DatasetError) -> Result
  ) throws(DatasetError) -> Result {
    try withContent(limit: count) { (bytes, _) throws(DatasetError) in try body(bytes) }
  }

  /// Calls `body` with the content up to `limit` bytes, and whether there is more.
  func withContent<Result>(
    limit: Int, _ body: (UnsafeRawBufferPointer, Bool) throws(DatasetError) -> Result
  ) throws(DatasetError) -> Result {
    let compressed = isCompressed
    // `withUnsafeBytes` rethrows untyped errors; the typed one is carried around it.
    let result = file.withUnsafeBytes { bytes -> Swift.Result<Result, DatasetError> in
      do throws(DatasetError) {
        if !compressed {
          return .success(try body(UnsafeRawBufferPointer(rebasing: bytes.prefix(limit)), bytes.count > limit))
        }
        return .success(try decompress(bytes, limit: limit, body))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func decompress<Result>(
    _ bytes: UnsafeRawBufferPointer, limit: Int,
    _ body: (UnsafeRawBufferPointer, Bool) throws(DatasetError) -> Result
  ) throws(DatasetError) -> Result {
    let output = czlib_gunzip(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, limit)
    defer { czlib_free(output.bytes) }
    func damaged(_ problem: String) -> DatasetError {
      .corruptGzip(path: path, offset: output.consumed, problem: problem)
    }
    switch output.status {
    case CZLIB_DONE, CZLIB_LIMIT:
      return try body(UnsafeRawBufferPointer(start: output.bytes, count: output.count), output.status == CZLIB_LIMIT)
    case CZLIB_TRUNCATED: throw damaged("the compressed data ends too early")
    case CZLIB_TRAILING: throw damaged("the compressed data is followed by other bytes")
    case CZLIB_NO_MEMORY: throw .unreadable(path: path, reason: "there is not enough memory to decompress it")
    default: throw damaged("the compressed data is damaged")
    }
  }
}
