import Foundation

/// δ(ε), ε(δ) and the atoms that a convolution gives.
extension ComposedGrid {
  /// A = Σ t e^(−θv) and D = Σ t e^(−θv)(1 − e^(−v)) over the losses kh = (node)h + v, v ≥ 0.
  private func sums(from node: Int) -> (a: Double, d: Double) {
    var (a, d) = (0.0, 0.0)
    var j = max(node - firstNode, 0)
    masses.withUnsafeBytes { bytes in
      let masses = bytes.assumingMemoryBound(to: Double.self)
      while j < size {
        // Blocks, so that the rounding of a long sum does not grow with its length.
        let count = min(size - j, Self.blockLength)
        let v = Double(firstNode + j - node) * spacing
        // With v + w, w inside the block: 1 − e^(−v−w) = (1 − e^(−v)) + e^(−v)(1 − e^(−w)), without cancellation.
        let (gone, left) = (-expm1(-v), exp(-v))
        var (lanesA, lanesD) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
        for group in 0..<count / 8 {
          let eight = bytes.loadUnaligned(fromByteOffset: 8 * (j + 8 * group), as: SIMD8<Double>.self)
          let terms = eight * decays[group]
          lanesA += terms
          lanesD += terms * rises[group]
        }
        var (blockA, blockD) = (lanesA.sum(), lanesD.sum())
        for i in (count & ~7)..<count {
          let term = masses[j + i] * decays[i / 8][i % 8]
          blockA += term
          blockD += term * rises[i / 8][i % 8]
        }
        let decay = exp(-theta * v)
        a += decay * blockA
        d += decay * (gone * blockA + left * blockD)
        j += count
        // What is left is at most e^(−θv) of mass 1.
        if theta * Double(firstNode + j - node) * spacing > 90 { break }
      }
    }
    return (a, d)
  }

  /// Rounding of `sums`: blocks of 512, and the exponents θv ≤ 90 + θh × 512, of which what matters is at most 90.
  private var sumRounding: Double { (1024 + 400 + Double(size) / 512) * unitRoundoff }

  /// Factor from the tilted sum at loss x to the probability.
  private func logFactor(_ x: Double) -> Double { logMoment - theta * x }

  private func rounding(_ x: Double) -> Double { relativeError + sumRounding + 4 * unitRoundoff * abs(theta * x) }

  /// δ at `epsilon`, rounded outward.
  func delta(_ epsilon: Double, upper: Bool) -> Double {
    let at = upper ? epsilon - lossError : epsilon + lossError
    let node = max(Int((at / spacing).rounded(.up)), firstNode)
    let (a, d) = sums(from: node)
    let gap = max(0, Double(node) * spacing - at)
    // Between nodes D(ε) = e^(−gap) D + (1 − e^(−gap)) A.
    let sum = (exp(-gap) * d - expm1(-gap) * a) * exp(-theta * gap)
    let error = sumError + exp(-88)
    let relative = rounding(at)
    let value = upper ? (sum + error) * (1 + relative) : (sum - error) * (1 - relative)
    let factor = logFactor(at)
    if upper { return (exp(factor) * max(0, value) + infinity * (1 + 8 * unitRoundoff)).nextUp }
    return max(0, exp(factor) * max(0, value) + infinity * (1 - 8 * unitRoundoff)).nextDown
  }

  /// ε at `delta`, rounded outward: above, the least ε found whose bound on δ is at most `delta`; below, the largest whose bound is
  /// at least that.
  func epsilon(_ delta: Double, upper: Bool) -> Double {
    let mass = delta - infinity * (upper ? 1 + 8 * unitRoundoff : 1 - 8 * unitRoundoff)
    guard mass > 0 else { return .infinity }
    let logTarget = log(mass) - logMoment
    // The target of the tilted sum at a node; the error term holds anywhere in the step below the node.
    func target(_ node: Int) -> Double {
      let x = Double(node) * spacing
      let relative = rounding(x) + 4 * unitRoundoff * abs(log(mass))
      let value = exp(min(700, logTarget + theta * x))
      let error = (sumError + exp(-88)) * exp(min(700, theta * spacing))
      return upper ? value * (1 - relative) - error : value * (1 + relative) + error
    }
    // D at the node below, from A and D at a node: D′ = e^(−(θ+1)h) D + e^(−θh)(1 − e^(−h)) A.
    let decay = exp(-theta * spacing)
    let (keep, gain) = (exp(-spacing) * decay, -expm1(-spacing) * decay)
    let bottom = max(firstNode, 0)
    var node = firstNode + size - 1
    guard node >= bottom else { return 0 }
    var a = masses[size - 1]
    var d = 0.0
    let growth = exp(theta * spacing)
    var threshold = target(node)
    while node > bottom {
      let (nextA, nextD) = (decay * a + masses[node - 1 - firstNode], keep * d + gain * a)
      node -= 1
      // Only a search: the exponential is refreshed now and then, and the crossing is verified below.
      threshold = node % 64 == 0 || threshold <= 0 ? target(node) : threshold / growth
      (a, d) = (nextA, nextD)
      if d > threshold { break }
    }
    // The crossing lies between this node and the one above it, or there is none above 0.
    node = min(node + 1, firstNode + size - 1)
    for _ in 0..<64 {
      let exact = sums(from: node)
      let wanted = target(node)
      if exact.d > wanted {
        // Above: not verified here, so look higher. Below: this node already reaches δ.
        if upper {
          node += 1
          if node >= firstNode + size { return .infinity }
          continue
        }
      } else if !upper && node > bottom {
        let lowerSums = sums(from: node - 1)
        if lowerSums.d <= target(node - 1) {
          node -= 1
          continue
        }
      }
      // D(node − f) = D + (1 − e^(−f))(A − D), in the scale of this node.
      let room = (wanted - exact.d) / (exact.a - exact.d)
      let step = exact.a > exact.d ? max(0, min(room < 1 ? -log1p(-room) : spacing, spacing)) : (upper ? spacing : 0)
      let x = Double(node) * spacing
      if upper { return max(0, (x - step * (1 - 1e-12) + lossError).nextUp) }
      let value = x - min(spacing, step * (1 + 1e-12)) - lossError
      return exact.d > wanted || lowerReaches(node, step, wanted, exact) ? max(0, value.nextDown) : 0
    }
    return upper ? .infinity : 0
  }

  private func lowerReaches(_ node: Int, _ step: Double, _ wanted: Double, _ sums: (a: Double, d: Double)) -> Bool {
    sums.d - expm1(-min(spacing, step * (1 + 1e-12))) * (sums.a - sums.d) >= wanted * (1 - 1e-13)
  }

  /// Node by node the best bounds of several tilts over one window, as one law.
  static func atoms(upper: [ComposedGrid], lower: [ComposedGrid]) -> LossAtoms {
    let grid = upper[0]
    var (high, low) = (LossAtoms.Table(atoms: [], infinity: 0), LossAtoms.Table(atoms: [], infinity: 0))
    var kept = 0.0
    for j in 0..<grid.size {
      let loss = Double(grid.firstNode + j) * grid.spacing
      // Aliases only add to the masses.
      var (most, least) = (1.0, 0.0)
      for g in upper {
        most = min(most, exp(g.logFactor(loss)) * (max(0, g.masses[j]) + g.massError) * (1 + g.rounding(loss)))
      }
      for g in lower {
        let mass = g.masses[j] - g.massError - g.outside.above - g.outside.below
        least = max(least, exp(g.logFactor(loss)) * max(0, mass) * (1 - g.rounding(loss)))
      }
      high.atoms.append(LossAtom(loss: loss, probability: most))
      if least > 0 { low.atoms.append(LossAtom(loss: loss, probability: min(least, most))) }
      kept += min(least, most)
    }
    // Losses above the window are infinite, those below are rounded up to its first node; P(L > x) = E_θ e^(ΣnK − θL) 1(L > x).
    let end = Double(grid.firstNode + grid.size) * grid.spacing
    var beyond = 1.0
    for g in upper { beyond = min(beyond, exp(g.logFactor(end)) * g.outside.above * (1 + g.rounding(end))) }
    let infinity = upper.reduce(1) { min($0, $1.infinity) } * (1 + 8 * unitRoundoff)
    high.infinity = min(1, infinity + beyond)
    low.infinity = lower.reduce(0) { max($0, $1.infinity) } * (1 - 8 * unitRoundoff)
    let missing = max(0, 1 - kept - low.infinity) + 1e-15
    high.atoms[0].probability = min(1, high.atoms[0].probability + missing)
    let lossError = (upper + lower).reduce(0) { max($0, $1.lossError) }
    return LossAtoms(
      upper: high, lower: low, relativeError: 8 * unitRoundoff, lossError: lossError, spacing: grid.spacing, coversQ: false)
  }
}
