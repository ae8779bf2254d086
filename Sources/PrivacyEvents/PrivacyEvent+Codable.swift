/// One key per node: `{"gaussian":{"noiseMultiplier":1}}`, `{"composed":[…]}`, `{"noOp":{}}`,
/// `{"sampled":{"by":{"poisson":{"rate":0.01}},"event":…}}`.
///
/// Decoding refuses unknown keys, because a misspelt parameter of an event would be a privacy bug, and checks
/// every parameter.
extension PrivacyEvent: Codable {
  public init(from decoder: any Decoder) throws {
    guard decoder.codingPath.count <= 4 * Self.maximumDepth else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "the event is nested deeper than \(Self.maximumDepth) nodes"))
    }
    let (name, node) = try singleKey(of: decoder)
    func payload(_ keys: String...) throws -> KeyedDecodingContainer<EventKey> {
      let values = try node.nestedContainer(keyedBy: EventKey.self, forKey: name)
      try values.refuseKeys(except: keys)
      return values
    }
    switch name.stringValue {
    case "noOp":
      _ = try payload()
      self = .noOp
    case "nonPrivate":
      _ = try payload()
      self = .nonPrivate
    case "unsupported": self = .unsupported(reason: try payload("reason").decode(String.self, forKey: "reason"))
    case "gaussian": self = .gaussian(noiseMultiplier: try payload("noiseMultiplier").decode(Double.self, forKey: "noiseMultiplier"))
    case "laplace": self = .laplace(noiseMultiplier: try payload("noiseMultiplier").decode(Double.self, forKey: "noiseMultiplier"))
    case "pureDP": self = .pureDP(epsilon: try payload("epsilon").decode(Double.self, forKey: "epsilon"))
    case "approximateDP":
      let values = try payload("epsilon", "delta")
      self = .approximateDP(
        epsilon: try values.decode(Double.self, forKey: "epsilon"), delta: try values.decode(Double.self, forKey: "delta"))
    case "zeroConcentratedDP": self = .zeroConcentratedDP(rho: try payload("rho").decode(Double.self, forKey: "rho"))
    case "composed": self = .composed(try node.decode([PrivacyEvent].self, forKey: name))
    case "repeated":
      let values = try payload("event", "count")
      self = .repeated(
        event: try values.decode(PrivacyEvent.self, forKey: "event"), count: try values.decode(Int.self, forKey: "count"))
    case "sampled":
      let values = try payload("event", "by")
      self = .sampled(
        event: try values.decode(PrivacyEvent.self, forKey: "event"), by: try values.decode(SamplingScheme.self, forKey: "by"))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: name, in: node, debugDescription: "unknown event “\(name.stringValue)”")
    }
    if decoder.codingPath.isEmpty {
      do { try validate() } catch {
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: error.description))
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var node = encoder.container(keyedBy: EventKey.self)
    let name = EventKey(caseName)
    func payload() -> KeyedEncodingContainer<EventKey> { node.nestedContainer(keyedBy: EventKey.self, forKey: name) }
    switch self {
    case .noOp, .nonPrivate: _ = payload()
    case .unsupported(let reason):
      var values = payload()
      try values.encode(reason, forKey: "reason")
    case .gaussian(let noiseMultiplier), .laplace(let noiseMultiplier):
      var values = payload()
      try values.encode(noiseMultiplier, forKey: "noiseMultiplier")
    case .pureDP(let epsilon):
      var values = payload()
      try values.encode(epsilon, forKey: "epsilon")
    case .approximateDP(let epsilon, let delta):
      var values = payload()
      try values.encode(epsilon, forKey: "epsilon")
      try values.encode(delta, forKey: "delta")
    case .zeroConcentratedDP(let rho):
      var values = payload()
      try values.encode(rho, forKey: "rho")
    case .composed(let events): try node.encode(events, forKey: name)
    case .repeated(let event, let count):
      var values = payload()
      try values.encode(event, forKey: "event")
      try values.encode(count, forKey: "count")
    case .sampled(let event, let scheme):
      var values = payload()
      try values.encode(event, forKey: "event")
      try values.encode(scheme, forKey: "by")
    }
  }
}

extension SamplingScheme: Codable {
  public init(from decoder: any Decoder) throws {
    let (name, node) = try singleKey(of: decoder)
    let values = try node.nestedContainer(keyedBy: EventKey.self, forKey: name)
    switch name.stringValue {
    case "poisson":
      try values.refuseKeys(except: ["rate"])
      self = .poisson(rate: try values.decode(Double.self, forKey: "rate"))
    case "fixedSizeWithoutReplacement":
      try values.refuseKeys(except: ["cohortSize", "populationSize"])
      self = .fixedSizeWithoutReplacement(
        cohortSize: try values.decode(Int.self, forKey: "cohortSize"),
        populationSize: try values.decode(Int.self, forKey: "populationSize"))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: name, in: node, debugDescription: "unknown sampling scheme “\(name.stringValue)”")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var node = encoder.container(keyedBy: EventKey.self)
    switch self {
    case .poisson(let rate):
      var values = node.nestedContainer(keyedBy: EventKey.self, forKey: "poisson")
      try values.encode(rate, forKey: "rate")
    case .fixedSizeWithoutReplacement(let cohortSize, let populationSize):
      var values = node.nestedContainer(keyedBy: EventKey.self, forKey: "fixedSizeWithoutReplacement")
      try values.encode(cohortSize, forKey: "cohortSize")
      try values.encode(populationSize, forKey: "populationSize")
    }
  }
}

/// Any string as a key, so that unknown keys can be seen and refused.
private struct EventKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }
  init(_ name: String) { stringValue = name }
  init(stringLiteral name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}

private func singleKey(of decoder: any Decoder) throws -> (EventKey, KeyedDecodingContainer<EventKey>) {
  let node = try decoder.container(keyedBy: EventKey.self)
  guard let name = node.allKeys.first, node.allKeys.count == 1 else {
    let keys = node.allKeys.map(\.stringValue).sorted().joined(separator: ", ")
    throw DecodingError.dataCorrupted(
      .init(codingPath: decoder.codingPath, debugDescription: "expected one key that names the node, found [\(keys)]"))
  }
  return (name, node)
}

extension KeyedDecodingContainer<EventKey> {
  fileprivate func refuseKeys(except known: [String]) throws {
    for key in allKeys where !known.contains(key.stringValue) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self,
        debugDescription: "unknown key “\(key.stringValue)”, known here: \(known.isEmpty ? "none" : known.joined(separator: ", "))")
    }
  }
}
