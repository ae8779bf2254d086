/// Wall times of the repetitions of one piece of work.
struct Timing {
  /// Seconds of each repetition, shortest first, at least one.
  private let sorted: [Double]

  init(seconds: [Double]) {
    precondition(!seconds.isEmpty, "a timing needs at least one repetition")
    sorted = seconds.sorted()
  }

  /// The shortest: what the work takes when nobody disturbs it.
  var best: Double { sorted[0] }
  /// The longest.
  var worst: Double { sorted[sorted.count - 1] }
  /// The one in the middle, or the mean of the two there.
  var median: Double { (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2 }

  /// Repeats `work` `repetitions` times after `warmUps` that do not count.
  static func measure(repetitions: Int, warmUps: Int = 1, _ work: () async throws -> Void) async rethrows -> Timing {
    for _ in 0..<warmUps { try await work() }
    var seconds: [Double] = []
    for _ in 0..<repetitions {
      let start = ContinuousClock.now
      try await work()
      seconds.append(start.duration(to: .now).seconds)
    }
    return Timing(seconds: seconds)
  }

  /// Seconds of every piece of work in every repetition, in each of which all are done one after the other: on a machine that others use at
  /// the same time, ratios within a repetition say more than those of two times. One more repetition warms up.
  static func interleaved(repetitions: Int, _ works: [() throws -> Void]) throws -> [[Double]] {
    var seconds = [[Double]](repeating: [], count: works.count)
    for repetition in 0...repetitions {
      for (index, work) in works.enumerated() {
        let start = ContinuousClock.now
        try work()
        if repetition > 0 { seconds[index].append(start.duration(to: .now).seconds) }
      }
    }
    return seconds
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
