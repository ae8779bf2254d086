import Aggregation
import SecureNoise

/// Clip every update, sum, add noise and divide, beside the time that reading the updates takes.
enum AggregationBenchmark {
  private static let clientCount = 100
  private static let parameterCount = 1_206_590
  private static let repetitions = 7

  /// Measures one round's aggregation on one thread.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Aggregation: clip, sum and noise of \(clientCount) updates of \(Figures.short(Double(parameterCount))) parameters, one worker",
      columns: ["what", "best", "median", "GB/s of updates at best"])
    let updates = makeUpdates()
    let bytes = Double(clientCount * parameterCount * MemoryLayout<Float>.stride)
    func add(_ what: String, _ timing: Timing) {
      table.add(
        what, Figures.duration(seconds: timing.best), Figures.duration(seconds: timing.median), Figures.short(bytes / timing.best * 1e-9))
    }

    let pipeline = try AggregationPipeline.mean().gaussianFixed(
      noiseMultiplier: 1, clientsPerRound: Double(clientCount), clippingNorm: 1)
    let summing = try await Timing.measure(repetitions: repetitions) { _ = try sum(updates, pipeline) }
    let whole = try await Timing.measure(repetitions: repetitions) {
      let (opened, sum) = try sum(updates, pipeline)
      _ = try opened.finish(sum, noise: .secure())
    }
    var checksum: UInt64 = 0
    let once = await Timing.measure(repetitions: repetitions) { checksum &+= MachineLimits.read(updates) }
    let twice = await Timing.measure(repetitions: repetitions) {
      // Update by update, as a norm followed by an addition reads them: the second time may come from a cache.
      for update in updates { checksum &+= MachineLimits.read([update]) &+ MachineLimits.read([update]) }
    }
    withExtendedLifetime(checksum) {}
    add("clip + sum + noise + divide", whole)
    add("of which clip + sum", summing)
    add("limit: read all updates once", once)
    add("limit: read each update twice in a row", twice)
    table.notes = [
      "Clip + sum + noise takes \(Figures.short(whole.best / twice.best)) times the reading twice; "
        + "sums are exact integers, the noise is cryptographic and exactly rounded."
    ]
    return table
  }

  /// Clips and sums all updates.
  private static func sum(_ updates: [[Float]], _ pipeline: AggregationPipeline) throws -> (AggregationRound, PartialSum) {
    let opened = try pipeline.round(count: parameterCount, state: pipeline.initialState())
    var sum = opened.emptySum()
    for update in updates { try opened.add(update, weight: 1, to: &sum) }
    return (opened, sum)
  }

  /// Updates of norm about 11, so that all of them are clipped.
  private static func makeUpdates() -> [[Float]] {
    (0..<clientCount).map { client in
      let random = RandomSource.simulation(seed: 1, purpose: .testing, client: UInt64(client))
      return (0..<parameterCount / 2 + 1).flatMap { _ -> [Float] in
        // One draw gives two values, uniform in (−0.017, 0.017).
        let word = random.nextUInt64()
        return [Float(Int32(truncatingIfNeeded: word)) * 0x1p-37, Float(Int32(truncatingIfNeeded: word >> 32)) * 0x1p-37]
      }.prefix(parameterCount).map { $0 }
    }
  }
}
