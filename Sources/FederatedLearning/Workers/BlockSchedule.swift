/// Divides a sequence of clients into blocks and merges the blocks' results in index order.
///
/// The size of a block depends on the number of clients alone, never on the number of workers, so that sums have the same
/// bits on any number of threads. A block does not start before the block 2 × workers earlier is merged, which bounds memory.
package struct BlockSchedule: Sendable {
  package let count: Int
  package let blockSize: Int

  package init(count: Int) {
    self.count = count
    blockSize = max(1, count / 64)
  }

  package var blockCount: Int { (count + blockSize - 1) / blockSize }

  package func block(_ index: Int) -> Range<Int> { index * blockSize..<min(count, (index + 1) * blockSize) }

  /// Computes every block on `executor` and folds the results in index order into `initial`.
  ///
  /// - Throws: the first error of a block, or `.cancelled`.
  package func fold<Partial: Sendable, Total: Sendable>(
    into initial: Total, on executor: ComputeExecutor,
    compute: @escaping @Sendable (Range<Int>) throws -> Partial, merge: @escaping @Sendable (inout Total, Partial) throws -> Void
  ) async throws(FederatedLearningError) -> Total {
    do {
      return try await withThrowingTaskGroup(of: (Int, Partial).self) { group in
        var total = initial
        var waiting: [Int: Partial] = [:]
        var started = 0
        var merged = 0
        func startMore() {
          while started < blockCount && started < merged + 2 * executor.threadCount {
            let index = started
            let range = block(index)
            group.addTask(executorPreference: executor) {
              try Task.checkCancellation()
              return (index, try compute(range))
            }
            started += 1
          }
        }
        startMore()
        while let (index, partial) = try await group.next() {
          waiting[index] = partial
          while let next = waiting.removeValue(forKey: merged) {
            try merge(&total, next)
            merged += 1
          }
          startMore()
        }
        return total
      }
    } catch { throw FederatedLearningError(error) }
  }
}
