import Aggregation
import ParameterVectors
import SecureNoise

/// What every aggregator of docs/ChoosingAnAggregator.md costs: bytes, time and error, at one dimension and cohort.
enum AggregatorCostBenchmark {
  private static let clientCount = 20
  private static let parameterCount = 1_206_590
  private static let repetitions = 3
  /// Deviation of a value of an update, so that its norm is about 0.9: below the bound 1 that adaptive clipping starts from.
  private static let spread = 0.9 / Double(parameterCount).squareRoot()

  /// An aggregator as the table shows it.
  private struct Candidate {
    let name: String
    let pipeline: AggregationPipeline
    /// Bytes of an integer or a value, where the message is not a code whose bytes are measured.
    var bytesPerValue = 4.0
    /// Values of the message.
    var messageCount = parameterCount
  }

  /// Measures all of them on one thread.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Aggregators: \(clientCount) updates of \(Figures.short(Double(parameterCount))) parameters, one thread",
      columns: ["aggregator", "bytes per client and round", "ms per client", "ms per round on the server", "error"])
    let updates = makeUpdates()
    var mean = [Double](repeating: 0, count: parameterCount)
    for update in updates { VectorMath.accumulate(update, scaledBy: 1 / Double(clientCount), into: &mean) }
    for candidate in try candidates() { table.add(cells: try row(candidate, updates, mean)) }
    for (name, aggregate) in try holders() {
      var result: [Double] = []
      let timing = try await Timing.measure(repetitions: 1, warmUps: 0) { result = try aggregate(updates) }
      table.add(
        cells: [name, bytes(Double(4 * parameterCount)), "–", milliseconds(timing.best), error(of: result, from: mean)])
    }
    table.notes = [
      "Half of an update's square is common to all clients, half its own: normal values, a norm of about 0.9. The error is the "
        + "norm of the difference from the exact mean over the norm of the exact mean.",
      "Noise has the multiplier 1 with \(clientCount) clients and a bound of 2, in the first round: its error is z C √parameters over cohort times the norm of "
        + "the mean, and falls as the cohort grows.",
      "Time per client: the client side, and decoding or adding on the server. Per round: noise, division and the rest. Best of \(repetitions). "
        + "Bytes of codes are those of the encoded messages with an eight-byte seed; other messages are counted as 4 bytes a value, integers of modular "
        + "sums with their bits.",
    ]
    return table
  }

  private static func candidates() throws -> [Candidate] {
    let cohort = Double(clientCount)
    let bits = 16
    let distributed = try DistributedSum(
      noise: .skellam, noiseMultiplier: 1, expectedClients: clientCount, minimumClients: clientCount, parameterCount: parameterCount,
      norm: .fixed(2),
      bits: bits)
    let padded = try HadamardRotation.once.paddedCount(parameterCount)
    let mean = AggregationPipeline.mean()
    func matrix(_ strategy: ToeplitzStrategy) throws -> AggregationPipeline {
      try mean.matrixGaussian(noiseMultiplier: 1, clientsPerRound: cohort, clippingNorm: 2, strategy: strategy, plannedRounds: 1000)
    }
    return [
      Candidate(name: "`mean`", pipeline: mean),
      Candidate(name: "`robust`", pipeline: try .robust(weighted: false)),
      Candidate(name: "`gaussianFixed`", pipeline: try mean.gaussianFixed(noiseMultiplier: 1, clientsPerRound: cohort, clippingNorm: 2)),
      Candidate(
        name: "`dp` from a norm of 2",
        pipeline: try mean.gaussianAdaptive(noiseMultiplier: 1, clientsPerRound: cohort, initialClippingNorm: 2)
          .zeroing(privateWithClientsPerRound: cohort)),
      Candidate(
        name: "`gaussianFixed` without noise",
        pipeline: try mean.gaussianFixed(noiseMultiplier: 0, clientsPerRound: cohort, clippingNorm: 2)),
      Candidate(name: "Laplace, L1 norm 1200", pipeline: try mean.laplace(noiseMultiplier: 1, clientsPerRound: cohort, clippingNorm: 1200)),
      Candidate(name: "`TreeGaussian`", pipeline: try mean.treeGaussian(noiseMultiplier: 1, clientsPerRound: cohort, clippingNorm: 2)),
      Candidate(name: "banded, 32 bands", pipeline: try matrix(.optimizedBanded(rounds: 1000, bands: 32))),
      Candidate(name: "BLT, 4 buffers", pipeline: try matrix(.optimizedBuffered(rounds: 1000, buffers: 4))),
      Candidate(
        name: "`DistributedSum`, Skellam, \(bits) bits", pipeline: try mean.distributed(distributed), bytesPerValue: Double(bits) / 8,
        messageCount: padded),
      Candidate(name: "`secure`", pipeline: try .secure(weighted: false)),
      Candidate(name: "`compression`, 8 bits", pipeline: try .compressed(weighted: false)),
      Candidate(name: "`compression`, 4 bits", pipeline: try .compressed(weighted: false, bits: 4)),
      Candidate(name: "`entropy`, step of one deviation", pipeline: try .entropyCompressed(weighted: false, stepSize: spread)),
      Candidate(name: "uniform, 256 levels, rotated", pipeline: try mean.compression(RotatedEncoder(UniformQuantization(levels: 256)))),
      Candidate(name: "DRIVE", pipeline: try mean.compression(Drive())),
      Candidate(name: "TernGrad", pipeline: try mean.compression(TernGrad())),
      Candidate(name: "binary", pipeline: try mean.compression(UniformQuantization.binary())),
    ]
  }

  /// The aggregators that hold all updates.
  private static func holders() throws -> [(String, ([[Float]]) throws -> [Double])] {
    let trimmed = try TrimmedMean(trimmedFraction: 0.1)
    return [("`CoordinateMedian`", CoordinateMedian().aggregate), ("`TrimmedMean`, 10 %", trimmed.aggregate)]
  }

  private static func row(_ candidate: Candidate, _ updates: [[Float]], _ mean: [Double]) throws -> [String] {
    var (client, server) = (Double.infinity, Double.infinity)
    var encoded: Double?
    var result: [Double] = []
    for repetition in 0..<repetitions {
      let seed = UInt64(repetition)
      let round = try candidate.pipeline.round(
        count: parameterCount, state: candidate.pipeline.initialState(), roundSeed: seed)
      var sum = round.emptySum()
      let start = ContinuousClock.now
      try round.add(
        updates, weights: [Double](repeating: 1, count: clientCount), to: &sum,
        own: updates.indices.map { .simulation(seed: seed, purpose: .rounding, client: UInt64($0)) })
      let middle = ContinuousClock.now
      let outcome = try round.finish(sum, noise: .secure())
      client = min(client, start.duration(to: middle).seconds / Double(clientCount))
      server = min(server, middle.duration(to: .now).seconds)
      encoded = outcome.measurements.first { $0.name == .encodedBytes }?.value
      result = outcome.update
    }
    let size = encoded.map { $0 / Double(clientCount) } ?? candidate.bytesPerValue * Double(candidate.messageCount)
    return [candidate.name, bytes(size), milliseconds(client), milliseconds(server), error(of: result, from: mean)]
  }

  private static func bytes(_ count: Double) -> String { "\(Figures.short(count * 1e-6)) MB" }
  private static func milliseconds(_ seconds: Double) -> String { Figures.short(seconds * 1e3) }

  private static func error(of result: [Double], from mean: [Double]) -> String {
    let ratio = VectorMath.norm(zip(result, mean).map { $0 - $1 }) / VectorMath.norm(mean)
    return ratio == 0 ? "0" : ratio < 1e-3 ? Figures.scientific(ratio) : ratio < 2 ? Figures.percent(ratio) : "\(Figures.short(ratio)) ×"
  }

  private static func makeUpdates() -> [[Float]] {
    func normal(_ client: UInt64) -> [Double] {
      var values = [Double](repeating: 0, count: parameterCount)
      RandomSource.simulation(seed: 3, purpose: .testing, client: client).addGaussian(
        standardDeviation: spread * 0.5.squareRoot(), to: &values)
      return values
    }
    let common = normal(0)
    return (1...clientCount).map { client in zip(common, normal(UInt64(client))).map { Float($0 + $1) } }
  }
}
