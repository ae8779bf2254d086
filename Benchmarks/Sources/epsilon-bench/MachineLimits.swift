import CMachineLimits
import FederatedLearning

/// What this machine can do at most, measured now: figures of a shared machine change from minute to minute.
enum MachineLimits {
  /// Instructions that the arithmetic limit is measured with.
  static var instructions: String { String(cString: cml_level_name()) }

  /// Greatest number of float32 operations per second of `threadCount` threads at once, a fused multiply-add counted as two.
  static func peakFlops(threadCount: Int) async -> Double {
    // Enough work for the threads' start not to matter, little enough to find a quiet moment in ten attempts.
    let rounds: UInt64 = 10_000_000
    let executor = ComputeExecutor(threadCount: threadCount)
    var best = 0.0
    for _ in 0..<10 {
      let start = ContinuousClock.now
      let operations = await withTaskGroup(of: Double.self) { group in
        for _ in 0..<threadCount { group.addTask(executorPreference: executor) { cml_multiply_add(rounds) } }
        return await group.reduce(0, +)
      }
      best = max(best, operations / start.duration(to: .now).seconds)
    }
    return best
  }

  /// Reads every one of `updates` once, one after the other, on this thread.
  static func read(_ updates: [[Float]]) -> UInt64 {
    updates.reduce(0) { total, update in
      update.withUnsafeBytes { total &+ cml_read($0.baseAddress, $0.count & ~1023) }
    }
  }
}
