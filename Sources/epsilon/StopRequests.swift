import Foundation
import PrivateTraining
import Synchronization

/// Interrupts of a run: the first ends it after the round under way, the second gives that round up, the third ends the process.
///
/// They may come before there is a run: then it ends before its first round.
final class StopRequests: Sendable {
  private struct State {
    var count = 0
    var trainer: PrivateTrainer?
    var work: Task<Void, any Error>?
  }

  private let state = Mutex(State())

  /// One more interrupt, by the signal `number`.
  func add(_ number: Int32) {
    let count = state.withLock { state in
      state.count += 1
      if state.count == 1 { state.trainer?.requestStop() }
      if state.count == 2 { state.work?.cancel() }
      return state.count
    }
    if count == 1 { StandardError.print("\nStopping after this round; press Ctrl-C again to give it up.") }
    // Whoever insists ends the process as the signal would; every charge is durable already. Raising it again would not, as Dispatch blocks
    // signals on its threads.
    if count > 2 { _exit(128 + number) }
  }

  /// Directs the first interrupt to `trainer`.
  func direct(to trainer: PrivateTrainer) {
    state.withLock { state in
      state.trainer = trainer
      if state.count >= 1 { trainer.requestStop() }
    }
  }

  /// Directs the second interrupt to `work`.
  func direct(to work: Task<Void, any Error>) {
    state.withLock { state in
      state.work = work
      if state.count >= 2 { work.cancel() }
    }
  }
}
