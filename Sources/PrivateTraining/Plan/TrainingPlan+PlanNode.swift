import NeuralNetworks
import PrivacyAccounting
import PrivacyEvents

extension TrainingPlan {
  /// Reads a plan from its tree and fills in every default.
  ///
  /// - Throws: ``PlanError`` with the place of the first key that is unknown, missing or out of range.
  public init(_ node: PlanNode) throws(PlanError) {
    var reader = try PlanReader(node, path: "")
    name = try reader.optionalString("name") ?? "training"
    let isPlainName =
      !name.isEmpty && name.count <= 64 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    try reader.require(isPlainName && !name.hasPrefix("."), "name", "“\(name)”", "letters, digits, - and _, because it names a folder")
    task = try TaskPlan(&reader)
    algorithm = try AlgorithmPlan(&reader)
    sampling = try SamplingPlan(&reader)
    aggregation = try AggregationPlan(&reader)
    privacy = try PrivacyPlan.optional(&reader, sampling: sampling, aggregation: aggregation)
    evaluation = try EvaluationPlan(&reader)
    let seed = try reader.optionalInt("seed")
    try reader.require((seed ?? 0) >= 0, "seed", seed ?? 0, "at least 0")
    self.seed = seed.map { UInt64($0) }
    try reader.finish()
  }
}

extension PlanReader {
  /// The section `key`, which must be there.
  fileprivate mutating func section(_ key: String) throws(PlanError) -> PlanReader {
    guard let node = node(key) else { throw missing(key) }
    return try PlanReader(node, path: join(key))
  }

  mutating func positive(_ key: String, default fallback: Double? = nil) throws(PlanError) -> Double {
    let value = if let fallback { try double(key, default: fallback) } else { try double(key) }
    try require(value > 0, key, value, "above 0")
    return value
  }

  mutating func count(_ key: String, default fallback: Int? = nil, upTo limit: Int = 1_000_000_000) throws(PlanError) -> Int {
    let value = if let fallback { try int(key, default: fallback) } else { try int(key) }
    try require((1...limit).contains(value), key, value, "in 1…\(limit)")
    return value
  }

  mutating func fraction(_ key: String, default fallback: Double) throws(PlanError) -> Double {
    let value = try double(key, default: fallback)
    try require(value >= 0 && value <= 1, key, value, "in [0, 1]")
    return value
  }

  mutating func notNegative(_ key: String, default fallback: Double) throws(PlanError) -> Double {
    let value = try double(key, default: fallback)
    try require(value >= 0, key, value, "at least 0")
    return value
  }

  mutating func seed() throws(PlanError) -> UInt64 {
    let value = try int("seed", default: 1)
    try require(value >= 0, "seed", value, "at least 0")
    return UInt64(value)
  }
}

extension TaskPlan {
  fileprivate init(_ parent: inout PlanReader) throws(PlanError) {
    var reader = try parent.section("task")
    dataset = try reader.string("dataset")
    dataDirectory = try reader.optionalString("dataDirectory")
    guard let dealt = reader.node("partition") else { throw reader.missing("partition") }
    partition = try PartitionPlan(dealt, path: reader.join("partition"))
    model = try reader.optionalString("model")
    if let layers = reader.node("graph") {
      graph = try ModelGraph(layers, path: reader.join("graph"))
    } else if let model {
      do throws(NeuralNetworkError) { graph = try .named(model) } catch {
        throw reader.error("model", problem: error.description, remedy: "or give the layers under graph")
      }
    } else {
      throw reader.error(
        "model", problem: "is missing", remedy: "name one of \(ModelGraph.catalogue.joined(separator: ", ")), or give graph")
    }
    try reader.finish()
  }
}

extension ModelGraph {
  init(_ node: PlanNode, path: String) throws(PlanError) {
    var reader = try PlanReader(node, path: path)
    let (shape, layers) = (reader.node("inputShape"), reader.node("layers"))
    guard case .sequence(let extents, _) = shape else {
      throw reader.error("inputShape", problem: "must be a list", remedy: "write [28, 28, 1]")
    }
    guard case .sequence(let nodes, _) = layers else {
      throw reader.error("layers", problem: "must be a list of layers", remedy: "write - dense: …")
    }
    var inputShape: [Int] = []
    for extent in extents {
      guard case .scalar(let text, false, _) = extent, let value = Int(text) else {
        throw PlanError(place: extent.place, path: path + ".inputShape", problem: "must hold whole numbers", remedy: "write [28, 28, 1]")
      }
      inputShape.append(value)
    }
    var list: [Layer] = []
    for (index, node) in nodes.enumerated() { list.append(try Layer(node, path: "\(path).layers[\(index)]")) }
    try reader.finish()
    self.init(inputShape: inputShape, layers: list)
    do throws(NeuralNetworkError) { _ = try parameterLayout() } catch {
      throw PlanError(place: node.place, path: path, problem: "does not fit together (\(error.description))", remedy: "correct the layers")
    }
  }
}

extension Layer {
  init(_ node: PlanNode, path: String) throws(PlanError) {
    let known = ["dense", "conv2D", "maxPool2D", "dropout", "flatten", "relu"]
    var (name, reader) = try PlanReader.choice(node, path: path, among: known)
    switch name {
    case "dense": self = .dense(units: try reader.int("units"))
    case "conv2D": self = .conv2D(filters: try reader.int("filters"), kernel: try reader.int("kernel"))
    case "maxPool2D": self = .maxPool2D(size: try reader.int("size"))
    case "dropout": self = .dropout(rate: try reader.double("rate"))
    case "flatten": self = .flatten
    default: self = .relu
    }
    try reader.finish()
  }
}

extension PartitionPlan {
  init(_ node: PlanNode, path: String) throws(PlanError) {
    var (name, reader) = try PlanReader.choice(node, path: path, among: ["natural", "iid", "shards", "dirichlet"])
    switch name {
    case "iid": self = .iid(clients: try reader.count("clients"), seed: try reader.seed())
    case "shards":
      self = .shards(
        clients: try reader.count("clients"), shardsPerClient: try reader.count("shardsPerClient", default: 2), seed: try reader.seed())
    case "dirichlet":
      self = .dirichlet(
        clients: try reader.count("clients"), concentration: try reader.positive("concentration"), seed: try reader.seed())
    default: self = .natural
    }
    try reader.finish()
  }
}

extension AlgorithmPlan {
  fileprivate init(_ parent: inout PlanReader) throws(PlanError) {
    var reader = try parent.section("algorithm")
    rounds = try reader.count("rounds")
    weighting = try reader.word("weighting", default: .uniform)
    clientEpochs = try reader.count("clientEpochs", default: 1, upTo: 10_000)
    clientBatchSize = try reader.count("clientBatchSize", default: 20, upTo: 1_000_000)
    if let node = reader.node("clientOptimizer") {
      for key in ["clientLearningRate", "clientMomentum"] where reader.node(key) != nil {
        throw reader.error(key, problem: "stands beside clientOptimizer", remedy: "give one of them")
      }
      clientOptimizer = try OptimizerConfiguration(node, path: reader.join("clientOptimizer"))
    } else {
      let learningRate = try reader.positive("clientLearningRate")
      let momentum = try reader.notNegative("clientMomentum", default: 0)
      try reader.require(momentum < 1, "clientMomentum", momentum, "below 1")
      clientOptimizer = .sgd(learningRate: learningRate, momentum: momentum)
    }
    if let node = reader.node("serverOptimizer") {
      serverOptimizer = try OptimizerConfiguration(node, path: reader.join("serverOptimizer"), sgdLearningRate: 1)
    } else {
      serverOptimizer = .sgd(learningRate: 1, momentum: 0)
    }
    try reader.finish()
  }
}

extension SamplingPlan {
  fileprivate init(_ parent: inout PlanReader) throws(PlanError) {
    guard let node = parent.node("sampling") else { throw parent.missing("sampling") }
    var (name, reader) = try PlanReader.choice(node, path: parent.join("sampling"), among: ["poisson", "fixedSize", "cyclic"])
    let size = try reader.count("clientsPerRound")
    switch name {
    case "cyclic":
      let cycle = try reader.optionalInt("cycle")
      if let cycle { try reader.require((1...1_000_000).contains(cycle), "cycle", cycle, "in 1…1000000") }
      self = .cyclic(clientsPerRound: size, cycle: cycle, seed: try reader.seed())
    case "fixedSize": self = .fixedSize(clientsPerRound: size)
    default: self = .poisson(clientsPerRound: size)
    }
    try reader.finish()
  }
}

extension PlanReader {
  /// The accountant of this name, as the command takes it; the tightest where there is none.
  fileprivate mutating func accountant(_ key: String) throws(PlanError) -> PrivacyAccountant.Choice {
    guard let text = try optionalString(key) else { return .tightest }
    guard let choice = PrivacyAccountant.Choice(name: text) else {
      throw error(key, problem: "is “\(text)”", remedy: "choose one of \(PrivacyAccountant.Choice.names)")
    }
    return choice
  }
}

extension PrivacyPlan {
  fileprivate static func optional(
    _ parent: inout PlanReader, sampling: SamplingPlan, aggregation: AggregationPlan
  ) throws(PlanError) -> PrivacyPlan? {
    guard let node = parent.node("privacy") else { return nil }
    var reader = try PlanReader(node, path: parent.join("privacy"))
    let epsilon = try reader.optionalDouble("epsilon")
    if let epsilon { try reader.require(epsilon > 0, "epsilon", epsilon, "above 0") }
    let delta = try reader.double("delta")
    try reader.require(delta > 0 && delta < 1, "delta", delta, "in (0, 1), well below 1 over the number of clients")
    // Where everybody is drawn alone a person may be absent; a fixed cohort is always full, so a person can only be exchanged. A client
    // that adds its own noise takes that along when it stays away: only its update can be missing.
    let natural: NeighboringRelation
    if aggregation.isDistributed {
      natural = .zeroOut
    } else if case .fixedSize = sampling {
      natural = .replaceOne
    } else {
      natural = .addOrRemoveOne
    }
    let plan = PrivacyPlan(
      epsilon: epsilon, delta: delta, neighboringRelation: try reader.word("neighboringRelation", default: natural),
      accountant: try reader.accountant("accountant"))
    try reader.finish()
    return plan
  }
}

extension EvaluationPlan {
  fileprivate init(_ parent: inout PlanReader) throws(PlanError) {
    guard let node = parent.node("evaluation") else {
      self.init(everyRounds: 1)
      return
    }
    var reader = try PlanReader(node, path: parent.join("evaluation"))
    self.init(everyRounds: try reader.count("everyRounds", default: 1))
    try reader.finish()
  }
}
