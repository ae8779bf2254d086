// Calibrate a noise multiplier, account for what it buys, and look at a whole curve.
import PrivacyAccounting
import PrivacyEvents

let target = PrivacyTarget(epsilon: 2, delta: 1e-5)
let noiseMultiplier = try Calibration.noiseMultiplier(for: target) {
  .gaussian(noiseMultiplier: $0).sampled(.poisson(rate: 0.01)).repeated(1_000)
}
let round = PrivacyEvent.gaussian(noiseMultiplier: noiseMultiplier).sampled(.poisson(rate: 0.01))
let bound = try PrivacyAccountant().epsilon(of: round.repeated(1_000), delta: 1e-5)
print("noise multiplier", noiseMultiplier, "gives ε ≤", bound.upper, "by", bound.method)

let curve = try PrivacyAccountant().curve(of: round)
for rounds in [100, 500, 1_000] {
  print(rounds, try curve.epsilon(afterRounds: rounds, delta: 1e-5).upper)
}
