import Foundation
import Testing

private struct Interval: Decodable {
  let lower: Double
  let upper: Double
}

private struct EpsilonAnswer: Decodable {
  struct Certification: Decodable {
    let grid: Interval?
    let overlap: Bool?
    let refusal: String?
  }
  let epsilon: Interval
  let delta: Double
  let method: String
  let failureProbability: Double?
  let certification: Certification?
}

private struct DeltaAnswer: Decodable {
  let epsilon: Double
  let delta: Interval
  let method: String
}

private struct Results<Answer: Decodable>: Decodable { let results: [Answer] }

private struct TradeOff: Decodable {
  struct Row: Decodable {
    let falsePositiveRate: Double
    let falseNegativeRate: Interval
  }
  struct Risk: Decodable {
    struct Power: Decodable {
      let falsePositiveRate: Double
      let truePositiveRate: Double
    }
    struct Group: Decodable {
      let size: Int
      let epsilon: Double?
    }
    let advantage: Double
    let testPowers: [Power]
    let bayesRisk: Double
    let gaussianParameter: Double?
    let leastFalsePositiveRate: Double
    let groups: [Group]
  }
  let risk: Risk
  let table: [Row]
}

private struct TradeOffAnswer: Decodable { let tradeOff: TradeOff }

private struct Orders: Decodable {
  struct Order: Decodable {
    let order: Double
    let divergence: Double
  }
  let renyiDivergences: [Order]
}

private struct Curve: Decodable {
  struct Point: Decodable {
    let round: Int
    let epsilon: Interval
  }
  let curve: [Point]
  let delta: Double
}

private struct Calibrated: Decodable {
  let noiseMultiplier: Double
  let advantage: Interval?
  let truePositiveRate: Interval?
}

private func answer<Answer: Decodable>(_ type: Answer.Type, _ arguments: String...) throws -> Answer {
  let outcome = try epsilon(arguments + ["--format", "json"])
  #expect(outcome.status == 0, "\(outcome.errors)")
  return try JSONDecoder().decode(type, from: Data(outcome.output.utf8))
}

// Inside the serialized suite: processes that are started from several threads at once inherit each other's pipes.
extension CommandTests {
  @Suite("The account command and the whole language of events")
  struct AccountCommandTests {
    private static let subsampled = "1000 * poisson(0.01, gaussian(1))"

    @Test(
      "an expression as argument, as option, as repeated round and the mechanism's own options give the same ε, in [1.828236, 1.828237]")
    func expressions() throws {
      let answers = [
        try answer(EpsilonAnswer.self, "account", Self.subsampled, "--delta", "1e-5"),
        try answer(EpsilonAnswer.self, "account", "--expression", Self.subsampled, "--delta", "1e-5"),
        try answer(EpsilonAnswer.self, "account", "poisson(0.01, gaussian(1))", "--rounds", "1000", "--delta", "1e-5"),
        try answer(
          EpsilonAnswer.self, "account", "--noise-multiplier", "1", "--sampling-rate", "0.01", "--rounds", "1000", "--delta", "1e-5"),
      ]
      for answer in answers {
        #expect(answer.epsilon.lower > 1.828236 && answer.epsilon.upper < 1.828237 && answer.delta == 1e-5 && answer.method == "contour")
      }
    }

    @Test("text has the promise first, then the interval, rounded outward")
    func text() throws {
      let lines = try epsilon(["account", Self.subsampled, "--delta", "1e-5"]).output.split(separator: "\n")
      #expect(lines.count == 2 && lines[0] == "ε ≤ 1.828237 at δ = 1e-5")
      let match = try #require(lines[1].firstMatch(of: #/^  certified in \[([0-9.]+), ([0-9.]+)\] by /#))
      let exact = try answer(EpsilonAnswer.self, "account", Self.subsampled, "--delta", "1e-5").epsilon
      let (low, high) = (try #require(Double(match.1)), try #require(Double(match.2)))
      #expect(low <= exact.lower && high >= exact.upper && high - low < 1e-8)
      // An upper bound has no interval, and nothing is certified about what is unbounded.
      #expect(try !epsilon(["account", Self.subsampled, "--delta", "1e-5", "--accountant", "renyi"]).output.contains("certified"))
      #expect(try !epsilon(["account", "nonPrivate()", "--delta", "1e-5"]).output.contains("certified"))
    }

    @Test("event files in YAML repeat with --rounds and equal their expression")
    func eventFile() throws {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-account-\(UUID())").path
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let path = folder + "/event.yaml"
      try Data("laplace: {noiseMultiplier: 20}\n".utf8).write(to: URL(fileURLWithPath: path))
      let file = try answer(EpsilonAnswer.self, "account", "--event", path, "--rounds", "5", "--delta", "1e-5")
      let expression = try answer(EpsilonAnswer.self, "account", "5 * laplace(20)", "--delta", "1e-5")
      #expect(abs(file.epsilon.upper - expression.epsilon.upper) < 1e-9 && file.epsilon.upper <= 0.25 + 1e-12)
    }

    @Test("lists of δ and of ε give one answer each, in their order; one number gives one object")
    func lists() throws {
      let epsilons = try answer(Results<EpsilonAnswer>.self, "account", "gaussian(2)", "--delta", "1e-5, 1e-6").results
      #expect(epsilons.map(\.delta) == [1e-5, 1e-6] && epsilons[0].epsilon.upper < epsilons[1].epsilon.upper)
      let single = try answer(EpsilonAnswer.self, "account", "gaussian(2)", "--delta", "1e-6")
      #expect(single.epsilon.upper == epsilons[1].epsilon.upper)
      let deltas = try answer(Results<DeltaAnswer>.self, "account", "gaussian(2)", "--epsilon", "0,1").results
      // δ(0) of one Gaussian is erf(1/(2√2 σ)).
      #expect(deltas.map(\.epsilon) == [0, 1] && abs(deltas[0].delta.upper - erf(0.25 / 2.0.squareRoot())) < 1e-12)
      #expect(try epsilon(["account", "gaussian(2)", "--delta", "1e-5,1e-6"]).output.split(separator: "\n").count == 4)
    }

    @Test("every accountant goes by its names; all are at least the exact ε of a Gaussian, and the exact ones agree")
    func accountants() throws {
      let methods = [
        "tightest": "analyticGaussian", "contour": "contour", "grid": "grid", "pld": "grid", "renyi": "renyi", "rdp": "renyi",
        "zcdp": "renyi", "gdp": "analyticGaussian",
      ]
      let exact = try answer(EpsilonAnswer.self, "account", "4 * gaussian(4)", "--delta", "1e-5").epsilon
      for (name, method) in methods {
        let bound = try answer(EpsilonAnswer.self, "account", "4 * gaussian(4)", "--delta", "1e-5", "--accountant", name)
        #expect(bound.method == method, "\(name)")
        #expect(bound.epsilon.upper >= exact.lower && bound.epsilon.lower <= exact.upper, "\(name)")
        if method != "renyi" { #expect(bound.epsilon.upper - exact.upper < 1e-5, "\(name)") }
      }
    }

    @Test("--curve repeats any event; its last round is the answer of all rounds")
    func curve() throws {
      let curve = try answer(Curve.self, "account", "poisson(0.1, gaussian(2))", "--rounds", "4", "--delta", "1e-5", "--curve")
      let last = try answer(EpsilonAnswer.self, "account", "4 * poisson(0.1, gaussian(2))", "--delta", "1e-5")
      #expect(curve.curve.map(\.round) == [1, 2, 3, 4] && curve.delta == 1e-5)
      #expect(zip(curve.curve, curve.curve.dropFirst()).allSatisfy { $0.epsilon.upper < $1.epsilon.upper })
      #expect(abs((curve.curve.last?.epsilon.upper ?? 0) - last.epsilon.upper) < 1e-8)
    }

    @Test("--certify gives an overlapping interval narrower than 1e-4 from the grid, and says where the grid has none")
    func certify() throws {
      let checked = try answer(EpsilonAnswer.self, "account", Self.subsampled, "--delta", "1e-5", "--certify")
      let grid = try #require(checked.certification?.grid)
      #expect(checked.certification?.overlap == true && grid.lower <= checked.epsilon.upper && checked.epsilon.lower <= grid.upper)
      #expect(grid.upper - grid.lower < 1e-4)
      let text = try epsilon(["account", Self.subsampled, "--epsilon", "1", "--certify"])
      #expect(text.status == 0 && text.output.contains("the intervals overlap"))
      let refused = try answer(EpsilonAnswer.self, "account", "zeroConcentratedDP(0.1)", "--delta", "1e-5", "--certify")
      #expect(refused.certification?.grid == nil && refused.certification?.refusal?.isEmpty == false)
      #expect(try epsilon(["account", "zeroConcentratedDP(0.1)", "--delta", "1e-5", "--certify"]).output.contains("not checked: "))
      // Nothing was computed, so nothing is said to be checked.
      #expect(try epsilon(["account", "noOp()", "--delta", "1e-5", "--certify"]).output.contains("not checked: "))
    }

    @Test("--trade-off of one Gaussian with σ = 1 has its closed forms: advantage 2Φ(½) − 1, μ = 1, groups of 2 and 5")
    func tradeOff() throws {
      let tradeOff = try answer(TradeOffAnswer.self, "account", "gaussian(1)", "--delta", "1e-5", "--trade-off").tradeOff
      let advantage = erf(0.5 / 2.0.squareRoot())
      #expect(abs(tradeOff.risk.advantage - advantage) < 1e-9 && abs(tradeOff.risk.bayesRisk - (1 - advantage) / 2) < 1e-9)
      #expect(tradeOff.risk.testPowers.map(\.falsePositiveRate) == [0.001, 0.01, 0.1])
      #expect(abs((tradeOff.risk.gaussianParameter ?? 0) - 1) < 1e-3 && tradeOff.risk.groups.map(\.size) == [2, 5])
      #expect(tradeOff.table.count == 21 && tradeOff.table[0].falsePositiveRate == 0 && tradeOff.table[20].falsePositiveRate == 1)
      // Φ(Φ⁻¹(½) − 1) is the false-negative rate at a false-positive rate of ½.
      let half = tradeOff.table[10].falseNegativeRate
      let value = 0.5 * erfc(1 / 2.0.squareRoot())
      #expect(half.lower <= value * (1 + 1e-12) && half.upper >= value * (1 - 1e-12) && half.upper - half.lower < 1e-6)
      let text = try epsilon(["account", "gaussian(1)", "--delta", "1e-5", "--trade-off"])
      #expect(text.status == 0 && text.output.contains("For 5 people together") && text.output.contains("FNR"))
    }

    @Test("--renyi-order gives α/(2σ²) of a Gaussian, rounded up by less than 1e-11 of it, alone or beside ε")
    func renyiOrder() throws {
      let orders = try answer(Orders.self, "account", "gaussian(2)", "--rounds", "3", "--renyi-order", "2,8").renyiDivergences
      #expect(orders.map(\.order) == [2, 8])
      for order in orders { #expect(order.divergence >= 3 * order.order / 8 && order.divergence < 3 * order.order / 8 * (1 + 1e-11)) }
      let text = try epsilon(["account", "gaussian(2)", "--delta", "1e-5", "--renyi-order", "1.5"])
      #expect(text.status == 0 && text.output.hasPrefix("ε ≤ ") && text.output.contains("R(1.5) ≤ 0.18750"))
    }

    @Test("nothing and everything released are answers")
    func trivial() throws {
      #expect(try epsilon(["account", "noOp()", "--delta", "1e-5", "--certify"]).output.hasPrefix("ε ≤ 0 at"))
      #expect(try epsilon(["account", "gaussian(1)", "--rounds", "0", "--delta", "1e-5"]).output.hasPrefix("ε ≤ 0 at"))
      let clear = try epsilon(["account", "nonPrivate()", "--delta", "1e-5", "--certify", "--format", "json"])
      #expect(clear.status == 0 && clear.output.contains(#""upper":"Infinity""#))
    }

    @Test("--accountant monte-carlo says that it is one and with which probability it is wrong; the same seed gives the same answer")
    func monteCarlo() throws {
      let arguments = ["account", "ballsInBins(5, gaussian(1))", "--rounds", "2", "--delta", "1e-2", "--accountant", "monte-carlo"]
      let numbers = ["--samples", "100000", "--failure-probability", "1e-9", "--seed", "7"]
      let outcome = try epsilon(arguments + numbers + ["--format", "json"])
      let bound = try JSONDecoder().decode(EpsilonAnswer.self, from: Data(outcome.output.utf8))
      #expect(bound.method == "monteCarlo" && bound.failureProbability == 1e-9 && bound.epsilon.lower == 0)
      let tightest = try answer(EpsilonAnswer.self, "account", "ballsInBins(5, gaussian(1))", "--rounds", "2", "--delta", "1e-2")
      #expect(tightest.method == "grid" && tightest.failureProbability == nil)
      // Both bound the same ε, and are near to each other here.
      #expect(abs(bound.epsilon.upper / tightest.epsilon.upper - 1) < 0.15, "\(bound.epsilon.upper) \(tightest.epsilon.upper)")
      let text = try epsilon(arguments + numbers).output
      #expect(text.contains("by Monte Carlo draws") && text.contains("wrong with probability at most 1.000e-09 over the draws"))
      #expect(try epsilon(arguments + numbers).output == text)
      #expect(try epsilon(arguments + ["--samples", "100000", "--seed", "8"]).output != text)
    }

    @Test("calibrate meets an advantage and a true-positive rate, closely")
    func calibrate() throws {
      let advantage = try answer(Calibrated.self, "calibrate", "--advantage", "0.1", "--rounds", "4")
      // 2Φ(√4/(2σ)) − 1 = 0.1.
      #expect((advantage.advantage?.upper ?? 1) <= 0.1 && abs(erf(1 / (advantage.noiseMultiplier * 2.0.squareRoot())) - 0.1) < 1e-6)
      let power = try answer(Calibrated.self, "calibrate", "--tpr", "0.05", "--fpr", "0.01", "--rounds", "1")
      #expect((power.truePositiveRate?.upper ?? 1) <= 0.05 && (power.truePositiveRate?.upper ?? 0) > 0.0499)
      let text = try epsilon(["calibrate", "--advantage", "0.1", "--rounds", "4"])
      #expect(text.status == 0 && text.output.contains("advantage         at most 0.1 (target 0.1)"))
    }

    @Test("a mistake in an expression is shown with its column and a caret below it")
    func caret() throws {
      let outcome = try epsilon(["account", "1000 * poison(0.01, gaussian(1))", "--delta", "1e-5"])
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      let lines = outcome.errors.split(separator: "\n")
      try #require(lines.count == 3)
      #expect(lines[0].hasPrefix("error: event expression, column 8: ") && lines[0].contains("did you mean poisson?"))
      #expect(lines[1] == "  1000 * poison(0.01, gaussian(1))" && lines[2] == "         ^")
      // The end of the text, a second line, and a text that would move the cursor.
      #expect(try epsilon(["account", "gaussian(1", "--delta", "1e-5"]).errors.contains("  gaussian(1\n            ^"))
      #expect(try epsilon(["account", "gaussian(1) +\nnothing(1)", "--delta", "1e-5"]).errors.contains("  nothing(1)\n  ^"))
      #expect(try !epsilon(["account", "gaussian(1)\u{1B}[2J", "--delta", "1e-5"]).errors.contains("\n  gaussian(1)\u{1B}"))
      #expect(try epsilon(["account", String(repeating: "(", count: 70_000), "--delta", "1e-5"]).status == 2)
    }

    /// Arguments, expected exit status, and what the message must say.
    private static let mistakes: [([String], Int32, String)] = [
      (["account", "gaussian(1)", "--expression", "gaussian(1)", "--delta", "1e-5"], 2, "there are 2"),
      (["account", "gaussian(1)", "--noise-multiplier", "1", "--delta", "1e-5"], 2, "there are 2"),
      (["account", "--event", "a.yaml", "--expression", "gaussian(1)", "--delta", "1e-5"], 2, "there are 2"),
      (["account", "--delta", "1e-5"], 2, "there is none"),
      (["account", "", "--delta", "1e-5"], 2, "column 1"),
      (["account", "gaussian()", "--delta", "1e-5"], 2, "column"),
      (["account", "gaussian(nan)", "--delta", "1e-5"], 2, "column"),
      (["account", "--expression=gaussian(-1)", "--delta", "1e-5"], 2, "column"),
      (["account", "gaussian(1) gaussian(1)", "--delta", "1e-5"], 2, "column 13"),
      (["account", "gaussian(1)", "--sampling-rate", "0.1", "--delta", "1e-5"], 2, "sampling options go with --noise-multiplier"),
      (["account", "gaussian(1)", "--delta", "1e-5,"], 2, "entry 2"),
      (["account", "gaussian(1)", "--delta", "1e-5,x"], 2, "“x”, is no number"),
      (["account", "gaussian(1)", "--delta", ""], 2, "entry 1"),
      (["account", "gaussian(1)", "--delta", "1e-5;1e-6"], 2, "with commas between"),
      (["account", "gaussian(1)", "--delta", "1e-5,2"], 2, "--delta is 2.0, must be in [0, 1]"),
      (["account", "gaussian(1)", "--delta", "nan"], 2, "--delta is nan"),
      (["account", "gaussian(1)", "--epsilon=1,-1"], 2, "--epsilon is -1.0"),
      (["account", "gaussian(1)", "--delta", Array(repeating: "1e-5", count: 1_001).joined(separator: ",")], 2, "at most 1000"),
      (["account", "gaussian(1)"], 2, "give either --delta"),
      (["account", "gaussian(1)", "--curve", "--delta", "1e-5,1e-6"], 2, "--curve needs --delta with one number"),
      (["account", "gaussian(1)", "--curve", "--epsilon", "1"], 2, "--curve needs --delta with one number"),
      (["account", "gaussian(1)", "--curve", "--delta", "1e-5", "--certify"], 2, "leave out --certify"),
      (["account", "gaussian(1)", "--trade-off", "--epsilon", "1"], 2, "--trade-off needs --delta"),
      (["account", "gaussian(1)", "--trade-off", "--delta", "1e-5,1e-6"], 2, "--trade-off needs --delta"),
      (["account", "gaussian(1)", "--trade-off", "--delta", "0"], 2, "--delta is 0.0"),
      (["account", "gaussian(1)", "--certify", "--renyi-order", "2"], 2, "--certify checks an answer"),
      (["account", "gaussian(1)", "--renyi-order", "1"], 2, "--renyi-order is 1.0"),
      (["account", "gaussian(1)", "--renyi-order", "two"], 2, "“two”, is no number"),
      (["account", "gaussian(1)", "--renyi-order", "inf"], 2, "--renyi-order is inf"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--accountant", "moments"], 2, "“moments” is no accountant"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--samples", "10"], 2, "go with --accountant monte-carlo"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--accountant", "renyi", "--seed", "1"], 2, "go with --accountant monte-carlo"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--failure-probability", "0.1"], 2, "go with --accountant monte-carlo"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--accountant", "monte-carlo", "--samples", "0"], 2, "--samples is 0"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--accountant", "monteCarlo", "--failure-probability=1"], 2, "in (0, 1)"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--accountant", "monte-carlo", "--curve"], 2, "leave out --curve"),
      (["account", "gaussian(1)", "--delta", "1e-5", "--accountant", "monte-carlo", "--trade-off"], 2, "leave out --curve"),
      (["account", "ballsInBins(5, gaussian(1))", "--delta=1e-5", "--accountant=monte-carlo", "--samples=9"], 2, "at least 1450859"),
      (["account", "ballsInBins(5, gaussian(1))", "--delta=1e-5", "--accountant=monte-carlo", "--rounds=1000"], 2, "at most 400000"),
      (["account", "poisson(0.1, gaussian(1))", "--delta", "1e-5", "--accountant", "monte-carlo"], 2, "use the accountant “tightest”"),
      (["calibrate", "--epsilon=1", "--delta=1e-5", "--rounds=1", "--accountant=monte-carlo"], 2, "the best of many is no bound"),
      (["account", "poisson(0.1, gaussian(1))", "--delta", "1e-5", "--accountant", "gdp"], 2, "use the accountant “tightest”"),
      (["account", "poisson(0.1, gaussian(1))", "--delta", "1e-5", "--accountant", "zcdp"], 2, "use the accountant “tightest”"),
      (["account", "discreteGaussian(5, 1)", "--delta", "1e-5", "--accountant", "contour"], 2, "use the accountant “tightest”"),
      (["account", "unsupported(\"mine\")", "--delta", "1e-5"], 2, "mine"),
      (["calibrate", "--rounds", "5"], 2, "give one target"),
      (["calibrate", "--advantage", "0.1", "--epsilon", "1", "--delta", "1e-5", "--rounds", "5"], 2, "give one target"),
      (["calibrate", "--tpr", "0.1", "--rounds", "5"], 2, "--tpr and --fpr"),
      (["calibrate", "--advantage", "1.5", "--rounds", "5"], 2, "--advantage is 1.5"),
      (["calibrate", "--tpr", "0.1", "--fpr", "0.2", "--rounds", "5"], 2, "--tpr is 0.1"),
      (["calibrate", "--tpr", "0.1", "--fpr", "0", "--rounds", "5"], 2, "--fpr is 0.0"),
      (["calibrate", "--advantage", "0.1", "--noise-multiplier", "1"], 2, "finding rounds needs --epsilon and --delta"),
    ]

    @Test(
      "mistakes get their exit status, no answer, and a message with place and remedy",
      arguments: CommandTests.AccountCommandTests.mistakes.indices)
    func mistake(index: Int) throws {
      let (arguments, status, message) = Self.mistakes[index]
      let outcome = try epsilon(arguments)
      #expect(outcome.status == status && outcome.errors.contains(message), "\(arguments): \(outcome.status) \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }
}
