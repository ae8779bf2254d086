/// Where each named tensor of a model lies inside one flat buffer of `Float`.
///
/// All parameters of a model, and everything of the same shape (updates, sums, noise, optimizer states), are
/// one contiguous buffer. Tensors follow one another without padding, in the order in which they were named.
public struct ParameterLayout: Codable, Hashable, Sendable {
  /// One named tensor of the layout.
  public struct Tensor: Codable, Hashable, Sendable {
    /// Name, unique within the layout, for instance `dense1/weights`.
    public let name: String
    /// Extents, outermost first, each at least 1.
    public let shape: [Int]

    /// A tensor called `name` with the extents `shape`.
    public init(name: String, shape: [Int]) {
      self.name = name
      self.shape = shape
    }

    /// Number of scalars.
    public var count: Int { shape.reduce(1, *) }
  }

  /// The tensors in storage order.
  public let tensors: [Tensor]

  /// A layout of `tensors`, in that order.
  public init(_ tensors: [Tensor]) { self.tensors = tensors }

  /// Number of scalars of all tensors together.
  public var count: Int { tensors.reduce(0) { $0 + $1.count } }

  /// Position of every tensor in the flat buffer, in storage order.
  public var ranges: [Range<Int>] {
    var start = 0
    return tensors.map { tensor in
      defer { start += tensor.count }
      return start..<(start + tensor.count)
    }
  }
}
