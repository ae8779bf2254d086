import Foundation
import NeuralNetworks
import PrivacyEvents
import PrivateTraining
import Testing

/// A small private plan on synthetic data, as text, so that tests can break it line by line.
let smallPlan = """
  name: small
  task:
    dataset: synthetic-emnist
    partition:
      iid: {clients: 60, seed: 1}
    model: emnist-logistic
  algorithm:
    rounds: 4
    clientBatchSize: 20
    clientLearningRate: 0.1
  sampling:
    poisson: {clientsPerRound: 30}
  aggregation:
    gaussianAdaptive: {initialClippingNorm: 0.5}
  privacy:
    epsilon: 8
    delta: 1e-3
  evaluation:
    everyRounds: 2
  """

func makePlan(_ text: String = smallPlan, _ assignments: String...) throws -> TrainingPlan {
  var node = try PlanNode(text: text, source: "plan.yaml")
  for assignment in assignments { try node.set(assignment) }
  return try TrainingPlan(node)
}

let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

@Suite("Training plans")
struct PlanTests {
  @Test("every plan in Plans/ reads, and reading its JSON gives the same plan")
  func shippedPlans() throws {
    let folder = packageRoot.appendingPathComponent("Plans")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    #expect(files.contains("fashion-mnist.yaml"))
    for file in files {
      let plan = try TrainingPlan(PlanNode(contentsOf: folder.appendingPathComponent(file).path))
      let json = try CanonicalJSON.text(plan)
      #expect(try TrainingPlan(PlanNode(text: json, source: "json")) == plan, "\(file)")
      #expect(try CanonicalJSON.text(TrainingPlan(PlanNode(text: json, source: "json"))) == json)
    }
  }

  @Test("defaults are filled in")
  func defaults() throws {
    let plan = try makePlan()
    #expect(plan.algorithm.weighting == .uniform && plan.algorithm.clientEpochs == 1)
    #expect(plan.algorithm.serverOptimizer == .sgd(learningRate: 1, momentum: 0))
    #expect(plan.privacy?.neighboringRelation == .addOrRemoveOne)
    #expect(
      plan.aggregation
        == .gaussianAdaptive(
          noiseMultiplier: nil, initialClippingNorm: 0.5, targetUnclippedQuantile: 0.5, learningRate: 0.2,
          clippedCountStandardDeviation: nil))
    let fixed = try makePlan(smallPlan, "sampling={fixedSize: {clientsPerRound: 5}}")
    #expect(fixed.privacy?.neighboringRelation == .replaceOne)
  }

  @Test("--set replaces, adds and nests; its value is YAML")
  func overrides() throws {
    let changed = try makePlan(
      smallPlan, "algorithm.rounds=7", "algorithm.serverOptimizer.adam.learningRate=0.5", "sampling.poisson.clientsPerRound=9", "seed=12")
    #expect(changed.algorithm.rounds == 7 && changed.sampling == .poisson(clientsPerRound: 9) && changed.seed == 12)
    #expect(changed.algorithm.serverOptimizer == .adam(learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-7))
    let layered = try makePlan(smallPlan, "task.graph={inputShape: [28, 28, 1], layers: [flatten, {dense: {units: 62}}]}")
    #expect(layered.task.graph.layers == [.flatten, .dense(units: 62)])
  }

  @Test(
    "each optimizer reads with its defaults, for server and clients, and its JSON gives the same plan",
    arguments: [
      ("adam", OptimizerConfiguration.adam(learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-7)),
      ("adamW", .adamW(learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.004)),
      ("yogi", .yogi(learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, initialAccumulator: 1e-6)),
      ("adagrad", .adagrad(learningRate: 0.5, epsilon: 1e-7, initialAccumulator: 0.1)),
      ("rmsprop", .rmsprop(learningRate: 0.5, decay: 0.9, epsilon: 1e-7)), ("sgd", .sgd(learningRate: 0.5, momentum: 0)),
    ])
  func optimizers(name: String, optimizer: OptimizerConfiguration) throws {
    let text = smallPlan.replacing(
      "clientLearningRate: 0.1",
      with: "clientOptimizer: {\(name): {learningRate: 0.5}}\n  serverOptimizer: {\(name): {learningRate: 0.5}}")
    let plan = try makePlan(text)
    #expect(plan.algorithm.serverOptimizer == optimizer && plan.algorithm.clientOptimizer == optimizer)
    let json = try CanonicalJSON.text(plan)
    #expect(try TrainingPlan(PlanNode(text: json, source: "json")) == plan)
    #expect(try CanonicalJSON.decode(TrainingPlan.self, from: Data(json.utf8)) == plan)
  }

  @Test("every setting of an optimizer can be given")
  func optimizerSettings() throws {
    for (text, optimizer) in [
      (
        "adamW: {learningRate: 1, beta1: 0.5, beta2: 0.6, epsilon: 0.1, weightDecay: 0}",
        OptimizerConfiguration.adamW(learningRate: 1, beta1: 0.5, beta2: 0.6, epsilon: 0.1, weightDecay: 0)
      ),
      (
        "yogi: {learningRate: 1, beta1: 0.5, beta2: 0.6, epsilon: 0.1, initialAccumulator: 0}",
        .yogi(learningRate: 1, beta1: 0.5, beta2: 0.6, epsilon: 0.1, initialAccumulator: 0)
      ),
      ("adagrad: {learningRate: 1, epsilon: 0.1, initialAccumulator: 2}", .adagrad(learningRate: 1, epsilon: 0.1, initialAccumulator: 2)),
      ("rmsprop: {learningRate: 1, decay: 0.5, epsilon: 0.1}", .rmsprop(learningRate: 1, decay: 0.5, epsilon: 0.1)),
    ] { #expect(try makePlan(smallPlan, "algorithm.serverOptimizer={\(text)}").algorithm.serverOptimizer == optimizer) }
  }

  @Test("the clients' SGD has one form, however it was written")
  func clientDescent() throws {
    let short = try makePlan(smallPlan.replacing("clientLearningRate: 0.1", with: "clientLearningRate: 0.1\n  clientMomentum: 0.5"))
    let long = try makePlan(
      smallPlan.replacing("clientLearningRate: 0.1", with: "clientOptimizer: {sgd: {learningRate: 0.1, momentum: 0.5}}"))
    #expect(short == long && short.algorithm.clientOptimizer == .sgd(learningRate: 0.1, momentum: 0.5))
    let (text, other) = try (CanonicalJSON.text(short), CanonicalJSON.text(long))
    #expect(text == other && text.contains(#""clientLearningRate":0.1,"clientMomentum":0.5"#) && !text.contains("clientOptimizer"))
    #expect(try CanonicalJSON.decode(TrainingPlan.self, from: Data(text.utf8)) == short)
  }

  /// What is broken, how, and what the message must say.
  static let mistakes: [(name: String, text: String, message: String)] = [
    (
      "unknown key", smallPlan.replacing("clientLearningRate", with: "clientLerningRate"),
      "plan.yaml:10:3: algorithm.clientLerningRate is unknown; did you mean clientLearningRate?"
    ),
    ("did you mean", smallPlan.replacing("initialClippingNorm", with: "initialClippingNrm"), "did you mean initialClippingNorm?"),
    ("duplicate key", smallPlan.replacing("  delta: 1e-3", with: "  delta: 1e-3\nname: again"), "name stands twice"),
    ("missing section", smallPlan.replacing("sampling:\n  poisson: {clientsPerRound: 30}\n", with: ""), "sampling is missing"),
    ("missing value", smallPlan.replacing("  clientLearningRate: 0.1\n", with: ""), "algorithm.clientLearningRate is missing"),
    ("word for number", smallPlan.replacing("rounds: 4", with: "rounds: many"), "plan.yaml:8:11: algorithm.rounds must be a whole number"),
    ("fraction for count", smallPlan.replacing("rounds: 4", with: "rounds: 4.5"), "algorithm.rounds must be a whole number"),
    ("no rounds", smallPlan.replacing("rounds: 4", with: "rounds: 0"), "algorithm.rounds is 0; must be in 1…1000000000"),
    ("huge rounds", smallPlan.replacing("rounds: 4", with: "rounds: 99999999999999999999"), "algorithm.rounds must be a whole number"),
    ("NaN", smallPlan.replacing("epsilon: 8", with: "epsilon: nan"), "privacy.epsilon must be a finite number"),
    ("infinity", smallPlan.replacing("epsilon: 8", with: "epsilon: .inf"), "privacy.epsilon must be a finite number"),
    ("quoted number", smallPlan.replacing("epsilon: 8", with: "epsilon: \"8\""), "privacy.epsilon must be a finite number"),
    ("negative ε", smallPlan.replacing("epsilon: 8", with: "epsilon: -8"), "privacy.epsilon is -8.0; must be above 0"),
    ("δ of one", smallPlan.replacing("delta: 1e-3", with: "delta: 1"), "privacy.delta is 1.0; must be in (0, 1)"),
    (
      "two samplings", smallPlan.replacing("poisson: {", with: "fixedSize: {clientsPerRound: 3}\n  poisson: {"),
      "sampling must name one choice"
    ),
    ("unknown sampling", smallPlan.replacing("poisson", with: "shuffle"), "sampling.shuffle is unknown; choose one of poisson, fixedSize"),
    ("unknown aggregation", smallPlan.replacing("gaussianAdaptive", with: "median"), "aggregation.median is unknown"),
    (
      "zero multiplier", smallPlan.replacing("{initialClippingNorm: 0.5}", with: "{noiseMultiplier: 0}"),
      "noiseMultiplier is 0.0; must be above 0"
    ),
    ("quantile above one", smallPlan.replacing("{initialClippingNorm: 0.5}", with: "{targetUnclippedQuantile: 1.5}"), "must be in [0, 1]"),
    ("unknown model", smallPlan.replacing("emnist-logistic", with: "resnet"), "task.model"),
    (
      "layers that do not fit",
      smallPlan.replacing("model: emnist-logistic", with: "graph: {inputShape: [28, 28, 1], layers: [{dense: {units: 62}}]}"),
      "does not fit together"
    ),
    (
      "list for mapping", smallPlan.replacing("privacy:\n  epsilon: 8\n  delta: 1e-3", with: "privacy: [8, 1e-3]"), "privacy must have keys"
    ),
    ("scalar for plan", "42", "must have keys"),
    ("empty file", "", "is empty"),
    ("broken YAML", "task: [1, 2\nalgorithm: {", "is not valid YAML"),
    ("tabs", "task:\n\tdataset: x", "is not valid YAML"),
    ("alias", "name: &a small\ntask: *a", "anchors and aliases are not allowed"),
    ("depth", String(repeating: "[", count: 80) + String(repeating: "]", count: 80), "is nested deeper than 64"),
    ("name of a path", smallPlan.replacing("name: small", with: "name: ../../etc"), "because it names a folder"),
    (
      "concentration", smallPlan.replacing("iid: {clients: 60, seed: 1}", with: "dirichlet: {clients: 60, concentration: 0}"),
      "concentration is 0.0; must be above 0"
    ),
    ("momentum", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  clientMomentum: 1"), "clientMomentum is 1.0; must be below 1"),
    ("weighting", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  weighting: size"), "choose one of uniform, examples"),
    ("accountant", smallPlan.replacing("delta: 1e-3", with: "delta: 1e-3\n  accountant: moments"), "choose one of tightest, contour"),
    ("relation", smallPlan.replacing("delta: 1e-3", with: "delta: 1e-3\n  neighboringRelation: swap"), "choose one of addOrRemoveOne"),
    (
      "server rate", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: {sgd: {learningRate: -1}}"),
      "learningRate is -1.0"
    ),
    (
      "two optimizers of the clients", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  clientOptimizer: {adam: {learningRate: 1}}"),
      "plan.yaml:11:23: algorithm.clientLearningRate stands beside clientOptimizer"
    ),
    (
      "a client's rate", smallPlan.replacing("clientLearningRate: 0.1", with: "clientOptimizer: sgd"),
      "algorithm.clientOptimizer.sgd.learningRate is missing"
    ),
    (
      "a server's rate", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: adagrad"),
      "algorithm.serverOptimizer.adagrad.learningRate is missing"
    ),
    (
      "unknown optimizer", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: {adamw: {learningRate: 1}}"),
      "algorithm.serverOptimizer.adamw is unknown; did you mean adamW?"
    ),
    (
      "setting of another optimizer",
      smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: {rmsprop: {learningRate: 1, beta2: 0.9}}"),
      "algorithm.serverOptimizer.rmsprop.beta2 is unknown"
    ),
    (
      "decay", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: {rmsprop: {learningRate: 1, decay: 1}}"),
      "optimizer setting decay = 1.0"
    ),
    (
      "epsilon of zero", smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: {yogi: {learningRate: 1, epsilon: 0}}"),
      "algorithm.serverOptimizer.yogi.epsilon is 0.0; must be above 0"
    ),
    (
      "negative accumulator",
      smallPlan.replacing("rounds: 4", with: "rounds: 4\n  serverOptimizer: {adagrad: {learningRate: 1, initialAccumulator: -1}}"),
      "initialAccumulator is -1.0; must be at least 0"
    ),
    ("evaluation", smallPlan.replacing("everyRounds: 2", with: "everyRounds: 0"), "evaluation.everyRounds is 0"),
  ]

  @Test("malformed plans are refused with place and remedy", arguments: PlanTests.mistakes.indices)
  func malformed(index: Int) throws {
    let (name, text, message) = Self.mistakes[index]
    let error = try #require(throws: PlanError.self) { try makePlan(text) }
    #expect(error.description.contains(message), "\(name): \(error.description)")
    #expect(error.description.contains("; "))
  }

  @Test(
    "malformed assignments are refused by the name of their key, which stands in the message once",
    arguments: [
      ("rounds", "--set: “rounds” is not key=value; "), ("=3", "--set: “=3” is not key=value; "),
      ("algorithm..rounds=3", "--set algorithm..rounds is no path of keys; "),
      ("algorithm.rounds.x=3", "--set algorithm.rounds.x is inside a value that has no keys; "),
      ("algorithm.rounds=[1", "--set algorithm.rounds is not valid YAML ("), ("name.x=1", "--set name.x is inside a value"),
      ("bogus=1", "--set bogus is unknown; "), ("algorithm.rounds=0", "--set algorithm.rounds is 0; must be in 1…1000000000"),
      ("algorithm.round=3", "--set algorithm.round is unknown; did you mean rounds?"),
      (
        "algorithm.serverOptimizer={adam: {learningRate: -1}}",
        "--set algorithm.serverOptimizer: adam.learningRate is -1.0; must be above 0"
      ),
      ("aggregation=median", "--set aggregation is “median”, which is unknown; choose one of mean, "),
    ])
  func assignments(text: String, message: String) throws {
    let error = try #require(throws: PlanError.self) { try makePlan(smallPlan, text) }
    #expect(error.description.hasPrefix(message), "\(error)")
  }

  @Test("a value from a flag is named by the flag alone, one from a file by its place")
  func places() throws {
    func message(_ key: String, _ value: String, _ flag: String) throws -> String {
      var node = try PlanNode(text: smallPlan, source: "plan.yaml")
      return try #require(throws: PlanError.self) {
        try node.set(key, to: value, flag: flag)
        _ = try TrainingPlan(node)
      }.description
    }
    #expect(try message("privacy.epsilon", "-1", "--epsilon") == "--epsilon is -1.0; must be above 0")
    #expect(try message("algorithm.rounds", "0", "--rounds") == "--rounds is 0; must be in 1…1000000000")
    #expect(
      try message("aggregation", "{gaussianFixed: {clippingNorm: -1}}", "--aggregation")
        == "--aggregation: gaussianFixed.clippingNorm is -1.0; must be above 0")
    // What cannot be carried out is found later, where only the key is known.
    func infeasible(_ assignment: String?, _ text: String = smallPlan) throws -> String {
      var node = try PlanNode(text: text, source: "plan.yaml")
      if let assignment { try node.set(assignment) }
      let plan = try TrainingPlan(node)
      let error = try #require(throws: TrainingError.self) { try CompiledPlan(plan) }
      return try #require(PlanError(error, in: node)).description
    }
    #expect(
      try infeasible("sampling.poisson.clientsPerRound=61")
        == "--set sampling.poisson.clientsPerRound: sampling.clientsPerRound is 61, but there are 60 clients; lower it, or deal the data out to "
        + "more clients")
    #expect(
      try infeasible(nil, smallPlan.replacing("clientsPerRound: 30", with: "clientsPerRound: 61")).hasPrefix(
        "plan.yaml:12:30: sampling.clientsPerRound is 61, but"))
    #expect(try infeasible("privacy.neighboringRelation=zeroOut").hasPrefix("--set privacy.neighboringRelation is zeroOut, under which"))
  }

  @Test("layers keep the limits that docs/Plans.md states")
  func layerLimits() throws {
    func reads(_ input: String, _ layers: String) -> Bool {
      (try? makePlan(smallPlan, "task.graph={inputShape: \(input), layers: [\(layers)]}")) != nil
    }
    let image = { (layer: String) in reads("[6, 4, 1]", "\(layer), flatten, {dense: {units: 2}}") }
    #expect(image("{conv2D: {filters: 1, kernel: 1}}") && image("{conv2D: {filters: 1, kernel: 4}}"))
    #expect(!image("{conv2D: {filters: 0, kernel: 1}}") && !image("{conv2D: {filters: 1, kernel: 0}}"))
    #expect(!image("{conv2D: {filters: 1, kernel: 5}}"))
    #expect(image("{maxPool2D: {size: 1}}") && image("{maxPool2D: {size: 4}}"))
    #expect(!image("{maxPool2D: {size: 0}}") && !image("{maxPool2D: {size: 5}}"))
    #expect(image("{dropout: {rate: 0}}") && image("{dropout: {rate: 0.99}}"))
    #expect(!image("{dropout: {rate: 1}}") && !image("{dropout: {rate: -0.1}}"))
    #expect(reads("[1]", "{dense: {units: 1}}, {dense: {units: 2}}") && !reads("[1]", "{dense: {units: 0}}, {dense: {units: 2}}"))
    // 2³¹ − 1 parameters in all, weights and bias, are one too many.
    #expect(reads("[1]", "{dense: {units: 1073741823}}") && !reads("[1]", "{dense: {units: 1073741824}}"))
    #expect(!reads("[1]", "{dense: {units: 2147483648}}") && !reads("[1]", "{dense: {units: 1}}"))
    #expect(reads("[3]", "{dense: {units: 2}}") && !reads("[0]", "{dense: {units: 2}}") && !reads("[3, 3]", "flatten, {dense: {units: 2}}"))
    #expect(!reads("[6, 4, 1]", "{dense: {units: 2}}") && !reads("[9]", "{conv2D: {filters: 1, kernel: 1}}, flatten, {dense: {units: 2}}"))
    let page = try String(contentsOf: packageRoot.appendingPathComponent("docs/Plans.md"), encoding: .utf8)
    for limit in [
      "`units` in 1…2³¹ − 1", "`filters` at least 1", "`kernel`, the side of a square, in 1…the smaller side",
      "`size`, the side of a window, in 1…the smaller side", "`rate` in [0, 1)", "at least 2",
    ] { #expect(page.contains(limit), "\(limit)") }
  }

  @Test("files that are no plans are refused: absent, folder, huge, binary")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let huge = folder.appendingPathComponent("huge.yaml")
    try Data(repeating: 0x20, count: (1 << 20) + 1).write(to: huge)
    let binary = folder.appendingPathComponent("binary.yaml")
    try Data([0x6E, 0xFF, 0xFE, 0x00]).write(to: binary)
    for (path, message) in [
      (folder.path + "/none.yaml", "cannot be read"), (folder.path, "cannot be read"), (huge.path, "larger than 1 MiB"),
      (binary.path, "not UTF-8"),
    ] {
      let error = try #require(throws: PlanError.self) { try PlanNode(contentsOf: path) }
      #expect(error.description.contains(message), "\(error)")
    }
  }

  @Test("event files read like their JSON form and are as strict")
  func events() throws {
    let yaml =
      "repeated:\n  count: 3\n  event:\n    sampled:\n      by: {poisson: {rate: 0.1}}\n      event: {composed: [{gaussian: {noiseMultiplier: 2}}, noOp]}\n"
    let event = try PrivacyEvent(PlanNode(text: yaml, source: "event.yaml"))
    #expect(event == .composed([.gaussian(noiseMultiplier: 2), .noOp]).sampled(.poisson(rate: 0.1)).repeated(3))
    #expect(try PrivacyEvent(PlanNode(text: CanonicalJSON.text(event), source: "json")) == event)
    for (text, message) in [
      ("gaussian: {noisee: 2}", "event.gaussian.noise"), ("gaussian: {noiseMultiplier: -1}", "noiseMultiplier"),
      ("laplac: {}", "choose one of"),
      ("composed: 3", "must be a list"), ("repeated: {count: 2}", "event.repeated.event is missing"),
      ("sampled: {by: {poisson: {rate: 2}}, event: noOp}", "rate"),
    ] {
      let error = try #require(throws: PlanError.self) { try PrivacyEvent(PlanNode(text: text, source: "event.yaml")) }
      #expect(error.description.contains(message), "\(error)")
    }
  }

  @Test("event files hold every mechanism and sampling scheme", arguments: PlanEventSamples.all)
  func eventCases(event: PrivacyEvent) throws {
    #expect(try PrivacyEvent(PlanNode(text: CanonicalJSON.text(event), source: "json")) == event)
  }

  @Test(
    "event files read lists, numbers and nested choices, and name the place of what is wrong with them",
    arguments: [
      ("discreteGaussian: {sigma: 1}", "event.discreteGaussian.sensitivity is missing"),
      ("discreteGaussian: {sigma: 1, sensitivity: 1.5}", "event.discreteGaussian.sensitivity must be a whole number"),
      ("discreteLaplace: {scale: 1, sensitivty: 1}", "did you mean sensitivity?"),
      ("gaussianMixture: {noiseMultiplier: 1, sensitivities: 1, probabilities: [1]}", "event.gaussianMixture.sensitivities must be a list"),
      (
        "gaussianMixture: {noiseMultiplier: 1, sensitivities: [1, .inf], probabilities: [1, 0]}", "sensitivities[1] must be a finite number"
      ),
      ("gaussianMixture: {noiseMultiplier: 1, sensitivities: [1], probabilities: [0.5]}", "gaussianMixture.probabilities.sum is 0.5"),
      (mechanism("{identity: {}}"), "event.matrixMechanism.strategy.identity is unknown; choose one of sensitivity, matrix"),
      (mechanism("{sensitivity: [1]}"), "event.matrixMechanism.strategy.sensitivity must be a finite number"),
      (mechanism("{sensitivity: nan}"), "strategy.sensitivity must be a finite number"),
      (mechanism("{matrix: 1}"), "event.matrixMechanism.strategy.matrix must be a list of rows"),
      (mechanism("{matrix: [[1, 0], [a, 1]]}"), "strategy.matrix[1][0] must be a finite number"),
      (mechanism("{matrix: [[1, 0], [1, 0]]}"), "matrixMechanism.strategy.matrix[1][1] is 0.0"),
      (mechanism("{toeplitz: {coefficients: [1], steps: 2, band: 3}}"), "event.matrixMechanism.strategy.toeplitz.band is unknown"),
      ("repeatAndSelect: {event: noOp}", "event.repeatAndSelect.runs is missing"),
      ("repeatAndSelect: {event: noOp, runs: {geometric: {}}}", "event.repeatAndSelect.runs.geometric is unknown"),
      ("repeatAndSelect: {event: noOp, runs: {poisson: {mean: 0}}}", "repeatAndSelect.runs.poisson.mean is 0.0"),
      ("sampled: {by: {ballsInBins: {bins: 2}}, event: noOp}", "event.sampled.by.ballsInBins.rounds is missing"),
      ("sampled: {by: {cyclicPoisson: {rate: 0.1, cycle: 2}}, event: noOp}", "sampled.event is noOp, must be repeated"),
      ("noOp: {x: 1}", "event.noOp.x is unknown"),
    ])
  func strictEvents(text: String, message: String) throws {
    let error = try #require(throws: PlanError.self) { try PrivacyEvent(PlanNode(text: text, source: "event.yaml")) }
    #expect(error.description.contains(message), "\(error)")
  }

  private static func mechanism(_ strategy: String) -> String {
    "matrixMechanism: {noiseMultiplier: 1, strategy: \(strategy), maximumParticipations: 1, minimumSeparation: 1}"
  }

  @Test("JSON holds the shortest numbers and infinities as strings, and refuses NaN")
  func json() throws {
    #expect(try CanonicalJSON.text(["b": 0.1, "a": 1e-5]) == #"{"a":1e-05,"b":0.1}"#)
    #expect(try CanonicalJSON.text([Double.infinity]) == #"["Infinity"]"#)
    #expect(throws: CanonicalJSON.NotANumber.self) { try CanonicalJSON.text([Double.nan]) }
    #expect(try CanonicalJSON.decode([Double].self, from: Data(#"["-Infinity"]"#.utf8)) == [-.infinity])
  }
}

/// One event of every kind that an event file can hold.
private enum PlanEventSamples {
  static let all: [PrivacyEvent] =
    [
      .discreteGaussian(sigma: 2.5, sensitivity: 3), .discreteLaplace(scale: 4, sensitivity: 1),
      .skellam(variance: 12.5, l1Sensitivity: 20, l2Sensitivity: 10, dimension: 64), .randomizedResponse(noise: 0.25, buckets: 4),
      .exponentialMechanism(epsilon: 0.5), .permuteAndFlip(epsilon: 0.25), .reportNoisyMax(epsilon: 2),
      .gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [0.75, 0.25]),
      .treeAggregation(noiseMultiplier: 10, steps: 1000, maximumParticipations: 4, minimumSeparation: 250),
      .repeatAndSelect(event: .pureDP(epsilon: 1), runs: .poisson(mean: 10)),
      .repeatAndSelect(event: .pureDP(epsilon: 1), runs: .truncatedNegativeBinomial(shape: -0.5, gamma: 0.001)),
    ]
    + [
      StrategyMatrix.sensitivity(2.5), .matrix([[1, 0], [-0.5, 1]]), .toeplitz(coefficients: [1, 0.5], steps: 10),
      .bufferedToeplitz(outputScales: [0.25], decays: [0.5], steps: 10),
    ].map { .matrixMechanism(noiseMultiplier: 1, strategy: $0, maximumParticipations: 2, minimumSeparation: 5) }
    + [
      SamplingScheme.fixedSizeWithReplacement(cohortSize: 3, populationSize: 4),
      .truncatedPoisson(rate: 0.5, maximumCohort: 3, populationSize: 4), .randomAllocation(participations: 1, rounds: 2),
      .ballsInBins(rounds: 3), .cyclicPoisson(rate: 0.5, cycle: 2), .minimumSeparationPoisson(rate: 0.5, separation: 2),
    ].map { PrivacyEvent.gaussian(noiseMultiplier: 1).repeated(8).sampled($0) }
}
