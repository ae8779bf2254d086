/// Guesses which known name was meant by one that is not known.
package enum Misspelling {
  /// The name nearest to `found`, if it is probably meant.
  package static func nearest(to found: String, among names: [String]) -> String? {
    names.min { distance($0, found) < distance($1, found) }.flatMap { isLikely(found, for: $0) ? $0 : nil }
  }

  /// Whether at most a third of the letters of `known`, and at most three, are wrong in `found`.
  package static func isLikely(_ found: String, for known: String) -> Bool { distance(found, known) <= max(1, min(3, known.count / 3)) }

  /// Number of insertions, deletions and replacements between the first 64 bytes of two words, in lower case.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.lowercased().utf8.prefix(64)), Array(b.lowercased().utf8.prefix(64)))
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(diagonal + (x == y ? 0 : 1), above + 1, row[j] + 1)
        diagonal = above
      }
    }
    return row[b.count]
  }
}
