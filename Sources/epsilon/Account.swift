import ArgumentParser
import PrivacyAccounting
import PrivacyEvents
import PrivacyReports
import PrivateTraining

struct Account: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account",
    abstract: "Compute ε for δ, or δ for ε, of given mechanisms.",
    discussion: """
      Say what was released in one of three ways: rounds of a Gaussian mechanism with --noise-multiplier, sampling and --rounds; any event
      as an expression; any event as a YAML or JSON file with --event. --rounds repeats each of them. docs/Plans.md lists the events.

      Examples:
        epsilon account --noise-multiplier 1 --sampling-rate 0.01 --rounds 1000 --delta 1e-5
        epsilon account "1000 * poisson(0.01, gaussian(1)) + 5 * laplace(20)" --delta 1e-5,1e-6
        epsilon account "poisson(0.01, gaussian(1))" --rounds 1000 --delta 1e-5 --certify --trade-off
        epsilon account "discreteGaussian(5, 1)" --rounds 10 --epsilon 0.5,1,2 --accountant grid --format json
        epsilon account "poisson(0.01, gaussian(1))" --rounds 5 --delta 1e-5 --curve
        epsilon account "gaussian(2)" --renyi-order 2,8,32
        epsilon account "ballsInBins(50, gaussian(0.7))" --delta 1e-5 --accountant monte-carlo --samples 20000000 --seed 3
      """)

  @OptionGroup var source: EventOptions
  @OptionGroup var sampling: SamplingOptions
  @Option(parsing: .unconditional, help: "Number of rounds: how often the event is repeated.")
  var rounds: Int = 1
  @Option(parsing: .unconditional, help: "δ of the guarantee, in [0, 1]; several with commas between.", transform: NumberList.parse)
  var delta: NumberList?
  @Option(parsing: .unconditional, help: "ε for which to compute δ instead; several with commas between.", transform: NumberList.parse)
  var epsilon: NumberList?
  @Option(parsing: .unconditional, help: "Print the Rényi divergence of these orders above 1.", transform: NumberList.parse)
  var renyiOrder: NumberList?
  @Flag(help: "Print ε after every round.")
  var curve = false
  @Flag(help: "Check every answer by a second interval, from a fine grid.")
  var certify = false
  @Flag(help: "Print what a membership test can find out.")
  var tradeOff = false
  @OptionGroup var options: AccountantOptions
  @OptionGroup var monteCarlo: MonteCarloOptions
  @Option(help: "Form of the output.")
  var format: OutputFormat = .text

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
    if delta != nil && epsilon != nil || delta == nil && epsilon == nil && renyiOrder == nil {
      throw ValidationError("give either --delta, to get ε, or --epsilon, to get δ")
    }
    for delta in delta?.values ?? [] where !(0...1).contains(delta) {
      throw ValidationError("--delta is \(delta), must be in [0, 1]")
    }
    for epsilon in epsilon?.values ?? [] where !(epsilon >= 0) { throw ValidationError("--epsilon is \(epsilon), must be at least 0") }
    for order in renyiOrder?.values ?? [] where !(order > 1 && order.isFinite) {
      throw ValidationError("--renyi-order is \(order), must be finite and above 1")
    }
    if tradeOff, let delta = delta?.values.first, !(delta > 0 && delta < 1) {
      throw ValidationError("--delta is \(delta), must be in (0, 1) for --trade-off")
    }
    guard rounds >= 0 else { throw ValidationError("--rounds is \(rounds), must be at least 0") }
    if curve {
      guard delta?.isSingle == true else { throw ValidationError("--curve needs --delta with one number") }
      guard rounds <= 1_000_000 else { throw ValidationError("--curve prints one line a round: give at most 1000000 rounds") }
      if certify || tradeOff || renyiOrder != nil {
        throw ValidationError("--curve prints ε of every round alone: leave out --certify, --trade-off and --renyi-order")
      }
    }
    if certify && delta == nil && epsilon == nil { throw ValidationError("--certify checks an answer: give --delta or --epsilon") }
    if tradeOff && delta?.isSingle != true {
      throw ValidationError("--trade-off needs --delta with one number, the δ of its statements about groups")
    }
    if case .monteCarlo = try monteCarlo.apply(to: options.accountant), curve || tradeOff {
      throw ValidationError(
        "each answer of monte-carlo may be wrong, so that many together are no bound: leave out --curve and --trade-off, or use tightest")
    }
    if try sampling.scheme() != nil && source.noiseMultiplier == nil {
      throw ValidationError(
        "an event holds its sampling itself, such as poisson(0.01, gaussian(1)); sampling options go with --noise-multiplier")
    }
  }

  func run() throws {
    try CommandFailure.wrapping {
      let usual = options.accountant(fixedSize: sampling.fixedSize)
      let accountant = PrivacyAccountant(
        neighboringRelation: usual.neighboringRelation, choice: try monteCarlo.apply(to: usual.choice))
      let one = try source.event(sampledBy: try sampling.scheme())
      if curve, let delta {
        try printCurve(try accountant.curve(of: one), delta: delta.values[0])
        return
      }
      let whole = one.repeated(rounds)
      let output = AccountOutput(
        answers: try answers(accountant, one), isList: (delta ?? epsilon)?.isSingle == false,
        renyiDivergences: try (renyiOrder?.values ?? []).map { order in
          RenyiAnswer(order: order, divergence: try accountant.renyiDivergence(of: whole, order: order))
        },
        tradeOff: tradeOff
          ? try TradeOffAnswer(
            of: try accountant.tradeOffCurve(of: whole), delta: delta?.values[0] ?? 0,
            rates: format == .json ? TradeOffAnswer.rates : TradeOffAnswer.fewRates) : nil)
      switch format {
      case .json: try StandardOutput.print(json: output)
      case .text: StandardOutput.print(output.text)
      }
      if output.answers.contains(where: { $0.certification?.overlap == false }) {
        throw CommandFailure(
          "two certified intervals of the same figure do not overlap, so one of them is wrong: use neither, and report this with the command",
          status: 70)
      }
    }
  }

  private func answers(_ accountant: PrivacyAccountant, _ event: PrivacyEvent) throws -> [AccountAnswer] {
    let questions =
      (delta?.values ?? []).map { AccountAnswer.Question.epsilon(delta: $0) } + (epsilon?.values ?? []).map { .delta(epsilon: $0) }
    guard !questions.isEmpty else { return [] }
    let composition = try accountant.curve(of: event)
    let bounds = try questions.map { try Self.bound(of: composition, rounds, $0) }
    guard certify else { return zip(questions, bounds).map { AccountAnswer(question: $0, bound: $1, certification: nil) } }
    let grid = Result { () throws(AccountingError) in try accountant.certifyingCurve(of: event) }
    return zip(questions, bounds).map { question, bound in
      let bracket = grid.flatMap { grid in
        Result { () throws(AccountingError) in try Self.bound(of: grid, rounds, question) }
      }
      return AccountAnswer(question: question, bound: bound, certification: Certification(of: bound, by: bracket))
    }
  }

  private static func bound(
    of curve: CompositionCurve, _ rounds: Int, _ question: AccountAnswer.Question
  ) throws(AccountingError) -> PrivacyBound {
    switch question {
    case .epsilon(let delta): try curve.epsilon(afterRounds: rounds, delta: delta)
    case .delta(let epsilon): try curve.delta(afterRounds: rounds, epsilon: epsilon)
    }
  }

  private static let roundsAtOnce = 1_024

  private func printCurve(_ composition: CompositionCurve, delta: Double) throws {
    var points: [Curve.Point] = []
    var method = AccountingMethod.trivial
    // In parts, so that the first lines of a long curve do not wait for the last.
    for first in stride(from: 1, through: rounds, by: Self.roundsAtOnce) {
      let bounds = try composition.epsilons(afterRounds: first...(first + min(Self.roundsAtOnce - 1, rounds - first)), delta: delta)
      for (round, bound) in zip(first..., bounds) {
        method = bound.method
        switch format {
        case .json: points.append(.init(round: round, epsilon: .init(bound)))
        case .text: StandardOutput.print("\(round)\t\(Figure.up(bound.upper, decimals: 6))")
        }
      }
    }
    if format == .json { try StandardOutput.print(json: Curve(curve: points, delta: delta, method: method)) }
  }
}
