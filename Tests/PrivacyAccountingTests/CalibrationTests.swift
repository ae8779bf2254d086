import Foundation
import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Calibration")
struct CalibrationTests {
  @Test("the noise multiplier is safe and minimal", arguments: [0.5, 1, 2, 8, 50])
  func noiseMultiplier(epsilon: Double) throws {
    func event(_ sigma: Double) -> PrivacyEvent { .gaussian(noiseMultiplier: sigma).sampled(.poisson(rate: 0.01)).repeated(1_000) }
    let target = PrivacyTarget(epsilon: epsilon, delta: 1e-5)
    let sigma = try Calibration.noiseMultiplier(for: target, event: event)
    #expect(try PrivacyAccountant().epsilon(of: event(sigma), delta: 1e-5).upper <= epsilon)
    #expect(try PrivacyAccountant().epsilon(of: event(sigma * (1 - 1e-8)), delta: 1e-5).upper > epsilon)
  }

  @Test("at least as good as the RDP calibration of peers: ε = 1, 2, 8 at q=0.01, T=1000, δ=1e-5")
  func againstPeers() throws {
    for (epsilon, peer) in [(1.0, 1.5131222), (2, 1.0222898), (8, 0.61585136)] {
      let sigma = try Calibration.noiseMultiplier(for: PrivacyTarget(epsilon: epsilon, delta: 1e-5)) {
        .gaussian(noiseMultiplier: $0).sampled(.poisson(rate: 0.01)).repeated(1_000)
      }
      #expect(sigma <= peer && sigma > 0.93 * peer)
    }
  }

  @Test("unsampled Gaussians calibrate to the closed form")
  func closedForm() throws {
    let target = PrivacyTarget(epsilon: 1, delta: 1e-5)
    let searched = try Calibration.noiseMultiplier(for: target) { .gaussian(noiseMultiplier: $0) }
    #expect(relativeDifference(searched, 3.73063163481594183225) < 1e-10)
    #expect(searched >= 3.7306316348159418)
  }

  @Test("rounds: the greatest number that meets the target")
  func rounds() throws {
    let round = PrivacyEvent.gaussian(noiseMultiplier: 1).sampled(.poisson(rate: 0.01))
    let target = PrivacyTarget(epsilon: 2, delta: 1e-5)
    let rounds = try Calibration.rounds(for: target, of: round)
    let curve = try PrivacyAccountant().curve(of: round)
    #expect(try curve.epsilon(afterRounds: rounds, delta: 1e-5).upper <= 2)
    #expect(try curve.epsilon(afterRounds: rounds + 1, delta: 1e-5).upper > 2)
    #expect(try Calibration.rounds(for: PrivacyTarget(epsilon: 0.01, delta: 1e-5), of: .gaussian(noiseMultiplier: 1)) == 0)
    #expect(try Calibration.rounds(for: target, maximum: 77, of: round) == 77)
    #expect(try Calibration.rounds(for: target, maximum: 1_000, of: .noOp) == 1_000)
  }

  @Test("the search ends at the least safe value: smooth, with a kink, a jump, a plateau, infinite or zero on a side")
  func search() throws {
    func least(_ start: Double = 1, _ excess: (Double) -> Double) throws -> (value: Double, asked: Int) {
      var asked = 0
      var safe: Set<Double> = []
      let value = try Calibration.leastSafe(in: 1e-3...1e7, start: start) { value throws(AccountingError) in
        asked += 1
        if excess(value) <= 1 { safe.insert(value) }
        return excess(value)
      } unreachable: {
        .tooManyCompositions
      }
      #expect(safe.contains(value) || value == 1e-3, "what is returned was seen to be safe")
      return (value, asked)
    }
    let root = 0.7368062997280773
    for (name, excess, greatestCount) in [
      ("power", { pow(root / $0, 3) }, 8), ("bent", { pow(root / $0, $0 > 0.9 ? 1 : 4) }, 12),
      ("exponential", { exp(30 * (root - $0)) }, 12), ("steep", { exp(1e5 * (root - $0)) }, 60),
      ("jump", { $0 < root ? 3 : 0.5 }, 60), ("plateau", { $0 < root ? 1 + 1e-15 : 1 }, 60),
      ("jump to 1", { $0 < root ? 3 : 1 }, 60),
      ("infinite below", { $0 < root ? .infinity : 0.9 }, 60), ("zero above", { $0 < root ? 1.5 : 0 }, 60),
      ("flat", { pow(root / $0, 1e-3) }, 12),
    ] as [(String, (Double) -> Double, Int)] {
      for start in [1, 0.001, 200, 1e7] {
        let found = try least(start, excess)
        #expect(found.value >= root * (1 - 1e-13) && found.value <= root * (1 + 3e-11), "\(name) from \(start): \(found)")
        #expect(found.asked <= greatestCount + 34, "\(name) from \(start): \(found)")
      }
      #expect(try least(1, excess).asked <= greatestCount, "\(name)")
    }
    #expect(try least { _ in 0.5 }.value == 1e-3)
    #expect(throws: AccountingError.tooManyCompositions) { try least { _ in 1.5 } }
    #expect(throws: AccountingError.tooManyCompositions) { try least { _ in .infinity } }
  }

  @Test("sampling rate: safe and maximal, 1 where sampling is not needed")
  func samplingRate() throws {
    func event(_ rate: Double) -> PrivacyEvent { .gaussian(noiseMultiplier: 1).sampled(.poisson(rate: rate)).repeated(1_000) }
    let target = PrivacyTarget(epsilon: 2, delta: 1e-5)
    let rate = try Calibration.samplingRate(for: target, event: event)
    #expect(try PrivacyAccountant().epsilon(of: event(rate), delta: 1e-5).upper <= 2)
    #expect(try PrivacyAccountant().epsilon(of: event(rate * 1.000001), delta: 1e-5).upper > 2)
    #expect(
      try Calibration.samplingRate(for: PrivacyTarget(epsilon: 10, delta: 1e-5)) {
        .gaussian(noiseMultiplier: 1).sampled(.poisson(rate: $0))
      } == 1)
  }

  @Test("an unreachable target and meaningless targets are errors that say what to do")
  func errors() throws {
    #expect {
      try Calibration.noiseMultiplier(for: PrivacyTarget(epsilon: 1, delta: 1e-5)) {
        .composed([.gaussian(noiseMultiplier: $0), .pureDP(epsilon: 3)])
      }
    } throws: { String(describing: $0).contains("noise multiplier") }
    for (epsilon, delta) in [(0, 1e-5), (-1, 1e-5), (.nan, 1e-5), (.infinity, 1e-5), (1, 0), (1, 1), (1, .nan)] as [(Double, Double)] {
      #expect(throws: AccountingError.self) {
        try Calibration.noiseMultiplier(for: PrivacyTarget(epsilon: epsilon, delta: delta)) { .gaussian(noiseMultiplier: $0) }
      }
    }
  }
}
