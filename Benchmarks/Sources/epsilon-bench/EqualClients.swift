import FederatedDatasets

/// Clients that all have the same number of synthetic examples, kept in memory so that making them is not part of a round.
struct EqualClients: ClientData {
  let exampleShape: [Int]
  let classCount: Int
  private let sets: [ExampleSet]

  /// `clientCount` clients of exactly `examplesPerClient` examples, filled up from one synthetic writer after the other.
  init(clientCount: Int, examplesPerClient: Int) throws(DatasetError) {
    // A writer has at least 20 examples, so these suffice.
    let writers = try SyntheticEMNIST(clientCount: clientCount * (examplesPerClient / 20 + 1))
    exampleShape = writers.exampleShape
    classCount = writers.classCount
    let exampleSize = writers.exampleShape.reduce(1, *)
    var sets: [ExampleSet] = []
    var writer = 0
    for _ in 0..<clientCount {
      var features: [Float] = []
      var labels: [Int32] = []
      while labels.count < examplesPerClient {
        let more = try writers.examples(ofClient: writer)
        let taken = min(more.count, examplesPerClient - labels.count)
        features += more.features.prefix(taken * exampleSize)
        labels += more.labels.prefix(taken)
        writer += 1
      }
      sets.append(ExampleSet(features: features, labels: labels))
    }
    self.sets = sets
  }

  var clientCount: Int { sets.count }
  func clientID(_ index: Int) -> String { "equal-\(index)" }
  func exampleCount(ofClient index: Int) -> Int { sets[index].count }

  func examples(ofClient index: Int) throws(DatasetError) -> ExampleSet {
    guard sets.indices.contains(index) else { throw .clientOutOfRange(index: index, clientCount: clientCount) }
    return sets[index]
  }
}
