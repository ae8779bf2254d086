import Foundation
public import NeuralNetworks
public import ParameterVectors
import SecureNoise

/// A trained model in one file, `model.epsilon`.
///
/// Layout: 8 bytes `EPSMODEL`; format version and length of the header, two little-endian UInt32; the header as JSON
/// (graph, layout, plan hash, rounds); the parameters as little-endian Float32; SHA-256 of all before.
public struct ModelCheckpoint: Hashable, Sendable {
  /// What the file says about the parameters.
  public struct Header: Codable, Hashable, Sendable {
    /// The model.
    public let graph: ModelGraph
    /// Where each tensor lies.
    public let layout: ParameterLayout
    /// Hash of the plan that trained it.
    public let planHash: String
    /// Rounds of training behind it.
    public let rounds: Int
  }

  /// What the file says about the parameters.
  public let header: Header
  /// The parameters, [parameters].
  public let parameters: [Float]

  private static let magic = Array("EPSMODEL".utf8)
  private static let digestSize = 32

  /// A model after `rounds` rounds.
  public init(graph: ModelGraph, parameters: [Float], planHash: String, rounds: Int) throws(NeuralNetworkError) {
    header = Header(graph: graph, layout: try graph.parameterLayout(), planHash: planHash, rounds: rounds)
    self.parameters = parameters
  }

  /// Writes the file whole or not at all.
  public func write(to path: String) throws(TrainingError) {
    do {
      let json = try CanonicalJSON.data(header)
      var bytes = Self.magic
      withUnsafeBytes(of: UInt32(1).littleEndian) { bytes += $0 }
      withUnsafeBytes(of: UInt32(json.count).littleEndian) { bytes += $0 }
      bytes += json
      for value in parameters { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
      bytes += SHA256.digest(of: bytes)
      try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch { throw .runDirectory(path: path, problem: "cannot be written (\(error.localizedDescription))", remedy: "check the disk") }
  }

  /// Reads and verifies a file.
  ///
  /// - Throws: ``TrainingError/damagedFile(path:problem:remedy:)`` for anything but a whole, unchanged checkpoint.
  public init(contentsOf path: String) throws(TrainingError) {
    func damaged(_ problem: String) -> TrainingError {
      .damagedFile(path: path, problem: problem, remedy: "give a model.epsilon that training wrote, or restore it from a copy")
    }
    guard let data = FileManager.default.contents(atPath: path) else { throw damaged("cannot be read") }
    let bytes = [UInt8](data)
    guard bytes.starts(with: Self.magic) else { throw damaged("is not a model of epsilon") }
    guard bytes.count >= 16 + Self.digestSize else { throw damaged("is cut short") }
    func integer(at offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
    guard integer(at: 8) == 1 else { throw damaged("has format version \(integer(at: 8)); this program reads version 1") }
    let end = bytes.count - Self.digestSize
    guard SHA256.digest(of: Array(bytes[..<end])) == Array(bytes[end...]) else { throw damaged("does not match its checksum") }
    let start = 16 + integer(at: 12)
    guard start <= end, let header = try? CanonicalJSON.decode(Header.self, from: Data(bytes[16..<start])) else {
      throw damaged("has no readable header")
    }
    // The layout of the file is only compared: nothing is known of its extents.
    guard let layout = try? header.graph.parameterLayout(), layout == header.layout, end - start == 4 * layout.count else {
      throw damaged("holds other parameters than its model has")
    }
    self.header = header
    parameters = (0..<layout.count).map { Float(bitPattern: UInt32(truncatingIfNeeded: integer(at: start + 4 * $0))) }
  }
}
