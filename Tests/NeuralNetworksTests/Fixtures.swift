import NeuralNetworks
import Testing

/// A small graph with random data, the same in every run.
struct Fixture: CustomTestStringConvertible {
  let name: String
  let graph: ModelGraph

  init(_ name: String, _ inputShape: [Int], _ layers: [Layer]) {
    self.name = name
    graph = ModelGraph(inputShape: inputShape, layers: layers)
  }

  var testDescription: String { name }

  /// Every kind of layer alone and in the company that decides how kernels are joined.
  static let all: [Fixture] = [
    .init("dense alone", [7], [.dense(units: 3)]),
    .init("dense, relu, dense", [6], [.dense(units: 9), .relu, .dense(units: 4)]),
    .init("relu at the end", [6], [.dense(units: 5), .relu]),
    .init("relu on the input", [6], [.relu, .dense(units: 3)]),
    .init("dropout between dense layers", [8], [.dense(units: 16), .relu, .dropout(rate: 0.5), .dense(units: 3)]),
    .init("dropout on the input", [12], [.dropout(rate: 0.25), .dense(units: 3)]),
    .init("flatten an image of three channels", [3, 4, 3], [.flatten, .dense(units: 3)]),
    .init("convolution of one channel", [6, 5, 1], [.conv2D(filters: 4, kernel: 3), .flatten, .dense(units: 3)]),
    .init("convolution of three channels, no relu", [5, 6, 3], [.conv2D(filters: 5, kernel: 2), .flatten, .dense(units: 3)]),
    .init("kernel of one pixel", [4, 4, 2], [.conv2D(filters: 3, kernel: 1), .relu, .flatten, .dense(units: 2)]),
    .init("kernel as large as the image", [4, 4, 2], [.conv2D(filters: 5, kernel: 4), .relu, .flatten, .dense(units: 2)]),
    .init("filters that fill no vector", [6, 6, 3], [.conv2D(filters: 17, kernel: 3), .relu, .flatten, .dense(units: 3)]),
    .init(
      "two convolutions", [7, 7, 1],
      [.conv2D(filters: 4, kernel: 3), .relu, .conv2D(filters: 3, kernel: 3), .relu, .flatten, .dense(units: 3)]),
    .init("pooling the input", [6, 6, 2], [.maxPool2D(size: 2), .flatten, .dense(units: 3)]),
    .init("relu, then pooling", [7, 7, 1], [.conv2D(filters: 4, kernel: 2), .relu, .maxPool2D(size: 2), .flatten, .dense(units: 3)]),
    .init("pooling, then relu", [7, 7, 1], [.conv2D(filters: 4, kernel: 2), .maxPool2D(size: 2), .relu, .flatten, .dense(units: 3)]),
    .init("pooling that drops a border", [8, 9, 1], [.conv2D(filters: 3, kernel: 2), .maxPool2D(size: 3), .flatten, .dense(units: 3)]),
    .init(
      "pooling between convolutions", [9, 9, 1],
      [.conv2D(filters: 3, kernel: 2), .relu, .maxPool2D(size: 2), .conv2D(filters: 4, kernel: 2), .relu, .flatten, .dense(units: 3)]),
    .init(
      "dropout between convolutions", [6, 6, 2],
      [.conv2D(filters: 4, kernel: 2), .relu, .dropout(rate: 0.3), .conv2D(filters: 3, kernel: 2), .flatten, .dense(units: 3)]),
    .init(
      "the shape of emnist-conv, small", [10, 10, 1],
      [
        .conv2D(filters: 4, kernel: 3), .relu, .conv2D(filters: 6, kernel: 3), .relu, .maxPool2D(size: 2), .dropout(rate: 0.25), .flatten,
        .dense(units: 8), .relu, .dropout(rate: 0.5), .dense(units: 5),
      ]),
  ]

  /// `[examples × inputShape]` in [−1, 1].
  func features(_ count: Int, seed: UInt64 = 5) -> [Float] { uniform(count * graph.inputShape.reduce(1, *), seed: seed) }

  /// One class index for each example.
  func labels(_ count: Int) throws -> [Int32] {
    let classes = try graph.outputCount()
    return (0..<count).map { Int32(($0 * 7 + 1) % classes) }
  }

  /// Glorot weights, and biases that are not all zero.
  func parameters() throws -> [Float] {
    let initial = try graph.initialParameters(seed: 11)
    return zip(initial, uniform(initial.count, seed: 12)).map { $0 + 0.05 * $1 }
  }
}

/// `count` values in [−1, 1) from a linear congruential generator.
func uniform(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) * 0x1p-23 - 1
  }
}
