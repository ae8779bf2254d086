/// One node of a `ModelGraph`. Images are channels last: height × width × channels.
public enum Layer: Hashable, Sendable {
  /// Every input to every unit: weights [inputs, units], bias [units]. Needs a flat input.
  case dense(units: Int)
  /// Convolution of an image with square kernels, stride 1, no padding: weights [kernel, kernel, channels, filters], bias [filters].
  case conv2D(filters: Int, kernel: Int)
  /// The largest value of each size × size window, stride `size`; rows and columns that do not fill a window are dropped.
  case maxPool2D(size: Int)
  /// In training, zeroes each value with probability `rate` in [0, 1) and divides the others by 1 − rate; nothing in evaluation.
  case dropout(rate: Double)
  /// An image as a vector, in storage order: row by row, pixel by pixel, channel by channel.
  case flatten
  /// max(0, x)
  case relu
}

extension Layer {
  /// Name of the case, as in the serialised form and in messages.
  var kind: String {
    switch self {
    case .dense: "dense"
    case .conv2D: "conv2D"
    case .maxPool2D: "maxPool2D"
    case .dropout: "dropout"
    case .flatten: "flatten"
    case .relu: "relu"
    }
  }

  /// The rules of this kind of layer.
  var definition: any LayerDefinition {
    switch self {
    case .dense(let units): DenseLayer(units: units)
    case .conv2D(let filters, let kernel): Conv2DLayer(filters: filters, kernel: kernel)
    case .maxPool2D(let size): MaxPool2DLayer(size: size)
    case .dropout(let rate): DropoutLayer(rate: rate)
    case .flatten: FlattenLayer()
    case .relu: ReLULayer()
    }
  }
}
