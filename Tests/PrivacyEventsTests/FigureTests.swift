import Foundation
import PrivacyEvents
import Testing

@Suite("Figures as text")
struct FigureTests {
  @Test("figures are rounded up, never to a better guarantee")
  func figures() {
    for value in [0.10001, 1.23451, 7.99999999, 0.0123456789, 3.000000001, 12345.00001, 1e-7 / 3] {
      let shown = Double(Figure.up(value)) ?? -1
      #expect(shown >= value && shown <= value * 1.002, "\(value) \(shown)")
      #expect((Double(Figure.upSignificant(value)) ?? -1) >= value)
      for below in [Figure.down(value), Figure.noise(value)].map({ Double($0) ?? -1 }) {
        #expect(below <= value && below >= value * 0.998, "\(value) \(below)")
      }
      #expect(Double(Figure.exact(value)) == value)
    }
    #expect(Figure.down(7.99999999) == "7.9999" && Figure.exact(1e-5) == "1e-5" && Figure.exact(1.23456e-5) == "1.23456e-5")
    // One step above a number of few digits.
    for value in [0.7, 1.1, 3.3, 8.1, 4.7, 0.3].map(\.nextUp) {
      #expect((Double(Figure.up(value)) ?? -1) >= value && (Double(Figure.upSignificant(value)) ?? -1) >= value, "\(value)")
    }
    for value in [1.2341e-5, 9.9999e-7, 3e-300] { #expect((Double(Figure.scientificUp(value)) ?? -1) >= value) }
    #expect(Figure.interval(lower: 1.8282366661, upper: 1.8282366669) == "[1.828236666, 1.828236667]")
    #expect(Figure.interval(lower: 0, upper: 1.23456e-12, decimals: 3) == "[0, 1.235e-12]")
    #expect(Figure.interval(lower: 9.9996e-12, upper: 9.9996e-12, decimals: 3) == "[9.999e-12, 1.000e-11]")
    #expect(
      Figure.interval(lower: 0.5, upper: 0.5, decimals: 1) == "[0.5, 0.5]"
        && Figure.interval(lower: 1, upper: .infinity, decimals: 0) == "[1, ∞]")
    #expect(Figure.up(8) == "8" && Figure.up(.infinity) == "∞" && Figure.plain(1e-5) == "1e-5" && Figure.plain(0.25) == "0.25")
    #expect(Figure.up(2.1013221312354724, decimals: 6) == "2.101323")
    #expect(Figure.percent(0.9124) == "91.2 %")
    // Noise down, sensitivities up, without zeros at the end.
    #expect(Figure.noise(12.34567891) == "12.3456" && Figure.noise(3) == "3" && Figure.noise(1.23456789e-7) == "0.000000123456")
    #expect(Figure.sensitivity(1.00000049) == "1.00001" && Figure.sensitivity(0.5) == "0.5" && Figure.sensitivity(2) == "2")
    #expect(Figure.noise(0) == "0" && Figure.noise(.infinity) == Figure.plain(.infinity) && Figure.sensitivity(.nan) == Figure.plain(.nan))
  }
}
