/// Grey images of one size with a class each, in memory as bytes.
public struct LabeledImages: Equatable, Sendable {
  /// Pixels of all images, `[count × height × width]`, row after row.
  public let pixels: [UInt8]
  /// Rows of an image.
  public let height: Int
  /// Columns of an image.
  public let width: Int
  /// Class of each image, in `0..<classCount`.
  public let labels: [Int32]
  /// Number of classes.
  public let classCount: Int

  /// Number of images.
  public var count: Int { labels.count }
  /// Number of pixels of one image.
  public var pixelsPerImage: Int { height * width }

  /// Images with labels.
  ///
  /// - Throws: ``DatasetError`` if the extents or the number of classes are not positive, the numbers of images and
  ///   labels differ, or a label is out of range.
  public init(
    pixels: [UInt8], height: Int, width: Int, labels: [Int32], classCount: Int
  ) throws(DatasetError) {
    guard height > 0, width > 0, height <= 1 << 15, width <= 1 << 15 else {
      throw .invalidImageSize(height: height, width: width)
    }
    let size = height * width
    guard pixels.count == size * labels.count else {
      // A remainder is an image of its own, so that the two counts in the message always differ.
      let images = (pixels.count + size - 1) / size
      throw .countMismatch(
        what: pixels.count.isMultiple(of: size) ? "images" : "images (the last one cut short)", count: images,
        other: "labels", otherCount: labels.count)
    }
    try LabelChecks.check(labels, classCount: classCount)
    self.pixels = pixels
    self.height = height
    self.width = width
    self.labels = labels
    self.classCount = classCount
  }

  /// Reads images and their labels from a pair of IDX files.
  ///
  /// - Parameters:
  ///   - images: path of a three-dimensional IDX file of bytes.
  ///   - labels: path of a one-dimensional IDX file of bytes or integers.
  ///   - classCount: number of classes.
  public init(images: String, labels: String, classCount: Int) throws(DatasetError) {
    let imageFile = try IDXFile(path: images)
    guard imageFile.dimensions.count == 3, case .bytes(let pixels) = imageFile.values else {
      throw .unexpectedContent(
        path: images, expected: "images, which are three-dimensional bytes", found: imageFile.shapeDescription)
    }
    try self.init(
      pixels: pixels, height: imageFile.dimensions[1], width: imageFile.dimensions[2],
      labels: try LabelChecks.read(labels), classCount: classCount)
  }

  /// The examples with the given indices, in that order.
  ///
  /// - Throws: ``DatasetError/exampleOutOfRange(client:example:exampleCount:)`` naming `client`.
  func examples(_ indices: [Int32], client: String) throws(DatasetError) -> ExampleSet {
    for index in indices where index < 0 || Int(index) >= count {
      throw .exampleOutOfRange(client: client, example: Int(index), exampleCount: count)
    }
    let size = pixelsPerImage
    let features = [Float](unsafeUninitializedCapacity: size * indices.count) { out, written in
      for (position, index) in indices.enumerated() {
        let source = Int(index) * size
        for offset in 0..<size { out[position * size + offset] = Float(pixels[source + offset]) / 255 }
      }
      written = size * indices.count
    }
    return ExampleSet(features: features, labels: indices.map { labels[Int($0)] })
  }
}
