import FederatedDatasets
import SecureNoise
import Testing

/// Labels of `perClass` examples for each of ten classes, mixed.
private func labels(perClass: Int) -> [Int32] { (0..<(10 * perClass)).map { Int32($0 % 10) } }

private func partitioners() throws -> [any DataPartitioner] {
  [
    try IIDPartition(clients: 7), try ShardPartition(clients: 7, shardsPerClient: 2),
    try DirichletPartition(clients: 7, concentration: 0.1), try DirichletPartition(clients: 7, concentration: 1e-300),
    try DirichletPartition(clients: 7, concentration: 1e6),
    NaturalPartition(owners: (0..<1000).map { Int32($0 / 150) }),
  ]
}

@Suite("Partitions")
struct PartitionTests {
  @Test("Every partition deals out every example once, in the same way for the same seed")
  func conformance() throws {
    let labels = labels(perClass: 100)
    for partitioner in try partitioners() {
      let partition = try partitioner.partition(labels: labels, classCount: 10, seed: 1)
      #expect(partition.clientCount == 7)
      #expect(Set(partition.ids).count == 7)
      #expect(partition.indices.flatMap { $0 }.sorted() == (0..<1000).map { Int32($0) })
      #expect(try partitioner.partition(labels: labels, classCount: 10, seed: 1) == partition)
      if !(partitioner is NaturalPartition) {
        #expect(try partitioner.partition(labels: labels, classCount: 10, seed: 2) != partition)
        let sizes = partition.indices.map(\.count)
        // 14 shards of 71 or 72 examples, two for each client; all others are equal up to one.
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= (partitioner is ShardPartition ? 2 : 1))
      }
    }
  }

  @Test("Every partition refuses labels out of range")
  func labelsOutOfRange() throws {
    for partitioner in try partitioners() {
      var labels = labels(perClass: 100)
      labels[3] = 10
      #expect(throws: DatasetError.labelOutOfRange(example: 3, label: 10, classCount: 10)) {
        try partitioner.partition(labels: labels, classCount: 10, seed: 1)
      }
    }
  }

  @Test("Parameters without sense and more clients than examples are errors")
  func errors() throws {
    for clients in [0, -1, Int.min] {
      #expect(throws: DatasetError.self) { try IIDPartition(clients: clients) }
      #expect(throws: DatasetError.self) { try ShardPartition(clients: clients, shardsPerClient: 2) }
      #expect(throws: DatasetError.self) { try ShardPartition(clients: 2, shardsPerClient: clients) }
      #expect(throws: DatasetError.self) { try DirichletPartition(clients: clients, concentration: 1) }
    }
    #expect(throws: DatasetError.self) { try ShardPartition(clients: .max, shardsPerClient: 2) }
    for concentration in [0, -1, Double.infinity, .nan] {
      #expect(throws: DatasetError.self) { try DirichletPartition(clients: 1, concentration: concentration) }
    }
    let ten = labels(perClass: 1)
    #expect(throws: DatasetError.tooFewExamples(examples: 10, parts: 11, what: "clients")) {
      try IIDPartition(clients: 11).partition(labels: ten, classCount: 10, seed: 0)
    }
    #expect(throws: DatasetError.tooFewExamples(examples: 10, parts: 12, what: "shards")) {
      try ShardPartition(clients: 6, shardsPerClient: 2).partition(labels: ten, classCount: 10, seed: 0)
    }
    #expect(throws: DatasetError.tooFewExamples(examples: 10, parts: 11, what: "clients")) {
      try DirichletPartition(clients: 11, concentration: 1).partition(labels: ten, classCount: 10, seed: 0)
    }
    #expect(throws: DatasetError.countMismatch(what: "owners", count: 2, other: "labels", otherCount: 10)) {
      try NaturalPartition(owners: [1, 2]).partition(labels: ten, classCount: 10, seed: 0)
    }
    #expect(throws: DatasetError.tooFewExamples(examples: 0, parts: 1, what: "clients")) {
      try NaturalPartition(owners: []).partition(labels: [], classCount: 10, seed: 0)
    }
  }

  @Test("With two shards, McMahan's split of 100 clients gives no client more than two classes")
  func shards() throws {
    let labels = labels(perClass: 6000)
    let partition = try ShardPartition(clients: 100, shardsPerClient: 2).partition(labels: labels, classCount: 10, seed: 3)
    for client in partition.indices {
      #expect(client.count == 600)
      #expect(Set(client.map { labels[Int($0)] }).count <= 2)
    }
  }

  @Test("A small concentration concentrates the classes, a large one gives every client the prior")
  func dirichletConcentration() throws {
    let labels = labels(perClass: 1000)
    func meanLargestShare(_ concentration: Double) throws -> Double {
      let partition = try DirichletPartition(clients: 20, concentration: concentration)
        .partition(labels: labels, classCount: 10, seed: 4)
      let shares = partition.indices.map { client -> Double in
        var counts = [Int](repeating: 0, count: 10)
        for example in client { counts[Int(labels[Int(example)])] += 1 }
        return Double(counts.max() ?? 0) / Double(client.count)
      }
      return shares.reduce(0, +) / Double(shares.count)
    }
    let shares = try [0.01, 1, 10, 1e6].map { try meanLargestShare($0) }
    #expect(shares[0] > 0.7)
    #expect(shares == shares.sorted(by: >))
    #expect(shares[3] < 0.15)
  }

  @Test("The natural partition keeps owners together, in ascending order of their numbers")
  func natural() throws {
    let partition = try NaturalPartition(owners: [5, -2, 5, 7, -2], idPrefix: "p")
      .partition(labels: [0, 0, 0, 0, 0], classCount: 1, seed: 0)
    #expect(partition.ids == ["p-2", "p5", "p7"])
    #expect(partition.indices == [[1, 4], [0, 2], [3]])
  }
}
