import SecureNoise

/// One drawing per class: a few thick strokes, different for each class and the same on every machine.
///
/// Only additions, multiplications and divisions of `Double` are used, which IEEE 754 rounds in one way.
enum SyntheticGlyphs {
  static let side = 28
  static let classCount = 62

  /// Ink of each class's drawing, 0 to 255, `[62][28 × 28]`.
  static let drawings: [[UInt8]] = (0..<classCount).map { drawing(ofClass: $0) }

  private struct Stroke {
    let x0, y0, x1, y1: Double

    /// Squared distance of a point from the stroke.
    func squaredDistance(x: Double, y: Double) -> Double {
      let dx = x1 - x0
      let dy = y1 - y0
      let length = dx * dx + dy * dy
      let along = length > 0 ? min(1, max(0, ((x - x0) * dx + (y - y0) * dy) / length)) : 0
      let ex = x0 + along * dx - x
      let ey = y0 + along * dy - y
      return ex * ex + ey * ey
    }
  }

  private static func drawing(ofClass index: Int) -> [UInt8] {
    // The seed is part of the data set, not of the request: the classes look alike in every instance.
    let random = RandomSource.simulation(seed: 62, purpose: .synthesis, client: UInt64(index))
    func coordinate() -> Double { 5 + Double(random.uniformInteger(below: 19)) }
    let strokes = (0..<4).map { _ in Stroke(x0: coordinate(), y0: coordinate(), x1: coordinate(), y1: coordinate()) }
    return (0..<side * side).map { pixel in
      let x = Double(pixel % side)
      let y = Double(pixel / side)
      let distance = strokes.map { $0.squaredDistance(x: x, y: y) }.reduce(Double.infinity, min)
      // Full ink on the stroke, none from two pixels on.
      return UInt8(255 * max(0, 1 - distance / 4))
    }
  }
}
