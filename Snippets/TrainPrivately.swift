// Train a small model on synthetic data under a privacy budget, and look at every round.
import PrivateTraining

let node = try PlanNode(
  text: """
    name: snippet
    task: {dataset: synthetic-emnist, partition: {iid: {clients: 100}}, model: emnist-logistic}
    algorithm: {rounds: 3, clientLearningRate: 0.1}
    sampling: {poisson: {clientsPerRound: 50}}
    aggregation: {gaussianAdaptive: {initialClippingNorm: 0.5}}
    privacy: {epsilon: 8, delta: 1e-3}
    """, source: "snippet")
let trainer = try PrivateTrainer(CompiledPlan(TrainingPlan(node)))
for try await round in trainer.rounds() {
  print(round.round, "accuracy", round.metrics?.testAccuracy ?? 0, "ε ≤", round.epsilon?.upper ?? 0)
}
