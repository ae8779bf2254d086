import Aggregation
import ParameterVectors
import SecureNoise

/// Rotation and quantisation of an update, beside what they are made of.
enum CodingBenchmark {
  private static let count = 1 << 21
  private static let repetitions = 21

  /// Measures on one thread.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Codes: an update of 2^21 = \(Figures.short(Double(count))) floats, one thread",
      columns: ["what", "best", "median", "GB/s of floats at best"])
    let random = RandomSource.simulation(seed: 2, purpose: .testing)
    let update = (0..<count).map { _ in Float(Int32(truncatingIfNeeded: random.nextUInt64())) * 0x1p-37 }
    let quantization = try UniformQuantization(levels: 256)
    let encoded = try quantization.encode(update, randomness: random, shared: 0)
    var (scaled, rotated, padded) = (update, update, update)
    let seconds = try Timing.interleaved(
      repetitions: repetitions,
      [
        { try HadamardRotation.once.forward(&rotated, seed: 7) },
        {
          VectorMath.scale(&scaled, by: 1.0001)
          VectorMath.scale(&scaled, by: 1 / 1.0001)
        },
        {
          padded = Array(update[..<(count - 1000)])
          try HadamardRotation.once.forward(&padded, seed: 7)
        },
        { _ = try quantization.encode(update, randomness: random, shared: 0) },
        { _ = try quantization.decode(encoded, count: count, shared: 0) },
      ])
    let rows = [
      "randomised Hadamard rotation, in place", "limit: read and write the vector twice",
      "rotation of a vector that is copied and padded first",
      "quantise to 8 bits and pack, stochastic", "unpack and decode 8 bits",
    ]
    for (name, times) in zip(rows, seconds) {
      let timing = Timing(seconds: times)
      table.add(
        name, Figures.duration(seconds: timing.best), Figures.duration(seconds: timing.median),
        Figures.short(Double(count * MemoryLayout<Float>.stride) / timing.best * 1e-9))
    }
    let ratio = Timing(seconds: seconds[0]).best / Timing(seconds: seconds[1]).best
    let median = Timing(seconds: zip(seconds[0], seconds[1]).map { $0 / $1 }).median
    table.notes = [
      "2^21 floats do not fit into the first two caches: 2^18 do, so a transform reads and writes them at least twice. The rotation takes "
        + "\(Figures.short(ratio)) times that at best (goal 3; the median of \(repetitions) ratios is \(Figures.short(median))), with the "
        + "drawing of the signs and the search for numbers that are not finite included.",
      "Goal of quantising: 1 GB/s.",
    ]
    return table
  }
}
