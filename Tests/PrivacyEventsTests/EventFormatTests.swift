import Foundation
import PrivacyEvents
import Testing

@Suite("Formats and validation of events")
struct EventFormatTests {
  private func encoded(_ event: PrivacyEvent) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(event), as: UTF8.self)
  }

  private func decoded(_ text: String) throws -> PrivacyEvent {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return try decoder.decode(PrivacyEvent.self, from: Data(text.utf8))
  }

  @Test("every case survives JSON and expressions, and every case has a sample")
  func roundTrips() throws {
    for event in EventSamples.all {
      try event.validate()
      #expect(try decoded(encoded(event)) == event)
      #expect(try PrivacyEvent(expression: event.expression) == event, "\(event.expression)")
    }
    #expect(Set(EventSamples.all.map(\.caseName)) == Set(PrivacyEvent.caseNames))
    #expect(Set(EventSamples.schemes.map(\.caseName)) == Set(SamplingScheme.caseNames))
    #expect(Set(EventSamples.strategies.map(\.caseName)) == Set(StrategyMatrix.caseNames))
    #expect(Set(EventSamples.runs.map(\.caseName)) == Set(SelectionRuns.caseNames))
  }

  @Test(
    "the JSON form has one key per node: the case, and inside it the labels",
    arguments: [
      (
        PrivacyEvent.matrixMechanism(noiseMultiplier: 1, strategy: .matrix([[1]]), maximumParticipations: 2, minimumSeparation: 3),
        #"{"matrixMechanism":{"maximumParticipations":2,"minimumSeparation":3,"noiseMultiplier":1,"strategy":{"matrix":[[1]]}}}"#
      ),
      (
        .matrixMechanism(noiseMultiplier: 1, strategy: .sensitivity(2), maximumParticipations: 2, minimumSeparation: 3),
        #"{"matrixMechanism":{"maximumParticipations":2,"minimumSeparation":3,"noiseMultiplier":1,"strategy":{"sensitivity":2}}}"#
      ),
      (
        .repeatAndSelect(event: .noOp, runs: .truncatedNegativeBinomial(shape: 1, gamma: 0.5)),
        #"{"repeatAndSelect":{"event":{"noOp":{}},"runs":{"truncatedNegativeBinomial":{"gamma":0.5,"shape":1}}}}"#
      ),
      (
        .noOp.sampled(.randomAllocation(participations: 1, rounds: 2)),
        #"{"sampled":{"by":{"randomAllocation":{"participations":1,"rounds":2}},"event":{"noOp":{}}}}"#
      ),
    ])
  func documentedForm(event: PrivacyEvent, text: String) throws {
    #expect(try encoded(event) == text)
    #expect(try decoded(text) == event)
  }

  @Test("500 random events survive JSON and expressions")
  func randomRoundTrips() throws {
    var generator = SeededGenerator(state: 20_261_121)
    for _ in 0..<500 {
      let event = EventSamples.random(depth: Int.random(in: 1...7, using: &generator), using: &generator)
      try event.validate()
      #expect(try decoded(encoded(event)) == event)
      let text = event.expression
      if text.utf8.count <= PrivacyEvent.maximumExpressionByteCount {
        #expect(try PrivacyEvent(expression: text) == event, "\(text)")
        #expect(try PrivacyEvent(expression: text).expression == text)
      }
    }
  }

  private static let ok = PrivacyEvent.gaussian(noiseMultiplier: 1).repeated(2)
  private static func mechanism(_ strategy: StrategyMatrix, noise: Double = 1, k: Int = 1, b: Int = 1) -> PrivacyEvent {
    .matrixMechanism(noiseMultiplier: noise, strategy: strategy, maximumParticipations: k, minimumSeparation: b)
  }

  @Test(
    "validation names the path of every parameter that is out of its range",
    arguments: [
      (PrivacyEvent.discreteGaussian(sigma: 0, sensitivity: 1), "discreteGaussian.sigma"),
      (.discreteGaussian(sigma: .nan, sensitivity: 1), "discreteGaussian.sigma"),
      (.discreteGaussian(sigma: .infinity, sensitivity: 1), "discreteGaussian.sigma"),
      (.discreteGaussian(sigma: 1, sensitivity: 0), "discreteGaussian.sensitivity"),
      (.discreteLaplace(scale: 0, sensitivity: 1), "discreteLaplace.scale"),
      (.discreteLaplace(scale: .infinity, sensitivity: 1), "discreteLaplace.scale"),
      (.discreteLaplace(scale: 1, sensitivity: -1), "discreteLaplace.sensitivity"),
      (.skellam(variance: 0, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 1), "skellam.variance"),
      (.skellam(variance: .nan, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 1), "skellam.variance"),
      (.skellam(variance: 1, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 0), "skellam.dimension"),
      (.skellam(variance: 1, l1Sensitivity: 0, l2Sensitivity: 1, dimension: 2), "skellam.l1Sensitivity"),
      (.skellam(variance: 1, l1Sensitivity: 1.5, l2Sensitivity: 1.5, dimension: 1), "skellam.l1Sensitivity"),
      (.skellam(variance: 1, l1Sensitivity: 3, l2Sensitivity: 2, dimension: 2), "skellam.l1Sensitivity"),
      (.skellam(variance: 1, l1Sensitivity: 2, l2Sensitivity: 1, dimension: 1), "skellam.l2Sensitivity"),
      (.skellam(variance: 1, l1Sensitivity: 2, l2Sensitivity: .infinity, dimension: 2), "skellam.l2Sensitivity"),
      (.skellam(variance: 1, l1Sensitivity: 2, l2Sensitivity: 2.1, dimension: 2), "skellam.l2Sensitivity"),
      (.randomizedResponse(noise: 1.1, buckets: 2), "randomizedResponse.noise"),
      (.randomizedResponse(noise: .nan, buckets: 2), "randomizedResponse.noise"),
      (.randomizedResponse(noise: 0.5, buckets: 1), "randomizedResponse.buckets"),
      (.exponentialMechanism(epsilon: -1), "exponentialMechanism.epsilon"),
      (.permuteAndFlip(epsilon: .nan), "permuteAndFlip.epsilon"),
      (.reportNoisyMax(epsilon: .infinity), "reportNoisyMax.epsilon"),
      (.gaussianMixture(noiseMultiplier: -1, sensitivities: [1], probabilities: [1]), "gaussianMixture.noiseMultiplier"),
      (.gaussianMixture(noiseMultiplier: 1, sensitivities: [], probabilities: []), "gaussianMixture.sensitivities.count"),
      (
        .gaussianMixture(
          noiseMultiplier: 1, sensitivities: .init(repeating: 1, count: 1001), probabilities: .init(repeating: 1 / 1001, count: 1001)),
        "gaussianMixture.sensitivities.count"
      ),
      (.gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [1]), "gaussianMixture.probabilities.count"),
      (.gaussianMixture(noiseMultiplier: 1, sensitivities: [1, .nan], probabilities: [0.5, 0.5]), "gaussianMixture.sensitivities[1]"),
      (.gaussianMixture(noiseMultiplier: 1, sensitivities: [1, .infinity], probabilities: [1, 0]), "gaussianMixture.sensitivities[1]"),
      (.gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [-0.5, 1.5]), "gaussianMixture.probabilities[0]"),
      (.gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [0.5, 0.5001]), "gaussianMixture.probabilities.sum"),
      (
        .treeAggregation(noiseMultiplier: .nan, steps: 1, maximumParticipations: 1, minimumSeparation: 1),
        "treeAggregation.noiseMultiplier"
      ),
      (.treeAggregation(noiseMultiplier: 1, steps: 0, maximumParticipations: 1, minimumSeparation: 1), "treeAggregation.steps"),
      (
        .treeAggregation(noiseMultiplier: 1, steps: 1, maximumParticipations: 0, minimumSeparation: 1),
        "treeAggregation.maximumParticipations"
      ),
      (.treeAggregation(noiseMultiplier: 1, steps: 1, maximumParticipations: 1, minimumSeparation: 0), "treeAggregation.minimumSeparation"),
      (mechanism(.sensitivity(1), noise: .infinity), "matrixMechanism.noiseMultiplier"),
      (mechanism(.sensitivity(1), k: 0), "matrixMechanism.maximumParticipations"),
      (mechanism(.sensitivity(1), b: -3), "matrixMechanism.minimumSeparation"),
      (mechanism(.sensitivity(0)), "matrixMechanism.strategy.sensitivity"),
      (mechanism(.matrix([])), "matrixMechanism.strategy.matrix.count"),
      (mechanism(.matrix(.init(repeating: [], count: 2049))), "matrixMechanism.strategy.matrix.count"),
      (mechanism(.matrix([[1, 0], [1]])), "matrixMechanism.strategy.matrix[1].count"),
      (mechanism(.matrix([[1, 0], [.nan, 1]])), "matrixMechanism.strategy.matrix[1][0]"),
      (mechanism(.matrix([[1, 0.5], [1, 1]])), "matrixMechanism.strategy.matrix[0][1]"),
      (mechanism(.matrix([[1, 0], [1, 0]])), "matrixMechanism.strategy.matrix[1][1]"),
      (mechanism(.toeplitz(coefficients: [], steps: 3)), "matrixMechanism.strategy.toeplitz.coefficients.count"),
      (mechanism(.toeplitz(coefficients: [1, 1], steps: 1)), "matrixMechanism.strategy.toeplitz.coefficients.count"),
      (mechanism(.toeplitz(coefficients: [1], steps: 0)), "matrixMechanism.strategy.toeplitz.steps"),
      (mechanism(.toeplitz(coefficients: [1], steps: 10_000_001)), "matrixMechanism.strategy.toeplitz.steps"),
      (mechanism(.toeplitz(coefficients: [0], steps: 1)), "matrixMechanism.strategy.toeplitz.coefficients[0]"),
      (mechanism(.toeplitz(coefficients: [1, .infinity], steps: 2)), "matrixMechanism.strategy.toeplitz.coefficients[1]"),
      (
        mechanism(.bufferedToeplitz(outputScales: [], decays: [], steps: 1)),
        "matrixMechanism.strategy.bufferedToeplitz.decays.count"
      ),
      (
        mechanism(.bufferedToeplitz(outputScales: [1], decays: [0.5, 0.5], steps: 1)),
        "matrixMechanism.strategy.bufferedToeplitz.outputScales.count"
      ),
      (
        mechanism(.bufferedToeplitz(outputScales: [-1], decays: [0.5], steps: 1)),
        "matrixMechanism.strategy.bufferedToeplitz.outputScales[0]"
      ),
      (mechanism(.bufferedToeplitz(outputScales: [1], decays: [1], steps: 1)), "matrixMechanism.strategy.bufferedToeplitz.decays[0]"),
      (mechanism(.bufferedToeplitz(outputScales: [1], decays: [.nan], steps: 1)), "matrixMechanism.strategy.bufferedToeplitz.decays[0]"),
      (mechanism(.bufferedToeplitz(outputScales: [1], decays: [0], steps: .max)), "matrixMechanism.strategy.bufferedToeplitz.steps"),
      (.repeatAndSelect(event: .noOp, runs: .poisson(mean: 0)), "repeatAndSelect.runs.poisson.mean"),
      (.repeatAndSelect(event: .pureDP(epsilon: -1), runs: .poisson(mean: 1)), "repeatAndSelect.event.pureDP.epsilon"),
      (
        .repeatAndSelect(event: .noOp, runs: .truncatedNegativeBinomial(shape: -1, gamma: 0.5)),
        "repeatAndSelect.runs.truncatedNegativeBinomial.shape"
      ),
      (
        .repeatAndSelect(event: .noOp, runs: .truncatedNegativeBinomial(shape: 0, gamma: 1)),
        "repeatAndSelect.runs.truncatedNegativeBinomial.gamma"
      ),
      (
        ok.sampled(.fixedSizeWithReplacement(cohortSize: -1, populationSize: 1)), "sampled.by.fixedSizeWithReplacement.cohortSize"
      ),
      (
        ok.sampled(.fixedSizeWithReplacement(cohortSize: 1, populationSize: 0)), "sampled.by.fixedSizeWithReplacement.populationSize"
      ),
      (ok.sampled(.truncatedPoisson(rate: .nan, maximumCohort: 1, populationSize: 1)), "sampled.by.truncatedPoisson.rate"),
      (ok.sampled(.truncatedPoisson(rate: 1, maximumCohort: 0, populationSize: 1)), "sampled.by.truncatedPoisson.maximumCohort"),
      (ok.sampled(.truncatedPoisson(rate: 1, maximumCohort: 1, populationSize: 0)), "sampled.by.truncatedPoisson.populationSize"),
      (ok.sampled(.randomAllocation(participations: 1, rounds: 0)), "sampled.by.randomAllocation.rounds"),
      (ok.sampled(.randomAllocation(participations: 0, rounds: 1)), "sampled.by.randomAllocation.participations"),
      (ok.sampled(.randomAllocation(participations: 2, rounds: 1)), "sampled.by.randomAllocation.participations"),
      (ok.sampled(.ballsInBins(rounds: 0)), "sampled.by.ballsInBins.rounds"),
      (ok.sampled(.cyclicPoisson(rate: -0.1, cycle: 1)), "sampled.by.cyclicPoisson.rate"),
      (ok.sampled(.cyclicPoisson(rate: 0.1, cycle: 0)), "sampled.by.cyclicPoisson.cycle"),
      (ok.sampled(.minimumSeparationPoisson(rate: 2, separation: 1)), "sampled.by.minimumSeparationPoisson.rate"),
      (ok.sampled(.minimumSeparationPoisson(rate: 1, separation: 0)), "sampled.by.minimumSeparationPoisson.separation"),
      (.noOp.sampled(.cyclicPoisson(rate: 0.1, cycle: 2)), "sampled.event"),
      (.composed([ok]).sampled(.minimumSeparationPoisson(rate: 0.1, separation: 2)), "sampled.event"),
    ])
  func validation(event: PrivacyEvent, path: String) throws {
    let error = try #require(throws: PrivacyEventError.self) { try event.validate() }
    #expect(error.path == path)
    #expect(throws: (any Error).self) { try decoded(encoded(event)) }
    #expect(throws: EventExpressionError.self) { try PrivacyEvent(expression: event.expression) }
  }

  @Test(
    "misspelt, missing and surplus keys of the new nodes are refused by name",
    arguments: [
      (#"{"discreteGaussian":{"sigma":1}}"#, "sensitivity"),
      (#"{"discreteGaussian":{"sigma":1,"sensitivity":1,"extra":1}}"#, "extra"),
      (
        #"{"matrixMechanism":{"noiseMultiplier":1,"strategy":{"identity":{}},"maximumParticipations":1,"minimumSeparation":1}}"#, "identity"
      ),
      (
        #"{"matrixMechanism":{"noiseMultiplier":1,"strategy":{"toeplitz":{"coefficients":[1],"steps":1,"band":1}},"maximumParticipations":1,"minimumSeparation":1}}"#,
        "band"
      ),
      (#"{"repeatAndSelect":{"event":{"noOp":{}},"runs":{"geometric":{}}}}"#, "geometric"),
      (#"{"repeatAndSelect":{"event":{"noOp":{}},"runs":{"poisson":{"mean":1,"rate":1}}}}"#, "rate"),
      (#"{"sampled":{"by":{"ballsInBins":{"bins":3}},"event":{"noOp":{}}}}"#, "bins"),
      (#"{"discreteGaussian":{"sigma":1,"sensitivity":"one"}}"#, "sensitivity"),
    ])
  func strictJSON(text: String, culprit: String) throws {
    let error = try #require(throws: (any Error).self) { try decoded(text) }
    #expect(String(describing: error).contains(culprit), "\(error)")
  }

  @Test("a count that is no whole number is refused in JSON")
  func fractionalCount() {
    #expect(throws: DecodingError.self) { try decoded(#"{"discreteGaussian":{"sigma":1,"sensitivity":1.5}}"#) }
    #expect(throws: DecodingError.self) { try decoded(#"{"sampled":{"by":{"ballsInBins":{"rounds":1e30}},"event":{"noOp":{}}}}"#) }
  }

  @Test("a scheme states each member's chance in one round")
  func inclusion() {
    func chance(_ scheme: SamplingScheme) -> Double { scheme.inclusionProbability }
    // 1 − (1 − 1/20)^5 and 1 − (1 − 1e-12)^3 ≈ 3e-12 without cancellation.
    #expect(abs(chance(.fixedSizeWithReplacement(cohortSize: 5, populationSize: 20)) - 0.2262190625) < 1e-15)
    #expect(abs(chance(.fixedSizeWithReplacement(cohortSize: 3, populationSize: 1_000_000_000_000)) / 2.999999999997e-12 - 1) < 1e-14)
    #expect(chance(.fixedSizeWithReplacement(cohortSize: 0, populationSize: 7)) == 0)
    #expect(chance(.fixedSizeWithReplacement(cohortSize: .max, populationSize: 1)) == 1)
    #expect(chance(.truncatedPoisson(rate: 0.01, maximumCohort: 700, populationSize: 50_000)) == 0.01)
    #expect(chance(.truncatedPoisson(rate: 0.5, maximumCohort: 700, populationSize: 7_000)) == 0.1)
    #expect(chance(.randomAllocation(participations: 2, rounds: 8)) == 0.25)
    #expect(chance(.ballsInBins(rounds: 8)) == 0.125)
    #expect(chance(.cyclicPoisson(rate: 0.5, cycle: 4)) == 0.125)
    #expect(chance(.minimumSeparationPoisson(rate: 0.5, separation: 1)) == 0.5)
    #expect(chance(.minimumSeparationPoisson(rate: 1, separation: 4)) == 0.25)
    // Schemes that were never validated must not trap.
    #expect(chance(.minimumSeparationPoisson(rate: 1, separation: .min)) < 0)
    #expect(chance(.fixedSizeWithReplacement(cohortSize: .min, populationSize: 0)) == 0)
  }
}
