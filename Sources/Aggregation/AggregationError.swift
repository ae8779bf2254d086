/// Why an aggregation cannot be built or a round cannot be finished.
///
/// Client values are never part of a message.
public enum AggregationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A number is out of its range.
  case invalidParameter(name: String, value: Double, allowed: String)
  /// The noise of the count queries leaves nothing for the update: z must stay below the multiplier of the counts.
  case noiseSplitImpossible(noiseMultiplier: Double, bitDeviations: [Double])
  /// Techniques that do not fit together.
  case invalidComposition(technique: String, reason: String)
  /// A state that belongs to another pipeline.
  case stateMismatch(technique: String)
  /// A sum of integers left the range of 64 bits.
  case sumOverflow
  /// Fewer clients than the guarantee needs sent an update: the round must not be released.
  case tooFewClients(found: Int, needed: Int)
  /// The operating system gave no random numbers.
  case noRandomness(reason: String)
  /// An update or a partial sum of another length than the round's.
  case lengthMismatch(expected: Int, found: Int)
  /// An update with an element that is NaN or infinite, or that becomes so.
  case nonFiniteUpdate(technique: String)
  /// An encoded update that its decoder did not write: too short, too long, or with impossible contents.
  case malformedEncoding(encoder: String, reason: String)
  /// No rounding within the norm bound was found.
  case roundingFailed(attempts: Int)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .invalidParameter(let name, let value, let allowed): "\(name) is \(value), must be \(allowed)"
    case .noiseSplitImpossible(let noiseMultiplier, let deviations):
      "the noise multiplier \(noiseMultiplier) is not reachable when counts are released with standard deviation "
        + deviations.map { "\($0)" }.joined(separator: ", ")
        + ": Σ (2σ)⁻² must stay below z⁻²; raise the standard deviation of the counts (clippedCountStandardDeviation) or the cohort"
    case .invalidComposition(let technique, let reason): "\(technique): \(reason)"
    case .stateMismatch(let technique): "the state given for \(technique) belongs to another aggregation"
    case .sumOverflow: "the sum of the clients' integers leaves 64 bits: lower the scale or the number of clients"
    case .tooFewClients(let found, let needed):
      "only \(found) clients sent an update, the guarantee needs \(needed): the round was not released; enlarge the cohort"
    case .noRandomness(let reason): "no random numbers: \(reason)"
    case .lengthMismatch(let expected, let found): "expected a vector of \(expected) parameters, found \(found)"
    case .nonFiniteUpdate(let technique): "\(technique) needs finite numbers: leave this client out or lower its learning rate"
    case .malformedEncoding(let encoder, let reason): "this is no update encoded by \(encoder): \(reason)"
    case .roundingFailed(let attempts):
      "none of \(attempts) random roundings kept the norm bound: is the update clipped to the norm that the bound was made for?"
    }
  }
}

/// Range checks that throw ``AggregationError/invalidParameter(name:value:allowed:)``.
func require(_ condition: Bool, _ name: String, _ value: Double, _ allowed: String) throws(AggregationError) {
  guard condition else { throw .invalidParameter(name: name, value: value, allowed: allowed) }
}
