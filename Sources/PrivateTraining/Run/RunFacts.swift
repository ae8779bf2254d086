import Aggregation
import FederatedDatasets
public import PrivacyEvents

/// What a run says about itself, fixed before its first round.
public struct RunFacts: Codable, Hashable, Sendable {
  /// Data set in a sentence.
  public let dataset: String
  /// Whether the people of the data are simulated by dealing examples out.
  public let hasSimulatedClients: Bool
  /// People that cohorts are drawn from.
  public let populationSize: Int
  /// People that the model is tested on.
  public let testPopulationSize: Int
  /// Scalars of the model.
  public let parameterCount: Int
  /// Expected number of participants of a round.
  public let expectedCohort: Double
  /// How cohorts are drawn.
  public let samplingScheme: SamplingScheme
  /// How many of the planned rounds the budget lasts for: no run of this plan has more.
  public let allowedRounds: Int
  /// What all of these rounds release together, sampling included; `nil` without privacy.
  public let allowedEvent: PrivacyEvent?
  /// Releases of a round with their mechanisms, as sentences.
  public let releases: [String]
  /// What leaves a round outside the privacy event, as sentences.
  public private(set) var leaks: [String]
  /// What the guarantee takes for granted, as sentences.
  public let assumptions: [String]

  init(
    plan: TrainingPlan, dataset: FederatedDataset, aggregation: AggregationPipeline, sampler: any ClientSampler, privacy: RunPrivacy?,
    allowedRounds: Int
  ) throws(AggregationError) {
    self.dataset = dataset.entry.summary
    hasSimulatedClients = plan.task.partition != .natural || dataset.entry.name == .syntheticEMNIST
    populationSize = dataset.train.clientCount
    testPopulationSize = dataset.test.clientCount
    parameterCount = (try? plan.task.graph.parameterLayout().count) ?? 0
    expectedCohort = sampler.expectedCohortSize(populationSize: dataset.train.clientCount)
    samplingScheme = sampler.scheme(populationSize: dataset.train.clientCount)
    self.allowedRounds = allowedRounds
    allowedEvent = try privacy?.event(rounds: allowedRounds)
    releases =
      if let mechanism = aggregation.mechanism, let split = aggregation.noiseSplit { mechanism.titles(of: split) } else {
        ["\(plan.aggregation.exactRelease); no noise is added"]
      }
    guard let relation = plan.privacy?.neighboringRelation else {
      leaks = ["everything: this run adds no noise, its model and metrics are exact functions of the training data"]
      assumptions = []
      return
    }
    leaks = aggregation.leaks + ["how long a round took, which grows with the number of clients that took part"]
    assumptions = Self.assumptions(
      aggregation, samplingScheme, relation, isAmplified: allowedEvent.map(Self.hasDraw) ?? false, hasSimulatedClients: hasSimulatedClients)
  }

  /// Adds a sentence to the leaks.
  mutating func addLeak(_ sentence: String) { leaks.append(sentence) }

  /// Whether the event counts on a draw of participants.
  private static func hasDraw(_ event: PrivacyEvent) -> Bool {
    switch event {
    case .sampled: true
    case .repeated(let event, _): hasDraw(event)
    case .composed(let events): events.contains(where: hasDraw)
    default: false
    }
  }

  private static func assumptions(
    _ aggregation: AggregationPipeline, _ sampling: SamplingScheme, _ relation: NeighboringRelation, isAmplified: Bool,
    hasSimulatedClients: Bool
  ) -> [String] {
    var list = aggregation.mechanism?.assumptions ?? []
    list.append("the number of people in the training population is public")
    // Where the event has no draw, nothing is gained from knowing who was drawn.
    if isAmplified { list.append("which clients were drawn stays secret; logs and checkpoints do not hold it") }
    if case .cyclicPoisson(_, let cycle) = sampling {
      list.append(
        "a person belongs to one of \(cycle) parts of the population by a public key and the person's own number, which stays the same whoever "
          + "else joins or leaves, and takes part in the rounds of that part only")
    }
    list += [
      "hyper-parameters were chosen without looking at the training population: tuning on it costs privacy that is not counted here",
      "test figures are exact figures of people outside the training population; the guarantee does not cover them",
    ]
    if hasSimulatedClients {
      list.append("clients are simulated: the guarantee is about the simulated clients, not about the people behind the data set")
    }
    if relation == .zeroOut { list.append("a person who is left out still counts as drawn, with a zero update") }
    return list
  }
}
