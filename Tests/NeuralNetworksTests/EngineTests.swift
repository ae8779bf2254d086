import NeuralNetworks
import Testing

@Suite("Arithmetic engine")
struct EngineTests {
  @Test("the instruction set is named, and fixed once something was computed")
  func instructionSet() throws {
    ComputeThreads.useOneThread()
    _ = try CompiledModel(ModelGraph(inputShape: [4], layers: [.dense(units: 2)]), batchSize: 1)
    #expect(!InstructionSet.effective.isEmpty)
    #expect(throws: NeuralNetworkError.self) { try InstructionSet.cap(.baseline) }
  }

  @Test("metrics of parts merge to those of the whole")
  func metricsMerge() {
    let merged = BatchMetrics(lossSum: 1.5, correct: 2, count: 4).merging(BatchMetrics(lossSum: 0.5, correct: 2, count: 4))
    #expect(merged == BatchMetrics(lossSum: 2, correct: 4, count: 8))
    #expect(merged.meanLoss == 0.25 && merged.accuracy == 0.5)
    #expect(BatchMetrics().accuracy.isNaN)
  }
}
