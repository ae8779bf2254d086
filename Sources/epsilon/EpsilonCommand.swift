import ArgumentParser
import Foundation
import PrivateTraining

@main
struct EpsilonCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epsilon",
    abstract: "Differentially private federated learning: calibrate noise, train under a guarantee, report what was spent.",
    version: EpsilonVersion.current,
    subcommands: [Calibrate.self, Account.self, Train.self, Report.self, DataCommand.self])

  /// Maps ArgumentParser's exit status for bad usage, 64, to 2, and prints our own errors in one line.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
    } catch let failure as CommandFailure {
      StandardError.print("error: \(failure.message)")
      Foundation.exit(failure.status)
    } catch {
      let status = exitCode(for: error).rawValue
      guard status == 64 else { exit(withError: error) }
      StandardError.print(fullMessage(for: error))
      Foundation.exit(2)
    }
  }
}

/// A failure with its exit status: 1 failed, 2 refused, 3 stopped at the privacy budget, 70 (`EX_SOFTWARE`) a defect of this program.
struct CommandFailure: Error {
  let message: String
  var status: Int32 = 1

  init(_ message: String, status: Int32 = 1) {
    self.message = message
    self.status = status
  }

  /// `error` of a library, with its description and status.
  init(of error: any Error) { self.init(String(describing: error), status: TrainingError.isRefusal(error) ? 2 : 1) }

  /// Runs `body` and turns any library error into a failure.
  static func wrapping<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as CommandFailure { throw error } catch let error as ExitCode { throw error } catch {
      throw CommandFailure(of: error)
    }
  }
}

/// Progress and warnings.
enum StandardError {
  static func print(_ text: String, terminator: String = "\n") {
    // Nobody left to read is no reason to lose a run.
    try? FileHandle.standardError.write(contentsOf: Data((text + terminator).utf8))
  }

  static var isTerminal: Bool { isatty(2) == 1 }
}

/// Results.
enum StandardOutput {
  static func print(_ text: String, terminator: String = "\n") {
    try? FileHandle.standardOutput.write(contentsOf: Data((text + terminator).utf8))
  }

  static func print(json value: some Encodable) throws { print(try CanonicalJSON.text(value)) }
}

/// Form of the output.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text
  case json
}
