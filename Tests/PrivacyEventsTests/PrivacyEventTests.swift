import Foundation
import PrivacyEvents
import Testing

@Suite("Privacy events")
struct PrivacyEventTests {
  private let round = PrivacyEvent.composed([.gaussian(noiseMultiplier: 0.8), .gaussian(noiseMultiplier: 10)]).sampled(.poisson(rate: 0.01))

  @Test("every case survives encoding and decoding")
  func roundTrip() throws {
    let events: [PrivacyEvent] = [
      .noOp, .nonPrivate, .unsupported(reason: "tree"), .gaussian(noiseMultiplier: 1.5), .laplace(noiseMultiplier: 2),
      .pureDP(epsilon: 0.5),
      .approximateDP(epsilon: 1, delta: 1e-9), .zeroConcentratedDP(rho: 0.1), .composed([]), round, round.repeated(50),
      .gaussian(noiseMultiplier: 1).sampled(.fixedSizeWithoutReplacement(cohortSize: 10, populationSize: 300)),
    ]
    for event in events {
      #expect(try JSONDecoder().decode(PrivacyEvent.self, from: JSONEncoder().encode(event)) == event)
    }
  }

  @Test("the JSON form is the one that event files use")
  func documentedForm() throws {
    let text =
      #"{"composed":[{"repeated":{"count":50,"event":{"sampled":{"by":{"poisson":{"rate":0.01}},"event":{"gaussian":{"noiseMultiplier":0.8}}}}}}]}"#
    let event = PrivacyEvent.composed([.gaussian(noiseMultiplier: 0.8).sampled(.poisson(rate: 0.01)).repeated(50)])
    #expect(try JSONDecoder().decode(PrivacyEvent.self, from: Data(text.utf8)) == event)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(event), as: UTF8.self) == text)
    #expect(String(decoding: try encoder.encode(PrivacyEvent.noOp), as: UTF8.self) == #"{"noOp":{}}"#)
  }

  @Test(
    "malformed JSON is refused and the message names the culprit",
    arguments: [
      (#"{"gaussian":{"noisee":2}}"#, "noisee"), (#"{"gaussian":{"noiseMultiplier":1,"clip":2}}"#, "clip"), (#"{"gausian":{}}"#, "gausian"),
      (#"{}"#, "one key"), (#"{"noOp":{},"nonPrivate":{}}"#, "noOp, nonPrivate"),
      (#"{"gaussian":{"noiseMultiplier":-1}}"#, "gaussian.noiseMultiplier: is -1.0"),
      (#"{"repeated":{"count":-2,"event":{"noOp":{}}}}"#, "repeated.count: is -2"),
      (#"{"sampled":{"by":{"poisson":{"rate":1.5}},"event":{"noOp":{}}}}"#, "sampled.by.poisson.rate: is 1.5"),
      (#"{"sampled":{"by":{"shuffle":{}},"event":{"noOp":{}}}}"#, "shuffle"),
      (#"{"composed":[{"noOp":{}},{"approximateDP":{"epsilon":1,"delta":2}}]}"#, "composed[1].approximateDP.delta: is 2.0"),
    ])
  func malformed(text: String, culprit: String) throws {
    let error = try #require(throws: (any Error).self) { try JSONDecoder().decode(PrivacyEvent.self, from: Data(text.utf8)) }
    #expect(String(describing: error).contains(culprit))
  }

  @Test("an event nested without end is refused before it exhausts the stack")
  func depth() throws {
    var event = PrivacyEvent.noOp
    for _ in 0..<100 { event = .composed([event]) }
    #expect(throws: PrivacyEventError.self) { try event.validate() }
    let text = String(repeating: #"{"composed":["#, count: 400) + #"{"noOp":{}}"# + String(repeating: "]}", count: 400)
    #expect(throws: (any Error).self) { try JSONDecoder().decode(PrivacyEvent.self, from: Data(text.utf8)) }
  }

  @Test("validation names the parameter, also of NaN")
  func validation() throws {
    let bad: [(PrivacyEvent, String)] = [
      (.gaussian(noiseMultiplier: .nan), "gaussian.noiseMultiplier"), (.laplace(noiseMultiplier: -.infinity), "laplace.noiseMultiplier"),
      (.pureDP(epsilon: .nan), "pureDP.epsilon"), (.zeroConcentratedDP(rho: -1), "zeroConcentratedDP.rho"),
      (.noOp.sampled(.fixedSizeWithoutReplacement(cohortSize: 5, populationSize: 4)), "sampled.by.fixedSizeWithoutReplacement.cohortSize"),
      (
        .noOp.sampled(.fixedSizeWithoutReplacement(cohortSize: 0, populationSize: 0)),
        "sampled.by.fixedSizeWithoutReplacement.populationSize"
      ),
    ]
    for (event, path) in bad {
      #expect { try event.validate() } throws: { ($0 as? PrivacyEventError)?.path == path }
    }
    try round.repeated(3).validate()
  }

  @Test("replace-one moves a sum by two clipping norms, the other relations by one")
  func sensitivity() {
    #expect(NeighboringRelation.replaceOne.sensitivityOfSum == 2)
    #expect(NeighboringRelation.addOrRemoveOne.sensitivityOfSum == 1)
    #expect(NeighboringRelation.zeroOut.sensitivityOfSum == 1)
  }

  @Test("a scheme states each member's chance")
  func inclusion() {
    #expect(SamplingScheme.poisson(rate: 0.25).inclusionProbability == 0.25)
    #expect(SamplingScheme.fixedSizeWithoutReplacement(cohortSize: 5, populationSize: 20).inclusionProbability == 0.25)
  }
}
