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
    case .gaussian(let noiseMultiplier), .laplace(let noiseMultiplier): try requireNoise(noiseMultiplier, here)
    case .discreteGaussian(let sigma, let sensitivity):
      try require(sigma > 0 && sigma.isFinite, here, "sigma", sigma, "finite and above 0")
      try require(sensitivity >= 1, here, "sensitivity", sensitivity, "at least 1")
    case .discreteLaplace(let scale, let sensitivity):
      try require(scale > 0 && scale.isFinite, here, "scale", scale, "finite and above 0")
      try require(sensitivity >= 1, here, "sensitivity", sensitivity, "at least 1")
    case .skellam(let variance, let l1Sensitivity, let l2Sensitivity, let dimension):
      try require(variance > 0 && variance.isFinite, here, "variance", variance, "finite and above 0")
      try requireSensitivities(l1: l1Sensitivity, l2: l2Sensitivity, dimension: dimension, here)
    case .randomizedResponse(let noise, let buckets):
      try require(noise >= 0 && noise <= 1, here, "noise", noise, "in [0, 1]")
      try require(buckets >= 2, here, "buckets", buckets, "at least 2")
    case .exponentialMechanism(let epsilon), .permuteAndFlip(let epsilon), .reportNoisyMax(let epsilon):
      try require(epsilon >= 0 && epsilon.isFinite, here, "epsilon", epsilon, "finite and at least 0")
    case .gaussianMixture(let noiseMultiplier, let sensitivities, let probabilities):
      try requireNoise(noiseMultiplier, here)
      try requireMixture(sensitivities: sensitivities, probabilities: probabilities, here)
    case .treeAggregation(let noiseMultiplier, let steps, let maximumParticipations, let minimumSeparation):
      try requireNoise(noiseMultiplier, here)
      try require(steps >= 1, here, "steps", steps, "at least 1")
      try requireParticipation(maximum: maximumParticipations, separation: minimumSeparation, here)
    case .matrixMechanism(let noiseMultiplier, let strategy, let maximumParticipations, let minimumSeparation):
      try requireNoise(noiseMultiplier, here)
      try strategy.validate(path: here + ["strategy"])
      try requireParticipation(maximum: maximumParticipations, separation: minimumSeparation, here)
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
      try require(
        !scheme.spansEvent || event.spansRounds, here, "event", event.caseName,
        "repeated, treeAggregation or matrixMechanism: \(scheme.caseName) draws for all rounds of its event")
      try event.validate(path: here + ["event"], depth: depth + 1)
    case .repeatAndSelect(let event, let runs):
      try runs.validate(path: here + ["runs"])
      try event.validate(path: here + ["event"], depth: depth + 1)
    }
  }

  /// Whether the event consists of rounds, in each of which other people may take part.
  private var spansRounds: Bool {
    switch self {
    case .repeated, .treeAggregation, .matrixMechanism: true
    default: false
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
    case .discreteGaussian: "discreteGaussian"
    case .discreteLaplace: "discreteLaplace"
    case .skellam: "skellam"
    case .randomizedResponse: "randomizedResponse"
    case .exponentialMechanism: "exponentialMechanism"
    case .permuteAndFlip: "permuteAndFlip"
    case .reportNoisyMax: "reportNoisyMax"
    case .gaussianMixture: "gaussianMixture"
    case .treeAggregation: "treeAggregation"
    case .matrixMechanism: "matrixMechanism"
    case .composed: "composed"
    case .repeated: "repeated"
    case .sampled: "sampled"
    case .repeatAndSelect: "repeatAndSelect"
    }
  }
}

private func requireNoise(_ multiplier: Double, _ path: [String]) throws(PrivacyEventError) {
  try require(multiplier >= 0 && multiplier.isFinite, path, "noiseMultiplier", multiplier, "finite and at least 0")
}

private func requireParticipation(maximum: Int, separation: Int, _ path: [String]) throws(PrivacyEventError) {
  try require(maximum >= 1, path, "maximumParticipations", maximum, "at least 1")
  try require(separation >= 1, path, "minimumSeparation", separation, "at least 1")
}

/// Sensitivities that no integer vector can have are a mistake of units, which would give a wrong ε.
private func requireSensitivities(l1: Double, l2: Double, dimension: Int, _ path: [String]) throws(PrivacyEventError) {
  try require(dimension >= 1, path, "dimension", dimension, "at least 1")
  try require(l1 > 0 && l1.isFinite, path, "l1Sensitivity", l1, "finite and above 0")
  try require(l2 > 0 && l2.isFinite, path, "l2Sensitivity", l2, "finite and above 0")
  if dimension == 1 {
    try require(l1.rounded() == l1, path, "l1Sensitivity", l1, "a whole number where dimension is 1")
    try require(l2 == l1, path, "l2Sensitivity", l2, "\(l1), the L1 sensitivity, where dimension is 1")
  } else {
    let slack = 1 + 1e-9
    try require(l2 <= l1 * slack, path, "l2Sensitivity", l2, "at most the L1 sensitivity, \(l1)")
    let greatest = Double(dimension).squareRoot() * l2
    try require(l1 <= greatest * slack, path, "l1Sensitivity", l1, "at most √dimension × the L2 sensitivity, \(greatest)")
  }
}

private func requireMixture(sensitivities: [Double], probabilities: [Double], _ path: [String]) throws(PrivacyEventError) {
  try require((1...1_000).contains(sensitivities.count), path, "sensitivities.count", sensitivities.count, "in 1…1000")
  try require(
    probabilities.count == sensitivities.count, path, "probabilities.count", probabilities.count,
    "\(sensitivities.count), the number of sensitivities")
  for (index, sensitivity) in sensitivities.enumerated() {
    try require(sensitivity >= 0 && sensitivity.isFinite, path, "sensitivities[\(index)]", sensitivity, "finite and at least 0")
  }
  for (index, probability) in probabilities.enumerated() {
    try require(probability >= 0 && probability <= 1, path, "probabilities[\(index)]", probability, "in [0, 1]")
  }
  let sum = probabilities.reduce(0, +)
  try require((sum - 1).magnitude <= 1e-12, path, "probabilities.sum", sum, "1 within 1e-12")
}

func require(
  _ condition: Bool, _ path: [String], _ name: String, _ value: some CustomStringConvertible, _ allowed: @autoclosure () -> String
) throws(PrivacyEventError) {
  guard condition else {
    throw PrivacyEventError(path: (path + [name]).joined(separator: "."), problem: "is \(value), must be \(allowed())")
  }
}
