import ArgumentParser
import PrivacyAccounting
import PrivacyEvents
import PrivacyReports
import PrivateTraining

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Find the noise multiplier, the number of rounds or the sampling rate that meets a privacy target.",
    discussion: """
      Give the target and all but one of noise multiplier, rounds and sampling; the missing one is found, always on the safe side. The target
      is --epsilon and --delta, or, for the noise multiplier, what a membership test may reach: --advantage, or --tpr at --fpr.

      Examples:
        epsilon calibrate --epsilon 8 --delta 1e-6 --population 3400 --clients-per-round 100 --rounds 1500
        epsilon calibrate --epsilon 8 --delta 1e-6 --population 3400 --clients-per-round 100 --noise-multiplier 1
        epsilon calibrate --epsilon 8 --delta 1e-6 --rounds 1500 --noise-multiplier 1 --find sampling-rate
        epsilon calibrate --advantage 0.1 --sampling-rate 0.01 --rounds 1000
        epsilon calibrate --tpr 0.05 --fpr 0.01 --sampling-rate 0.01 --rounds 1000
      """)

  /// The parameter to find.
  enum Unknown: String, ExpressibleByArgument, CaseIterable {
    case noiseMultiplier = "noise-multiplier"
    case rounds
    case samplingRate = "sampling-rate"
  }

  @Option(parsing: .unconditional, help: "Greatest ε that is acceptable.")
  var epsilon: Double?
  @Option(parsing: .unconditional, help: "δ of the guarantee, in (0, 1), well below one over the population.")
  var delta: Double?
  @Option(parsing: .unconditional, help: "Greatest TPR − FPR of any membership test that is acceptable, in (0, 1).")
  var advantage: Double?
  @Option(parsing: .unconditional, help: "Greatest true-positive rate of any membership test that is acceptable at --fpr, in (FPR, 1).")
  var tpr: Double?
  @Option(parsing: .unconditional, help: "False-positive rate at which --tpr holds, in (0, 1).")
  var fpr: Double?
  @OptionGroup var sampling: SamplingOptions
  @Option(parsing: .unconditional, help: "Number of rounds.")
  var rounds: Int?
  @Option(parsing: .unconditional, help: "Noise standard deviation over the clipping norm.")
  var noiseMultiplier: Double?
  @Option(help: "What to find; by default what is missing.")
  var find: Unknown?
  @OptionGroup var options: AccountantOptions
  @Option(help: "Form of the output.")
  var format: OutputFormat = .text

  private struct Answer: Encodable {
    let noiseMultiplier: Double
    let rounds: Int
    let samplingRate: Double?
    let epsilon: RoundReport.Interval
    let delta: Double
    let targetEpsilon: Double
    let neighboringRelation: NeighboringRelation
    let method: AccountingMethod
  }

  /// An answer to --advantage, or to --tpr at --fpr.
  private struct TestAnswer: Encodable {
    let noiseMultiplier: Double
    let rounds: Int
    let samplingRate: Double?
    let advantage: RoundReport.Interval?
    let truePositiveRate: RoundReport.Interval?
    let falsePositiveRate: Double?
    let target: Double
    let neighboringRelation: NeighboringRelation
  }

  /// What is to be reached.
  private func goal() throws -> PrivacyGoal {
    let goal: PrivacyGoal
    switch (epsilon, delta, advantage, tpr, fpr) {
    case (let epsilon?, let delta?, nil, nil, nil):
      guard epsilon > 0, epsilon.isFinite else { throw ValidationError("--epsilon is \(epsilon), must be finite and above 0") }
      guard delta > 0, delta < 1 else { throw ValidationError("--delta is \(delta), must be in (0, 1)") }
      goal = .target(PrivacyTarget(epsilon: epsilon, delta: delta))
    case (nil, nil, let advantage?, nil, nil):
      guard advantage > 0, advantage < 1 else { throw ValidationError("--advantage is \(advantage), must be in (0, 1)") }
      goal = .advantage(atMost: advantage)
    case (nil, nil, nil, let tpr?, let fpr?):
      guard fpr > 0, fpr < 1 else { throw ValidationError("--fpr is \(fpr), must be in (0, 1)") }
      guard tpr > fpr, tpr < 1 else { throw ValidationError("--tpr is \(tpr), must be above --fpr, which guessing reaches, and below 1") }
      goal = .truePositiveRate(atMost: tpr, atFalsePositiveRate: fpr)
    default: throw ValidationError("give one target: --epsilon and --delta, or --advantage alone, or --tpr and --fpr")
    }
    return goal
  }

  private func unknown() throws -> Unknown {
    if let find { return find }
    switch (noiseMultiplier, rounds) {
    case (nil, .some): return .noiseMultiplier
    case (.some, nil): return .rounds
    case (.some, .some): return .samplingRate
    case (nil, nil): throw ValidationError("give --rounds, or --noise-multiplier, or both: the missing parameter is found")
    }
  }

  func validate() throws {
    let goal = try goal()
    if let rounds, rounds < 1 { throw ValidationError("--rounds is \(rounds), must be at least 1") }
    if let noiseMultiplier, !(noiseMultiplier > 0 && noiseMultiplier.isFinite) {
      throw ValidationError("--noise-multiplier is \(noiseMultiplier), must be finite and above 0")
    }
    let scheme = try sampling.scheme()
    let unknown = try unknown()
    if unknown != .noiseMultiplier && noiseMultiplier == nil {
      throw ValidationError("finding \(unknown.rawValue) needs --noise-multiplier")
    }
    if unknown != .noiseMultiplier, epsilon == nil {
      throw ValidationError("finding \(unknown.rawValue) needs --epsilon and --delta; \(goal) calibrates the noise multiplier only")
    }
    if unknown != .rounds && rounds == nil { throw ValidationError("finding \(unknown.rawValue) needs --rounds") }
    if unknown == .samplingRate && scheme != nil {
      throw ValidationError("nothing is missing: leave out --noise-multiplier, --rounds or the sampling")
    }
  }

  func run() throws {
    try CommandFailure.wrapping {
      let goal = try goal()
      let accountant = options.accountant(fixedSize: sampling.fixedSize)
      switch goal {
      case .target(let target): try answer(target, accountant)
      case .advantage, .truePositiveRate: try answer(goal, accountant)
      }
    }
  }

  /// Finds the noise multiplier for a goal about membership tests.
  private func answer(_ goal: PrivacyGoal, _ accountant: PrivacyAccountant) throws {
    let scheme = try sampling.scheme()
    let count = rounds ?? 0
    func event(_ multiplier: Double) -> PrivacyEvent { .gaussian(noiseMultiplier: multiplier).sampled(by: scheme).repeated(count) }
    let multiplier = try Calibration.noiseMultiplier(for: goal, accountant: accountant, event: event)
    let curve = try accountant.tradeOffCurve(of: event(multiplier))
    let reached = try fpr.map { try curve.truePositiveRate(atFalsePositiveRate: $0) } ?? curve.advantage()
    let interval = RoundReport.Interval(reached)
    switch format {
    case .json:
      try StandardOutput.print(
        json: TestAnswer(
          noiseMultiplier: multiplier, rounds: count, samplingRate: scheme?.inclusionProbability, advantage: fpr == nil ? interval : nil,
          truePositiveRate: fpr == nil ? nil : interval, falsePositiveRate: fpr, target: advantage ?? tpr ?? 0,
          neighboringRelation: accountant.neighboringRelation))
    case .text:
      let what = fpr.map { "TPR               at most \(Figure.up(reached.upper, decimals: 6)) at FPR = \(Figure.exact($0))" }
      StandardOutput.print(
        """
        \(header(multiplier, count, scheme))
        \(what ?? "advantage         at most \(Figure.up(reached.upper, decimals: 6))") (target \(advantage ?? tpr ?? 0))
        neighbours        \(accountant.neighboringRelation.rawValue)
        """)
    }
  }

  private func header(_ multiplier: Double, _ count: Int, _ scheme: SamplingScheme?) -> String {
    """
    noise multiplier  \(Figure.upSignificant(multiplier))
    rounds            \(count)
    sampling          \(scheme?.title ?? "none: everybody takes part in every round")
    """
  }

  private func answer(_ target: PrivacyTarget, _ accountant: PrivacyAccountant) throws {
    var (multiplier, count) = (noiseMultiplier ?? 0, rounds ?? 0)
    var scheme = try sampling.scheme()
    switch try unknown() {
    case .noiseMultiplier:
      multiplier = try Calibration.noiseMultiplier(for: target, accountant: accountant) {
        .gaussian(noiseMultiplier: $0).sampled(by: scheme).repeated(count)
      }
    case .rounds:
      count = try Calibration.rounds(for: target, accountant: accountant, of: .gaussian(noiseMultiplier: multiplier).sampled(by: scheme))
      guard count > 0 else {
        throw CommandFailure(
          "not even one round meets ε ≤ \(target.epsilon) at δ = \(target.delta); raise the noise multiplier or lower the sampling rate",
          status: 2)
      }
    case .samplingRate:
      let (fixedMultiplier, fixedCount) = (multiplier, count)
      let rate = try Calibration.samplingRate(for: target, accountant: accountant) {
        .gaussian(noiseMultiplier: fixedMultiplier).sampled(.poisson(rate: $0)).repeated(fixedCount)
      }
      scheme = .poisson(rate: rate)
    }
    let event = PrivacyEvent.gaussian(noiseMultiplier: multiplier).sampled(by: scheme).repeated(count)
    let bound = try accountant.epsilon(of: event, delta: target.delta)
    switch format {
    case .json:
      try StandardOutput.print(
        json: Answer(
          noiseMultiplier: multiplier, rounds: count, samplingRate: scheme?.inclusionProbability, epsilon: .init(bound),
          delta: target.delta,
          targetEpsilon: target.epsilon, neighboringRelation: accountant.neighboringRelation, method: bound.method))
    case .text:
      StandardOutput.print(
        """
        \(header(multiplier, count, scheme))
        ε                 at most \(Figure.up(bound.upper)) at δ = \(Figure.exact(target.delta)) (target \(Figure.exact(target.epsilon)))
        neighbours        \(accountant.neighboringRelation.rawValue)
        accountant        \(bound.method.title)
        """)
    }
  }
}
