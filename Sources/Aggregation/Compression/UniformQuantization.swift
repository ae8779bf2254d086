import ParameterVectors
public import SecureNoise
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Stochastic rounding to equally spaced levels between the smallest and largest element of each tensor.
///
/// A client sends, per tensor, both ends as `Float` and one code per element, packed or arithmetically coded. The server learns each
/// client's quantised update and the exact ends; an arithmetic code's length also tells how the elements are spread, which a packed one
/// does not.
///
/// Suresh, Yu, Kumar and McMahan, Distributed mean estimation with limited communication, ICML 2017, sections 2.1 (two levels) and 2.2;
/// FedJAX's uniform and binary stochastic quantisers. With a rotation first (section 3) see ``RotatedEncoder``.
public struct UniformQuantization: UpdateEncoder, Hashable {
  /// How codes become bits.
  public enum Coding: String, Codable, Hashable, Sendable, CaseIterable {
    /// ⌈log₂ levels⌉ bits each.
    case packed
    /// By their frequencies, near their entropy.
    case arithmetic
  }

  /// Number of levels, 2...65536.
  public let levels: Int
  /// How codes become bits.
  public let coding: Coding
  /// The tensors.
  public let tensors: TensorPartition

  /// An encoder for vectors of the given tensors.
  ///
  /// - Throws: ``AggregationError/invalidParameter(name:value:allowed:)`` for another number of levels than 2...65536.
  public init(levels: Int, coding: Coding = .packed, tensors: TensorPartition = .whole) throws(AggregationError) {
    try require((2...65_536).contains(levels), "number of quantisation levels", Double(levels), "from 2 to 65536")
    self.init(checkedLevels: levels, coding, tensors)
  }

  private init(checkedLevels levels: Int, _ coding: Coding, _ tensors: TensorPartition) {
    self.levels = levels
    self.coding = coding
    self.tensors = tensors
  }

  /// Binary stochastic quantisation: every element becomes the smallest or the largest of its tensor.
  public static func binary(tensors: TensorPartition = .whole) -> UniformQuantization {
    UniformQuantization(checkedLevels: 2, .packed, tensors)
  }

  public var name: String { levels == 2 ? "binary quantisation" : "uniform quantisation" }

  public var isUnbiased: Bool { true }

  /// 1 + √(2(n − 2))/(levels − 1) for the largest tensor of n elements.
  public func worstCaseNormGrowth(count: Int) -> Double? {
    UniformGrid.worstCaseNormGrowth(count: tensors.largest(count: count), levels: levels, rounding: .stochastic)
  }

  /// The size that FedJAX reports without coding, log₂ levels bits per element and 64 per tensor: a lower limit of the packed size.
  public func nominalBitCount(count: Int) throws(AggregationError) -> Double {
    Double(count) * log2(Double(levels)) + 64 * Double(try tensors.ranges(count: count).count)
  }

  public func encode(_ values: [Float], randomness: RandomSource, shared: UInt64) throws(AggregationError) -> EncodedUpdate {
    let ranges = try tensors.ranges(count: values.count)
    try requireFinite(values, name)
    var writer = ByteWriter(.uniform, capacity: values.count / 4)
    var coder = GridCoder(RoundingBits(randomness))
    for range in ranges {
      // An empty tensor has no range and sends nothing.
      guard let ends = VectorKernels.best.range(of: values, in: range) else { continue }
      let grid = UniformGrid(minimum: Double(ends.minimum), maximum: Double(ends.maximum), levels: levels)
      writer.write(ends.minimum)
      writer.write(ends.maximum)
      switch coding {
      case .packed: coder.pack(values, range, grid, to: &writer)
      case .arithmetic: ArithmeticCode.encode(coder.allCodes(values, range, grid), levels: levels, to: &writer)
      }
    }
    return EncodedUpdate(bytes: writer.bytes)
  }

  public func decode(_ encoded: EncodedUpdate, count: Int, shared: UInt64) throws(AggregationError) -> [Float] {
    let ranges = try tensors.ranges(count: count)
    var reader = try ByteReader(encoded, .uniform, encoder: name)
    // The smallest message that can be, before memory is taken.
    let least = coding == .packed ? ranges.reduce(0) { $0 + $1.count / 8 } : 0
    guard reader.remaining >= least else { throw reader.malformed("\(reader.remaining) bytes cannot hold \(count) parameters") }
    var values = [Float](repeating: 0, count: count)
    var coder = GridCoder(nil)
    for range in ranges where !range.isEmpty {
      let grid = try reader.readGrid(levels: levels)
      switch coding {
      case .packed: try coder.unpack(&reader, grid, to: &values, range)
      case .arithmetic:
        let codes = try ArithmeticCode.decode(&reader, count: range.count, levels: levels)
        VectorKernels.best.dequantize(codes, minimum: grid.minimum, step: grid.step, into: &values, at: range)
      }
    }
    try reader.finish()
    return values
  }
}
