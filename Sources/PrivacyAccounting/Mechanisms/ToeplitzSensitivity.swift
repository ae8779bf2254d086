import Foundation

/// L2 sensitivity of lower-triangular Toeplitz strategies, whose column j is the coefficients moved down by j.
extension StrategySensitivity {
  /// The strategy of `steps` rows with the given `coefficients` (those left out are 0).
  ///
  /// Coefficients that are not negative and never rise: the worst pattern starts at once and is as dense as it may be, so the
  /// sensitivity is exactly ‖Σ_{j<k′} C[:, j b]‖ with k′ = min(k, ⌈n/b⌉) (Kalinin and Lampert 2024, "Banded square root matrix
  /// factorization", theorem 2). Otherwise that figure of the least non-increasing majorant M_t = max_{s≥t} |c_s| is a bound: |C| ≤ M
  /// entry by entry, and norms of sums of non-negative columns only grow with their entries. Two more bounds hold always,
  /// k′‖c‖ by the triangle inequality and √k′ ‖c‖ where at most b coefficients leave the columns orthogonal; the least of them is
  /// returned. One participation is exact in every case: column 0 is the longest.
  ///
  /// O(k′ × bands) time, O(steps) where that would exceed 2·10⁹ operations.
  package static func toeplitz(
    coefficients: [Double], steps: Int, participation: ParticipationPattern
  ) throws(AccountingError) -> Double {
    try MechanismParameters.count("steps", steps)
    for (index, value) in coefficients.enumerated() where !value.isFinite {
      throw .invalidParameter(name: "coefficient \(index)", value: value, allowed: "finite")
    }
    var bands = coefficients.prefix(steps).map { abs($0) }
    while bands.last == 0 { bands.removeLast() }
    guard !bands.isEmpty else { return 0 }
    let count = participation.participations(in: steps)
    let slack = 1 + 4e-16 * (Double(bands.count) + Double(count) + 16)
    let column = bands.reduce(0) { $0 + $1 * $1 } * slack
    if count == 1 { return rootRoundedUp(try finite(column)) }
    // The suffix maximum leaves a non-increasing sequence as it is.
    let nonNegative = coefficients.prefix(bands.count).allSatisfy { $0 >= 0 }
    let monotone = zip(bands, bands.dropFirst()).allSatisfy { $0 >= $1 }
    for index in bands.indices.dropLast().reversed() { bands[index] = max(bands[index], bands[index + 1]) }
    let separation = participation.minimumSeparation
    var square: Double
    if Double(count) * Double(bands.count) <= 2e9 {
      square = staircase(bands, steps: steps, count: count, separation: separation) * slack
    } else {
      square = try recurrence(bands, steps: steps, count: count, separation: separation) * slack
    }
    if !(nonNegative && monotone) {
      let orthogonal = bands.count <= separation
      square = min(square, Double(count) * (orthogonal ? 1 : Double(count)) * column * slack)
    }
    return rootRoundedUp(try finite(square))
  }

  /// ‖Σ_{j<count} C[:, j·separation]‖², a block of rows at a time so that no array of `steps` entries is needed.
  private static func staircase(_ bands: [Double], steps: Int, count: Int, separation: Int) -> Double {
    let size = 4096
    let (span, overflow) = ((count - 1) * separation).addingReportingOverflow(bands.count)
    let end = min(steps, overflow ? steps : span)
    var block = [Double](repeating: 0, count: size)
    var total = 0.0
    var start = 0
    while start < end {
      let stop = min(start + size, end)
      for index in 0..<size { block[index] = 0 }
      // Column j·separation covers the rows j·separation ..< j·separation + bands.
      let first = start >= bands.count ? (start - bands.count) / separation + 1 : 0
      let last = min(count - 1, (stop - 1) / separation)
      if first <= last {
        for column in first...last {
          let top = column * separation
          let low = max(start, top)
          let high = min(stop, top + bands.count)
          guard low < high else { continue }
          for row in low..<high { block[row - start] += bands[row - top] }
        }
      }
      var partial = 0.0
      for index in 0..<(stop - start) { partial += block[index] * block[index] }
      total += partial
      // Between columns that do not overlap there may be rows of zeros only.
      start = stop
    }
    return total
  }

  /// The same by s_t = s_{t−b} + c_t − c_{t−k′b}; every s_t is raised by the rounding of all the updates before it.
  private static func recurrence(_ bands: [Double], steps: Int, count: Int, separation: Int) throws(AccountingError) -> Double {
    try MechanismParameters.count("steps of a long dense Toeplitz strategy", steps, atMost: 200_000_000)
    var sums = [Double](repeating: 0, count: steps)
    let window = count * separation
    var greatest = 0.0
    for row in 0..<steps {
      var value = row >= separation ? sums[row - separation] : 0
      if row < bands.count { value += bands[row] }
      if row >= window, row - window < bands.count { value -= bands[row - window] }
      sums[row] = max(0, value)
      greatest = max(greatest, value)
    }
    let error = greatest * 4.5e-16 * Double(steps / separation + 1)
    return sums.reduce(0.0) { $0 + ($1 + error) * ($1 + error) }
  }

  /// A buffered linear Toeplitz strategy: c_0 = 1, c_t = Σ_i outputScales[i] · decays[i]^(t−1) for t ≥ 1
  /// (Dvijotham, McMahan, Pillutla, Steinke and Thakurta 2024, "Efficient and near-optimal noise generation for streaming
  /// differential privacy").
  ///
  /// With scales that are not negative and add up to at most 1 and decays in [0, 1] the coefficients never rise, and the rule of
  /// `toeplitz` is summed in closed form: in the rows after participation r, at distance u ≥ 1 from it, the sum of the
  /// columns is Σ_i A_i θ_i^(u−1) with A_i = ω_i (1 − θ_i^((r+1)b)) / (1 − θ_i^b), and the sum of its squares over u is
  /// Σ_{i,j} A_i A_j (1 − (θ_iθ_j)^L) / (1 − θ_iθ_j). No term is negative. O(k′ × buffers²) time whatever the number of steps.
  /// Other scales go through `toeplitz`, in O(steps × (buffers + k′)), up to 10^8 steps.
  package static func bufferedToeplitz(
    outputScales: [Double], decays: [Double], steps: Int, participation: ParticipationPattern
  ) throws(AccountingError) -> Double {
    try MechanismParameters.count("steps", steps)
    guard outputScales.count == decays.count else {
      throw .invalidParameter(name: "number of decays", value: Double(decays.count), allowed: "\(outputScales.count), as output scales")
    }
    for scale in outputScales where !scale.isFinite {
      throw .invalidParameter(name: "output scale", value: scale, allowed: "finite")
    }
    for decay in decays { try MechanismParameters.probability("decay", decay) }
    guard outputScales.allSatisfy({ $0 >= 0 }), outputScales.reduce(0, +) <= 1 else {
      try MechanismParameters.count("steps of a strategy whose coefficients rise or change sign", steps, atMost: 100_000_000)
      var coefficients = [Double](repeating: 0, count: steps)
      coefficients[0] = 1
      for (scale, decay) in zip(outputScales, decays) {
        var value = scale
        for step in 1..<max(steps, 1) {
          coefficients[step] += value
          value *= decay
          // Products round once a step: restart them so that the error stays below 1e-13.
          if step & 255 == 0 { value = scale * pow(decay, Double(step)) }
        }
      }
      return try toeplitz(coefficients: coefficients, steps: steps, participation: participation) * (1 + 2e-13)
    }
    let separation = participation.minimumSeparation
    let count = participation.participations(in: steps)
    let logDecays = decays.map { log($0) }
    /// Σ_{j<terms} e^(j·logRatio).
    func geometric(_ logRatio: Double, _ terms: Int) -> Double {
      guard terms > 0 else { return 0 }
      guard logRatio < 0 else { return Double(terms) }
      guard logRatio > -.infinity else { return 1 }
      return expm1(Double(terms) * logRatio) / expm1(logRatio)
    }
    /// Σ_{i,j} (1 − (θ_iθ_j)^rows)/(1 − θ_iθ_j), row-major.
    func pairs(rows: Int) -> [Double] {
      logDecays.flatMap { first in logDecays.map { geometric(first + $0, rows) } }
    }
    let buffers = outputScales.count
    guard Double(count) * Double(buffers * buffers + 1) <= 5e9 else {
      throw .invalidParameter(name: "participations", value: Double(count), allowed: "at most 5·10⁹ / (buffers² + 1)")
    }
    let inner = pairs(rows: separation - 1)
    let outer = pairs(rows: steps - (count - 1) * separation - 1)
    // θ^(b−1), with θ^0 = 1 also for θ = 0.
    let carry = logDecays.map { separation == 1 ? 1 : exp(Double(separation - 1) * $0) }
    let blockDecay = zip(carry, decays).map { $0 * $1 }
    var earlier = [Double](repeating: 0, count: buffers)
    var power = [Double](repeating: 1, count: buffers)
    var amplitude = [Double](repeating: 0, count: buffers)
    var square = 0.0
    for block in 0..<count {
      var head = 1.0
      for i in 0..<buffers {
        head += outputScales[i] * carry[i] * earlier[i]
        earlier[i] += power[i]
        power[i] *= blockDecay[i]
        amplitude[i] = outputScales[i] * earlier[i]
      }
      square += head * head
      let sums = block == count - 1 ? outer : inner
      for i in 0..<buffers {
        for j in 0..<buffers { square += amplitude[i] * amplitude[j] * sums[i * buffers + j] }
      }
    }
    // Powers, sums over blocks and the exponentials round a few times each, relative to sums without cancellation.
    return rootRoundedUp(try finite(square * (1 + 1e-14 + 1e-15 * Double(count))))
  }
}
