/// What a reproducible stream is for. Streams of different purposes are independent, so that drawing more numbers
/// for one never shifts another. The raw value is part of a stream's key and must not change.
public enum StreamPurpose: String, CaseIterable, Hashable, Sendable {
  /// First values of a model's parameters.
  case modelInitialisation = "model-initialisation"
  /// Dealing examples out to simulated clients.
  case partition
  /// Choosing the clients of a round, in simulations without privacy.
  case clientSampling = "client-sampling"
  /// Dealing clients out to the rounds of a cycle.
  case cohortParts = "cohort-parts"
  /// Order of a client's examples and other randomness of its training.
  case clientTraining = "client-training"
  /// Noise of tests that must be reproducible.
  case noise
  /// Units dropped during training.
  case dropout
  /// Synthetic examples.
  case synthesis
  /// Signs and permutations of a random rotation.
  case rotation
  /// Randomised rounding.
  case rounding
  /// Choosing examples or clients for an evaluation.
  case evaluation
  /// Anything a test needs.
  case testing
}
