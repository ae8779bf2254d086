import PrivacyAccounting
import PrivacyEvents
import Testing

@Suite("Certification by a second method")
struct CertificationTests {
  @Test("two intervals overlap if and only if they have a value in common, infinite ends included")
  func overlap() {
    func bound(_ lower: Double, _ upper: Double) -> PrivacyBound { PrivacyBound(lower: lower, upper: upper, method: .grid) }
    #expect(bound(1, 2).overlaps(bound(2, 3)) && bound(2, 3).overlaps(bound(1, 2)) && bound(1, 4).overlaps(bound(2, 3)))
    #expect(!bound(1, 2).overlaps(bound(2.0.nextUp, 3)) && !bound(3, 4).overlaps(bound(0, 1)))
    #expect(bound(.infinity, .infinity).overlaps(bound(.infinity, .infinity)) && !bound(.infinity, .infinity).overlaps(bound(0, 9)))
  }

  @Test("the certifying grid agrees with the exact ε of Gaussians, and refuses what has no privacy-loss distribution")
  func grid() throws {
    let accountant = PrivacyAccountant(choice: .renyi)
    let exact = try PrivacyAccountant().epsilon(of: .gaussian(noiseMultiplier: 4).repeated(4), delta: 1e-5)
    let grid = try accountant.certifyingCurve(of: .gaussian(noiseMultiplier: 4)).epsilon(afterRounds: 4, delta: 1e-5)
    #expect(grid.method == .grid && grid.overlaps(exact) && grid.upper - grid.lower < 1e-5)
    #expect(throws: AccountingError.self) { try accountant.certifyingCurve(of: .zeroConcentratedDP(rho: 1)) }
  }
}
