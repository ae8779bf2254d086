import Aggregation
import FederatedLearning
import NeuralNetworks

/// Rounds of federated averaging beside the arithmetic limit: the workload that the peers of the specification were measured with.
enum TrainingBenchmark {
  /// A model, and how much arithmetic one example costs.
  private struct Workload {
    let model: String
    /// Multiply-adds of one example's forward pass.
    let multiplyAdds: Double

    /// Forward, gradient of the inputs and gradient of the weights, each a multiplication and an addition per multiply-add.
    var flopsPerExample: Double { 6 * multiplyAdds }
  }

  private static let workloads = [
    Workload(
      model: "emnist-conv",
      multiplyAdds: 26 * 26 * 32 * 9 + 24 * 24 * 64 * 9 * 32 + 12 * 12 * 64 * 128 + 128 * 62),
    Workload(model: "emnist-dense", multiplyAdds: 784 * 200 + 200 * 200 + 200 * 62),
    Workload(model: "emnist-logistic", multiplyAdds: 784 * 62),
  ]
  private static let clientCount = 10
  private static let examplesPerClient = 200
  private static let batchSize = 20
  private static let repetitions = 5

  /// Measures all models with one worker and with as many as there are cores, at most two.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Training: \(clientCount) clients × \(examplesPerClient) synthetic examples, batch \(batchSize), 1 epoch",
      columns: [
        "model", "workers", "examples/s (median)", "min", "max", "round (median)", "GFLOP/s at median", "limit GFLOP/s", "reached",
      ])
    let clients = try EqualClients(clientCount: clientCount, examplesPerClient: examplesPerClient)
    let examples = Double(clientCount * examplesPerClient)
    for workerCount in ComputeExecutor.coreCount >= 2 ? [2, 1] : [1] {
      // The limit is taken around every model, because a shared machine changes, and the best of them stands beside all: it is a limit.
      var limit = await MachineLimits.peakFlops(threadCount: workerCount)
      var timings: [Timing] = []
      for workload in workloads {
        timings.append(try await rounds(of: workload.model, clients: clients, workerCount: workerCount))
        limit = max(limit, await MachineLimits.peakFlops(threadCount: workerCount))
      }
      for (workload, timing) in zip(workloads, timings) {
        let flops = workload.flopsPerExample * examples / timing.median
        table.add(
          workload.model, "\(workerCount)", Figures.short(examples / timing.median), Figures.short(examples / timing.worst),
          Figures.short(examples / timing.best), Figures.duration(seconds: timing.median), Figures.short(flops * 1e-9),
          Figures.short(limit * 1e-9), Figures.percent(flops / limit))
      }
    }
    let work = workloads.map { "\($0.model) \(Figures.short($0.flopsPerExample * 1e-6))" }.joined(separator: ", ")
    table.notes = [
      "\(repetitions) rounds of federated averaging after 2 warm-up rounds; client SGD, weighted mean, no noise; examples in memory.",
      "Work per example is 6 × multiply-adds of the forward pass, in MFLOP: \(work).",
      "The limit is a loop of float32 fused multiply-adds in registers on as many threads, the best of those around the models.",
    ]
    return table
  }

  private static func rounds(of model: String, clients: EqualClients, workerCount: Int) async throws -> Timing {
    let process = try FederatedAveraging(
      graph: .named(model), clients: clients,
      localTraining: LocalTraining(optimizer: .sgd(learningRate: 0.05, momentum: 0), batchSize: batchSize),
      aggregation: .mean(weighted: true), randomness: .reproducible(seed: 1), executor: ComputeExecutor(threadCount: workerCount))
    var state = try process.initialState()
    var round = 0
    return try await Timing.measure(repetitions: repetitions, warmUps: 2) {
      round += 1
      state = try await process.next(state, round: round, cohort: Array(0..<clientCount), charge: {}).state
    }
  }
}
