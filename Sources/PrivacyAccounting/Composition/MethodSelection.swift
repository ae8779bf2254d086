/// Which methods are valid for a composition, the tightest first.
enum MethodSelection {
  static func backends(
    for composition: MechanismComposition, choice: PrivacyAccountant.Choice
  ) throws(AccountingError) -> [any AccountingBackend] {
    switch choice {
    case .tightest: return try tightest(composition)
    case .contour:
      return [try contour(for: composition, greatestCost: ContourAccountant.greatestCost)]
    case .grid: return [try grid(for: composition)]
    case .renyi: return [try renyi(composition)]
    case .zeroConcentrated: return [RenyiAccountant(try ZeroConcentrated.composition(composition))]
    case .gaussian:
      guard let noiseMultiplier = composition.combinedGaussian else {
        throw refusal(choice, "only compositions of Gaussians are exactly Gaussian differentially private")
      }
      return [GaussianAccountant(noiseMultiplier: noiseMultiplier)]
    case .monteCarlo(let samples, let failureProbability, let seed):
      guard
        let draws = try MonteCarloAccountant(composition, samples: samples, failureProbability: failureProbability, seed: seed)
      else { throw refusal(choice, "Monte Carlo takes nothing but epochs of one random allocation of a Gaussian") }
      return [draws]
    }
  }

  private static func grid(for composition: MechanismComposition) throws(AccountingError) -> GridBackend {
    guard let grid = GridBackend(composition) else { throw noLaw }
    return grid
  }

  /// The grid with the greatest work that it may do, for narrow intervals only: a wide one certifies little.
  @Sendable static func certifyingGrid(for composition: MechanismComposition) throws(AccountingError) -> [any AccountingBackend] {
    guard let grid = GridBackend(composition, workLimit: GridAccountant.greatestWork, greatestWidth: 1e-2) else { throw noLaw }
    return [grid]
  }

  /// The contour integral with the greatest work that it may do.
  @Sendable static func certifyingContour(for composition: MechanismComposition) throws(AccountingError) -> [any AccountingBackend] {
    [try contour(for: composition, greatestCost: 10 * ContourAccountant.greatestCost)]
  }

  private static func contour(for composition: MechanismComposition, greatestCost: Double) throws(AccountingError) -> ContourAccountant {
    guard let contour = ContourAccountant(composition, greatestCost: greatestCost) else {
      throw refusal(.contour, "the contour integral takes compositions of Gaussian, Laplace and bounded-range mechanisms")
    }
    return contour
  }

  private static let noLaw = refusal(.grid, "a mechanism known by its Rényi curve only has no privacy-loss distribution")

  private static func tightest(_ composition: MechanismComposition) throws(AccountingError) -> [any AccountingBackend] {
    if let noiseMultiplier = composition.combinedGaussian { return [GaussianAccountant(noiseMultiplier: noiseMultiplier)] }
    var backends: [any AccountingBackend] = []
    if let single = SingleSampledGaussian(composition) { backends.append(single) }
    if let contour = ContourAccountant(composition) { backends.append(contour) }
    // Truncated rounds may ask twice for one answer.
    let share = composition.logUnchanged == (0, 0) ? 1 : 0.6
    if let grid = GridBackend(composition, workLimit: share * GridBackend.usualWork) { backends.append(grid) }
    // The Rényi bound is last: it answers where the others run out of memory, time or digits.
    do throws(AccountingError) { backends.append(try renyi(composition)) } catch {
      if backends.isEmpty { throw error }
    }
    return backends
  }

  private static func renyi(_ composition: MechanismComposition) throws(AccountingError) -> RenyiAccountant {
    // Made here once, so that an event without a curve is refused when it is looked at.
    for mechanism in composition.order {
      if case .drawnWithReplacement = mechanism { _ = try MechanismRenyi(mechanism) }
    }
    return RenyiAccountant(composition)
  }

  static func refusal(_ choice: PrivacyAccountant.Choice, _ reason: String) -> AccountingError {
    .unsuitableAccountant(name: choice.name, reason: reason, remedy: "use the accountant “tightest”")
  }
}

/// Zero-concentrated differential privacy (Bun and Steinke 2016): mechanisms as ρ.
enum ZeroConcentrated {
  /// The same mechanisms as one ρ-zero-concentrated mechanism each.
  static func composition(_ composition: MechanismComposition) throws(AccountingError) -> MechanismComposition {
    var result = MechanismComposition()
    for (mechanism, count) in composition.parts {
      try result.add(.zeroConcentrated(rho: try rho(of: mechanism) * (1 + 1e-15)), count: count)
    }
    return result
  }

  private static func rho(of mechanism: Mechanism) throws(AccountingError) -> Double {
    switch mechanism {
    case .gaussian(let sigma): return 0.5 / (sigma * sigma)
    case .zeroConcentrated(let rho): return rho
    // Bounded range: Cesar and Rogers 2021, lemma 3.
    case .boundedRange(let epsilon): return epsilon * epsilon / 8
    case .discrete(.discreteGaussian(let sigma, let shift), 1):
      // Canonne, Kamath and Steinke 2020, proposition 5.
      return Double(shift) * Double(shift) / (2 * sigma * sigma)
    default:
      // Bun and Steinke 2016, proposition 3.3.
      if let epsilon = mechanism.pureEpsilon { return epsilon * epsilon / 2 }
      throw MethodSelection.refusal(.zeroConcentrated, "sampled and selecting mechanisms are not zero-concentrated")
    }
  }
}
