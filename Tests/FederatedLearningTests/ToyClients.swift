import FederatedDatasets
import NeuralNetworks

/// Clients with two well separated classes in the plane; client i has `sizes[i]` examples.
struct ToyClients: ClientData {
  let sets: [ExampleSet]
  var clientCount: Int { sets.count }
  var exampleShape: [Int] { [2] }
  var classCount: Int { 2 }

  init(_ sets: [ExampleSet]) { self.sets = sets }

  init(sizes: [Int]) {
    sets = sizes.enumerated().map { client, size in
      var features: [Float] = []
      var labels: [Int32] = []
      for example in 0..<size {
        let label = (client + example) % 2
        let wobble = Float((client * 31 + example * 17) % 13) / 13
        features += [label == 0 ? -1 - wobble : 1 + wobble, wobble - 0.5]
        labels.append(Int32(label))
      }
      return ExampleSet(features: features, labels: labels)
    }
  }

  func clientID(_ index: Int) -> String { "toy-\(index)" }
  func exampleCount(ofClient index: Int) -> Int { sets[index].count }
  func examples(ofClient index: Int) throws(DatasetError) -> ExampleSet { sets[index] }
}

let toyModel = ModelGraph(inputShape: [2], layers: [.dense(units: 4), .relu, .dense(units: 2)])
