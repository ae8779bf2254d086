import ArgumentParser
import PrivacyAccounting
import PrivacyEvents
import PrivacyReports
import PrivateTraining

struct Account: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute ε for δ, or δ for ε, of given mechanisms.",
    discussion: """
      Either describe rounds of a Gaussian mechanism with --noise-multiplier, sampling and --rounds, or give any event as a YAML or JSON
      file with --event.

      Example: epsilon account --noise-multiplier 1 --sampling-rate 0.01 --rounds 1000 --delta 1e-5
      """)

  @Option(help: "Noise standard deviation over the clipping norm.")
  var noiseMultiplier: Double?
  @OptionGroup var sampling: SamplingOptions
  @Option(help: "Number of rounds.")
  var rounds: Int = 1
  @Option(help: "YAML or JSON file with the event of everything that was released.")
  var event: String?
  @Option(help: "δ of the guarantee, in [0, 1].")
  var delta: Double?
  @Option(help: "ε for which to compute δ instead.")
  var epsilon: Double?
  @Flag(help: "Print ε after every round.")
  var curve = false
  @OptionGroup var options: AccountantOptions
  @Option(help: "Form of the output.")
  var format: OutputFormat = .text

  private struct DeltaOfEpsilon: Encodable {
    let epsilon: Double
    let delta: RoundReport.Interval
    let method: AccountingMethod
  }
  private struct EpsilonOfDelta: Encodable {
    let epsilon: RoundReport.Interval
    let delta: Double
    let method: AccountingMethod
  }
  private struct Curve: Encodable {
    struct Point: Encodable {
      let round: Int
      let epsilon: RoundReport.Interval
    }
    let curve: [Point]
    let delta: Double
    let method: AccountingMethod
  }

  func validate() throws {
    guard (noiseMultiplier == nil) != (event == nil) else { throw ValidationError("give either --noise-multiplier or --event FILE") }
    guard (delta == nil) != (epsilon == nil) else { throw ValidationError("give either --delta, to get ε, or --epsilon, to get δ") }
    guard rounds >= 0 else { throw ValidationError("--rounds is \(rounds), must be at least 0") }
    if curve && (delta == nil || event != nil) { throw ValidationError("--curve needs --noise-multiplier and --delta") }
    if curve && rounds > 1_000_000 { throw ValidationError("--curve prints one line a round: give at most 1000000 rounds") }
    let scheme = try sampling.scheme()
    if event != nil && (scheme != nil || rounds != 1) { throw ValidationError("--event holds sampling and repetitions itself") }
  }

  func run() throws {
    try CommandFailure.wrapping {
      let accountant = options.accountant(fixedSize: sampling.fixedSize)
      let one: PrivacyEvent
      if let event {
        one = try PrivacyEvent(PlanNode(contentsOf: event))
      } else {
        one = .gaussian(noiseMultiplier: noiseMultiplier ?? 0).sampled(by: try sampling.scheme())
      }
      let composition = try accountant.curve(of: one)
      if let epsilon {
        let bound = try composition.delta(afterRounds: rounds, epsilon: epsilon)
        switch format {
        case .json: try StandardOutput.print(json: DeltaOfEpsilon(epsilon: epsilon, delta: .init(bound), method: bound.method))
        case .text:
          StandardOutput.print("δ ≤ \(Figure.scientificUp(bound.upper)) at ε = \(Figure.plain(epsilon))\n  by \(bound.method.title)")
        }
      } else if let delta {
        if curve {
          try printCurve(composition, delta: delta)
        } else {
          let bound = try composition.epsilon(afterRounds: rounds, delta: delta)
          switch format {
          case .json: try StandardOutput.print(json: EpsilonOfDelta(epsilon: .init(bound), delta: delta, method: bound.method))
          case .text:
            StandardOutput.print("ε ≤ \(Figure.up(bound.upper, decimals: 6)) at δ = \(Figure.plain(delta))\n  by \(bound.method.title)")
          }
        }
      }
    }
  }

  private func printCurve(_ composition: CompositionCurve, delta: Double) throws {
    var points: [Curve.Point] = []
    var method = AccountingMethod.trivial
    for round in 1...max(1, rounds) where round <= rounds {
      let bound = try composition.epsilon(afterRounds: round, delta: delta)
      method = bound.method
      switch format {
      case .json: points.append(.init(round: round, epsilon: .init(bound)))
      case .text: StandardOutput.print("\(round)\t\(Figure.up(bound.upper, decimals: 6))")
      }
    }
    if format == .json { try StandardOutput.print(json: Curve(curve: points, delta: delta, method: method)) }
  }
}
