/// A small line plot in text.
struct TextPlot {
  /// Points in order of x.
  let points: [(x: Double, y: Double)]
  /// What y is.
  let title: String
  /// Formats a value of y.
  let format: (Double) -> String

  private static let width = 56
  private static let height = 8

  /// The lines of the plot; none where there are fewer than two points.
  func lines() -> [String] {
    guard points.count >= 2, let firstX = points.first?.x, let lastX = points.last?.x, lastX > firstX else { return [] }
    let low = points.map(\.y).min() ?? 0
    let high = points.map(\.y).max() ?? 0
    let span = high > low ? high - low : 1
    var grid = [[Character]](repeating: [Character](repeating: " ", count: Self.width), count: Self.height)
    for column in 0..<Self.width {
      let x = firstX + (lastX - firstX) * Double(column) / Double(Self.width - 1)
      // The latest point at or before x: the figures hold until the next round.
      guard let y = points.last(where: { $0.x <= x + 1e-9 })?.y else { continue }
      let row = Int((Double(Self.height - 1) * (high - y) / span).rounded())
      grid[min(max(row, 0), Self.height - 1)][column] = "•"
    }
    let labels = grid.indices.map { $0 == 0 ? format(high) : $0 == Self.height - 1 ? format(low) : "" }
    let margin = labels.map(\.count).max() ?? 0
    func pad(_ text: String) -> String { String(repeating: " ", count: margin - text.count) + text }
    var lines = [title]
    for (label, row) in zip(labels, grid) { lines.append("\(pad(label)) ┤\(String(row))") }
    lines.append("\(pad("")) └" + String(repeating: "─", count: Self.width))
    let (left, right) = ("round \(Int(firstX))", "\(Int(lastX))")
    lines.append(pad("") + "  " + left + String(repeating: " ", count: max(1, Self.width - left.count - right.count)) + right)
    return lines
  }
}
