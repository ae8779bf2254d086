import Foundation

/// Measures Epsilon and prints one Markdown table per topic.
///
/// Arguments are names of topics; without any, all are measured.
@main
struct EpsilonBench {
  private static let topics: [(name: String, run: @Sendable () async throws -> MarkdownTable)] = [
    ("training", TrainingBenchmark.run), ("accounting", AccountingBenchmark.run), ("aggregation", AggregationBenchmark.run),
    ("aggregators", AggregatorCostBenchmark.run), ("codes", CodingBenchmark.run), ("noise", NoiseBenchmark.run),
    ("integer noise", IntegerNoiseBenchmark.run),
  ]

  static func main() async throws {
    let wanted = CommandLine.arguments.dropFirst()
    let known = topics.map(\.name)
    if let unknown = wanted.first(where: { !known.contains($0) }) {
      FileHandle.standardError.write(Data("epsilon-bench: no topic \(unknown): choose from \(known.joined(separator: ", "))\n".utf8))
      exit(2)
    }
    show(MachineFacts.markdown)
    for topic in topics where wanted.isEmpty || wanted.contains(topic.name) { show(try await topic.run().markdown) }
  }

  /// Prints at once, also into a pipe: a topic takes a while.
  private static func show(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }
}
