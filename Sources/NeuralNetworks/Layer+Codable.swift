/// One key per node: `{"dense":{"units":128}}`, `{"conv2D":{"filters":32,"kernel":3}}`, `{"maxPool2D":{"size":2}}`,
/// `{"dropout":{"rate":0.25}}`, `{"flatten":{}}`, `{"relu":{}}`. A key that is not known, or more than one kind in a node, is an error.
extension Layer: Codable {
  public init(from decoder: any Decoder) throws {
    let node = try SingleNode(from: decoder, kinds: ["dense", "conv2D", "maxPool2D", "dropout", "flatten", "relu"])
    switch node.kind {
    case "dense":
      let settings = try node.settings(["units"])
      self = .dense(units: try settings.decode(Int.self, forKey: "units"))
    case "conv2D":
      let settings = try node.settings(["filters", "kernel"])
      self = .conv2D(filters: try settings.decode(Int.self, forKey: "filters"), kernel: try settings.decode(Int.self, forKey: "kernel"))
    case "maxPool2D":
      let settings = try node.settings(["size"])
      self = .maxPool2D(size: try settings.decode(Int.self, forKey: "size"))
    case "dropout":
      let settings = try node.settings(["rate"])
      self = .dropout(rate: try settings.decode(Double.self, forKey: "rate"))
    case "flatten":
      _ = try node.settings([])
      self = .flatten
    default:
      _ = try node.settings([])
      self = .relu
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: NodeKey.self)
    var settings = container.nestedContainer(keyedBy: NodeKey.self, forKey: NodeKey(stringLiteral: kind))
    switch self {
    case .dense(let units):
      try settings.encode(units, forKey: "units")
    case .conv2D(let filters, let kernel):
      try settings.encode(filters, forKey: "filters")
      try settings.encode(kernel, forKey: "kernel")
    case .maxPool2D(let size):
      try settings.encode(size, forKey: "size")
    case .dropout(let rate):
      try settings.encode(rate, forKey: "rate")
    case .flatten, .relu:
      break
    }
  }
}
