import ArgumentParser
import PrivacyReports
import PrivateTraining

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Print the privacy report of a run: the guarantee, how it came about, and what is outside it.")

  /// Form of the report.
  enum Form: String, ExpressibleByArgument, CaseIterable {
    case terminal, markdown, json
    /// As everywhere else.
    case text
  }

  @Argument(help: "Folder of the run, as epsilon train printed it.")
  var folder: String
  @Option(help: "Form of the report.")
  var format: Form = .terminal

  func run() throws {
    try CommandFailure.wrapping {
      let report = try PrivacyReport(of: RunDirectory(existing: folder))
      switch format {
      case .terminal, .text: StandardOutput.print(report.terminalText(), terminator: "")
      case .markdown: StandardOutput.print(report.markdown(), terminator: "")
      case .json: StandardOutput.print(try CanonicalJSON.text(report, isPretty: true))
      }
    }
  }
}
