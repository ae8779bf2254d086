public import ArgumentParser
import PrivacyAccounting
public import PrivacyEvents
import PrivacyReports

extension NeighboringRelation: ExpressibleByArgument {}

/// Which accountant answers, and for which neighbours.
struct AccountantOptions: ParsableArguments {
  @Option(
    help: "Which bound to use: the tightest valid one, or another one alone, of \(PrivacyAccountant.Choice.names).", transform: Self.parse)
  var accountant: PrivacyAccountant.Choice = .tightest

  @Option(help: "Neighbouring populations. Default: addOrRemoveOne, or replaceOne with --fixed-size.")
  var neighboringRelation: NeighboringRelation?

  private static func parse(_ text: String) throws -> PrivacyAccountant.Choice {
    guard let choice = PrivacyAccountant.Choice(name: text) else {
      throw ValidationError("“\(text)” is no accountant; choose one of \(PrivacyAccountant.Choice.names)")
    }
    return choice
  }

  func accountant(fixedSize: Bool) -> PrivacyAccountant {
    PrivacyAccountant(neighboringRelation: neighboringRelation ?? (fixedSize ? .replaceOne : .addOrRemoveOne), choice: accountant)
  }
}

/// The numbers of the Monte Carlo accountant.
struct MonteCarloOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Draws of --accountant monte-carlo. Default: 10000000.")
  var samples: Int?

  @Option(parsing: .unconditional, help: "Probability with which an answer of --accountant monte-carlo may be wrong. Default: 1e-6.")
  var failureProbability: Double?

  @Option(parsing: .unconditional, help: "Seed of --accountant monte-carlo, to be chosen before an answer is seen. Default: 0.")
  var seed: UInt64?

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples is \(samples), must be at least 1") }
    if let failureProbability, !(failureProbability > 0 && failureProbability < 1) {
      throw ValidationError("--failure-probability is \(failureProbability), must be in (0, 1)")
    }
  }

  /// `choice` with the numbers that are given.
  func apply(to choice: PrivacyAccountant.Choice) throws -> PrivacyAccountant.Choice {
    guard case .monteCarlo(let usualSamples, let usualProbability, let usualSeed) = choice else {
      guard samples == nil, failureProbability == nil, seed == nil else {
        throw ValidationError("--samples, --failure-probability and --seed go with --accountant monte-carlo")
      }
      return choice
    }
    return .monteCarlo(
      samples: samples ?? usualSamples, failureProbability: failureProbability ?? usualProbability, seed: seed ?? usualSeed)
  }
}

/// How the clients of a round are drawn.
struct SamplingOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Probability with which each client takes part in a round.")
  var samplingRate: Double?

  @Option(parsing: .unconditional, help: "Number of clients to draw from.")
  var population: Int?

  @Option(parsing: .unconditional, help: "Clients of a round: the expected number, or the exact one with --fixed-size.")
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
