public import ArgumentParser
import PrivacyAccounting
public import PrivacyEvents
import PrivacyReports

extension NeighboringRelation: ExpressibleByArgument {}

/// Which accountant answers, and for which neighbours.
struct AccountantOptions: ParsableArguments {
  @Option(
    help: "Which bound to use: the tightest valid one, or contour, grid (pld), renyi (rdp), zcdp or gdp alone.", transform: Self.parse)
  var accountant: PrivacyAccountant.Choice = .tightest

  @Option(help: "Neighbouring populations. Default: addOrRemoveOne, or replaceOne with --fixed-size.")
  var neighboringRelation: NeighboringRelation?

  private static let names: [String: PrivacyAccountant.Choice] = [
    "tightest": .tightest, "contour": .contour, "grid": .grid, "pld": .grid, "renyi": .renyi, "rdp": .renyi, "zcdp": .zeroConcentrated,
    "zeroConcentrated": .zeroConcentrated, "gdp": .gaussian, "gaussian": .gaussian,
  ]

  private static func parse(_ text: String) throws -> PrivacyAccountant.Choice {
    guard let choice = names[text] else {
      throw ValidationError("“\(text)” is no accountant; choose tightest, contour, grid, renyi, zcdp or gdp")
    }
    return choice
  }

  func accountant(fixedSize: Bool) -> PrivacyAccountant {
    PrivacyAccountant(neighboringRelation: neighboringRelation ?? (fixedSize ? .replaceOne : .addOrRemoveOne), choice: accountant)
  }
}

/// How the clients of a round are drawn.
struct SamplingOptions: ParsableArguments {
  @Option(help: "Probability with which each client takes part in a round.")
  var samplingRate: Double?

  @Option(help: "Number of clients to draw from.")
  var population: Int?

  @Option(help: "Clients of a round: the expected number, or the exact one with --fixed-size.")
  var clientsPerRound: Int?

  @Flag(help: "Cohorts have a fixed size and are drawn without replacement; the default is Poisson sampling.")
  var fixedSize = false

  /// The scheme that the options describe; `nil` where they say nothing of sampling.
  func scheme() throws -> SamplingScheme? {
    if samplingRate != nil && (population != nil || clientsPerRound != nil) {
      throw ValidationError("give --sampling-rate, or --population and --clients-per-round, not both")
    }
    if let samplingRate {
      if fixedSize { throw ValidationError("--fixed-size needs --population and --clients-per-round") }
      guard samplingRate >= 0 && samplingRate <= 1 else { throw ValidationError("--sampling-rate is \(samplingRate), must be in [0, 1]") }
      return .poisson(rate: samplingRate)
    }
    guard let clientsPerRound else {
      if fixedSize { throw ValidationError("--fixed-size needs --population and --clients-per-round") }
      return nil
    }
    guard let population else { throw ValidationError("--clients-per-round needs --population") }
    guard population >= 1 else { throw ValidationError("--population is \(population), must be at least 1") }
    guard (0...population).contains(clientsPerRound) else {
      throw ValidationError("--clients-per-round is \(clientsPerRound), must be in 0…\(population), the population")
    }
    return fixedSize
      ? .fixedSizeWithoutReplacement(cohortSize: clientsPerRound, populationSize: population)
      : .poisson(rate: Double(clientsPerRound) / Double(population))
  }
}

extension PrivacyEvent {
  /// This event under `scheme`, if there is one.
  func sampled(by scheme: SamplingScheme?) -> PrivacyEvent { scheme.map { sampled($0) } ?? self }
}
