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
  /// What one round releases, sampling included; `nil` without privacy.
  public let roundEvent: PrivacyEvent?
  /// Releases of a round with their mechanisms, as sentences.
  public let releases: [String]
  /// What leaves a round outside the privacy event, as sentences.
  public private(set) var leaks: [String]
  /// What the guarantee takes for granted, as sentences.
  public let assumptions: [String]

  init(
    plan: TrainingPlan, dataset: FederatedDataset, aggregation: AggregationPipeline, sampler: any ClientSampler, event: PrivacyEvent?
  ) {
    self.dataset = dataset.entry.summary
    hasSimulatedClients = plan.task.partition != .natural || dataset.entry.name == .syntheticEMNIST
    populationSize = dataset.train.clientCount
    testPopulationSize = dataset.test.clientCount
    parameterCount = (try? plan.task.graph.parameterLayout().count) ?? 0
    expectedCohort = sampler.expectedCohortSize(populationSize: dataset.train.clientCount)
    samplingScheme = sampler.scheme(populationSize: dataset.train.clientCount)
    roundEvent = event
    releases = Self.releases(aggregation)
    guard let privacy = plan.privacy else {
      leaks = ["everything: this run adds no noise, its model and metrics are exact functions of the training data"]
      assumptions = []
      return
    }
    leaks = aggregation.leaks + ["how long a round took, which grows with the number of clients that took part"]
    assumptions = Self.assumptions(privacy, hasSimulatedClients: hasSimulatedClients)
  }

  /// Adds a sentence to the leaks.
  mutating func addLeak(_ sentence: String) { leaks.append(sentence) }

  private static func releases(_ aggregation: AggregationPipeline) -> [String] {
    guard let split = aggregation.noiseSplit else { return ["mean of the updates, exact"] }
    let noise = split.isLaplace ? "Laplace noise of scale" : "Gaussian noise of"
    let norm = split.isLaplace ? "L1" : "L2"
    let updates = split.groupNoiseMultipliers.map {
      "sum of clipped updates: \(noise) \($0) × the clipping norm per coordinate (\(norm) sensitivity: the clipping norm)"
    }
    return updates
      + split.bitDeviations.map {
        "count of clients within an adaptive norm: Gaussian noise of standard deviation \($0) (sensitivity 1/2, multiplier \(2 * $0))"
      }
  }

  private static func assumptions(_ privacy: PrivacyPlan, hasSimulatedClients: Bool) -> [String] {
    var list = [
      "the server is trusted: it sees clipped updates and adds the noise",
      "the number of people in the training population is public",
      "which clients were drawn stays secret; logs and checkpoints do not hold it",
      "hyper-parameters were chosen without looking at the training population: tuning on it costs privacy that is not counted here",
      "noise is a Gaussian rounded exactly to the grid of the integer sum (no floating-point hole, Mironov 2012), from AES-CTR keyed by the operating system",
      "test figures are exact figures of people outside the training population; the guarantee does not cover them",
    ]
    if hasSimulatedClients {
      list.append("clients are simulated: the guarantee is about the simulated clients, not about the people behind the data set")
    }
    if privacy.neighboringRelation == .zeroOut { list.append("a person who is left out still counts as drawn, with a zero update") }
    return list
  }
}
