extension PrivacyAccountant {
  /// Which method to use.
  ///
  /// ``init(name:)`` reads the names that commands and plans take; ``names`` lists them. Encoded, a choice is its ``name``, and
  /// ``monteCarlo(samples:failureProbability:seed:)`` with other numbers than the defaults an object with that key.
  public enum Choice: Hashable, Sendable {
    /// The tightest method that is valid for the event, and certain: never ``monteCarlo(samples:failureProbability:seed:)``.
    case tightest
    /// The contour integral of the exact δ(ε).
    case contour
    /// Privacy-loss distributions on a grid, rounded to both sides.
    case grid
    /// Rényi differential privacy whatever the event.
    case renyi
    /// Zero-concentrated differential privacy: Σρ and its conversion.
    case zeroConcentrated
    /// Gaussian differential privacy, for compositions of Gaussians alone; its central-limit approximation for other events is no bound.
    case gaussian
    /// An upper confidence bound from random draws, for epochs of one random allocation of a Gaussian under `addOrRemoveOne`.
    ///
    /// Each answer is wrong with at most `failureProbability` over the draws, and says so in ``PrivacyBound/failureProbability``. It is an upper
    /// bound only, given as it is also where the analytic bound of ``tightest`` is less; for few rounds it is often the lesser one.
    /// What chooses between many answers (calibration, trade-off curves) refuses it.
    ///
    /// - Parameters:
    ///   - samples: number of draws. ε at δ needs at least log(2/failureProbability)/δ of them. An answer takes samples × epochs × rounds
    ///     normal numbers, of which more than 2e9, a minute and a half of one core, are refused.
    ///   - failureProbability: in (0, 1); half of it for each order of the neighbours.
    ///   - seed: of the draws, chosen before any answer is seen: the least of several seeds is no bound. The same seed gives the same answer.
    case monteCarlo(samples: Int = 10_000_000, failureProbability: Double = 1e-6, seed: UInt64 = 0)

    private static let known: [(choice: Choice, spellings: [String])] = [
      (.tightest, ["tightest"]), (.contour, ["contour"]), (.grid, ["grid", "pld"]), (.renyi, ["renyi", "rdp"]),
      (.zeroConcentrated, ["zeroConcentrated", "zcdp"]), (.gaussian, ["gaussian", "gdp"]), (.monteCarlo(), ["monteCarlo", "monte-carlo"]),
    ]

    /// The choice of this name, with the default numbers; nil for a name that is not in ``names``.
    public init?(name: String) {
      guard let found = Self.known.first(where: { $0.spellings.contains(name) }) else { return nil }
      self = found.choice
    }

    /// The name without the numbers.
    public var name: String {
      switch self {
      case .tightest: "tightest"
      case .contour: "contour"
      case .grid: "grid"
      case .renyi: "renyi"
      case .zeroConcentrated: "zeroConcentrated"
      case .gaussian: "gaussian"
      case .monteCarlo: "monteCarlo"
      }
    }

    /// All names, each followed by its other spelling in brackets: for messages.
    public static let names = known.map { entry in
      entry.spellings[0] + entry.spellings.dropFirst().map { " (\($0))" }.joined()
    }.joined(separator: ", ")
  }

  /// Refuses a choice whose answers may fail, where many answers are compared and the failures would add up.
  func checkAnswersAreCertain() throws(AccountingError) {
    if case .monteCarlo = choice {
      throw .unsuitableAccountant(
        name: choice.name, reason: "each of its answers may fail, and the best of many is no bound", remedy: "use the accountant “tightest”"
      )
    }
  }
}

extension PrivacyAccountant.Choice: Codable {
  private enum CodingKeys: CodingKey { case monteCarlo }
  private enum MonteCarloKeys: CodingKey { case samples, failureProbability, seed }

  /// Decodes a name, or the numbers of a Monte Carlo bound.
  public init(from decoder: any Decoder) throws {
    guard let values = try? decoder.container(keyedBy: CodingKeys.self) else {
      let container = try decoder.singleValueContainer()
      let name = try container.decode(String.self)
      guard let choice = Self(name: name) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "“\(name)” is no accountant; choose one of \(Self.names)")
      }
      self = choice
      return
    }
    let numbers = try values.nestedContainer(keyedBy: MonteCarloKeys.self, forKey: .monteCarlo)
    self = .monteCarlo(
      samples: try numbers.decode(Int.self, forKey: .samples),
      failureProbability: try numbers.decode(Double.self, forKey: .failureProbability), seed: try numbers.decode(UInt64.self, forKey: .seed)
    )
  }

  /// Encodes the name, and numbers that are not the defaults.
  public func encode(to encoder: any Encoder) throws {
    guard case .monteCarlo(let samples, let failureProbability, let seed) = self, self != .monteCarlo() else {
      var container = encoder.singleValueContainer()
      return try container.encode(name)
    }
    var values = encoder.container(keyedBy: CodingKeys.self)
    var numbers = values.nestedContainer(keyedBy: MonteCarloKeys.self, forKey: .monteCarlo)
    try numbers.encode(samples, forKey: .samples)
    try numbers.encode(failureProbability, forKey: .failureProbability)
    try numbers.encode(seed, forKey: .seed)
  }
}
