import SecureNoise

/// Exact integer noise added to a vector of sums, beside the stream of random words that it is made from.
enum IntegerNoiseBenchmark {
  private static let sampleCount = 1_206_590
  private static let repetitions = 9

  /// Measures every sampler on one thread, with the noise prepared beforehand.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Exact integer noise: \(Figures.short(Double(sampleCount))) numbers, one thread",
      columns: ["what", "best", "million samples/s"])
    let random = try RandomSource.secure()
    var values = [Int64](repeating: 0, count: sampleCount)
    func add(_ name: String, _ best: Double) {
      table.add(name, Figures.duration(seconds: best), Figures.short(Double(sampleCount) / best * 1e-6))
    }
    for exponent in [4, 20, 30, 34] {
      let sigma = Double(sign: .plus, exponent: exponent, significand: 1)
      let time = try await Timing.measure(repetitions: repetitions) { try random.addGridGaussian(standardDeviation: sigma, to: &values) }
      add("grid Gaussian, σ = 2^\(exponent)", time.best)
    }
    for sigma in [1.0, 10, 100, 10_000] {
      let noise = try IntegerNoise.discreteGaussian(sigma: sigma)
      let time = try await Timing.measure(repetitions: repetitions) { try random.add(noise, to: &values) }
      add("discrete Gaussian, σ = \(Figures.short(sigma))", time.best)
    }
    for variance in [1.0, 10_000, 1_000_000] {
      let noise = try IntegerNoise.skellam(variance: variance)
      let time = try await Timing.measure(repetitions: repetitions) { try random.add(noise, to: &values) }
      add("Skellam, variance \(Figures.short(variance))", time.best)
    }
    for exponent in [0, 30] {
      let noise = try IntegerNoise.roundedLaplace(scale: Double(sign: .plus, exponent: exponent, significand: 1))
      let time = try await Timing.measure(repetitions: repetitions) { try random.add(noise, to: &values) }
      add("Laplace rounded to the grid, scale 2^\(exponent)", time.best)
    }
    let words = await Timing.measure(repetitions: repetitions) {
      for index in values.indices { values[index] = Int64(bitPattern: random.nextUInt64()) }
    }
    add("limit: one random word a number", words.best)
    table.notes = [
      "The Gaussians read one word a number in most cases, Skellam noise two, Laplace noise of a large scale four. A table lookup or a strip's "
        + "arithmetic comes on top."
    ]
    return table
  }
}
