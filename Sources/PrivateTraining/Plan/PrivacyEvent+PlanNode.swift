public import PrivacyEvents

extension PrivacyEvent {
  /// Reads an event from a YAML or JSON tree: one key per node, as in its JSON form.
  ///
  /// - Throws: ``PlanError`` with the place of an unknown key or a bad value.
  public init(_ node: PlanNode) throws(PlanError) {
    try self.init(node, path: "event")
    do throws(PrivacyEventError) { try validate() } catch {
      throw PlanError(place: node.place, path: error.path, problem: error.problem, remedy: "correct the event")
    }
  }

  private init(_ node: PlanNode, path: String) throws(PlanError) {
    let known = [
      "noOp", "nonPrivate", "unsupported", "gaussian", "laplace", "pureDP", "approximateDP", "zeroConcentratedDP", "composed", "repeated",
      "sampled",
    ]
    // `composed` holds the sequence itself.
    if case .mapping(let entries, _) = node, entries.count == 1, entries[0].key == "composed" {
      guard case .sequence(let parts, _) = entries[0].value else {
        throw PlanError(place: entries[0].value.place, path: path + ".composed", problem: "must be a list of events", remedy: "write [ … ]")
      }
      var events: [PrivacyEvent] = []
      for (index, part) in parts.enumerated() { events.append(try PrivacyEvent(part, path: "\(path).composed[\(index)]")) }
      self = .composed(events)
      return
    }
    var (name, reader) = try PlanReader.choice(node, path: path, among: known)
    switch name {
    case "noOp": self = .noOp
    case "nonPrivate": self = .nonPrivate
    case "unsupported": self = .unsupported(reason: try reader.string("reason"))
    case "gaussian": self = .gaussian(noiseMultiplier: try reader.double("noiseMultiplier"))
    case "laplace": self = .laplace(noiseMultiplier: try reader.double("noiseMultiplier"))
    case "pureDP": self = .pureDP(epsilon: try reader.double("epsilon"))
    case "approximateDP": self = .approximateDP(epsilon: try reader.double("epsilon"), delta: try reader.double("delta"))
    case "zeroConcentratedDP": self = .zeroConcentratedDP(rho: try reader.double("rho"))
    case "repeated":
      guard let inner = reader.node("event") else { throw reader.missing("event") }
      self = .repeated(event: try PrivacyEvent(inner, path: reader.join("event")), count: try reader.int("count"))
    case "sampled":
      guard let inner = reader.node("event") else { throw reader.missing("event") }
      guard let scheme = reader.node("by") else { throw reader.missing("by") }
      self = .sampled(
        event: try PrivacyEvent(inner, path: reader.join("event")), by: try SamplingScheme(scheme, path: reader.join("by")))
    default:
      throw PlanError(
        place: node.place, path: path, problem: "must name an event", remedy: "choose one of \(known.joined(separator: ", "))")
    }
    try reader.finish()
  }
}

extension SamplingScheme {
  init(_ node: PlanNode, path: String) throws(PlanError) {
    var (name, reader) = try PlanReader.choice(node, path: path, among: ["poisson", "fixedSizeWithoutReplacement"])
    if name == "poisson" {
      self = .poisson(rate: try reader.double("rate"))
    } else {
      self = .fixedSizeWithoutReplacement(cohortSize: try reader.int("cohortSize"), populationSize: try reader.int("populationSize"))
    }
    try reader.finish()
  }
}
