import Dispatch
import Foundation
import Synchronization

extension CompositionCurve {
  /// ε at `delta` after every number of rounds of a range.
  ///
  /// Much quicker than asking for each where the contour integral answers: the range is cut into sections that share tables, and the
  /// sections are worked on by up to four cores. The answers do not depend on how many there are.
  ///
  /// - Parameters:
  ///   - rounds: the numbers of rounds, at least 0, ten million of them at most; a range of many is better asked for in parts of some
  ///     thousand.
  ///   - delta: in [0, 1].
  /// - Returns: one interval for each number of rounds, in their order.
  /// - Throws: the error of the least number of rounds that has none.
  public func epsilons(afterRounds rounds: ClosedRange<Int>, delta: Double) throws(AccountingError) -> [PrivacyBound] {
    try check(rounds: rounds.lowerBound)
    guard rounds.upperBound - rounds.lowerBound < Self.greatestCount else {
      throw .invalidParameter(
        name: "numbers of rounds", value: Double(rounds.upperBound) - Double(rounds.lowerBound) + 1,
        allowed: "at most \(Self.greatestCount)")
    }
    guard usesContour else { return try epsilons(inSection: rounds, delta: delta) }
    let sections = Self.sections(of: rounds)
    let answers = Mutex([Result<[PrivacyBound], AccountingError>?](repeating: nil, count: sections.count))
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: min(Self.greatestWorkerCount, ProcessInfo.processInfo.activeProcessorCount)) { _ in
      while true {
        // In the order of the rounds, which is nearly that of the work: few rounds have the longest tables.
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < sections.count else { return }
        let answer = Result { () throws(AccountingError) in
          try renewed().epsilons(inSection: sections[index], delta: delta)
        }
        answers.withLock { $0[index] = answer }
      }
    }
    var all: [PrivacyBound] = []
    all.reserveCapacity(rounds.count)
    for case let answer? in answers.withLock({ $0 }) { all += try answer.get() }
    return all
  }

  private func epsilons(inSection rounds: ClosedRange<Int>, delta: Double) throws(AccountingError) -> [PrivacyBound] {
    var bounds: [PrivacyBound] = []
    for count in rounds { bounds.append(try epsilon(afterRounds: count, delta: delta)) }
    return bounds
  }

  /// Where the contour has no answer each worker may hold grids of 250 MB.
  private static let greatestWorkerCount = 4
  private static let greatestSection = 256
  private static let greatestCount = 10_000_000

  /// Rounds that mostly share one table: up to twice as many as the first, and not so many that cores wait for one another.
  private static func sections(of rounds: ClosedRange<Int>) -> [ClosedRange<Int>] {
    var sections: [ClosedRange<Int>] = []
    var first = rounds.lowerBound
    while true {
      let last = first + min(rounds.upperBound - first, max(0, first - 1), greatestSection - 1)
      sections.append(first...last)
      if last == rounds.upperBound { return sections }
      first = last + 1
    }
  }
}
