import Aggregation
import SecureNoise

/// Clip every update, sum, add noise and divide, beside the time that reading the updates takes.
enum AggregationBenchmark {
  private static let clientCount = 100
  private static let parameterCounts = [1_206_590, 4_000_000]
  private static let repetitions = 7

  /// Measures one round's aggregation on one thread, for two sizes of model.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Aggregation: clip, sum and noise of \(clientCount) updates, one worker",
      columns: ["what", "parameters", "best", "median", "GB/s of updates at best"])
    for count in parameterCounts { try measure(parameterCount: count, in: &table) }
    table.notes.append(
      "The limit of clip and sum is twice the time of reading all updates once: no clip is known before the norm is. "
        + "Ratios are medians over \(repetitions) repetitions, in each of which all rows are measured one after the other.")
    table.notes.append(
      "Sums are exact integers of 64 bits, read and written once for every 32 updates at hand, else once for each. Where such a sum streams "
        + "from memory it moves four times the bytes of an update, and the update itself twice: three times the limit.")
    return table
  }

  private static func measure(parameterCount: Int, in table: inout MarkdownTable) throws {
    let updates = makeUpdates(parameterCount: parameterCount)
    let pipeline = try AggregationPipeline.mean().gaussianFixed(
      noiseMultiplier: 1, clientsPerRound: Double(clientCount), clippingNorm: 1)
    let random = try RandomSource.secure()
    var noise = [Int64](repeating: 0, count: parameterCount)
    var checksum: UInt64 = 0
    let rows = [
      "clip + sum + noise + divide", "of which clip + sum", "of which noise", "clip + sum, one update at a time",
      "limit: read all updates once", "limit: read each update twice in a row",
    ]
    let seconds = try Timing.interleaved(
      repetitions: repetitions,
      [
        {
          let (opened, sum) = try sum(updates, pipeline)
          _ = try opened.finish(sum, noise: .secure())
        },
        { _ = try sum(updates, pipeline) },
        { try random.addGridGaussian(standardDeviation: 0x1p30, to: &noise) },
        { _ = try sumSingly(updates, pipeline) },
        { checksum &+= MachineLimits.read(updates) },
        // Update by update, as a norm followed by an addition reads them: the second time may come from a cache.
        { for update in updates { checksum &+= MachineLimits.read([update]) &+ MachineLimits.read([update]) } },
      ])
    withExtendedLifetime(checksum) {}
    let bytes = Double(clientCount * parameterCount * MemoryLayout<Float>.stride)
    for (name, times) in zip(rows, seconds) {
      let timing = Timing(seconds: times)
      table.add(
        name, Figures.short(Double(parameterCount)), Figures.duration(seconds: timing.best), Figures.duration(seconds: timing.median),
        Figures.short(bytes / timing.best * 1e-9))
    }
    func ratio(_ value: (Int) -> Double) -> String { Figures.short(Timing(seconds: (0..<repetitions).map(value)).median) }
    table.notes.append(
      "\(Figures.short(Double(parameterCount))) parameters: clip + sum \(ratio { seconds[1][$0] / (2 * seconds[4][$0]) }) times the limit "
        + "(goal 1.2); everything but the noise \(ratio { (seconds[0][$0] - seconds[2][$0]) / (2 * seconds[4][$0]) }) times; "
        + "one update at a time \(ratio { seconds[3][$0] / (2 * seconds[4][$0]) }) times. Against reading each update twice in a row, which "
        + "finds part of it in a cache: clip + sum \(ratio { seconds[1][$0] / seconds[5][$0] }) times.")
  }

  /// Clips and sums all updates, which are at hand.
  private static func sum(_ updates: [[Float]], _ pipeline: AggregationPipeline) throws -> (AggregationRound, PartialSum) {
    let opened = try pipeline.round(count: updates[0].count, state: pipeline.initialState())
    var sum = opened.emptySum()
    try opened.add(updates, weights: [Double](repeating: 1, count: updates.count), to: &sum)
    return (opened, sum)
  }

  /// The same as if updates came one by one.
  private static func sumSingly(_ updates: [[Float]], _ pipeline: AggregationPipeline) throws -> PartialSum {
    let opened = try pipeline.round(count: updates[0].count, state: pipeline.initialState())
    var sum = opened.emptySum()
    for update in updates { try opened.add(update, weight: 1, to: &sum) }
    return sum
  }

  /// Updates uniform in (−1/64, 1/64), of norm about 10 and 18, so that all of them are clipped.
  private static func makeUpdates(parameterCount: Int) -> [[Float]] {
    (0..<clientCount).map { client in
      let random = RandomSource.simulation(seed: 1, purpose: .testing, client: UInt64(client))
      return [Float](unsafeUninitializedCapacity: parameterCount) { values, count in
        for index in 0..<parameterCount {
          values.initializeElement(at: index, to: Float(Int32(truncatingIfNeeded: random.nextUInt64())) * 0x1p-37)
        }
        count = parameterCount
      }
    }
  }
}
