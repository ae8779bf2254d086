import COneDNN

/// Threads of the arithmetic engine.
public enum ComputeThreads {
  /// Makes the engine compute on the calling thread alone.
  ///
  /// A `CompiledModel` does this for the thread that calls it, so parallelism is one model per worker; call it where other code on
  /// the same thread uses OpenMP and should not start threads either.
  public static func useOneThread() { eps_use_one_thread() }
}
