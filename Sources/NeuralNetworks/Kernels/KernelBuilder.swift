/// Turns layers into kernels, one after the other, joining what is cheaper together.
final class KernelBuilder {
  let engine: KernelEngine
  let input: ActivationBuffer
  private(set) var current: ActivationBuffer
  private(set) var kernels: [any LayerKernel] = []
  /// The first kernel with parameters; the way back ends there.
  private(set) var firstTrained: Int?
  /// `current` was rectified by the kernel that made it, and no kernel takes that derivative yet.
  private var derivativeIsOwed = false

  init(input shape: LayerShape, batchSize: Int) throws(NeuralNetworkError) {
    engine = try KernelEngine()
    input = try ActivationBuffer(shape, examples: batchSize, engine: engine)
    current = input
  }

  func appendConvolution(filters: Int, kernel: Int, weights: Int, bias: Int, rectify: Bool) throws(NeuralNetworkError) {
    settleDerivative()
    let made = try ConvolutionKernel(
      engine: engine, source: current, filters: filters, kernel: kernel, weights: weights, bias: bias, rectify: rectify,
      sourceGradient: firstTrained != nil)
    appendTrained(made, output: made.output, rectified: rectify)
  }

  func appendDense(units: Int, weights: Int, bias: Int, rectify: Bool) throws(NeuralNetworkError) {
    try makePlain()
    settleDerivative()
    let made = try DenseKernel(
      engine: engine, source: current, units: units, weights: weights, bias: bias, rectify: rectify, sourceGradient: firstTrained != nil)
    appendTrained(made, output: made.output, rectified: rectify)
  }

  func appendMaxPool(size: Int) throws(NeuralNetworkError) {
    let made = try MaxPoolKernel(engine: engine, source: current, size: size, sourceIsRectified: derivativeIsOwed)
    derivativeIsOwed = false
    append(made, output: made.output)
  }

  func appendReLU() {
    settleDerivative()
    append(RectifierKernel(target: current, derivativeOnly: false), output: current)
  }

  func appendDropout(rate: Double, stream: UInt64) throws(NeuralNetworkError) {
    try makePlain()
    settleDerivative()
    append(DropoutKernel(target: current, rate: rate, stream: stream), output: current)
  }

  /// Makes `current` plain, channels last.
  func makePlain() throws(NeuralNetworkError) {
    guard !current.isPlain else { return }
    settleDerivative()
    let made = try LayoutChangeKernel(engine: engine, source: current)
    append(made, output: made.output)
  }

  /// Places the derivative of max(0, ·) behind the kernel that applied it.
  func settleDerivative() {
    guard derivativeIsOwed else { return }
    derivativeIsOwed = false
    append(RectifierKernel(target: current, derivativeOnly: true), output: current)
  }

  private func appendTrained(_ kernel: any LayerKernel, output: ActivationBuffer, rectified: Bool) {
    firstTrained = firstTrained ?? kernels.count
    append(kernel, output: output)
    derivativeIsOwed = rectified
  }

  private func append(_ kernel: any LayerKernel, output: ActivationBuffer) {
    kernels.append(kernel)
    current = output
  }
}
