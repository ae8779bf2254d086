import Foundation
import NeuralNetworks
import Testing

@Suite("Model graph")
struct ModelGraphTests {
  @Test(
    "models of the literature have the published parameter counts",
    arguments: [
      ("emnist-conv", 1_206_590, 62), ("emnist-dense", 209_662, 62), ("emnist-logistic", 48_670, 62), ("mnist-logistic", 7_850, 10),
      ("fashion-cnn", 23_930, 10),
    ])
  func parameterCounts(_ name: String, _ count: Int, _ classes: Int) throws {
    let graph = try ModelGraph.named(name)
    #expect(graph.inputShape == [28, 28, 1])
    #expect(try graph.parameterLayout().count == count)
    #expect(try graph.initialParameters(seed: 1).count == count)
    #expect(try graph.outputCount() == classes)
    #expect(ModelGraph.catalogue.contains(name))
  }

  @Test("every name of the catalogue is a model, any other an error that lists them")
  func catalogueIsComplete() throws {
    for name in ModelGraph.catalogue { _ = try ModelGraph.named(name).parameterLayout() }
    let error = #expect(throws: NeuralNetworkError.self) { try ModelGraph.named("resnet") }
    #expect(error?.description.contains("emnist-conv, emnist-dense") == true)
  }

  @Test("tensors are numbered by kind and have plain shapes")
  func layoutNames() throws {
    let layout = try ModelGraph.named("emnist-conv").parameterLayout()
    #expect(
      layout.tensors.map(\.name) == [
        "conv2D1/weights", "conv2D1/bias", "conv2D2/weights", "conv2D2/bias", "dense1/weights", "dense1/bias", "dense2/weights",
        "dense2/bias",
      ])
    #expect(layout.tensors.map(\.shape) == [[3, 3, 1, 32], [32], [3, 3, 32, 64], [64], [9216, 128], [128], [128, 62], [62]])
  }

  @Test("reads back what it writes", arguments: ModelGraph.catalogue)
  func roundTrip(_ name: String) throws {
    let graph = try ModelGraph.named(name)
    #expect(try JSONDecoder().decode(ModelGraph.self, from: JSONEncoder().encode(graph)) == graph)
  }

  @Test("serialises each layer as one key")
  func serialisedForm() throws {
    let layers: [Layer] = [
      .conv2D(filters: 32, kernel: 3), .relu, .maxPool2D(size: 2), .dropout(rate: 0.25), .flatten, .dense(units: 62),
    ]
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(ModelGraph(inputShape: [28, 28, 1], layers: layers)), as: UTF8.self)
    #expect(
      text == """
        {"inputShape":[28,28,1],"layers":[{"conv2D":{"filters":32,"kernel":3}},{"relu":{}},{"maxPool2D":{"size":2}},\
        {"dropout":{"rate":0.25}},{"flatten":{}},{"dense":{"units":62}}]}
        """)
  }

  @Test(
    "refuses unknown, missing and doubled keys by name",
    arguments: [
      (#"{"inputShape":[4],"layers":[{"dense":{"unit":3}}]}"#, "unit"),
      (#"{"inputShape":[4],"layers":[{"dense":{"units":3,"bias":false}}]}"#, "bias"),
      (#"{"inputShape":[4],"layers":[{"lstm":{"units":3}}]}"#, "lstm"),
      (#"{"inputShape":[4],"layers":[{"relu":{},"flatten":{}}]}"#, "flatten, relu"),
      (#"{"inputShape":[4],"layers":[{}]}"#, "none"),
      (#"{"inputShape":[4],"layers":[{"relu":{"slope":1}}]}"#, "slope"),
      (#"{"inputShape":[4],"layer":[],"layers":[]}"#, "layer"),
      (#"{"inputShape":[4],"layers":[{"conv2D":{"filters":3}}]}"#, "kernel"),
    ])
  func refusesBadDocuments(_ text: String, _ named: String) {
    let error = #expect(throws: DecodingError.self) { try JSONDecoder().decode(ModelGraph.self, from: Data(text.utf8)) }
    #expect("\(String(describing: error))".contains(named))
  }
}
