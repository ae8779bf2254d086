import SecureNoise

/// Gaussian noise in bulk beside the stream of bytes that it is made from.
enum NoiseBenchmark {
  private static let sampleCount = 1_206_590
  private static let byteCount = 1 << 24
  private static let repetitions = 9

  /// Measures both on one thread.
  static func run() async throws -> MarkdownTable {
    var table = MarkdownTable(
      "Noise: \(Figures.short(Double(sampleCount))) Gaussian numbers, one thread",
      columns: ["what", "best", "million samples/s", "GB/s of random bytes"])
    let random = try RandomSource.secure()
    var values = [Double](repeating: 0, count: sampleCount)
    let gaussian = await Timing.measure(repetitions: repetitions) { random.addGaussian(standardDeviation: 1, to: &values) }

    let generator = try SecureGenerator()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 15, alignment: 64)
    defer { buffer.deallocate() }
    let stream = await Timing.measure(repetitions: repetitions) {
      for _ in 0..<byteCount / buffer.count { generator.fill(buffer) }
    }

    // The polar method keeps a pair with probability π/4: 4/π draws of 8 bytes per number.
    let bytesPerSample = 8 * 4 / Double.pi
    let samplesPerSecond = Double(sampleCount) / gaussian.best
    let bytesPerSecond = Double(byteCount) / stream.best
    table.add(
      "Gaussian noise added to a vector", Figures.duration(seconds: gaussian.best), Figures.short(samplesPerSecond * 1e-6),
      Figures.short(samplesPerSecond * bytesPerSample * 1e-9))
    table.add(
      "limit: AES-128-CTR keystream alone", Figures.duration(seconds: Double(sampleCount) * bytesPerSample / bytesPerSecond),
      Figures.short(bytesPerSecond / bytesPerSample * 1e-6), Figures.short(bytesPerSecond * 1e-9))
    table.notes = [
      "The limit's samples are the keystream's bytes over the \(Figures.short(bytesPerSample)) that one sample uses on average."
    ]
    return table
  }
}
