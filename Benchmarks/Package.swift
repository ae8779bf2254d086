// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// A package of its own, so that nobody who builds Epsilon builds its benchmarks. The name given here is what products are looked up
// by; without it that would be the name of the folder that the clone happens to lie in.
let package = Package(
  name: "epsilon-benchmarks",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "epsilon-bench", targets: ["epsilon-bench"])],
  dependencies: [.package(name: "epsilon", path: "..")],
  targets: [
    .target(name: "CMachineLimits"),
    .executableTarget(
      name: "epsilon-bench",
      dependencies: [
        "CMachineLimits",
        .product(name: "Aggregation", package: "epsilon"),
        .product(name: "FederatedDatasets", package: "epsilon"),
        .product(name: "FederatedLearning", package: "epsilon"),
        .product(name: "NeuralNetworks", package: "epsilon"),
        .product(name: "ParameterVectors", package: "epsilon"),
        .product(name: "PrivacyAccounting", package: "epsilon"),
        .product(name: "PrivacyEvents", package: "epsilon"),
        .product(name: "SecureNoise", package: "epsilon"),
      ], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
