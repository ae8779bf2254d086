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
    func add(_ what: String, _ timing: Timing) {
      table.add(
        what, Figures.duration(seconds: timing.best), Figures.duration(seconds: timing.median),
        Figures.short(Double(count * MemoryLayout<Float>.stride) / timing.best * 1e-9))
    }

    var values = update
    let passes = await Timing.measure(repetitions: repetitions) {
      VectorMath.scale(&values, by: 1.0001)
      VectorMath.scale(&values, by: 1 / 1.0001)
    }
    var rotated = update
    let hadamard = try await Timing.measure(repetitions: repetitions) { try HadamardRotation.once.forward(&rotated, seed: 7) }
    var shorter = update
    let padded = try await Timing.measure(repetitions: repetitions) {
      shorter = Array(update[..<(count - 1000)])
      try HadamardRotation.once.forward(&shorter, seed: 7)
    }
    let quantization = try UniformQuantization(levels: 256)
    let encode = try await Timing.measure(repetitions: repetitions) { _ = try quantization.encode(update, randomness: random, shared: 0) }
    let encoded = try quantization.encode(update, randomness: random, shared: 0)
    let decode = try await Timing.measure(repetitions: repetitions) { _ = try quantization.decode(encoded, count: count, shared: 0) }

    add("randomised Hadamard rotation, in place", hadamard)
    add("the same of a vector that is copied and padded first", padded)
    add("limit: read and write the vector twice", passes)
    add("quantise to 8 bits and pack, stochastic", encode)
    add("unpack and decode 8 bits", decode)
    table.notes = [
      "2^21 floats do not fit into the first two caches: 2^18 do, so a transform reads and writes them at least twice. The rotation takes "
        + "\(Figures.short(hadamard.best / passes.best)) times that (goal 3), at the median \(Figures.short(hadamard.median / passes.median)), with the "
        + "drawing of the signs and the search for numbers that are not finite included.",
      "Goal of quantising: 1 GB/s.",
    ]
    return table
  }
}
