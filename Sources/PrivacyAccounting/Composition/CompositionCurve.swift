import Foundation

/// What one method knows about a composition; how methods are added without changing ``PrivacyAccountant``.
protocol AccountingBackend: Sendable {
  /// ε at δ in (0, 1) of the composition repeated `rounds` ≥ 1 times: valid for both directions.
  func epsilon(rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound
  /// The same with the lower end for another δ, of `lowerDelta` ≥ `delta`.
  func epsilon(rounds: Int, delta: Double, lowerDelta: Double) throws(AccountingError) -> PrivacyBound
  /// δ at finite ε ≥ 0 of the composition repeated `rounds` ≥ 1 times, of one direction.
  func delta(rounds: Int, epsilon: Double, direction: NeighborDirection) throws(AccountingError) -> PrivacyBound
  /// The greater δ of both directions.
  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound
}

extension AccountingBackend {
  func epsilon(rounds: Int, delta: Double, lowerDelta: Double) throws(AccountingError) -> PrivacyBound {
    let bound = try epsilon(rounds: rounds, delta: delta)
    if lowerDelta == delta || !bound.isTwoSided || bound.lower == 0 { return bound }
    let lower = lowerDelta < 1 ? try epsilon(rounds: rounds, delta: lowerDelta).lower : 0
    return PrivacyBound(
      lower: min(lower, bound.upper), upper: bound.upper, method: bound.method, failureProbability: bound.failureProbability)
  }

  func delta(rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    let removal = try delta(rounds: rounds, epsilon: epsilon, direction: .removal)
    let addition = try delta(rounds: rounds, epsilon: epsilon, direction: .addition)
    return PrivacyBound(
      lower: max(removal.lower, addition.lower), upper: max(removal.upper, addition.upper), method: removal.method)
  }
}

/// ε and δ of one event repeated any number of times, in independent rounds.
///
/// Made by ``PrivacyAccountant/curve(of:)``. Asking for every round of a training run costs little more than asking for the last. What was
/// computed for one round serves others, so that the last digits of an answer, within its interval, depend on earlier questions.
public struct CompositionCurve: Sendable {
  /// Methods that are valid for the mechanisms, the tightest first: a later one is asked where an earlier one gives no answer.
  private let backends: [any AccountingBackend]
  private let composition: MechanismComposition
  private let select: Selection

  /// Chooses the methods for mechanisms.
  typealias Selection = @Sendable (MechanismComposition) throws(AccountingError) -> [any AccountingBackend]

  init(_ composition: MechanismComposition, select: @escaping Selection) throws(AccountingError) {
    (self.composition, self.select) = (composition, select)
    backends = composition.isNonPrivate || composition.order.isEmpty ? [] : try select(composition)
  }

  init(_ composition: MechanismComposition, choice: PrivacyAccountant.Choice) throws(AccountingError) {
    try self.init(composition) { composition throws(AccountingError) in
      try MethodSelection.backends(for: composition, choice: choice)
    }
  }

  /// The same curve, which has computed nothing yet.
  func renewed() throws(AccountingError) -> CompositionCurve { try CompositionCurve(composition, select: select) }

  /// Whether the contour integral is among the methods.
  var usesContour: Bool { backends.contains { $0 is ContourAccountant } }

  /// ε at `delta` after `rounds` rounds.
  ///
  /// - Parameters:
  ///   - rounds: at least 0.
  ///   - delta: in [0, 1].
  public func epsilon(afterRounds rounds: Int, delta: Double) throws(AccountingError) -> PrivacyBound {
    try Parameters.check(delta: delta)
    try check(rounds: rounds)
    if rounds == 0 || delta == 1 || composition.isEmpty { return Self.nothing }
    if composition.isNonPrivate { return Self.everything }
    // The approximate parts fail with this probability in all; what is left of δ is for the rest: δ = f + (1 − f) δ′.
    let failure = -expm1(Double(rounds) * composition.logNoFailure)
    guard delta >= failure else { return Self.everything }
    let rest = failure == 0 ? delta : ((delta - failure) / (1 - failure)) * (1 - 1e-14)
    let changes = changes(rounds: rounds)
    if changes == (0, 0) { return try core(rounds: rounds, delta: rest) }
    return try epsilonWithChanges(rounds: rounds, delta: rest, changes: changes)
  }

  /// δ at `epsilon` after `rounds` rounds: the greater of both directions.
  public func delta(afterRounds rounds: Int, epsilon: Double) throws(AccountingError) -> PrivacyBound {
    try delta(afterRounds: rounds, epsilon: epsilon, direction: nil)
  }

  /// δ at `epsilon` after `rounds` rounds for one order of the neighbours.
  public func delta(
    afterRounds rounds: Int, epsilon: Double, direction: NeighborDirection
  ) throws(AccountingError) -> PrivacyBound {
    try delta(afterRounds: rounds, epsilon: epsilon, direction: Optional(direction))
  }

  private func delta(afterRounds rounds: Int, epsilon: Double, direction: NeighborDirection?) throws(AccountingError) -> PrivacyBound {
    try Parameters.check(epsilon: epsilon)
    try check(rounds: rounds)
    if rounds == 0 || composition.isEmpty { return Self.nothing }
    if composition.isNonPrivate { return PrivacyBound(lower: 1, upper: 1, method: .trivial) }
    let failure = -expm1(Double(rounds) * composition.logNoFailure)
    let inner = try coreDelta(rounds: rounds, epsilon: epsilon, direction: direction)
    let changes = changes(rounds: rounds)
    let (first, second) = direction == .addition ? (changes.without, changes.withPerson) : (changes.withPerson, changes.without)
    let change = direction == nil ? max(changes.withPerson, changes.without) : first
    let other = direction == nil ? change : second
    let added = change + (other == 0 ? 0 : exp(epsilon) * other)
    let scale = failure == 0 ? 1 : 1 + 1e-14
    return PrivacyBound(
      lower: max(0, failure / scale + (1 - failure) * inner.lower - added),
      upper: min(1, failure * scale + (1 - failure) * min(1, inner.upper + added)), method: inner.method,
      failureProbability: inner.failureProbability)
  }

  // MARK: Parts

  /// Probability that any of the rounds differs from the accounted one, rounded up.
  private func changes(rounds: Int) -> (withPerson: Double, without: Double) {
    let logs = composition.logUnchanged
    return (
      -expm1(Double(rounds) * logs.withPerson) * (1 + 1e-14), -expm1(Double(rounds) * logs.without) * (1 + 1e-14)
    )
  }

  /// δ′(ε) = δ(ε) + ψ + e^ε ψ: an ε is valid once ε(δ − ψ − e^ε ψ) is not above it.
  private func epsilonWithChanges(
    rounds: Int, delta: Double, changes: (withPerson: Double, without: Double)
  ) throws(AccountingError) -> PrivacyBound {
    let change = max(changes.withPerson, changes.without)
    // An ε at which the truncations take a small share of δ. What is found below it is valid, for ψ + e^ε ψ is less there.
    let negligible = log(1e-10 * delta / change)
    var guess = negligible > 0 ? negligible : max(0, log(1e-3 * delta / change))
    var isGenerous = negligible <= 0 && guess > 0
    for _ in 0..<60 {
      // What the truncations may add or take away at ε up to the guess.
      let added = change + exp(guess) * change
      let rest = (delta - added) * (1 - 1e-14)
      guard rest > 0 else { return PrivacyBound(lower: 0, upper: .infinity, method: .trivial) }
      let bound = try core(rounds: rounds, delta: rest, lowerDelta: min(1, (delta + added) * (1 + 1e-14)))
      // Grids take longest, and are seldom so narrow that a thousandth of δ counts.
      let isGrid = bound.method == .grid
      if bound.upper <= guess && (isGrid || !isGenerous) { return bound }
      isGenerous = false
      guess = bound.upper * (1 + (isGrid ? 1e-3 : 1e-10))
    }
    throw .notConverged(what: "ε of truncated rounds", reason: "δ = \(delta) is too near to the probability of a truncation")
  }

  private func core(rounds: Int, delta: Double, lowerDelta: Double? = nil) throws(AccountingError) -> PrivacyBound {
    if composition.order.isEmpty { return Self.nothing }
    if let pure = composition.pureEpsilon {
      let sum = Double(rounds) * pure * (1 + 1e-14)
      if delta == 0 { return PrivacyBound(lower: Double(rounds) * pure * (1 - 1e-14), upper: sum, method: .pureComposition) }
    }
    if delta == 0 { return Self.everything }
    return try first { backend throws(AccountingError) in
      try backend.epsilon(rounds: rounds, delta: delta, lowerDelta: lowerDelta ?? delta)
    }
  }

  private func coreDelta(
    rounds: Int, epsilon: Double, direction: NeighborDirection?
  ) throws(AccountingError) -> PrivacyBound {
    if composition.order.isEmpty || epsilon == .infinity { return Self.nothing }
    if let pure = composition.pureEpsilon, epsilon >= Double(rounds) * pure * (1 + 1e-14) {
      return PrivacyBound(lower: 0, upper: 0, method: .pureComposition)
    }
    return try first { backend throws(AccountingError) in
      if let direction { return try backend.delta(rounds: rounds, epsilon: epsilon, direction: direction) }
      return try backend.delta(rounds: rounds, epsilon: epsilon)
    }
  }

  /// The answer of the first method that has a narrow certified interval, else the least of the upper bounds with the greatest of the
  /// lower ones: each holds for the same figure.
  private func first(
    _ ask: (any AccountingBackend) throws(AccountingError) -> PrivacyBound
  ) throws(AccountingError) -> PrivacyBound {
    var failure = AccountingError.notConverged(what: "the composition", reason: "no method applies")
    var best: PrivacyBound?
    var lower = 0.0
    for backend in backends {
      do throws(AccountingError) {
        let answer = try ask(backend)
        lower = max(lower, answer.lower)
        let isNarrow =
          answer.isTwoSided
          && (answer.lower == answer.upper || answer.upper < .infinity && answer.upper - answer.lower <= 0.1 * answer.upper)
        if best == nil && isNarrow || answer.upper < best?.upper ?? .infinity { best = answer }
        if isNarrow { break }
      } catch {
        // A parameter out of one method's range is no error of the event while another method is left.
        failure = error
      }
    }
    guard let best else { throw failure }
    guard lower <= best.upper * (1 + 1e-9) else {
      throw .notConverged(what: "the composition", reason: "a lower bound of \(lower) is above an upper bound of \(best.upper)")
    }
    return PrivacyBound(lower: lower, upper: best.upper, method: best.method, failureProbability: best.failureProbability)
  }

  func check(rounds: Int) throws(AccountingError) {
    guard rounds >= 0 else { throw .invalidParameter(name: "rounds", value: Double(rounds), allowed: "at least 0") }
  }

  private static let nothing = PrivacyBound(lower: 0, upper: 0, method: .trivial)
  private static let everything = PrivacyBound(lower: .infinity, upper: .infinity, method: .trivial)
}
