/// How many times a mechanism was run before the best output was released: a random number, drawn independently of the data.
///
/// A fixed or known number would give no bound that is independent of it; the distribution is what the privacy of a selection rests on
/// (Papernot and Steinke 2022).
public enum SelectionRuns: Hashable, Sendable {
  /// Poisson with this mean, finite and above 0; where the draw is 0, nothing is released (theorem 6).
  case poisson(mean: Double)
  /// Truncated negative binomial on 1, 2, … with shape η, finite and above −1, and γ in (0, 1) (definition 1 and theorem 2).
  ///
  /// η = 1 is the geometric distribution with mean 1/γ, η = 0 the logarithmic one.
  case truncatedNegativeBinomial(shape: Double, gamma: Double)

  /// Name of the case, which is also its key in JSON and YAML.
  public var caseName: String {
    switch self {
    case .poisson: "poisson"
    case .truncatedNegativeBinomial: "truncatedNegativeBinomial"
    }
  }

  /// Checks the parameters; `path` is where the distribution stands inside an event.
  ///
  /// - Throws: ``PrivacyEventError`` naming the parameter that is out of its range.
  public func validate(path: [String] = []) throws(PrivacyEventError) {
    let here = path + [caseName]
    switch self {
    case .poisson(let mean):
      try require(mean > 0 && mean.isFinite, here, "mean", mean, "finite and above 0")
    case .truncatedNegativeBinomial(let shape, let gamma):
      try require(shape > -1 && shape.isFinite, here, "shape", shape, "finite and above -1")
      try require(gamma > 0 && gamma < 1, here, "gamma", gamma, "in (0, 1)")
    }
  }
}
