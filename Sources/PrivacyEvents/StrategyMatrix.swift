/// The strategy matrix C of a matrix mechanism, which releases C·X + Z: lower-triangular, one row and column a round.
///
/// The same mechanism adds noise that is correlated over the rounds, X + C⁻¹Z, so the diagonal must be above 0.
public enum StrategyMatrix: Hashable, Sendable {
  /// A matrix of which only the sensitivity is known: the greatest Frobenius norm by which C·X moves where one person's updates have
  /// norm at most 1 and obey the mechanism's limits of participation. Above 0.
  case sensitivity(Double)
  /// All rows of a square matrix: finite numbers, zeros above the diagonal. At most ``maximumRowCount`` rows.
  case matrix([[Double]])
  /// A lower-triangular Toeplitz matrix of `steps` rounds by its first column; coefficients that are left out are 0, so that the matrix is
  /// banded (Choquette-Choo et al. 2023).
  case toeplitz(coefficients: [Double], steps: Int)
  /// A buffered linear Toeplitz matrix of `steps` rounds (Dvijotham et al. 2024): coefficient 0 of the first column is 1, coefficient
  /// t ≥ 1 is Σᵢ `outputScales[i]` · `decays[i]`^(t − 1).
  ///
  /// Scales are at least 0, decays in [0, 1); both lists have one entry a buffer, 1 to ``maximumBufferCount``.
  case bufferedToeplitz(outputScales: [Double], decays: [Double], steps: Int)

  /// Greatest number of rows of an explicit matrix.
  public static let maximumRowCount = 2_048
  /// Greatest number of rounds of a Toeplitz matrix.
  public static let maximumStepCount = 10_000_000
  /// Greatest number of buffers; the published matrices have at most ten.
  public static let maximumBufferCount = 64

  /// Name of the case, which is also its key in JSON and YAML.
  public var caseName: String {
    switch self {
    case .sensitivity: "sensitivity"
    case .matrix: "matrix"
    case .toeplitz: "toeplitz"
    case .bufferedToeplitz: "bufferedToeplitz"
    }
  }

  /// Checks every number; `path` is where the matrix stands inside an event.
  ///
  /// - Throws: ``PrivacyEventError`` naming the first number that is out of its range.
  public func validate(path: [String] = []) throws(PrivacyEventError) {
    let here = path + [caseName]
    switch self {
    case .sensitivity(let sensitivity):
      try require(sensitivity > 0 && sensitivity.isFinite, path, "sensitivity", sensitivity, "finite and above 0")
    case .matrix(let rows): try Self.validate(rows: rows, path: path)
    case .toeplitz(let coefficients, let steps):
      try Self.validate(steps: steps, path: here)
      try require(
        !coefficients.isEmpty && coefficients.count <= steps, here, "coefficients.count", coefficients.count, "in 1…\(steps), the steps")
      for (index, coefficient) in coefficients.enumerated() {
        try require(
          coefficient.isFinite && (index > 0 || coefficient > 0), here, "coefficients[\(index)]", coefficient,
          index > 0 ? "finite" : "finite and above 0")
      }
    case .bufferedToeplitz(let outputScales, let decays, let steps):
      try Self.validate(steps: steps, path: here)
      try require(
        (1...Self.maximumBufferCount).contains(decays.count), here, "decays.count", decays.count, "in 1…\(Self.maximumBufferCount)")
      try require(
        outputScales.count == decays.count, here, "outputScales.count", outputScales.count, "\(decays.count), the number of decays")
      for (index, scale) in outputScales.enumerated() {
        try require(scale >= 0 && scale.isFinite, here, "outputScales[\(index)]", scale, "finite and at least 0")
      }
      for (index, decay) in decays.enumerated() {
        try require(decay >= 0 && decay < 1, here, "decays[\(index)]", decay, "in [0, 1)")
      }
    }
  }

  private static func validate(steps: Int, path: [String]) throws(PrivacyEventError) {
    try require((1...maximumStepCount).contains(steps), path, "steps", steps, "in 1…\(maximumStepCount)")
  }

  private static func validate(rows: [[Double]], path: [String]) throws(PrivacyEventError) {
    try require((1...maximumRowCount).contains(rows.count), path, "matrix.count", rows.count, "in 1…\(maximumRowCount)")
    for (i, row) in rows.enumerated() {
      try require(row.count == rows.count, path, "matrix[\(i)].count", row.count, "\(rows.count), the number of rows")
      // The name of an entry is made only for one that is wrong: there may be millions.
      guard let j = row.indices.first(where: { j in !row[j].isFinite || (j == i && row[j] <= 0) || (j > i && row[j] != 0) }) else {
        continue
      }
      let allowed = j == i ? "finite and above 0, on the diagonal" : j > i ? "0, above the diagonal" : "finite"
      try require(false, path, "matrix[\(i)][\(j)]", row[j], allowed)
    }
  }
}
