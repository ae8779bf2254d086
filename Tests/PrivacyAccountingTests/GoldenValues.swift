import Foundation
import Testing

/// Expected numbers, copied from the project's golden file: 22 digits by closed forms and 34-digit quadrature (mpmath).
struct GoldenValues: Decodable {
  struct Gaussian: Decodable {
    let given: String
    let sigma: String
    let epsilon: String
    let delta: String
  }
  struct SampledGaussianOrder: Decodable, CustomTestStringConvertible {
    let q: String
    let sigma: String
    let alpha: String
    let rdp: String
    var testDescription: String { "q=\(q) σ=\(sigma) α=\(alpha)" }
  }
  struct Composition: Decodable {
    struct Part: Decodable {
      let q: String
      let sigma: String
      let steps: Int

      enum CodingKeys: CodingKey { case q, sigma, steps }
      init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String {
          if let text = try? values.decode(String.self, forKey: key) { return text }
          return String(try values.decode(Double.self, forKey: key))
        }
        (q, sigma) = (try text(.q), try text(.sigma))
        steps = try values.decode(Int.self, forKey: .steps)
      }
    }
    let name: String
    let parameters: [Part]?
    let delta: String
    let epsilon: String
    let epsilon_lower: String?
    let epsilon_upper: String?
  }

  let gaussian: [Gaussian]
  let rdp_subsampled_gaussian: [SampledGaussianOrder]
  let epsilon_cases: [Composition]

  static let shared: GoldenValues = {
    guard let url = Bundle.module.url(forResource: "accounting", withExtension: "json") else {
      preconditionFailure("the test resource accounting.json is missing from the bundle")
    }
    do { return try JSONDecoder().decode(GoldenValues.self, from: Data(contentsOf: url)) } catch {
      preconditionFailure("accounting.json: \(error)")
    }
  }()

  /// A number written as a decimal or as a fraction a/b.
  static func number(_ text: String) throws -> Double {
    let parts = text.split(separator: "/")
    let numerator = try #require(parts.first.flatMap { Double($0) })
    guard parts.count == 2 else { return numerator }
    return numerator / (try #require(Double(parts[1])))
  }
}

/// |a − b| relative to the larger, 0 when both are 0.
func relativeDifference(_ a: Double, _ b: Double) -> Double { a == b ? 0 : abs(a - b) / max(abs(a), abs(b)) }
