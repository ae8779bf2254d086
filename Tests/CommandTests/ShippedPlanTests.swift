import Foundation
import Testing

@Suite("Plans that are shipped")
struct ShippedPlanTests {
  private static let plans = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Plans").path
  private static let aggregators = ["robust", "compression", "entropy", "secure", "dp", "ddp", "tree", "banded", "blt"]

  @Test(
    "a plan for every aggregator trains on Fashion-MNIST, and its run can be reported",
    .enabled(
      if: FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"),
      "dataset-fashion-mnist is not installed"), arguments: aggregators)
  func trains(aggregator: String) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("epsilon-plan-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(Self.plans)/fashion-mnist-\(aggregator).yaml"
    let training = try epsilon("train", path, "--rounds", "2", "--run-dir", folder)
    #expect(training.status == 0 && training.output.contains("completed after 2 of 2 rounds"), "\(training.errors)")
    let report = try epsilon("report", folder)
    let isPrivate = try String(contentsOfFile: path, encoding: .utf8).contains("\nprivacy:")
    #expect(report.status == 0 && report.output.contains(isPrivate ? "δ = 1e-4)-differentially private" : "No privacy is guaranteed"))
  }
}
