// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "epsilon",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "epsilon", targets: ["epsilon"]),
    .library(name: "FederatedDatasets", targets: ["FederatedDatasets"]),
    .library(name: "FederatedLearning", targets: ["FederatedLearning"]),
    .library(name: "NeuralNetworks", targets: ["NeuralNetworks"]),
    .library(name: "PrivacyReports", targets: ["PrivacyReports"]),
    .library(name: "PrivateTraining", targets: ["PrivateTraining"]),
    .library(name: "Aggregation", targets: ["Aggregation"]),
    .library(name: "ParameterVectors", targets: ["ParameterVectors"]),
    .library(name: "SecureNoise", targets: ["SecureNoise"]),
    .library(name: "PrivacyEvents", targets: ["PrivacyEvents"]),
    .library(name: "PrivacyAccounting", targets: ["PrivacyAccounting"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "PrivacyEvents", swiftSettings: settings),
    .target(name: "CGSL", linkerSettings: [.linkedLibrary("gsl"), .linkedLibrary("gslcblas"), .linkedLibrary("m")]),
    .target(name: "CFFTW", linkerSettings: [.linkedLibrary("fftw3")]),
    .target(name: "PrivacyAccounting", dependencies: ["PrivacyEvents", "CGSL", "CFFTW", "CVectorKernels"], swiftSettings: settings),
    .target(name: "CVectorKernels"),
    .target(name: "ParameterVectors", dependencies: ["CVectorKernels"], swiftSettings: settings),
    .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "SecureNoise", dependencies: ["COpenSSL"], swiftSettings: settings),
    .target(name: "Aggregation", dependencies: ["CFFTW", "ParameterVectors", "PrivacyEvents", "SecureNoise"], swiftSettings: settings),
    .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp"), .linkedLibrary("m")]),
    .target(name: "NeuralNetworks", dependencies: ["COneDNN", "ParameterVectors"], swiftSettings: settings),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(name: "FederatedDatasets", dependencies: ["CZlib", "PrivacyEvents", "SecureNoise"], swiftSettings: settings),
    .target(
      name: "FederatedLearning", dependencies: ["Aggregation", "FederatedDatasets", "NeuralNetworks", "ParameterVectors", "SecureNoise"],
      swiftSettings: settings),
    .target(
      name: "PrivateTraining",
      dependencies: [
        "Aggregation", "FederatedDatasets", "FederatedLearning", "NeuralNetworks", "ParameterVectors", "PrivacyAccounting", "PrivacyEvents",
        "SecureNoise", .product(name: "GRDB", package: "GRDB.swift"), "Yams",
      ], swiftSettings: settings),
    .target(name: "PrivacyReports", dependencies: ["PrivacyAccounting", "PrivacyEvents", "PrivateTraining"], swiftSettings: settings),
    .executableTarget(
      name: "epsilon",
      dependencies: [
        "FederatedDatasets", "NeuralNetworks", "PrivacyAccounting", "PrivacyEvents", "PrivacyReports", "PrivateTraining",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),
    .testTarget(name: "PrivacyEventsTests", dependencies: ["PrivacyEvents"], swiftSettings: settings),
    .testTarget(
      name: "PrivacyAccountingTests", dependencies: ["PrivacyAccounting", "PrivacyEvents"],
      resources: [.copy("Resources/accounting.json")], swiftSettings: settings),
    .testTarget(name: "ParameterVectorsTests", dependencies: ["CVectorKernels", "ParameterVectors"], swiftSettings: settings),
    .testTarget(name: "SecureNoiseTests", dependencies: ["SecureNoise"], swiftSettings: settings),
    .testTarget(
      name: "AggregationTests",
      dependencies: ["Aggregation", "ParameterVectors", "PrivacyAccounting", "PrivacyEvents", "SecureNoise"], swiftSettings: settings),
    .testTarget(name: "NeuralNetworksTests", dependencies: ["NeuralNetworks", "ParameterVectors"], swiftSettings: settings),
    .testTarget(
      name: "FederatedDatasetsTests", dependencies: ["FederatedDatasets", "PrivacyEvents", "SecureNoise"], swiftSettings: settings),
    .testTarget(
      name: "FederatedLearningTests",
      dependencies: ["Aggregation", "FederatedDatasets", "FederatedLearning", "NeuralNetworks", "SecureNoise"], swiftSettings: settings),
    .testTarget(
      name: "PrivateTrainingTests",
      dependencies: [
        "NeuralNetworks", "PrivacyAccounting", "PrivacyEvents", "PrivateTraining", "SecureNoise",
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: settings),
    .testTarget(
      name: "PrivacyReportsTests", dependencies: ["PrivacyAccounting", "PrivacyEvents", "PrivacyReports", "PrivateTraining"],
      swiftSettings: settings),
    .testTarget(name: "CommandTests", dependencies: ["epsilon"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)

// Documentation needs one more package, which no build should have to fetch: `make docs` sets this.
if Context.environment["EPSILON_DOCS"] != nil {
  package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
