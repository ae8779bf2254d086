import FederatedDatasets
import Testing

@Suite("Synthetic EMNIST")
struct SyntheticEMNISTTests {
  @Test("Clients are the same at every call, and different from one another, by split and by seed")
  func determinism() throws {
    let data = try SyntheticEMNIST(clientCount: 5)
    let first = try data.examples(ofClient: 2)
    #expect(first == (try data.examples(ofClient: 2)))
    #expect(first.count == data.exampleCount(ofClient: 2))
    #expect(first.features.count == first.count * 784)
    #expect(first != (try data.examples(ofClient: 3)))
    #expect(first != (try SyntheticEMNIST(clientCount: 5, split: .test).examples(ofClient: 2)))
    #expect(first != (try SyntheticEMNIST(clientCount: 5, seed: 1).examples(ofClient: 2)))
    // More people do not change those who were there.
    #expect(first == (try SyntheticEMNIST(clientCount: 9).examples(ofClient: 2)))
  }

  @Test("Sizes, labels and pixels are in their ranges, and every class occurs")
  func ranges() throws {
    let data = try SyntheticEMNIST(clientCount: 60)
    var seen: Set<Int32> = []
    for client in 0..<data.clientCount {
      let examples = try data.examples(ofClient: client)
      #expect(20...180 ~= examples.count)
      #expect(examples.features.allSatisfy { 0 <= $0 && $0 <= 1 })
      #expect(examples.labels.allSatisfy { 0 <= $0 && $0 < 62 })
      seen.formUnion(examples.labels)
    }
    #expect(seen.count == 62)
  }

  @Test("The classes can be told apart: the nearest class mean is right on other people's examples")
  func classesAreLearnable() throws {
    let train = try SyntheticEMNIST(clientCount: 60)
    var means = [[Float]](repeating: [Float](repeating: 0, count: 784), count: 62)
    var counts = [Float](repeating: 0, count: 62)
    for client in 0..<train.clientCount {
      let examples = try train.examples(ofClient: client)
      for (index, label) in examples.labels.enumerated() {
        counts[Int(label)] += 1
        for pixel in 0..<784 { means[Int(label)][pixel] += examples.features[784 * index + pixel] }
      }
    }
    for label in 0..<62 { for pixel in 0..<784 { means[label][pixel] /= counts[label] } }
    let test = try SyntheticEMNIST(clientCount: 5, split: .test)
    var right = 0
    var all = 0
    for client in 0..<test.clientCount {
      let examples = try test.examples(ofClient: client)
      for (index, label) in examples.labels.enumerated() {
        let distances = means.map { mean in
          (0..<784).reduce(Float(0)) {
            let difference = mean[$1] - examples.features[784 * index + $1]
            return $0 + difference * difference
          }
        }
        let nearest = distances.indices.min { distances[$0] < distances[$1] }
        right += nearest == Int(label) ? 1 : 0
        all += 1
      }
    }
    #expect(Double(right) / Double(all) > 0.6)
  }

  @Test("Impossible numbers of clients and clients that do not exist are errors")
  func errors() throws {
    for count in [0, -1, Int.max] { #expect(throws: DatasetError.self) { try SyntheticEMNIST(clientCount: count) } }
    let data = try SyntheticEMNIST(clientCount: 2)
    #expect(throws: DatasetError.clientOutOfRange(index: 2, clientCount: 2)) { try data.examples(ofClient: 2) }
  }
}
