/// The data sets that Epsilon knows by name.
public enum DatasetCatalogue {
  static let imageFiles = [
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
  ]
  static let writerFiles = ["train-writers-idx1-int", "t10k-writers-idx1-int"]

  /// All data sets.
  public static let entries: [DatasetEntry] = DatasetName.allCases.map { entry($0) }

  /// What is known about a data set.
  public static func entry(_ name: DatasetName) -> DatasetEntry {
    switch name {
    case .fashionMNIST:
      DatasetEntry(
        name: name, summary: "Fashion-MNIST: 70,000 grey images of clothes in 10 classes; no users",
        exampleShape: [28, 28, 1], classCount: 10, hasNaturalPartition: false,
        defaultDirectory: "/usr/share/datasets/fashion-mnist", files: imageFiles,
        source: "Xiao, Rasul, Vollgraf 2017 (arXiv:1708.07747); Debian package dataset-fashion-mnist", licence: "MIT",
        remedy: "Install the package dataset-fashion-mnist (apt-get install dataset-fashion-mnist) or pass --data-dir.")
    case .mnistByWriter:
      DatasetEntry(
        name: name, summary: "MNIST with the writer of each digit: 539 training and 297 test writers, disjoint",
        exampleShape: [28, 28, 1], classCount: 10, hasNaturalPartition: true, defaultDirectory: nil,
        files: imageFiles + writerFiles,
        source: "LeCun, Cortes, Burges 1998; writers from QMNIST (Yadav, Bottou 2019, arXiv:1905.10498)",
        licence: "CC BY-SA 3.0 (MNIST), BSD-3-Clause (QMNIST labels)",
        remedy: """
          Pass --data-dir with a directory that holds the four MNIST files and the writers of the images as \
          train-writers-idx1-int and t10k-writers-idx1-int (column 2 of QMNIST's labels), each with or without .gz.
          """)
    case .mnist:
      DatasetEntry(
        name: name, summary: "MNIST: 70,000 handwritten digits in 10 classes; no users", exampleShape: [28, 28, 1],
        classCount: 10, hasNaturalPartition: false, defaultDirectory: nil, files: imageFiles,
        source: "LeCun, Cortes, Burges 1998", licence: "CC BY-SA 3.0",
        remedy: "Pass --data-dir with a directory that holds the four MNIST files, each with or without .gz.")
    case .syntheticEMNIST:
      DatasetEntry(
        name: name, summary: "Synthetic drawings in EMNIST's shape: 62 classes, made on demand; for tests and benchmarks",
        exampleShape: [28, 28, 1], classCount: 62, hasNaturalPartition: true, defaultDirectory: nil, files: [],
        source: "made by Epsilon, no files", licence: "that of Epsilon", remedy: "Nothing has to be installed.")
    }
  }
}
