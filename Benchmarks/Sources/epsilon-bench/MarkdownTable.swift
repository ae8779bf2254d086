/// A table that is printed as Markdown, with columns aligned so that it can be read in a terminal as well.
struct MarkdownTable {
  let title: String
  let columns: [String]
  var rows: [[String]] = []
  /// Sentences below the table: how its figures were measured.
  var notes: [String] = []

  init(_ title: String, columns: [String]) {
    self.title = title
    self.columns = columns
  }

  /// Appends a row, one cell per column.
  mutating func add(_ cells: String...) { add(cells: cells) }

  /// Appends a row of `cells`, one per column.
  mutating func add(cells: [String]) {
    precondition(cells.count == columns.count, "a row of \"\(title)\" has \(columns.count) cells, not \(cells.count)")
    rows.append(cells)
  }

  /// The table as Markdown; the first column is text, the others are figures.
  var markdown: String {
    let widths = columns.indices.map { column in ([columns] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return column == 0 ? cells[column] + space : space + cells[column]
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
    let rule = columns.indices.map { column in
      column == 0 ? String(repeating: "-", count: widths[column]) : String(repeating: "-", count: max(1, widths[column] - 1)) + ":"
    }
    var lines = ["### \(title)", "", line(columns), line(rule)]
    lines += rows.map(line)
    if !notes.isEmpty { lines += [""] + notes.map { "- \($0)" } }
    return lines.joined(separator: "\n") + "\n"
  }
}
