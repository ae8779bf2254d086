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
    .library(name: "PrivacyEvents", targets: ["PrivacyEvents"]),
    .library(name: "PrivacyAccounting", targets: ["PrivacyAccounting"]),
  ],
  targets: [
    .target(name: "PrivacyEvents", swiftSettings: settings),
    .target(name: "CGSL", linkerSettings: [.linkedLibrary("gsl"), .linkedLibrary("gslcblas"), .linkedLibrary("m")]),
    .target(name: "PrivacyAccounting", dependencies: ["PrivacyEvents", "CGSL"], swiftSettings: settings),
    .testTarget(name: "PrivacyEventsTests", dependencies: ["PrivacyEvents"], swiftSettings: settings),
    .testTarget(
      name: "PrivacyAccountingTests", dependencies: ["PrivacyAccounting", "PrivacyEvents"],
      resources: [.copy("Resources/accounting.json")], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
