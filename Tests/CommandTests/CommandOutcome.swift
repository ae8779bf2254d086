import Foundation

/// What a run of the command gave.
struct CommandOutcome {
  let status: Int32
  let output: String
  let errors: String
}

func epsilon(_ arguments: String..., in folder: String? = nil, interruptAfterLines: Int? = nil) throws -> CommandOutcome {
  try epsilon(arguments, in: folder, interruptAfterLines: interruptAfterLines)
}

/// Runs the command that was built beside the tests, and interrupts it once it has written so many lines.
func epsilon(_ arguments: [String], in folder: String? = nil, interruptAfterLines: Int? = nil) throws -> CommandOutcome {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("epsilon")
  process.arguments = arguments
  if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
  let (output, errors) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  var data = Data()
  var isInterrupted = false
  while true {
    let part = output.fileHandleForReading.availableData
    if part.isEmpty { break }
    data += part
    if let limit = interruptAfterLines, !isInterrupted, data.count(where: { $0 == 10 }) >= limit {
      // Once: the third interrupt would end the process.
      process.interrupt()
      isInterrupted = true
    }
  }
  // No command writes more errors than a pipe's buffer holds.
  let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return CommandOutcome(status: process.terminationStatus, output: String(decoding: data, as: UTF8.self), errors: errorText)
}
