import FederatedDatasets
import Foundation
import Testing

/// A folder that lives as long as the value is held.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "epsilon-datasets-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// An IDX file with the given header fields and payload.
func idx(type: UInt8, _ dimensions: [Int], _ payload: [UInt8]) -> [UInt8] {
  [0, 0, type, UInt8(dimensions.count)] + dimensions.flatMap { bigEndian(UInt32($0)) } + payload
}

func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

/// One gzip member (RFC 1952) of stored blocks (RFC 1951, section 3.2.4).
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  func littleEndian(_ value: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var checksum: UInt32 = ~0
  for byte in bytes {
    checksum ^= UInt32(byte)
    for _ in 0..<8 { checksum = checksum & 1 == 1 ? checksum >> 1 ^ 0xEDB8_8320 : checksum >> 1 }
  }
  var result: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
  var start = 0
  repeat {
    let end = min(bytes.count, start + 65535)
    result += [end == bytes.count ? 1 : 0]
    result += littleEndian(UInt32(end - start), 2) + littleEndian(~UInt32(end - start), 2) + bytes[start..<end]
    start = end
  } while start < bytes.count
  return result + littleEndian(~checksum, 4) + littleEndian(UInt32(bytes.count), 4)
}

/// Real data that the tests use where they are installed.
enum RealData {
  static let fashionMNIST = "/usr/share/datasets/fashion-mnist"
  static let hasFashionMNIST = FileManager.default.fileExists(atPath: fashionMNIST + "/train-images-idx3-ubyte.gz")

  /// The shared folder: named by the environment, or the sibling `shared` of a folder above this file.
  static let shared: String? = {
    let manager = FileManager.default
    if let named = ProcessInfo.processInfo.environment["EPSILON_SHARED"] {
      return manager.fileExists(atPath: named + "/data") ? named : nil
    }
    var folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent("shared").path
      if manager.fileExists(atPath: candidate + "/data/mnist-by-writer") { return candidate }
      folder.deleteLastPathComponent()
    }
    return nil
  }()

  static let mnistByWriter = shared.map { $0 + "/data/mnist-by-writer" }

  static let noFashionMNIST: Comment = "dataset-fashion-mnist is not installed"
  static let noShared: Comment = "no shared folder: set EPSILON_SHARED to the folder that holds data/mnist-by-writer"
}
