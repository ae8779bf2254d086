extension ModelGraph {
  /// Names that `named(_:)` knows, sorted.
  public static var catalogue: [String] { ["emnist-conv", "emnist-dense", "emnist-logistic", "fashion-cnn", "mnist-logistic"] }

  /// A model of the literature, or a small one for first steps. All take images of 28 × 28 × 1.
  ///
  /// The three EMNIST models are those of FedJAX (Ro, Suresh and Wu 2021): `emnist-conv` has 1,206,590 parameters, `emnist-dense` 209,662,
  /// `emnist-logistic` 48,670. `mnist-logistic` has 7,850 and 10 classes; `fashion-cnn` is a small convolutional net with 23,930 and 10.
  /// - Throws: `NeuralNetworkError.unknownModel` for any other name.
  public static func named(_ name: String) throws(NeuralNetworkError) -> ModelGraph {
    let layers: [Layer]
    switch name {
    case "emnist-conv":
      layers = [
        .conv2D(filters: 32, kernel: 3), .relu, .conv2D(filters: 64, kernel: 3), .relu, .maxPool2D(size: 2), .dropout(rate: 0.25), .flatten,
        .dense(units: 128), .relu, .dropout(rate: 0.5), .dense(units: 62),
      ]
    case "emnist-dense":
      layers = [.flatten, .dense(units: 200), .relu, .dense(units: 200), .relu, .dense(units: 62)]
    case "emnist-logistic":
      layers = [.flatten, .dense(units: 62)]
    case "mnist-logistic":
      layers = [.flatten, .dense(units: 10)]
    case "fashion-cnn":
      layers = [
        .conv2D(filters: 16, kernel: 5), .relu, .maxPool2D(size: 2), .conv2D(filters: 16, kernel: 5), .relu, .maxPool2D(size: 2), .flatten,
        .dense(units: 64), .relu, .dense(units: 10),
      ]
    default:
      throw .unknownModel(name: name, known: catalogue)
    }
    return ModelGraph(inputShape: [28, 28, 1], layers: layers)
  }
}
