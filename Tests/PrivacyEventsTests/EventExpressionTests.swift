import PrivacyEvents
import Testing

@Suite("Event expressions")
struct EventExpressionTests {
  @Test(
    "expressions mean what the grammar says",
    arguments: [
      (
        "1000 * poisson(0.01, gaussian(1.0)) + 5 * laplace(20)",
        PrivacyEvent.composed([
          .gaussian(noiseMultiplier: 1).sampled(.poisson(rate: 0.01)).repeated(1000), .laplace(noiseMultiplier: 20).repeated(5),
        ])
      ),
      (
        "fixedSize(100, 3400, gaussian(1))",
        .gaussian(noiseMultiplier: 1).sampled(.fixedSizeWithoutReplacement(cohortSize: 100, populationSize: 3400))
      ),
      (
        "truncatedPoisson(0.01, 700, 50000, gaussian(1))",
        .gaussian(noiseMultiplier: 1).sampled(.truncatedPoisson(rate: 0.01, maximumCohort: 700, populationSize: 50_000))
      ),
      (
        "mixture(1.0, [1, 2], [0.9, 0.1])",
        .gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [0.9, 0.1])
      ),
      (
        "tree(10, 1000, 1, 1)",
        .treeAggregation(noiseMultiplier: 10, steps: 1000, maximumParticipations: 1, minimumSeparation: 1)
      ),
      (
        "toeplitz(1.0, [1, 0.5, 0.375], 1000, 4, 250)",
        .matrixMechanism(
          noiseMultiplier: 1, strategy: .toeplitz(coefficients: [1, 0.5, 0.375], steps: 1000), maximumParticipations: 4,
          minimumSeparation: 250)
      ),
      (
        "toeplitz(noiseMultiplier: 1, coefficients: [1], steps: 1e3, maximumParticipations: 4, minimumSeparation: 250)",
        .matrixMechanism(
          noiseMultiplier: 1, strategy: .toeplitz(coefficients: [1], steps: 1000), maximumParticipations: 4, minimumSeparation: 250)
      ),
      (
        "matrix(1, rows: [[1, 0], [-0.5, 1]], 1, 1)",
        .matrixMechanism(noiseMultiplier: 1, strategy: .matrix([[1, 0], [-0.5, 1]]), maximumParticipations: 1, minimumSeparation: 1)
      ),
      (
        "matrixSensitivity(1, sensitivity: 2.5, 1, 1)",
        .matrixMechanism(noiseMultiplier: 1, strategy: .sensitivity(2.5), maximumParticipations: 1, minimumSeparation: 1)
      ),
      ("gaussian ( noiseMultiplier :\n1 )", .gaussian(noiseMultiplier: 1)),
      ("1e6 * (gaussian(.5) + noOp())", .composed([.gaussian(noiseMultiplier: 0.5), .noOp]).repeated(1_000_000)),
      ("2.50e1*noOp()", .noOp.repeated(25)), ("0 * noOp()", .noOp.repeated(0)), ("9223372036854775807 * noOp()", .noOp.repeated(.max)),
      ("((noOp()))", .noOp), ("2 * (3 * noOp())", .noOp.repeated(3).repeated(2)),
      ("noOp() + (noOp() + noOp())", .composed([.noOp, .composed([.noOp, .noOp])])),
      ("composed()", .composed([])), ("composed(noOp())", .composed([.noOp])),
      ("composed(noOp(), 2 * noOp())", .composed([.noOp, .noOp.repeated(2)])),
      ("poisson(256/60000, event: noOp() + noOp())", .composed([.noOp, .noOp]).sampled(.poisson(rate: 256.0 / 60_000))),
      ("pureDP(infinity)", .pureDP(epsilon: .infinity)), (#"unsupported("a \"\\\u{41}\n")"#, .unsupported(reason: "a \"\\A\n")),
      (
        "selectNegativeBinomial(-0.5, 1E-3, selectPoisson(mean: 10, pureDP(1)))",
        .repeatAndSelect(
          event: .repeatAndSelect(event: .pureDP(epsilon: 1), runs: .poisson(mean: 10)),
          runs: .truncatedNegativeBinomial(shape: -0.5, gamma: 1e-3))
      ),
      (
        "cyclicPoisson(0.1, 4, 100 * gaussian(1))", .gaussian(noiseMultiplier: 1).repeated(100).sampled(.cyclicPoisson(rate: 0.1, cycle: 4))
      ),
    ])
  func meaning(text: String, event: PrivacyEvent) throws {
    #expect(try PrivacyEvent(expression: text) == event)
    #expect(try PrivacyEvent(expression: event.expression) == event)
  }

  @Test("the canonical text is short: no needless parentheses, zeros or labels")
  func canonical() {
    let event = PrivacyEvent.composed([
      .gaussian(noiseMultiplier: 1).sampled(.poisson(rate: 0.01)).repeated(1000), .composed([.noOp, .pureDP(epsilon: 1e-9)]).repeated(2),
    ])
    #expect(event.expression == "1000 * poisson(0.01, gaussian(1)) + 2 * (noOp() + pureDP(1e-09))")
  }

  @Test(
    "malformed expressions are refused with column, what was found and what was expected",
    arguments: [
      ("", 1, "found the end, expected an event such as gaussian(1)"), ("   ", 4, "found the end"),
      ("gaussian", 9, "found the end, expected “(” after gaussian"), ("gaussian(", 10, "expected the argument noiseMultiplier of gaussian"),
      ("gaussian()", 10, "found “)”, expected the argument noiseMultiplier of gaussian"),
      ("gaussian(1", 11, "found the end, expected “)”: gaussian takes 1 argument"),
      ("gaussian(1, 2)", 11, "found “,”, expected “)”: gaussian takes 1 argument"),
      ("gaussian(1))", 12, "found “)”, expected “+” or the end"), ("gaussian(1) gaussian(1)", 13, "found “gaussian”, expected “+”"),
      ("gaussian(1) +", 14, "found the end, expected an event"), ("+ gaussian(1)", 1, "found “+”, expected an event"),
      ("gausian(1)", 1, "unknown name “gausian”, did you mean gaussian? expected one of gaussian, laplace"),
      ("2 * fixdSize(1, 2, noOp())", 5, "did you mean fixedSize?"), ("wobble(1)", 1, "unknown name “wobble”, expected one of gaussian"),
      ("sampled(noOp())", 1, "unknown name “sampled”"), ("gaussian(noise: 1)", 10, "found “noise”, expected the argument noiseMultiplier"),
      ("approximateDP(delta: 0, epsilon: 1)", 15, "found “delta”, expected the argument epsilon"),
      ("approximateDP(1)", 16, "found “)”, expected “,” and the argument delta of approximateDP"),
      ("approximateDP(1 0)", 17, "found “0”, expected “,” and the argument delta"),
      ("gaussian(one)", 10, "found “one”, expected a number for noiseMultiplier of gaussian"),
      ("gaussian([1])", 10, "found “[”, expected a number"), ("gaussian(1.)", 10, "found “1.”, expected a number such as"),
      ("gaussian(1e)", 10, "found “1e”"), ("gaussian(1.2.3)", 10, "found “1.2.3”"), ("gaussian(0x10)", 10, "found “0x10”"),
      ("gaussian(1_000)", 10, "found “1_000”"), ("gaussian(-)", 10, "found “-”"), ("gaussian(nan)", 10, "found “nan”"),
      ("gaussian(1e999)", 10, "found “1e999”, expected a magnitude"), ("poisson(1e-999, noOp())", 9, "expected a magnitude"),
      ("poisson(1/0, noOp())", 11, "found a division by “0.0”"), ("poisson(1/, noOp())", 11, "expected a number to divide by"),
      ("poisson(5e-324/9, noOp())", 9, "found a fraction that is no Double"),
      ("gaussian(infinity)", 1, "gaussian.noiseMultiplier is inf, must be finite"),
      ("gaussian(-1)", 1, "gaussian.noiseMultiplier is -1.0, must be finite and at least 0"),
      ("noOp() + poisson(1.5, noOp())", 10, "sampled.by.poisson.rate is 1.5, must be in [0, 1]"),
      ("fixedSize(1.5, 2, noOp())", 11, "found “1.5”, expected a whole number for cohortSize of fixedSize"),
      ("fixedSize(1/2, 2, noOp())", 12, "found “/”"), ("fixedSize(1e-1, 2, noOp())", 11, "a whole number"),
      ("fixedSize(1.00000000000000000001, 2, noOp())", 11, "a whole number"),
      ("9223372036854775808 * noOp()", 1, "a count of repetitions"), ("1e99999999999999999999 * noOp()", 1, "a count of repetitions"),
      ("1.5 * noOp()", 1, "found “1.5”, expected a count of repetitions"), ("-2 * noOp()", 1, "repeated.count is -2"),
      ("2 noOp()", 3, "found “noOp”, expected “*”"), ("2 * 3 * noOp()", 5, "found “3”, expected an event"), ("noOp() * 2", 8, "found “*”"),
      ("(noOp()", 8, "found the end, expected “+” or “)”"), ("()", 2, "found “)”, expected an event"),
      ("mixture(1, 1, 1)", 12, "found “1”, expected “[”"), ("mixture(1, [1 2], [1])", 15, "found “2”, expected “,” or “]”"),
      ("mixture(1, [1,], [1])", 15, "found “]”, expected a number of sensitivities"),
      ("mixture(1, [], [])", 1, "gaussianMixture.sensitivities.count is 0"), ("mixture(1, [infinity], [1])", 13, "found “infinity”"),
      ("matrix(1, [1], 1, 1)", 12, "found “1”, expected “[”"), ("matrix(1, [[1, 0], [1, 0]], 1, 1)", 1, "matrix[1][1] is 0.0"),
      ("unsupported(tree)", 13, "found “tree”, expected a text"), (#"unsupported("tree)"#, 19, "closes the text begun at column 13"),
      (#"unsupported("\q")"#, 14, "found a broken escape"), (#"unsupported("\u{D800}")"#, 14, "found a broken escape"),
      (#"unsupported("\"#, 14, "found a broken escape"), ("noOp() + é(1)", 10, "found “é”, expected an event expression in plain ASCII"),
      (#"unsupported("é👩‍💻") !"#, 21, "found “!”"), ("gaussian(\u{0})", 10, "found “\u{FFFD}”"),
      ("cyclicPoisson(0.1, 2, gaussian(1))", 1, "sampled.event is gaussian, must be repeated"),
      ("composed(noOp(),)", 17, "found “)”, expected an event"), ("noOp(1)", 6, "found “1”, expected “)”: noOp takes 0 arguments"),
    ])
  func malformed(text: String, column: Int, message: String) throws {
    let error = try #require(throws: EventExpressionError.self) { try PrivacyEvent(expression: text) }
    #expect(error.column == column, "\(error)")
    #expect(error.description.contains(message), "\(error)")
    #expect(error.description.hasPrefix("event expression, column \(column): "))
  }

  @Test("nesting is limited, and text that opens parentheses without end is refused")
  func hostileDepth() throws {
    for open in ["(", "composed(", "poisson(1,", "2*(", "-", "[", "\"", "1/", "noOp()+", "gaussian(["] {
      let text = String(repeating: open, count: 60_000 / open.utf8.count)
      #expect(throws: EventExpressionError.self) { try PrivacyEvent(expression: text) }
    }
    let error = try #require(throws: EventExpressionError.self) {
      try PrivacyEvent(expression: String(repeating: "(", count: 60_000))
    }
    #expect(error == EventExpressionError(column: 65, problem: .tooDeep))
    let hundredThousand = String(repeating: "(", count: 100_000)
    #expect(throws: EventExpressionError(column: 1, problem: .tooLong(byteCount: 100_000))) {
      try PrivacyEvent(expression: hundredThousand)
    }
    var deepest = PrivacyEvent.noOp
    for _ in 1..<PrivacyEvent.maximumDepth { deepest = .composed([deepest]) }
    #expect(try PrivacyEvent(expression: deepest.expression) == deepest)
    #expect(throws: EventExpressionError.self) { try PrivacyEvent(expression: PrivacyEvent.composed([deepest]).expression) }
    // Repetitions and sums take no parentheses of their own, so a text of few parentheses can be a deep event.
    let mixed = String(repeating: "2 * (noOp() + ", count: 40) + "noOp()" + String(repeating: ")", count: 40)
    #expect(throws: EventExpressionError.self) { try PrivacyEvent(expression: mixed) }
  }

  @Test("the longest texts are read: many terms, long numbers, long names")
  func longTexts() throws {
    let terms = Array(repeating: "noOp()", count: 7_000).joined(separator: "+")
    #expect(try PrivacyEvent(expression: terms) == .composed(Array(repeating: .noOp, count: 7_000)))
    let zeros = String(repeating: "0", count: 60_000)
    #expect(try PrivacyEvent(expression: "gaussian(1.\(zeros))") == .gaussian(noiseMultiplier: 1))
    #expect(try PrivacyEvent(expression: "\(zeros)7 * noOp()") == .noOp.repeated(7))
    let digits = String(repeating: "7", count: 60_000)
    #expect(throws: EventExpressionError.self) { try PrivacyEvent(expression: "\(digits) * noOp()") }
    let name = try #require(throws: EventExpressionError.self) {
      try PrivacyEvent(expression: String(repeating: "a", count: 60_000) + "(1)")
    }
    #expect(name.description.utf8.count < 1_000)
  }

  @Test("2,000 random texts and mutations give an event that round-trips or an error inside the text, never a crash")
  func fuzz() throws {
    var generator = SeededGenerator(state: 7)
    let alphabet = Array("()[]+*,:/.-\"\\ 019eE_agn\n\u{0}é👩‍💻".unicodeScalars)
    let words = [
      "gaussian(", "poisson(", "1e6", "0.01", "infinity", "noOp()", "[1, 2]", "tree(", "mixture(", "composed(", " * ", " + ", "256/60000",
    ]
    let seeds = EventSamples.all.map(\.expression)
    var accepted = 0
    for round in 0..<2_000 {
      var scalars: [Unicode.Scalar] = []
      if round % 4 == 0 {
        for _ in 0..<Int.random(in: 0...40, using: &generator) {
          if Bool.random(using: &generator) {
            scalars.append(contentsOf: (words.randomElement(using: &generator) ?? "").unicodeScalars)
          } else {
            scalars.append(alphabet.randomElement(using: &generator) ?? " ")
          }
        }
      } else {
        scalars = Array((seeds.randomElement(using: &generator) ?? "").unicodeScalars)
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !scalars.isEmpty {
          let index = Int.random(in: 0..<scalars.count, using: &generator)
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: scalars.remove(at: index)
          case 1: scalars.insert(alphabet.randomElement(using: &generator) ?? " ", at: index)
          default: scalars[index] = alphabet.randomElement(using: &generator) ?? " "
          }
        }
      }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      do throws(EventExpressionError) {
        let event = try PrivacyEvent(expression: text)
        accepted += 1
        #expect(throws: Never.self) { try event.validate() }
        #expect(try PrivacyEvent(expression: event.expression) == event, "\(text)")
      } catch {
        #expect((1...scalars.count + 1).contains(error.column), "\(text): \(error)")
      }
    }
    // Mutations of digits and spaces often leave a valid expression; a fuzz that only met errors would test little.
    #expect(accepted > 50)
  }
}
