import Foundation
import PrivacyEvents
import PrivacyReports
import PrivateTraining
import Synchronization

/// What `epsilon train` shows: a table of tested rounds and a progress line, plain lines, or JSON Lines.
final class TrainingScreen: Sendable {
  /// Rounds since the last row of the table.
  private struct Pending {
    var last: RoundReport?
    var count = 0
    var seconds = 0.0
  }

  private let compiled: CompiledPlan
  private let directory: RunDirectory
  private let format: OutputFormat
  private let isReproducible: Bool
  private let pending = Mutex(Pending())
  private let began = ContinuousClock.now

  init(_ compiled: CompiledPlan, directory: RunDirectory, format: OutputFormat, isReproducible: Bool) {
    self.compiled = compiled
    self.directory = directory
    self.format = format
    self.isReproducible = isReproducible
  }

  private struct Conclusion: Encodable {
    let stopped: RunRecord.Status
    let rounds: Int
    let seconds: Double
    let metrics: RoundReport.TestMetrics?
    let runDirectory: String
  }

  func start() throws {
    if isReproducible { StandardError.print("warning: not private: reproducible noise") }
    guard format == .text else { return }
    let facts = compiled.facts
    StandardOutput.print("\(compiled.plan.name): \(facts.dataset)")
    StandardOutput.print(
      "\(facts.populationSize) training clients, \(Figure.plain(facts.expectedCohort)) expected per round, \(facts.parameterCount) parameters, "
        + "tested on \(facts.testPopulationSize) other clients")
    if let privacy = compiled.plan.privacy, let split = compiled.aggregation.noiseSplit {
      let budget = privacy.epsilon.map { "budget ε = \(Figure.exact($0))" } ?? "no budget"
      StandardOutput.print(
        "noise multiplier \(Figure.noise(split.noiseMultiplier)), \(budget) at δ = \(Figure.exact(privacy.delta))")
    } else {
      StandardOutput.print("no privacy: the plan adds no noise")
    }
    StandardOutput.print("run folder \(directory.path)\n")
    StandardOutput.print(Self.row(Self.heading(isPrivate: compiled.plan.privacy != nil)))
  }

  func show(_ round: RoundReport) throws {
    switch format {
    case .json: try StandardOutput.print(json: round)
    case .text:
      clearProgress()
      switch round.rejection {
      case .notFinite: StandardError.print("warning: round \(round.round): the aggregate was not finite; the model is unchanged")
      case .tooFewClients:
        StandardError.print("warning: round \(round.round): too few clients for the noise that they add; the model is unchanged")
      case nil: break
      }
      pending.withLock { pending in
        pending.last = round
        pending.count += 1
        pending.seconds += round.seconds
      }
      let isTested = round.round % compiled.plan.evaluation.everyRounds == 0 || round.round == round.plannedRounds
      if isTested { printRow(metrics: round.metrics) }
      if let exact = round.nonPrivate, compiled.plan.privacy != nil {
        StandardOutput.print(
          "         not private: \(exact.participants) took part, \(exact.clippedCount.map { "\($0) clipped, " } ?? "")"
            + "train accuracy \(exact.trainAccuracy.map(Figure.percent) ?? "–")")
      }
      progress(round)
    }
  }

  func finish(_ record: RunRecord) throws {
    switch format {
    case .json:
      try StandardOutput.print(
        json: Conclusion(
          stopped: record.status, rounds: record.completedRounds, seconds: record.seconds, metrics: record.finalMetrics,
          runDirectory: directory.path))
    case .text:
      clearProgress()
      // The last round of a run that was stopped is tested when the run ends.
      printRow(metrics: record.finalMetrics)
      let quality = record.finalMetrics.map { ", test accuracy \(Figure.percent($0.testAccuracy))" } ?? ""
      StandardOutput.print(
        "\n\(record.status.title) after \(record.completedRounds) of \(record.plannedRounds) rounds in \(Figure.fixed(record.seconds, 1)) s\(quality)"
      )
      StandardOutput.print("report: epsilon report \(directory.path)")
    }
  }

  private static func heading(isPrivate: Bool) -> [String] {
    isPrivate
      ? ["round", "accuracy", "loss", "ε so far", "ε planned", "clip norm", "clipped", "noise σ", "SNR", "s/round"]
      : ["round", "accuracy", "loss", "clients", "train acc", "clip norm", "clipped", "s/round"]
  }

  /// The row of the rounds since the last one, if there are any.
  private func printRow(metrics: RoundReport.TestMetrics?) {
    let rounds = pending.withLock { pending in
      defer { pending = Pending() }
      return pending
    }
    guard let last = rounds.last else { return }
    StandardOutput.print(Self.row(cells(last, metrics, secondsPerRound: rounds.seconds / Double(rounds.count))))
  }

  private func cells(_ round: RoundReport, _ metrics: RoundReport.TestMetrics?, secondsPerRound: Double) -> [String] {
    func figure(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "–" }
    let head = [
      "\(round.round)", metrics.map { Figure.percent($0.testAccuracy) } ?? "–", metrics.map { Figure.fixed($0.testLoss, 4) } ?? "–",
    ]
    let clipped = round.noisedFractionClipped.map(Figure.percent) ?? "–"
    guard compiled.plan.privacy != nil else {
      return head + [
        round.nonPrivate.map { "\($0.participants)" } ?? "–", round.nonPrivate?.trainAccuracy.map(Figure.percent) ?? "–",
        figure(round.clippingNorm), clipped, Figure.fixed(secondsPerRound, 2),
      ]
    }
    return head + [
      round.epsilon.map { Figure.up($0.upper) } ?? "–", round.plannedEpsilon.map { Figure.up($0.upper) } ?? "–", figure(round.clippingNorm),
      clipped, figure(round.noiseStandardDeviation), figure(round.signalToNoiseRatio), Figure.fixed(secondsPerRound, 2),
    ]
  }

  private static func row(_ cells: [String]) -> String {
    cells.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined()
  }

  private func clearProgress() {
    if StandardError.isTerminal { StandardError.print("\r\u{1B}[K", terminator: "") }
  }

  private func progress(_ round: RoundReport) {
    guard StandardError.isTerminal, round.round < round.plannedRounds else { return }
    let done = 24 * round.round / round.plannedRounds
    let bar = String(repeating: "█", count: done) + String(repeating: "░", count: 24 - done)
    let perRound = (ContinuousClock.now - began) / .seconds(1) / Double(round.round)
    let left = Figure.fixed(perRound * Double(round.plannedRounds - round.round), 0)
    StandardError.print("\r\(bar) round \(round.round) of \(round.plannedRounds), about \(left) s left", terminator: "")
  }
}
