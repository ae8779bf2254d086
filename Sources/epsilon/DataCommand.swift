import ArgumentParser
import FederatedDatasets
import PrivateTraining

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "List the known data sets, or look into files.", subcommands: [List.self, Inspect.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the data sets that plans can name.")
    @Option(help: "Form of the output.")
    var format: OutputFormat = .text

    func run() throws {
      try CommandFailure.wrapping {
        switch format {
        case .json: try StandardOutput.print(json: DatasetCatalogue.entries)
        case .text:
          for entry in DatasetCatalogue.entries {
            StandardOutput.print(
              """
              \(entry.name.rawValue)
                \(entry.summary)
                examples of shape \(entry.exampleShape), \(entry.classCount) classes\(entry.hasNaturalPartition ? "; natural partition by person" : "")
                licence: \(entry.licence); source: \(entry.source)
                \(entry.defaultDirectory.map { "read from \($0), or from --data-dir. \(entry.remedy)" } ?? entry.remedy)
              """)
          }
        }
      }
    }
  }

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Describe an IDX file, or the IDX files of a folder.")
    @Argument(help: "File or folder.")
    var path: String
    @Option(help: "Form of the output.")
    var format: OutputFormat = .text

    func run() throws {
      try CommandFailure.wrapping {
        let summary = try DatasetCatalogue.inspect(path)
        switch format {
        case .json: try StandardOutput.print(json: summary)
        case .text: StandardOutput.print(text(summary), terminator: "")
        }
      }
    }

    private func text(_ summary: DatasetSummary) -> String {
      var lines: [String] = []
      for file in summary.files {
        let extents = file.dimensions.map { "\($0)" }.joined(separator: " × ")
        lines.append("\(file.path)\n  \(extents) of \(file.elementType), \(file.byteCount) bytes\(file.isCompressed ? ", gzip" : "")")
        if let groups = file.groups {
          lines.append(
            "  \(groups.count) distinct values; examples of each: min \(groups.minimum), median \(groups.median), max \(groups.maximum)")
        }
        if let values = file.values, values.count <= 62 {
          lines.append("  " + values.map { "\($0.value): \($0.count)" }.joined(separator: "  "))
        }
      }
      lines += summary.problems.map { "problem: \($0.message)" }
      if summary.isDirectory {
        let names = summary.datasets.map(\.rawValue).joined(separator: ", ")
        lines.append(names.isEmpty ? "No known data set is complete here." : "Data sets that can be loaded from here: \(names)")
      }
      return lines.joined(separator: "\n") + "\n"
    }
  }
}
