import SecureNoise

extension DatasetCatalogue {
  /// Reads a data set and deals it out to clients.
  ///
  /// - Throws: ``DatasetError`` if files are missing or unsound, the partition does not fit the data, or people
  ///   appear on both sides.
  public static func load(_ request: DatasetRequest) throws(DatasetError) -> FederatedDataset {
    let entry = entry(request.name)
    // A partition that cannot be is refused before any file is read.
    if request.partition == .natural {
      guard entry.hasNaturalPartition else { throw .noNaturalPartition(dataset: entry.name.rawValue) }
    } else {
      _ = try request.partition.partitioner(owners: nil, dataset: entry.name.rawValue)
    }
    if request.name == .syntheticEMNIST { return try loadSynthetic(entry, request) }

    guard let directory = request.dataDirectory ?? entry.defaultDirectory else {
      throw .directoryRequired(name: entry.name.rawValue, remedy: entry.remedy)
    }
    let paths = try paths(of: entry, in: directory)
    let train = try LabeledImages(images: paths[0], labels: paths[1], classCount: entry.classCount)
    let test = try LabeledImages(images: paths[2], labels: paths[3], classCount: entry.classCount)
    guard train.height == test.height && train.width == test.width else {
      throw .unexpectedContent(
        path: paths[2], expected: "images of \(train.height) × \(train.width) pixels like the training file",
        found: "images of \(test.height) × \(test.width)")
    }
    var owners: (train: [Int32], test: [Int32])?
    if request.partition == .natural {
      let read = (train: try LabelChecks.read(paths[4]), test: try LabelChecks.read(paths[5]))
      let shared = Set(read.train).intersection(read.test)
      if !shared.isEmpty { throw .overlappingPopulations(path: paths[5], people: shared.count) }
      owners = read
    }
    return try deal(entry, request, train: train, test: test, owners: owners)
  }

  /// Where the files of a data set are, each plain or with `.gz`.
  private static func paths(of entry: DatasetEntry, in directory: String) throws(DatasetError) -> [String] {
    var paths: [String] = []
    for file in entry.files {
      let plain = FileReading.join(directory, file)
      guard let path = [plain, plain + ".gz"].first(where: { FileReading.isDirectory($0) == false }) else {
        throw .missingDataset(
          name: entry.name.rawValue, directory: directory, file: file + "[.gz]", remedy: entry.remedy)
      }
      paths.append(path)
    }
    return paths
  }

  private static func deal(
    _ entry: DatasetEntry, _ request: DatasetRequest, train: LabeledImages, test: LabeledImages,
    owners: (train: [Int32], test: [Int32])?
  ) throws(DatasetError) -> FederatedDataset {
    let testScheme = request.partition.scaled(toExamples: test.count, from: train.count)
    func clients(
      _ images: LabeledImages, _ scheme: PartitionScheme, _ owners: [Int32]?, file: UInt64, prefix: String
    ) throws(DatasetError) -> PartitionedImages {
      let partition = try scheme.partitioner(owners: owners, dataset: entry.name.rawValue).partition(
        labels: images.labels, classCount: images.classCount,
        using: .simulation(seed: request.seed, purpose: .partition, round: file))
      // Real people keep their names; simulated ones get names that tell the two files apart.
      return try PartitionedImages(images: images, partition: owners == nil ? partition.prefixed(prefix) : partition)
    }
    return FederatedDataset(
      entry: entry,
      train: try clients(train, request.partition, owners?.train, file: 0, prefix: "train-"),
      test: try clients(test, testScheme, owners?.test, file: 1, prefix: "test-"),
      trainPartition: request.partition, testPartition: testScheme)
  }

  private static func loadSynthetic(
    _ entry: DatasetEntry, _ request: DatasetRequest
  ) throws(DatasetError) -> FederatedDataset {
    if request.partition == .natural {
      return FederatedDataset(
        entry: entry,
        train: try SyntheticEMNIST(clientCount: request.syntheticClients, split: .train, seed: request.seed),
        test: try SyntheticEMNIST(
          clientCount: max(1, request.syntheticClients / 10), split: .test, seed: request.seed),
        trainPartition: .natural, testPartition: .natural)
    }
    // The examples of 200 and 40 synthetic people (about 20,000 and 4,000) are pooled and dealt out anew.
    return try deal(
      entry, request, train: try pool(SyntheticEMNIST(clientCount: 200, split: .train, seed: request.seed)),
      test: try pool(SyntheticEMNIST(clientCount: 40, split: .test, seed: request.seed)), owners: nil)
  }

  private static func pool(_ data: SyntheticEMNIST) throws(DatasetError) -> LabeledImages {
    var pixels: [UInt8] = []
    var labels: [Int32] = []
    for client in 0..<data.clientCount {
      let images = try data.images(ofClient: client)
      pixels += images.pixels
      labels += images.labels
    }
    return try LabeledImages(
      pixels: pixels, height: data.exampleShape[0], width: data.exampleShape[1], labels: labels,
      classCount: data.classCount)
  }
}
