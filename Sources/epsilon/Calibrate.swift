import ArgumentParser
import PrivacyAccounting
import PrivacyEvents
import PrivacyReports
import PrivateTraining

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the noise multiplier, the number of rounds or the sampling rate that meets a privacy target.",
    discussion: """
      Give the target and all but one of noise multiplier, rounds and sampling; the missing one is found, always on the safe side.

      Examples:
        epsilon calibrate --epsilon 8 --delta 1e-6 --population 3400 --clients-per-round 100 --rounds 1500
        epsilon calibrate --epsilon 8 --delta 1e-6 --population 3400 --clients-per-round 100 --noise-multiplier 1
        epsilon calibrate --epsilon 8 --delta 1e-6 --rounds 1500 --noise-multiplier 1 --find sampling-rate
      """)

  /// The parameter to find.
  enum Unknown: String, ExpressibleByArgument, CaseIterable {
    case noiseMultiplier = "noise-multiplier"
    case rounds
    case samplingRate = "sampling-rate"
  }

  @Option(help: "Greatest ε that is acceptable.")
  var epsilon: Double
  @Option(help: "δ of the guarantee, in (0, 1), well below one over the population.")
  var delta: Double
  @OptionGroup var sampling: SamplingOptions
  @Option(help: "Number of rounds.")
  var rounds: Int?
  @Option(help: "Noise standard deviation over the clipping norm.")
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
    guard epsilon > 0, epsilon.isFinite else { throw ValidationError("--epsilon is \(epsilon), must be finite and above 0") }
    guard delta > 0, delta < 1 else { throw ValidationError("--delta is \(delta), must be in (0, 1)") }
    if let rounds, rounds < 1 { throw ValidationError("--rounds is \(rounds), must be at least 1") }
    if let noiseMultiplier, !(noiseMultiplier > 0 && noiseMultiplier.isFinite) {
      throw ValidationError("--noise-multiplier is \(noiseMultiplier), must be finite and above 0")
    }
    let scheme = try sampling.scheme()
    let unknown = try unknown()
    if unknown != .noiseMultiplier && noiseMultiplier == nil {
      throw ValidationError("finding \(unknown.rawValue) needs --noise-multiplier")
    }
    if unknown != .rounds && rounds == nil { throw ValidationError("finding \(unknown.rawValue) needs --rounds") }
    if unknown == .samplingRate && scheme != nil {
      throw ValidationError("nothing is missing: leave out --noise-multiplier, --rounds or the sampling")
    }
  }

  func run() throws {
    try CommandFailure.wrapping {
      let target = PrivacyTarget(epsilon: epsilon, delta: delta)
      let accountant = options.accountant(fixedSize: sampling.fixedSize)
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
            "not even one round meets ε ≤ \(epsilon) at δ = \(delta); raise the noise multiplier or lower the sampling rate")
        }
      case .samplingRate:
        let (fixedMultiplier, fixedCount) = (multiplier, count)
        let rate = try Calibration.samplingRate(for: target, accountant: accountant) {
          .gaussian(noiseMultiplier: fixedMultiplier).sampled(.poisson(rate: $0)).repeated(fixedCount)
        }
        scheme = .poisson(rate: rate)
      }
      let event = PrivacyEvent.gaussian(noiseMultiplier: multiplier).sampled(by: scheme).repeated(count)
      let bound = try accountant.epsilon(of: event, delta: delta)
      switch format {
      case .json:
        try StandardOutput.print(
          json: Answer(
            noiseMultiplier: multiplier, rounds: count, samplingRate: scheme?.inclusionProbability, epsilon: .init(bound), delta: delta,
            targetEpsilon: epsilon, neighboringRelation: accountant.neighboringRelation, method: bound.method))
      case .text:
        StandardOutput.print(
          """
          noise multiplier  \(Figure.upSignificant(multiplier))
          rounds            \(count)
          sampling          \(scheme?.title ?? "none: everybody takes part in every round")
          ε                 at most \(Figure.up(bound.upper)) at δ = \(Figure.plain(delta)) (target \(Figure.plain(epsilon)))
          neighbours        \(accountant.neighboringRelation.rawValue)
          accountant        \(bound.method.title)
          """)
      }
    }
  }
}
