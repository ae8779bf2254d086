import Foundation
import NeuralNetworks

/// Plain double-precision loops for every layer, written from the definitions and independent of the kernels under test.
struct ReferenceModel {
  let graph: ModelGraph
  /// nil: evaluation.
  let dropoutSeed: UInt64?

  /// Class scores of each of `count` examples.
  func logits(_ parameters: [Double], _ features: [Float], count: Int) -> [[Double]] {
    (0..<count).map { example in
      let size = features.count / count
      return forward(parameters, features[example * size..<(example + 1) * size].map(Double.init), slot: example)
    }
  }

  /// Mean softmax cross-entropy.
  func loss(_ parameters: [Double], _ features: [Float], _ labels: [Int32]) -> Double {
    let scores = logits(parameters, features, count: labels.count)
    let losses = zip(scores, labels).map { row, label in
      let largest = row.max() ?? 0
      return largest + log(row.reduce(0) { $0 + exp($1 - largest) }) - row[Int(label)]
    }
    return losses.reduce(0, +) / Double(labels.count)
  }

  /// Central differences of `loss` for the parameters at `positions`. With step 1e-5 in double precision, truncation is of the order of
  /// 1e-10 and rounding of 1e-11, both far below the single-precision error of what is tested.
  func gradient(_ parameters: [Float], _ features: [Float], _ labels: [Int32], at positions: [Int]) -> [Double] {
    var moved = parameters.map(Double.init)
    let step = 1e-5
    return positions.map { position in
      let start = moved[position]
      moved[position] = start + step
      let above = loss(moved, features, labels)
      moved[position] = start - step
      let below = loss(moved, features, labels)
      moved[position] = start
      return (above - below) / (2 * step)
    }
  }

  private func forward(_ parameters: [Double], _ input: [Double], slot: Int) -> [Double] {
    var values = input
    var shape = graph.inputShape
    var offset = 0
    for (index, layer) in graph.layers.enumerated() {
      switch layer {
      case .dense(let units):
        let inputs = values.count
        values = (0..<units).map { unit in
          (0..<inputs).reduce(parameters[offset + inputs * units + unit]) { $0 + values[$1] * parameters[offset + $1 * units + unit] }
        }
        offset += inputs * units + units
        shape = [units]
      case .conv2D(let filters, let kernel):
        values = convolve(values, shape, filters, kernel, parameters[offset...])
        offset += kernel * kernel * shape[2] * filters + filters
        shape = [shape[0] - kernel + 1, shape[1] - kernel + 1, filters]
      case .maxPool2D(let size):
        values = pool(values, shape, size)
        shape = [shape[0] / size, shape[1] / size, shape[2]]
      case .dropout(let rate):
        guard let dropoutSeed else { continue }
        let mask = ReferenceDropout(seed: dropoutSeed, layer: index, rate: rate)
        values = values.enumerated().map { mask.keeps(slot * values.count + $0) ? $1 / (1 - rate) : 0 }
      case .flatten:
        shape = [values.count]
      case .relu:
        values = values.map { max(0, $0) }
      }
    }
    return values
  }

  private func convolve(_ image: [Double], _ shape: [Int], _ filters: Int, _ kernel: Int, _ weights: ArraySlice<Double>) -> [Double] {
    let (height, width, channels) = (shape[0] - kernel + 1, shape[1] - kernel + 1, shape[2])
    let start = weights.startIndex
    var output = [Double](repeating: 0, count: height * width * filters)
    for y in 0..<height {
      for x in 0..<width {
        for filter in 0..<filters {
          var sum = weights[start + kernel * kernel * channels * filters + filter]
          for dy in 0..<kernel {
            for dx in 0..<kernel {
              for channel in 0..<channels {
                sum +=
                  image[((y + dy) * shape[1] + x + dx) * channels + channel]
                  * weights[start + ((dy * kernel + dx) * channels + channel) * filters + filter]
              }
            }
          }
          output[(y * width + x) * filters + filter] = sum
        }
      }
    }
    return output
  }

  private func pool(_ image: [Double], _ shape: [Int], _ size: Int) -> [Double] {
    let (height, width, channels) = (shape[0] / size, shape[1] / size, shape[2])
    var output = [Double](repeating: -.infinity, count: height * width * channels)
    for y in 0..<height * size {
      for x in 0..<width * size {
        for channel in 0..<channels {
          let target = ((y / size) * width + x / size) * channels + channel
          output[target] = max(output[target], image[(y * shape[1] + x) * channels + channel])
        }
      }
    }
    return output
  }
}

/// The published rule of which elements dropout keeps: a hash of (seed, layer, position in the batch).
struct ReferenceDropout {
  private let first: UInt32
  private let second: UInt32
  private let threshold: UInt32

  init(seed: UInt64, layer: Int, rate: Double) {
    let golden: UInt64 = 0x9E37_79B9_7F4A_7C15
    let key = Self.mix(Self.mix(seed &+ golden) &+ (UInt64(layer) + 1) &* golden)
    first = UInt32(truncatingIfNeeded: key)
    second = UInt32(truncatingIfNeeded: key >> 32)
    threshold = UInt32(rate * 0x1p32)
  }

  func keeps(_ position: Int) -> Bool {
    var x = UInt32(position) &* 0x9E37_79B1 &+ first
    x = (x ^ (x >> 16)) &* 0x21F0_AAAD
    x = ((x ^ (x >> 15)) &+ second) &* 0x735A_2D97
    x = (x ^ (x >> 15)) &* 0x846C_A68B
    return x ^ (x >> 16) >= threshold
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
