import FederatedDatasets
import FederatedLearning
import NeuralNetworks
import SecureNoise
import Synchronization
import Testing

@Suite("Workers, evaluation and randomness")
struct WorkerTests {
  @Test("blocks cover every client once, depend on the count alone, and are at most 65", arguments: [0, 1, 63, 64, 65, 128, 1_000, 12_345])
  func blocks(count: Int) {
    let schedule = BlockSchedule(count: count)
    #expect((0..<schedule.blockCount).flatMap { Array(schedule.block($0)) } == Array(0..<count))
    #expect(schedule.blockSize == max(1, count / 64))
  }

  @Test("blocks merge in index order and never run far ahead of the merge")
  func order() async throws {
    let running = Mutex((now: 0, most: 0))
    let executor = ComputeExecutor(threadCount: 3)
    let merged = try await BlockSchedule(count: 300).fold(into: [Int](), on: executor) { range in
      running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      defer { running.withLock { $0.now -= 1 } }
      return Array(range)
    } merge: { total, part in
      total += part
    }
    #expect(merged == Array(0..<300))
    #expect(running.withLock { $0.most } <= 3)
  }

  @Test("the first error of a block ends the round")
  func failure() async throws {
    await #expect(throws: FederatedLearningError.self) {
      try await BlockSchedule(count: 200).fold(into: 0, on: ComputeExecutor(threadCount: 2)) { range in
        if range.contains(50) { throw DatasetError.unknownDataset(name: "x", known: []) }
        return 1
      } merge: {
        $0 += $1
      }
    }
  }

  @Test("evaluation sums over clients, whatever the workers and the batch size")
  func evaluation() async throws {
    let clients = ToyClients(sizes: [3, 0, 7, 1, 12])
    let parameters = try toyModel.initialParameters(seed: 5)
    var losses: [Double] = []
    for (workers, batch) in [(1, 1), (2, 4), (3, 100)] {
      let metrics = try await FederatedEvaluation(
        graph: toyModel, clients: clients, batchSize: batch, executor: ComputeExecutor(threadCount: workers)
      ).metrics(of: parameters)
      #expect(metrics.count == 23)
      losses.append(metrics.lossSum)
    }
    #expect(abs(losses[0] - losses[1]) < 1e-4 && abs(losses[0] - losses[2]) < 1e-4)
    #expect(throws: FederatedLearningError.self) { try FederatedEvaluation(graph: toyModel, clients: clients, batchSize: 0) }
  }

  @Test("secure runs never repeat their noise or draws, reproducible ones always do, and rounds differ")
  func randomness() throws {
    let secure = try RunRandomness.secure(seed: 1)
    #expect(!secure.isReproducible)
    #expect(try secure.noise(round: 1).nextUInt64() != secure.noise(round: 1).nextUInt64())
    #expect(try secure.clientSampling(round: 1).nextUInt64() != secure.clientSampling(round: 1).nextUInt64())
    let seeded = RunRandomness.reproducible(seed: 1)
    #expect(try seeded.noise(round: 1).nextUInt64() == seeded.noise(round: 1).nextUInt64())
    #expect(try seeded.noise(round: 1).nextUInt64() != seeded.noise(round: 2).nextUInt64())
    #expect(try seeded.noise(round: 1).nextUInt64() != seeded.clientSampling(round: 1).nextUInt64())
    #expect(try RunRandomness.secure().seed != RunRandomness.secure().seed)
  }
}
