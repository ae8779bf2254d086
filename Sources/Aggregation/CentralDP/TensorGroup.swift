import ParameterVectors

/// Named tensors that are clipped and noised together, apart from the other tensors of a model.
public struct TensorGroup: Codable, Hashable, Sendable {
  /// Name of the group, unique among groups, for measurements.
  public let name: String
  /// Names of its tensors in the layout of the model, at least one.
  public let tensors: [String]
  /// Where the L2 bound of the group's part of an update comes from.
  public let norm: ClippingNorm

  /// A group called `name`.
  public init(name: String, tensors: [String], norm: ClippingNorm) {
    self.name = name
    self.tensors = tensors
    self.norm = norm
  }

  /// How one noise multiplier is divided over groups.
  public enum NoiseDivision: Codable, Hashable, Sendable {
    /// Every group gets the same multiplier, z√G.
    case equal
    /// The least total noise variance for the groups' initial bounds: shares s_g ∝ √d_g · C_g for d_g parameters, which minimises
    /// Σ d_g C_g² / s_g under Σ s_g = 1.
    case leastNoise
    /// The given shares s_g of 1/z², in the order of the groups, each above 0, together 1.
    case shares([Double])
  }
}

/// Where the groups of a partition lie in the flat vector of parameters.
struct TensorGrouping: Sendable {
  /// Runs of parameters of every group, ascending and not touching one another.
  let ranges: [[Range<Int>]]
  /// Number of parameters of all groups.
  let count: Int

  /// Number of parameters of every group.
  var counts: [Int] { ranges.map { $0.reduce(0) { $0 + $1.count } } }

  /// The partition of `layout` by `groups`: every tensor belongs to exactly one.
  init(_ groups: [TensorGroup], of layout: ParameterLayout, technique: String) throws(AggregationError) {
    func fail(_ reason: String) -> AggregationError { .invalidComposition(technique: technique, reason: reason) }
    guard !groups.isEmpty else { throw fail("there are no groups of tensors") }
    guard Set(groups.map(\.name)).count == groups.count else { throw fail("two groups of tensors have the same name") }
    guard Set(layout.tensors.map(\.name)).count == layout.tensors.count else { throw fail("two tensors have the same name") }
    var owners: [String: Int] = [:]
    for (index, group) in groups.enumerated() {
      for tensor in group.tensors {
        guard owners.updateValue(index, forKey: tensor) == nil else { throw fail("the tensor “\(tensor)” is named twice") }
      }
    }
    var ranges = [[Range<Int>]](repeating: [], count: groups.count)
    for (tensor, range) in zip(layout.tensors, layout.ranges) where !range.isEmpty {
      guard let owner = owners.removeValue(forKey: tensor.name) else { throw fail("the tensor “\(tensor.name)” is in no group") }
      if let last = ranges[owner].last, last.upperBound == range.lowerBound {
        ranges[owner][ranges[owner].count - 1] = last.lowerBound..<range.upperBound
      } else {
        ranges[owner].append(range)
      }
    }
    if let unknown = owners.keys.min() { throw fail("the model has no tensor “\(unknown)”") }
    if let empty = ranges.firstIndex(where: \.isEmpty) { throw fail("the group “\(groups[empty].name)” has no tensors") }
    self.ranges = ranges
    count = layout.count
  }
}
