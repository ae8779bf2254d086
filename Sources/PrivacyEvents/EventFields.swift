/// A source of the parameters of one node of an event: JSON, YAML or an expression.
///
/// The initialisers below ask for every parameter by its label, in the order in which expressions give them, so that labels, their order
/// and their types are written once for all formats. A reader must refuse whatever it was not asked for.
package protocol EventFieldReader<Failure> {
  /// What the format's reader throws.
  associatedtype Failure: Error
  /// A number.
  mutating func number(_ label: String) throws(Failure) -> Double
  /// A whole number.
  mutating func count(_ label: String) throws(Failure) -> Int
  /// A text.
  mutating func text(_ label: String) throws(Failure) -> String
  /// A list of numbers.
  mutating func numbers(_ label: String) throws(Failure) -> [Double]
  /// An event.
  mutating func event(_ label: String) throws(Failure) -> PrivacyEvent
  /// A sampling scheme.
  mutating func scheme(_ label: String) throws(Failure) -> SamplingScheme
  /// A strategy matrix.
  mutating func strategy(_ label: String) throws(Failure) -> StrategyMatrix
  /// A distribution of runs.
  mutating func runs(_ label: String) throws(Failure) -> SelectionRuns
  /// The events that are the whole content of a node.
  mutating func content() throws(Failure) -> [PrivacyEvent]
  /// The number that is the whole content of a node; `label` is its name where the format gives it one.
  mutating func contentNumber(_ label: String) throws(Failure) -> Double
  /// The rows of numbers that are the whole content of a node; `label` is their name where the format gives them one.
  mutating func contentRows(_ label: String) throws(Failure) -> [[Double]]
}

/// The value of one parameter of a node.
package enum EventField {
  /// A number.
  case number(Double)
  /// A whole number.
  case count(Int)
  /// A text.
  case text(String)
  /// A list of numbers.
  case numbers([Double])
  /// Rows of numbers.
  case rows([[Double]])
  /// An event.
  case event(PrivacyEvent)
  /// A list of events.
  case events([PrivacyEvent])
  /// A sampling scheme.
  case scheme(SamplingScheme)
  /// A strategy matrix.
  case strategy(StrategyMatrix)
  /// A distribution of runs.
  case runs(SelectionRuns)
}

/// What a node holds.
package enum EventPayload {
  /// Parameters with labels, in the order of the case.
  case labelled([(label: String, value: EventField)])
  /// One value without a label.
  case content(EventField)
}

extension PrivacyEvent {
  /// Names of all cases.
  package static let caseNames = [
    "noOp", "nonPrivate", "unsupported", "gaussian", "laplace", "pureDP", "approximateDP", "zeroConcentratedDP", "discreteGaussian",
    "discreteLaplace", "skellam", "randomizedResponse", "exponentialMechanism", "permuteAndFlip", "reportNoisyMax", "gaussianMixture",
    "treeAggregation", "matrixMechanism", "composed", "repeated", "sampled", "repeatAndSelect",
  ]

  /// The event called `name` with the parameters of `reader`, not validated; `nil` if no event has that name.
  package init?<Reader: EventFieldReader>(named name: String, from reader: inout Reader) throws(Reader.Failure) {
    switch name {
    case "noOp": self = .noOp
    case "nonPrivate": self = .nonPrivate
    case "unsupported": self = .unsupported(reason: try reader.text("reason"))
    case "gaussian": self = .gaussian(noiseMultiplier: try reader.number("noiseMultiplier"))
    case "laplace": self = .laplace(noiseMultiplier: try reader.number("noiseMultiplier"))
    case "pureDP": self = .pureDP(epsilon: try reader.number("epsilon"))
    case "approximateDP": self = .approximateDP(epsilon: try reader.number("epsilon"), delta: try reader.number("delta"))
    case "zeroConcentratedDP": self = .zeroConcentratedDP(rho: try reader.number("rho"))
    case "discreteGaussian": self = .discreteGaussian(sigma: try reader.number("sigma"), sensitivity: try reader.count("sensitivity"))
    case "discreteLaplace": self = .discreteLaplace(scale: try reader.number("scale"), sensitivity: try reader.count("sensitivity"))
    case "skellam":
      self = .skellam(
        variance: try reader.number("variance"), l1Sensitivity: try reader.number("l1Sensitivity"),
        l2Sensitivity: try reader.number("l2Sensitivity"), dimension: try reader.count("dimension"))
    case "randomizedResponse": self = .randomizedResponse(noise: try reader.number("noise"), buckets: try reader.count("buckets"))
    case "exponentialMechanism": self = .exponentialMechanism(epsilon: try reader.number("epsilon"))
    case "permuteAndFlip": self = .permuteAndFlip(epsilon: try reader.number("epsilon"))
    case "reportNoisyMax": self = .reportNoisyMax(epsilon: try reader.number("epsilon"))
    case "gaussianMixture":
      self = .gaussianMixture(
        noiseMultiplier: try reader.number("noiseMultiplier"), sensitivities: try reader.numbers("sensitivities"),
        probabilities: try reader.numbers("probabilities"))
    case "treeAggregation":
      self = .treeAggregation(
        noiseMultiplier: try reader.number("noiseMultiplier"), steps: try reader.count("steps"),
        maximumParticipations: try reader.count("maximumParticipations"), minimumSeparation: try reader.count("minimumSeparation"))
    case "matrixMechanism":
      self = .matrixMechanism(
        noiseMultiplier: try reader.number("noiseMultiplier"), strategy: try reader.strategy("strategy"),
        maximumParticipations: try reader.count("maximumParticipations"), minimumSeparation: try reader.count("minimumSeparation"))
    case "composed": self = .composed(try reader.content())
    case "repeated": self = .repeated(event: try reader.event("event"), count: try reader.count("count"))
    case "sampled":
      let scheme = try reader.scheme("by")
      self = .sampled(event: try reader.event("event"), by: scheme)
    case "repeatAndSelect":
      let runs = try reader.runs("runs")
      self = .repeatAndSelect(event: try reader.event("event"), runs: runs)
    default: return nil
    }
  }

  /// The parameters of this node.
  package var payload: EventPayload {
    switch self {
    case .noOp, .nonPrivate: .labelled([])
    case .unsupported(let reason): .labelled([("reason", .text(reason))])
    case .gaussian(let noiseMultiplier), .laplace(let noiseMultiplier): .labelled([("noiseMultiplier", .number(noiseMultiplier))])
    case .pureDP(let epsilon), .exponentialMechanism(let epsilon), .permuteAndFlip(let epsilon), .reportNoisyMax(let epsilon):
      .labelled([("epsilon", .number(epsilon))])
    case .approximateDP(let epsilon, let delta): .labelled([("epsilon", .number(epsilon)), ("delta", .number(delta))])
    case .zeroConcentratedDP(let rho): .labelled([("rho", .number(rho))])
    case .discreteGaussian(let sigma, let sensitivity): .labelled([("sigma", .number(sigma)), ("sensitivity", .count(sensitivity))])
    case .discreteLaplace(let scale, let sensitivity): .labelled([("scale", .number(scale)), ("sensitivity", .count(sensitivity))])
    case .skellam(let variance, let l1Sensitivity, let l2Sensitivity, let dimension):
      .labelled([
        ("variance", .number(variance)), ("l1Sensitivity", .number(l1Sensitivity)), ("l2Sensitivity", .number(l2Sensitivity)),
        ("dimension", .count(dimension)),
      ])
    case .randomizedResponse(let noise, let buckets): .labelled([("noise", .number(noise)), ("buckets", .count(buckets))])
    case .gaussianMixture(let noiseMultiplier, let sensitivities, let probabilities):
      .labelled([
        ("noiseMultiplier", .number(noiseMultiplier)), ("sensitivities", .numbers(sensitivities)),
        ("probabilities", .numbers(probabilities)),
      ])
    case .treeAggregation(let noiseMultiplier, let steps, let maximumParticipations, let minimumSeparation):
      .labelled([
        ("noiseMultiplier", .number(noiseMultiplier)), ("steps", .count(steps)), ("maximumParticipations", .count(maximumParticipations)),
        ("minimumSeparation", .count(minimumSeparation)),
      ])
    case .matrixMechanism(let noiseMultiplier, let strategy, let maximumParticipations, let minimumSeparation):
      .labelled([
        ("noiseMultiplier", .number(noiseMultiplier)), ("strategy", .strategy(strategy)),
        ("maximumParticipations", .count(maximumParticipations)), ("minimumSeparation", .count(minimumSeparation)),
      ])
    case .composed(let events): .content(.events(events))
    case .repeated(let event, let count): .labelled([("event", .event(event)), ("count", .count(count))])
    case .sampled(let event, let scheme): .labelled([("by", .scheme(scheme)), ("event", .event(event))])
    case .repeatAndSelect(let event, let runs): .labelled([("runs", .runs(runs)), ("event", .event(event))])
    }
  }
}

extension SamplingScheme {
  /// Names of all cases.
  package static let caseNames = [
    "poisson", "fixedSizeWithoutReplacement", "fixedSizeWithReplacement", "truncatedPoisson", "randomAllocation", "ballsInBins",
    "cyclicPoisson", "minimumSeparationPoisson",
  ]

  /// The scheme called `name` with the parameters of `reader`, not validated; `nil` if no scheme has that name.
  package init?<Reader: EventFieldReader>(named name: String, from reader: inout Reader) throws(Reader.Failure) {
    switch name {
    case "poisson": self = .poisson(rate: try reader.number("rate"))
    case "fixedSizeWithoutReplacement":
      self = .fixedSizeWithoutReplacement(cohortSize: try reader.count("cohortSize"), populationSize: try reader.count("populationSize"))
    case "fixedSizeWithReplacement":
      self = .fixedSizeWithReplacement(cohortSize: try reader.count("cohortSize"), populationSize: try reader.count("populationSize"))
    case "truncatedPoisson":
      self = .truncatedPoisson(
        rate: try reader.number("rate"), maximumCohort: try reader.count("maximumCohort"),
        populationSize: try reader.count("populationSize"))
    case "randomAllocation":
      self = .randomAllocation(participations: try reader.count("participations"), rounds: try reader.count("rounds"))
    case "ballsInBins": self = .ballsInBins(rounds: try reader.count("rounds"))
    case "cyclicPoisson": self = .cyclicPoisson(rate: try reader.number("rate"), cycle: try reader.count("cycle"))
    case "minimumSeparationPoisson":
      self = .minimumSeparationPoisson(rate: try reader.number("rate"), separation: try reader.count("separation"))
    default: return nil
    }
  }

  /// The parameters of this node.
  package var payload: EventPayload {
    switch self {
    case .poisson(let rate): .labelled([("rate", .number(rate))])
    case .fixedSizeWithoutReplacement(let cohortSize, let populationSize), .fixedSizeWithReplacement(let cohortSize, let populationSize):
      .labelled([("cohortSize", .count(cohortSize)), ("populationSize", .count(populationSize))])
    case .truncatedPoisson(let rate, let maximumCohort, let populationSize):
      .labelled([("rate", .number(rate)), ("maximumCohort", .count(maximumCohort)), ("populationSize", .count(populationSize))])
    case .randomAllocation(let participations, let rounds):
      .labelled([("participations", .count(participations)), ("rounds", .count(rounds))])
    case .ballsInBins(let rounds): .labelled([("rounds", .count(rounds))])
    case .cyclicPoisson(let rate, let cycle): .labelled([("rate", .number(rate)), ("cycle", .count(cycle))])
    case .minimumSeparationPoisson(let rate, let separation):
      .labelled([("rate", .number(rate)), ("separation", .count(separation))])
    }
  }
}

extension StrategyMatrix {
  /// Names of all cases.
  package static let caseNames = ["sensitivity", "matrix", "toeplitz", "bufferedToeplitz"]

  /// The matrix called `name` with the parameters of `reader`, not validated; `nil` if no matrix has that name.
  package init?<Reader: EventFieldReader>(named name: String, from reader: inout Reader) throws(Reader.Failure) {
    switch name {
    case "sensitivity": self = .sensitivity(try reader.contentNumber("sensitivity"))
    case "matrix": self = .matrix(try reader.contentRows("rows"))
    case "toeplitz": self = .toeplitz(coefficients: try reader.numbers("coefficients"), steps: try reader.count("steps"))
    case "bufferedToeplitz":
      self = .bufferedToeplitz(
        outputScales: try reader.numbers("outputScales"), decays: try reader.numbers("decays"), steps: try reader.count("steps"))
    default: return nil
    }
  }

  /// The parameters of this node.
  package var payload: EventPayload {
    switch self {
    case .sensitivity(let sensitivity): .content(.number(sensitivity))
    case .matrix(let rows): .content(.rows(rows))
    case .toeplitz(let coefficients, let steps): .labelled([("coefficients", .numbers(coefficients)), ("steps", .count(steps))])
    case .bufferedToeplitz(let outputScales, let decays, let steps):
      .labelled([("outputScales", .numbers(outputScales)), ("decays", .numbers(decays)), ("steps", .count(steps))])
    }
  }
}

extension SelectionRuns {
  /// Names of all cases.
  package static let caseNames = ["poisson", "truncatedNegativeBinomial"]

  /// The distribution called `name` with the parameters of `reader`, not validated; `nil` if no distribution has that name.
  package init?<Reader: EventFieldReader>(named name: String, from reader: inout Reader) throws(Reader.Failure) {
    switch name {
    case "poisson": self = .poisson(mean: try reader.number("mean"))
    case "truncatedNegativeBinomial":
      self = .truncatedNegativeBinomial(shape: try reader.number("shape"), gamma: try reader.number("gamma"))
    default: return nil
    }
  }

  /// The parameters of this node.
  package var payload: EventPayload {
    switch self {
    case .poisson(let mean): .labelled([("mean", .number(mean))])
    case .truncatedNegativeBinomial(let shape, let gamma): .labelled([("shape", .number(shape)), ("gamma", .number(gamma))])
    }
  }
}
