/// Extents of one example between two layers.
enum LayerShape: Hashable, CustomStringConvertible {
  case image(height: Int, width: Int, channels: Int)
  case flat(Int)

  /// Largest number of scalars of a tensor or a model: oneDNN's generated code counts with 32 bits.
  static let largestCount = Int(Int32.max)

  /// The shape with these extents; nil when they are not one or three, each at least 1, with fewer than 2^31 scalars.
  init?(_ extents: [Int]) {
    guard Self.product(extents) != nil else { return nil }
    switch extents.count {
    case 1: self = .flat(extents[0])
    case 3: self = .image(height: extents[0], width: extents[1], channels: extents[2])
    default: return nil
    }
  }

  /// Number of scalars.
  var count: Int {
    switch self {
    case .image(let height, let width, let channels): height * width * channels
    case .flat(let count): count
    }
  }

  var description: String {
    switch self {
    case .image(let height, let width, let channels): "\(height)x\(width)x\(channels)"
    case .flat(let count): "\(count)"
    }
  }

  /// Product of extents that are each at least 1; nil when one is not or when it exceeds `largestCount`.
  static func product(_ extents: [Int]) -> Int? {
    var product = 1
    for extent in extents {
      guard extent >= 1 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow, next <= largestCount else { return nil }
      product = next
    }
    return product
  }
}
