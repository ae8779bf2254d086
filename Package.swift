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
  ],
  targets: [
    .target(name: "PrivacyEvents", swiftSettings: settings),
    .testTarget(name: "PrivacyEventsTests", dependencies: ["PrivacyEvents"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
