public import ArgumentParser
import Dispatch
import Foundation
public import NeuralNetworks
import PrivacyReports
import PrivateTraining

struct Train: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Carry out a training plan and report ε beside model quality every round.",
    discussion: """
      Given a target ε and no noise multiplier the plan is calibrated first. Ctrl-C ends the run after the round that is under way; a second
      Ctrl-C gives that round up if it has not been charged yet.

      Exit status: 0 done or interrupted, 1 failed, 2 refused, 3 stopped at the privacy budget (docs/Command.md).
      Example: epsilon train Plans/fashion-mnist.yaml --set algorithm.rounds=20
      """)

  @Argument(help: "Plan, a YAML or JSON file.")
  var plan: String
  @Option(parsing: .unconditional, help: "Privacy budget ε; replaces the plan's.")
  var epsilon: Double?
  @Option(parsing: .unconditional, help: "δ of the guarantee; replaces the plan's.")
  var delta: Double?
  @Option(parsing: .unconditional, help: "Number of rounds; replaces the plan's.")
  var rounds: Int?
  @Option(
    help: """
      How updates become one; replaces the plan's: mean, robust, dp, ddp, tree, banded, blt, compression, entropy, secure, gaussianAdaptive, or another with its \
      settings as in a plan, for instance {gaussianFixed: {clippingNorm: 0.5}}.
      """)
  var aggregation: String?
  @Option(name: .customLong("set"), help: "Replace any value of the plan, for instance algorithm.clientLearningRate=0.1.")
  var assignments: [String] = []
  @Option(help: "Folder of the data set's files.")
  var dataDir: String?
  @Option(help: "Folder of the run; by default runs/DATE-NAME.")
  var runDir: String?
  @Option(parsing: .unconditional, help: "Worker threads; by default one per core. Results do not depend on it.")
  var workers: Int?
  @Option(
    help: "Most capable instruction set to use: baseline, avx2 or avx512. Results are equal bit for bit on machines that use the same one.")
  var isa: InstructionSet?
  @Flag(help: "Show exact figures about the round's clients; they then stand in the report's list of leaks.")
  var showNonPrivate = false
  @Option(parsing: .unconditional, help: "Draw noise and clients from this seed. NOT PRIVATE: for tests only, and every report says so.")
  var insecureReproducibleNoise: UInt64?
  @Flag(help: "Check and calibrate the plan, print it as it would be executed, and stop.")
  var dryRun = false
  @Option(help: "Form of the output.")
  var format: OutputFormat = .text

  func validate() throws {
    if let workers, !(1...1_024).contains(workers) { throw ValidationError("--workers is \(workers), must be in 1…1024") }
  }

  func run() async throws {
    do { try await train() } catch let failure as CommandFailure { throw failure } catch let code as ExitCode { throw code } catch {
      throw CommandFailure(of: error)
    }
  }

  private func compiledPlan() throws -> CompiledPlan {
    var node = try PlanNode(contentsOf: plan)
    // The named flags are short forms of --set and go through the same checks.
    if let epsilon { try node.set("privacy.epsilon", to: "\(epsilon)", flag: "--epsilon") }
    if let delta { try node.set("privacy.delta", to: "\(delta)", flag: "--delta") }
    if let rounds { try node.set("algorithm.rounds", to: "\(rounds)", flag: "--rounds") }
    if let aggregation { try node.set("aggregation", to: aggregation, flag: "--aggregation") }
    for assignment in assignments { try node.set(assignment) }
    var plan = try TrainingPlan(node)
    if let dataDir { plan.task.dataDirectory = dataDir }
    do throws(TrainingError) { return try CompiledPlan(plan) } catch {
      if let error = PlanError(error, in: node) { throw error }
      throw error
    }
  }

  private func train() async throws {
    if let isa { try InstructionSet.cap(isa) }
    let compiled = try compiledPlan()
    for warning in compiled.warnings { StandardError.print("warning: \(warning)") }
    if dryRun {
      StandardOutput.print(try CanonicalJSON.text(compiled.plan, isPretty: true))
      return
    }
    do { try await run(compiled) } catch let code as ExitCode { throw code } catch {
      // The plan has been accepted, so whatever goes wrong now is no fault of the question.
      throw CommandFailure(String(describing: error))
    }
  }

  private func run(_ compiled: CompiledPlan) async throws {
    // From here on a folder is written, so that an interrupt must end the run in order.
    let stop = StopRequests()
    let signals = Self.onStopSignals { stop.add($0) }
    defer { for signal in signals { signal.cancel() } }
    let directory = try RunDirectory(creating: runDir ?? Self.freshDirectory(for: compiled.plan.name), for: compiled)
    var options = PrivateTrainer.Options()
    if let workers { options.workers = workers }
    options.showsNonPrivateFigures = showNonPrivate
    options.insecureReproducibleSeed = insecureReproducibleNoise
    let trainer = try PrivateTrainer(compiled, directory: directory, options: options)

    let screen = TrainingScreen(compiled, directory: directory, format: format, isReproducible: insecureReproducibleNoise != nil)
    try screen.start()
    stop.direct(to: trainer)
    let work = Task {
      for try await round in trainer.rounds() { try screen.show(round) }
    }
    stop.direct(to: work)
    try await work.value
    let record = await trainer.record()
    try screen.finish(record)
    if record.status == .budget { throw ExitCode(3) }
  }

  /// Calls `handler` with every SIGINT or SIGTERM, on a queue of its own.
  private static func onStopSignals(_ handler: @escaping @Sendable (Int32) -> Void) -> [any DispatchSourceSignal] {
    let queue = DispatchQueue(label: "epsilon.signals")
    return [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { handler(number) }
      source.resume()
      return source
    }
  }

  private static func freshDirectory(for name: String) -> String {
    let day = Date().formatted(.iso8601.year().month().day())
    let first = "runs/\(day)-\(name)"
    var path = first
    var number = 2
    while FileManager.default.fileExists(atPath: path) {
      path = "\(first)-\(number)"
      number += 1
    }
    return path
  }
}

extension InstructionSet: ExpressibleByArgument {}
