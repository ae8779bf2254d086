import Foundation
import PrivacyAccounting
import PrivacyEvents
import PrivateTraining
import Testing

@Suite("Compiling a plan")
struct CompiledPlanTests {
  @Test("a target without a multiplier is calibrated to the planned rounds, safely and tightly")
  func calibration() throws {
    let compiled = try CompiledPlan(makePlan())
    let event = try #require(compiled.privacy?.roundEvent)
    let accountant = try #require(compiled.privacy?.accountant)
    let epsilon = try accountant.epsilon(of: event.repeated(4), delta: 1e-3).upper
    #expect(epsilon <= 8 && epsilon > 7.9999)
    // Sampler and mechanism state the event themselves: update and count on one Poisson draw.
    guard case .sampled(.composed(let releases), .poisson(let rate)) = event else {
      Issue.record("\(event)")
      return
    }
    #expect(releases.count == 2 && rate == 0.5)
    #expect(compiled.expectedCohort == 30 && compiled.populationSize == 60)
  }

  @Test("a settled plan compiles to itself and keeps its hash")
  func settled() throws {
    let compiled = try CompiledPlan(makePlan())
    let again = try CompiledPlan(compiled.plan)
    #expect(again.plan == compiled.plan && again.hash == compiled.hash && compiled.hash.count == 64)
    #expect(try CompiledPlan(makePlan(smallPlan, "algorithm.clientLearningRate=0.2")).hash != compiled.hash)
  }

  @Test("a fixed cohort is accounted without replacement, between replace-one neighbours")
  func fixedSize() throws {
    let compiled = try CompiledPlan(makePlan(smallPlan, "sampling={fixedSize: {clientsPerRound: 10}}", "privacy.epsilon=100"))
    guard case .sampled(_, let scheme) = compiled.privacy?.roundEvent else {
      Issue.record("no sampling")
      return
    }
    #expect(scheme == .fixedSizeWithoutReplacement(cohortSize: 10, populationSize: 60))
    #expect(compiled.privacy?.accountant.neighboringRelation == .replaceOne)
  }

  @Test(
    "plans that cannot be carried out are refused with key and remedy",
    arguments: [
      (["privacy=null"], "privacy is missing"),
      (["privacy.neighboringRelation=zeroOut"], "counts of adaptive clipping are not covered"),
      (["privacy.accountant=gdp"], "privacy.accountant is gaussian, which has no bound for the rounds of this plan"),
      (["privacy.accountant=zeroConcentrated", "aggregation.gaussianAdaptive.noiseMultiplier=2"], "use the accountant “tightest”"),
      (["privacy.accountant=monte-carlo"], "privacy.accountant is monteCarlo"),
      (
        [
          "privacy.accountant=monteCarlo", "aggregation={gaussianFixed: {clippingNorm: 1, noiseMultiplier: 2}}", "privacy.epsilon=null",
        ], "privacy.accountant is monteCarlo"
      ),
      (["algorithm.weighting=examples"], "algorithm.weighting"),
      (["aggregation=mean"], "aggregation adds no noise"),
      (["sampling.poisson.clientsPerRound=61"], "sampling.clientsPerRound is 61, but there are 60 clients"),
      (["privacy.epsilon=null"], "privacy.epsilon is missing and so is the noise multiplier"),
      (["aggregation.gaussianAdaptive.noiseMultiplier=0.5", "privacy.epsilon=0.1"], "the first round alone spends"),
      (["privacy.epsilon=0.05"], "raise the standard deviation of the counts"),
      (["task.dataset=imagenet"], "imagenet"),
      (["task.model=mnist-logistic"], "classes"),
      (["task.partition.iid.clients=100000000"], "clients"),
      (["task.dataset=mnist-by-writer", "task.partition=natural"], "--data-dir"),
      (["task.dataset=fashion-mnist", "task.model=fashion-cnn", "task.dataDirectory=/nonexistent"], "/nonexistent"),
      (["task.dataset=fashion-mnist", "task.model=fashion-cnn", "task.partition=natural"], "fashion-mnist"),
      (["algorithm.clientBatchSize=1000000", "task.model=emnist-conv"], "batch"),
    ])
  func infeasible(changes: [String], message: String) throws {
    var node = try PlanNode(text: smallPlan, source: "plan.yaml")
    for change in changes { try node.set(change) }
    let plan = try TrainingPlan(node)
    let error = try #require(throws: TrainingError.self) {
      let compiled = try CompiledPlan(plan)
      _ = try PrivateTrainer(compiled)
    }
    #expect(error.description.contains(message), "\(error.description)")
  }

  @Test("accountants that bound the plan's rounds are taken by each of their names, calibrate to the budget, and are stored")
  func accountants() throws {
    let tightest = try #require(try CompiledPlan(makePlan(smallPlan, "privacy.epsilon=2")).plan.aggregation.noise)
    for (name, method) in [("rdp", AccountingMethod.renyi), ("renyi", .renyi)] {
      let compiled = try CompiledPlan(makePlan(smallPlan, "privacy.epsilon=2", "privacy.accountant=\(name)"))
      let event = try #require(compiled.privacy?.roundEvent)
      let bound = try #require(try compiled.privacy?.accountant.epsilon(of: event.repeated(4), delta: 1e-3))
      #expect(bound.method == method && bound.upper <= 2 && bound.upper > 1.9999, "\(name): \(bound)")
      #expect(try #require(compiled.plan.aggregation.noise) >= tightest * (1 - 1e-6), "\(name)")
      // The settled plan is stored and read again.
      let json = try CanonicalJSON.text(compiled.plan)
      #expect(try TrainingPlan(PlanNode(text: json, source: "json")) == compiled.plan)
    }
    for name in ["grid", "pld"] {
      let plan = try makePlan(smallPlan, "privacy.accountant=\(name)", "aggregation.gaussianAdaptive.noiseMultiplier=2")
      #expect(plan.privacy?.accountant == .grid)
      let compiled = try CompiledPlan(plan)
      let event = try #require(compiled.privacy?.roundEvent)
      #expect(try compiled.privacy?.accountant.epsilon(of: event, delta: 1e-3).method == .grid)
    }
    // The contour alone has no answer for rounds as few as these; the plan is taken.
    let contour = try makePlan(
      smallPlan, "privacy.accountant=contour", "privacy.epsilon=null", "aggregation.gaussianAdaptive.noiseMultiplier=2")
    #expect(try CompiledPlan(contour).privacy?.accountant.choice == .contour)
    // Where everybody takes part the rounds are Gaussians.
    for (name, method) in [("gdp", AccountingMethod.analyticGaussian), ("zcdp", .renyi)] {
      let compiled = try CompiledPlan(makePlan(smallPlan, "privacy.accountant=\(name)", "sampling.poisson.clientsPerRound=60"))
      let event = try #require(compiled.privacy?.roundEvent)
      #expect(try compiled.privacy?.accountant.epsilon(of: event.repeated(4), delta: 1e-3).method == method)
    }
  }

  @Test("plans made in code are checked like plans that were read")
  func madeInCode() throws {
    var plan = try makePlan()
    plan.evaluation.everyRounds = 0
    #expect(throws: TrainingError.self) { try CompiledPlan(plan) }
    plan = try makePlan()
    plan.privacy?.delta = .nan
    #expect(throws: TrainingError.self) { try CompiledPlan(plan) }
  }

  @Test("a budget below the planned rounds and a careless δ are warned of")
  func warnings() throws {
    let short = try CompiledPlan(makePlan(smallPlan, "aggregation.gaussianAdaptive.noiseMultiplier=1", "algorithm.rounds=1000"))
    #expect(short.warnings.contains { $0.contains("of the 1000 planned rounds") })
    #expect(try CompiledPlan(makePlan(smallPlan, "privacy.delta=0.05")).warnings.contains { $0.contains("one over the 60 clients") })
    #expect(try CompiledPlan(makePlan()).warnings.isEmpty)
  }
}

extension AggregationPlan {
  /// The multiplier of adaptive clipping.
  fileprivate var noise: Double? {
    if case .gaussianAdaptive(let multiplier, _, _, _, _) = self { multiplier } else { nil }
  }
}
