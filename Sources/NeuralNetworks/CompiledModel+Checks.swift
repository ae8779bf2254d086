extension CompiledModel {
  func checkBatch(_ count: Int) throws(NeuralNetworkError) {
    guard count >= 1 else { throw .emptyBatch }
    guard count <= batchSize else { throw .batchTooLarge(count: count, batchSize: batchSize) }
  }

  func checkBuffers(parameters: [Float], features: [Float], labels: [Int32]) throws(NeuralNetworkError) {
    try checkCount(parameters.count, parameterCount, "parameters")
    let (expected, overflow) = labels.count.multipliedReportingOverflow(by: exampleSize)
    guard !overflow, features.count == expected else {
      throw .wrongCount(buffer: "features", expected: expected, actual: features.count)
    }
  }

  func checkCount(_ actual: Int, _ expected: Int, _ buffer: String) throws(NeuralNetworkError) {
    guard actual == expected else { throw .wrongCount(buffer: buffer, expected: expected, actual: actual) }
  }

  func checkExamples(_ examples: Range<Int>, labels: [Int32]) throws(NeuralNetworkError) {
    guard examples.lowerBound >= 0 else { throw .exampleOutOfRange(index: examples.lowerBound, exampleCount: labels.count) }
    guard examples.upperBound <= labels.count else {
      throw .exampleOutOfRange(index: examples.upperBound - 1, exampleCount: labels.count)
    }
    for example in examples { try checkLabel(labels, at: example) }
  }

  func checkIndices(_ indices: ArraySlice<Int32>, labels: [Int32]) throws(NeuralNetworkError) {
    for index in indices {
      guard index >= 0, Int(index) < labels.count else { throw .exampleOutOfRange(index: Int(index), exampleCount: labels.count) }
      try checkLabel(labels, at: Int(index))
    }
  }

  private func checkLabel(_ labels: [Int32], at example: Int) throws(NeuralNetworkError) {
    guard labels[example] >= 0, Int(labels[example]) < classCount else {
      throw .labelOutOfRange(example: example, classCount: classCount)
    }
  }
}
