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
    .library(name: "Aggregation", targets: ["Aggregation"]),
    .library(name: "ParameterVectors", targets: ["ParameterVectors"]),
    .library(name: "SecureNoise", targets: ["SecureNoise"]),
    .library(name: "PrivacyEvents", targets: ["PrivacyEvents"]),
    .library(name: "PrivacyAccounting", targets: ["PrivacyAccounting"]),
  ],
  targets: [
    .target(name: "PrivacyEvents", swiftSettings: settings),
    .target(name: "CGSL", linkerSettings: [.linkedLibrary("gsl"), .linkedLibrary("gslcblas"), .linkedLibrary("m")]),
    .target(name: "PrivacyAccounting", dependencies: ["PrivacyEvents", "CGSL"], swiftSettings: settings),
    .target(name: "CVectorKernels"),
    .target(name: "ParameterVectors", dependencies: ["CVectorKernels"], swiftSettings: settings),
    .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "SecureNoise", dependencies: ["COpenSSL"], swiftSettings: settings),
    .target(name: "Aggregation", dependencies: ["ParameterVectors", "PrivacyEvents", "SecureNoise"], swiftSettings: settings),
    .testTarget(name: "PrivacyEventsTests", dependencies: ["PrivacyEvents"], swiftSettings: settings),
    .testTarget(
      name: "PrivacyAccountingTests", dependencies: ["PrivacyAccounting", "PrivacyEvents"],
      resources: [.copy("Resources/accounting.json")], swiftSettings: settings),
    .testTarget(name: "ParameterVectorsTests", dependencies: ["ParameterVectors"], swiftSettings: settings),
    .testTarget(name: "SecureNoiseTests", dependencies: ["SecureNoise"], swiftSettings: settings),
    .testTarget(
      name: "AggregationTests", dependencies: ["Aggregation", "PrivacyEvents", "SecureNoise"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
