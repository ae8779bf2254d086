/// A parameter of an event that has no meaning.
public struct PrivacyEventError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the parameter stands, from the outermost node, for instance `repeated.event.gaussian.noiseMultiplier`.
  public let path: String
  /// What is wrong and what is allowed.
  public let problem: String

  /// An error at `path`.
  public init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  /// Path and problem on one line.
  public var description: String { "privacy event, \(path): \(problem)" }
}

extension PrivacyEvent {
  /// Greatest number of nested nodes of an event.
  public static let maximumDepth = 64

  /// Checks every parameter of the event.
  ///
  /// - Throws: ``PrivacyEventError`` naming the first parameter that is out of its range.
  public func validate() throws(PrivacyEventError) { try validate(path: [], depth: 1) }

  private func validate(path: [String], depth: Int) throws(PrivacyEventError) {
    guard depth <= Self.maximumDepth else {
      throw PrivacyEventError(
        path: path.prefix(4).joined(separator: ".") + "…", problem: "nested deeper than \(Self.maximumDepth) nodes")
    }
    let here = path + [caseName]
    switch self {
    case .noOp, .nonPrivate, .unsupported: break
    case .gaussian(let noiseMultiplier), .laplace(let noiseMultiplier):
      try require(noiseMultiplier >= 0 && noiseMultiplier.isFinite, here, "noiseMultiplier", noiseMultiplier, "finite and at least 0")
    case .pureDP(let epsilon):
      try require(epsilon >= 0, here, "epsilon", epsilon, "at least 0")
    case .approximateDP(let epsilon, let delta):
      try require(epsilon >= 0, here, "epsilon", epsilon, "at least 0")
      try require(delta >= 0 && delta <= 1, here, "delta", delta, "in [0, 1]")
    case .zeroConcentratedDP(let rho):
      try require(rho >= 0, here, "rho", rho, "at least 0")
    case .composed(let events):
      for (index, event) in events.enumerated() { try event.validate(path: path + ["composed[\(index)]"], depth: depth + 1) }
    case .repeated(let event, let count):
      try require(count >= 0, here, "count", count, "at least 0")
      try event.validate(path: here + ["event"], depth: depth + 1)
    case .sampled(let event, let scheme):
      try scheme.validate(path: here + ["by"])
      try event.validate(path: here + ["event"], depth: depth + 1)
    }
  }

  /// Name of the case, which is also its key in JSON and YAML.
  public var caseName: String {
    switch self {
    case .noOp: "noOp"
    case .nonPrivate: "nonPrivate"
    case .unsupported: "unsupported"
    case .gaussian: "gaussian"
    case .laplace: "laplace"
    case .pureDP: "pureDP"
    case .approximateDP: "approximateDP"
    case .zeroConcentratedDP: "zeroConcentratedDP"
    case .composed: "composed"
    case .repeated: "repeated"
    case .sampled: "sampled"
    }
  }
}

extension SamplingScheme {
  /// Checks the scheme's parameters; `path` is where the scheme stands inside an event.
  ///
  /// - Throws: ``PrivacyEventError`` naming the parameter that is out of its range.
  public func validate(path: [String] = []) throws(PrivacyEventError) {
    switch self {
    case .poisson(let rate):
      try require(rate >= 0 && rate <= 1, path + ["poisson"], "rate", rate, "in [0, 1]")
    case .fixedSizeWithoutReplacement(let cohortSize, let populationSize):
      let here = path + ["fixedSizeWithoutReplacement"]
      try require(populationSize >= 1, here, "populationSize", populationSize, "at least 1")
      try require(cohortSize >= 0 && cohortSize <= populationSize, here, "cohortSize", cohortSize, "in 0…\(populationSize)")
    }
  }
}

private func require(
  _ condition: Bool, _ path: [String], _ name: String, _ value: some CustomStringConvertible, _ allowed: String
) throws(PrivacyEventError) {
  guard condition else {
    throw PrivacyEventError(path: (path + [name]).joined(separator: "."), problem: "is \(value), must be \(allowed)")
  }
}
