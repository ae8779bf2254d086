/// What a name in an expression makes.
enum EventFunction: Hashable {
  /// The event case of that name.
  case event(String)
  /// An event sampled by the scheme of that name; the event is the last argument.
  case sampled(by: String)
  /// A matrix mechanism with the strategy of that name, whose arguments follow the noise multiplier.
  case matrixMechanism(strategy: String)
  /// The best of several runs, the number of which has the distribution of that name; the event is the last argument.
  case repeatAndSelect(runs: String)

  /// All functions by the names that expressions use, in the order in which errors list them.
  static let all: [(name: String, function: EventFunction)] = [
    ("gaussian", .event("gaussian")), ("laplace", .event("laplace")), ("pureDP", .event("pureDP")),
    ("approximateDP", .event("approximateDP")), ("zeroConcentratedDP", .event("zeroConcentratedDP")),
    ("discreteGaussian", .event("discreteGaussian")), ("discreteLaplace", .event("discreteLaplace")), ("skellam", .event("skellam")),
    ("randomizedResponse", .event("randomizedResponse")), ("exponentialMechanism", .event("exponentialMechanism")),
    ("permuteAndFlip", .event("permuteAndFlip")), ("reportNoisyMax", .event("reportNoisyMax")), ("mixture", .event("gaussianMixture")),
    ("tree", .event("treeAggregation")), ("matrixSensitivity", .matrixMechanism(strategy: "sensitivity")),
    ("matrix", .matrixMechanism(strategy: "matrix")), ("toeplitz", .matrixMechanism(strategy: "toeplitz")),
    ("bufferedToeplitz", .matrixMechanism(strategy: "bufferedToeplitz")), ("poisson", .sampled(by: "poisson")),
    ("fixedSize", .sampled(by: "fixedSizeWithoutReplacement")), ("fixedSizeWithReplacement", .sampled(by: "fixedSizeWithReplacement")),
    ("truncatedPoisson", .sampled(by: "truncatedPoisson")), ("randomAllocation", .sampled(by: "randomAllocation")),
    ("ballsInBins", .sampled(by: "ballsInBins")), ("cyclicPoisson", .sampled(by: "cyclicPoisson")),
    ("minimumSeparationPoisson", .sampled(by: "minimumSeparationPoisson")), ("selectPoisson", .repeatAndSelect(runs: "poisson")),
    ("selectNegativeBinomial", .repeatAndSelect(runs: "truncatedNegativeBinomial")), ("composed", .event("composed")),
    ("noOp", .event("noOp")), ("nonPrivate", .event("nonPrivate")), ("unsupported", .event("unsupported")),
  ]

  /// The function of `name`.
  static func named(_ name: String) -> EventFunction? { byName[name] }

  /// The name of this function.
  var name: String { Self.names[self] ?? "" }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.function) })
  private static let names = Dictionary(uniqueKeysWithValues: all.map { ($0.function, $0.name) })

  /// The name that was probably meant by `found`: at most a third of its letters, and at most three, are wrong.
  static func nearest(to found: String) -> String? {
    Misspelling.nearest(to: found, among: all.map(\.name))
  }
}
