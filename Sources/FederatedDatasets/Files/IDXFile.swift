/// An array in the IDX format of LeCun, Cortes and Burges' MNIST files.
///
/// Bytes `00 00 TYPE NDIM`, then one big-endian 32-bit extent per dimension, then the elements, big-endian, the last
/// dimension fastest. The file may be compressed by gzip, which is recognised by its first bytes. Nothing in a file
/// can trap, and no memory is taken for elements that are declared but not there.
public struct IDXFile: Equatable, Sendable {
  /// The type of the elements, with its code in the file.
  public enum ElementType: UInt8, Sendable {
    case byte = 0x08
    case int32 = 0x0C
    case float32 = 0x0D

    /// Size of one element in bytes.
    public var byteCount: Int { self == .byte ? 1 : 4 }
  }

  /// The elements, the last dimension fastest.
  public enum Values: Equatable, Sendable {
    case bytes([UInt8])
    case int32([Int32])
    case float32([Float])
  }

  /// Largest content that is read unless another limit is given: 4 GiB.
  public static let defaultByteLimit: UInt64 = 1 << 32

  /// Path as given, for messages.
  public let path: String
  /// Whether the file is compressed.
  public let isCompressed: Bool
  /// Size of the file in bytes, as it lies on disk.
  public let fileByteCount: Int
  /// Type of the elements.
  public let elementType: ElementType
  /// Extents, outermost first.
  public let dimensions: [Int]
  /// The elements.
  public let values: Values

  /// Reads the file at `path`.
  ///
  /// - Parameters:
  ///   - path: a regular file or a link to one, plain or compressed by gzip.
  ///   - byteLimit: largest file, and largest content, that is accepted.
  /// - Throws: ``DatasetError`` with the path and, for damaged files, the byte where the damage was found.
  public init(path: String, byteLimit: UInt64 = defaultByteLimit) throws(DatasetError) {
    let limit = min(byteLimit, UInt64(Int.max / 2))
    let file = try FileReading.bytes(path: path, limit: limit)
    let content = IDXContent(path: path, file: file)
    // The header comes first, so that the size it declares bounds what is decompressed after it.
    let header = try content.withPrefix(IDXHeader.mostBytes) { (bytes) throws(DatasetError) in
      try IDXHeader(bytes, path: path, limit: limit)
    }
    self.path = path
    isCompressed = content.isCompressed
    fileByteCount = file.count
    elementType = header.elementType
    dimensions = header.dimensions
    values = try content.withContent(limit: header.contentByteCount) { (bytes, more) throws(DatasetError) in
      if more {
        throw .malformed(
          path: path, offset: header.contentByteCount, problem: "there are bytes after its \(header.count) elements")
      }
      if bytes.count < header.contentByteCount {
        throw .malformed(
          path: path, offset: bytes.count,
          problem: "it ends after \(bytes.count) of \(header.contentByteCount) bytes that it declares")
      }
      return Self.elements(of: header, in: bytes)
    }
  }

  /// The elements, whose presence has been checked.
  private static func elements(of header: IDXHeader, in bytes: UnsafeRawBufferPointer) -> Values {
    let start = header.byteCount
    func word(_ index: Int) -> UInt32 {
      UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self))
    }
    return switch header.elementType {
    case .byte: .bytes([UInt8](bytes[start..<(start + header.count)]))
    case .int32: .int32((0..<header.count).map { Int32(bitPattern: word($0)) })
    case .float32: .float32((0..<header.count).map { Float(bitPattern: word($0)) })
    }
  }

  /// The elements as integers; `nil` if they are floats.
  public var integers: [Int32]? {
    switch values {
    case .bytes(let values): values.map { Int32($0) }
    case .int32(let values): values
    case .float32: nil
    }
  }

  /// Type and extents in words, for messages: `60000 × 28 × 28 bytes`.
  public var shapeDescription: String {
    let extents = dimensions.map(String.init).joined(separator: " × ")
    return switch elementType {
    case .byte: "\(extents) bytes"
    case .int32: "\(extents) 32-bit integers"
    case .float32: "\(extents) 32-bit floats"
    }
  }
}
