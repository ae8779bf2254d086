import SecureNoise

/// A stand-in for EMNIST by writer that needs no file: 62 classes of 28 × 28 drawings, made when they are asked for.
///
/// Each class has one drawing. Each client has a hand: a shift, a strength of ink, a number of examples between 20
/// and 180, and ten favourite classes that half of its examples come from. Each example adds a small shift and
/// noise. The data are the same bits on every machine. They are easy to learn, and results on them say nothing about
/// real handwriting.
public struct SyntheticEMNIST: ClientData {
  /// Which people: the two groups share the classes and nothing else.
  public enum Split: UInt64, Sendable {
    case train = 1
    case test = 2
  }

  /// Largest number of clients.
  public static let mostClients = 1_000_000

  /// Seed of the people; the classes do not depend on it.
  public let seed: UInt64
  /// Which people.
  public let split: Split
  private let exampleCounts: [Int32]

  /// `clientCount` synthetic writers.
  ///
  /// - Throws: ``DatasetError/invalidParameter(name:value:requirement:)`` unless there are 1 to 1,000,000 clients.
  public init(clientCount: Int, split: Split = .train, seed: UInt64 = 0) throws(DatasetError) {
    guard clientCount >= 1 && clientCount <= Self.mostClients else {
      throw .invalidParameter(
        name: "clientCount", value: "\(clientCount)", requirement: "between 1 and \(Self.mostClients)")
    }
    self.seed = seed
    self.split = split
    // Sizes have a stream of their own, so that they are known without making an example.
    let random = RandomSource.simulation(seed: seed, purpose: .synthesis, round: split.rawValue, client: .max)
    exampleCounts = (0..<clientCount).map { _ in 20 + Int32(random.uniformInteger(below: 161)) }
  }

  public var clientCount: Int { exampleCounts.count }
  public var exampleShape: [Int] { [SyntheticGlyphs.side, SyntheticGlyphs.side, 1] }
  public var classCount: Int { SyntheticGlyphs.classCount }
  public func clientID(_ index: Int) -> String { "synthetic-\(split == .train ? "train" : "test")-\(index)" }
  public func exampleCount(ofClient index: Int) -> Int { Int(exampleCounts[index]) }

  public func examples(ofClient index: Int) throws(DatasetError) -> ExampleSet {
    let (pixels, labels) = try images(ofClient: index)
    return ExampleSet(features: pixels.map { Float($0) / 255 }, labels: labels)
  }

  /// The examples of a client as bytes.
  func images(ofClient index: Int) throws(DatasetError) -> (pixels: [UInt8], labels: [Int32]) {
    try checkClient(index)
    let random = RandomSource.simulation(
      seed: seed, purpose: .synthesis, round: split.rawValue, client: UInt64(index))
    let hand = (x: shift(2, random), y: shift(2, random), ink: 160 + random.uniformInteger(below: 96 as UInt64))
    var classes = Array(0..<classCount)
    random.shuffle(&classes)
    let favourites = classes.prefix(10)

    var pixels: [UInt8] = []
    var labels: [Int32] = []
    for _ in 0..<exampleCount(ofClient: index) {
      let label =
        random.uniformInteger(below: 2) == 0
        ? favourites[random.uniformInteger(below: favourites.count)] : random.uniformInteger(below: classCount)
      labels.append(Int32(label))
      append(
        SyntheticGlyphs.drawings[label], x: hand.x + shift(1, random), y: hand.y + shift(1, random), ink: hand.ink,
        to: &pixels, random)
    }
    return (pixels, labels)
  }

  /// A uniform integer in `-most...most`.
  private func shift(_ most: Int, _ random: RandomSource) -> Int { random.uniformInteger(below: 2 * most + 1) - most }

  /// Appends a drawing, shifted, dimmed to `ink` of 255 and with noise of 0 to 31 added.
  private func append(
    _ drawing: [UInt8], x: Int, y: Int, ink: UInt64, to pixels: inout [UInt8], _ random: RandomSource
  ) {
    let side = SyntheticGlyphs.side
    var noise: UInt64 = 0
    for pixel in 0..<side * side {
      // One draw gives the noise of eight pixels.
      if pixel.isMultiple(of: 8) { noise = random.nextUInt64() }
      let row = pixel / side - y
      let column = pixel % side - x
      let inside = row >= 0 && row < side && column >= 0 && column < side
      let value = inside ? UInt64(drawing[row * side + column]) * ink / 255 : 0
      pixels.append(UInt8(min(255, value + noise & 31)))
      noise >>= 8
    }
  }
}
