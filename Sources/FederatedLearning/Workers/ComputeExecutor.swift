import Foundation

/// A fixed set of threads, one per core, that run blocking arithmetic.
///
/// Swift's own pool must not be blocked by long computations, and oneDNN keeps per-thread settings: both want threads of our own.
public final class ComputeExecutor: TaskExecutor {
  /// Number of threads.
  public let threadCount: Int
  private let queue = JobQueue()

  /// Number of cores that the system offers.
  public static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Starts `threadCount` threads, by default one per core; they end when the executor is released.
  public init(threadCount: Int = ComputeExecutor.coreCount) {
    self.threadCount = max(1, threadCount)
    for index in 0..<self.threadCount {
      let thread = Thread { [queue] in queue.run() }
      thread.name = "epsilon compute \(index)"
      // Swift's default stack for a Thread is small for oneDNN's code generator.
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  deinit { queue.close() }

  public func enqueue(_ job: consuming ExecutorJob) {
    queue.append(UnownedJob(job), executor: asUnownedTaskExecutor())
  }
}

/// Jobs waiting for a thread. Unchecked because the compiler cannot see that `condition` guards the two variables.
private final class JobQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private var jobs: [(job: UnownedJob, executor: UnownedTaskExecutor)] = []
  private var isClosed = false

  func append(_ job: UnownedJob, executor: UnownedTaskExecutor) {
    condition.lock()
    jobs.append((job, executor))
    condition.signal()
    condition.unlock()
  }

  func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    condition.unlock()
  }

  func run() {
    while true {
      condition.lock()
      while jobs.isEmpty && !isClosed { condition.wait() }
      guard !jobs.isEmpty else {
        condition.unlock()
        return
      }
      let next = jobs.removeFirst()
      condition.unlock()
      next.job.runSynchronously(on: next.executor)
    }
  }
}
