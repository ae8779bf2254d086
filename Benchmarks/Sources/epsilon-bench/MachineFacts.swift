import FederatedLearning
import Foundation
import NeuralNetworks

/// What a reader must know about the machine to make use of a figure.
enum MachineFacts {
  /// The facts as Markdown.
  static var markdown: String {
    """
    ## epsilon-bench

    Processor: \(processorName); cores: \(ComputeExecutor.coreCount); instructions: \(InstructionSet.effective) in the models' arithmetic, \
    \(MachineLimits.instructions) in the arithmetic limit. One run on a machine that may be shared: compare figures within a run.

    """
  }

  /// The processor's name where the system tells it.
  private static var processorName: String {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return "unknown" }
    for line in text.split(separator: "\n") where line.hasPrefix("model name") {
      if let name = line.split(separator: ":", maxSplits: 1).last { return name.trimmingCharacters(in: .whitespaces) }
    }
    return "unknown"
  }
}
