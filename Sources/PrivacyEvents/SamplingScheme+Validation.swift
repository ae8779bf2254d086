extension SamplingScheme {
  /// Name of the case, which is also its key in JSON and YAML.
  public var caseName: String {
    switch self {
    case .poisson: "poisson"
    case .fixedSizeWithoutReplacement: "fixedSizeWithoutReplacement"
    case .fixedSizeWithReplacement: "fixedSizeWithReplacement"
    case .truncatedPoisson: "truncatedPoisson"
    case .randomAllocation: "randomAllocation"
    case .ballsInBins: "ballsInBins"
    case .cyclicPoisson: "cyclicPoisson"
    case .minimumSeparationPoisson: "minimumSeparationPoisson"
    }
  }

  /// Checks the scheme's parameters; `path` is where the scheme stands inside an event.
  ///
  /// - Throws: ``PrivacyEventError`` naming the parameter that is out of its range.
  public func validate(path: [String] = []) throws(PrivacyEventError) {
    let here = path + [caseName]
    switch self {
    case .poisson(let rate): try requireRate(rate, here)
    case .fixedSizeWithoutReplacement(let cohortSize, let populationSize):
      try require(populationSize >= 1, here, "populationSize", populationSize, "at least 1")
      try require(cohortSize >= 0 && cohortSize <= populationSize, here, "cohortSize", cohortSize, "in 0…\(populationSize)")
    case .fixedSizeWithReplacement(let cohortSize, let populationSize):
      try require(populationSize >= 1, here, "populationSize", populationSize, "at least 1")
      try require(cohortSize >= 0, here, "cohortSize", cohortSize, "at least 0")
    case .truncatedPoisson(let rate, let maximumCohort, let populationSize):
      try requireRate(rate, here)
      try require(populationSize >= 1, here, "populationSize", populationSize, "at least 1")
      try require(maximumCohort >= 1, here, "maximumCohort", maximumCohort, "at least 1")
    case .randomAllocation(let participations, let rounds):
      try require(rounds >= 1, here, "rounds", rounds, "at least 1")
      try require(participations >= 1 && participations <= rounds, here, "participations", participations, "in 1…\(rounds), the rounds")
    case .ballsInBins(let rounds): try require(rounds >= 1, here, "rounds", rounds, "at least 1")
    case .cyclicPoisson(let rate, let cycle):
      try requireRate(rate, here)
      try require(cycle >= 1, here, "cycle", cycle, "at least 1")
    case .minimumSeparationPoisson(let rate, let separation):
      try requireRate(rate, here)
      try require(separation >= 1, here, "separation", separation, "at least 1")
    }
  }
}

private func requireRate(_ rate: Double, _ path: [String]) throws(PrivacyEventError) {
  try require(rate >= 0 && rate <= 1, path, "rate", rate, "in [0, 1]")
}
