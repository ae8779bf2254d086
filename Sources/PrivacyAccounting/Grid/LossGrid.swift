import Foundation

/// A law on the lattice of multiples of `spacing`, as a pair of measures: one dominates the law, the other is dominated by it.
///
/// Node i has loss i × spacing and the stored P-mass; its Q-mass is P e^(−loss), what remains of Q lies where P is 0. The profile
/// Σ p (1 − e^(ε − loss))₊ rises when p rises, when p moves to a higher loss and when q falls, and these three are all that
/// rounding does to the upper measure; the opposite for the lower one. Composition keeps the order because it keeps dominance
/// (Zhu, Dong and Wang 2022, theorem 10).
struct LossGrid {
  /// Index of the first node of both arrays.
  let first: Int
  private(set) var upper: [Double]
  private(set) var lower: [Double]
  /// P-mass at an infinite loss.
  private(set) var upperInfinity: Double
  private(set) var lowerInfinity: Double
  /// Losses of atoms that were taken as lying on a node are off by at most this.
  private(set) var lossError: Double
  /// Whether a bin's mass or the bound of its error is no number: then neither measure says anything.
  private(set) var isUndefined = false

  /// - Parameters:
  ///   - first: losses below the node `first` are rounded up to it, or dropped.
  ///   - last: losses above the node `last` are infinite, or rounded down to it.
  init(_ model: LossModel, spacing h: Double, first: Int, last: Int) {
    self.first = first
    let count = last - first + 1
    upper = [Double](repeating: 0, count: count)
    lower = upper
    upperInfinity = model.atoms.upper.infinity * (1 + model.atoms.relativeError)
    lowerInfinity = model.atoms.lower.infinity * (1 - model.atoms.relativeError)
    lossError = model.atoms.lossError
    var loose: [LossAtom] = []
    for atom in model.atoms.upper.atoms { addUpper(atom, h, last, model.atoms.relativeError) }
    for atom in model.atoms.lower.atoms where !addLower(atom, h, last, model.atoms.relativeError) { loose.append(atom) }
    addBins(model, h, last, loose)
  }

  /// The node that an atom lies on, up to the error that is allowed for.
  private mutating func node(_ atom: LossAtom, _ h: Double) -> Int? {
    let index = (atom.loss / h).rounded()
    let distance = abs(atom.loss - index * h)
    guard distance <= 1e-14 * max(abs(atom.loss), h) || distance <= 4 * lossError else { return nil }
    lossError = max(lossError, distance + 2 * unitRoundoff * abs(atom.loss))
    return Int(index)
  }

  private mutating func addUpper(_ atom: LossAtom, _ h: Double, _ last: Int, _ error: Double) {
    let mass = atom.probability * (1 + error + 4 * unitRoundoff)
    if atom.loss > Double(last) * h * (1 + 1e-12) + 1e-12 * h {
      upperInfinity += mass
    } else if atom.loss <= Double(first) * h {
      upper[0] += mass
    } else if let index = node(atom, h), index >= first, index <= last {
      upper[index - first] += mass
    } else {
      // Connect the dots: both neighbouring nodes, with the same total under P and Q (Doroshenko et al. 2022, section 4).
      let below = min(Int((atom.loss / h).rounded(.down)), last - 1)
      let distance = max(0, atom.loss - Double(below) * h) + 4 * unitRoundoff * abs(atom.loss)
      let share = min(1, expm1(-distance) / expm1(-h) * (1 + 4 * unitRoundoff))
      upper[below + 1 - first] += mass * share
      upper[below - first] += mass * (1 - share)
    }
  }

  /// Returns false for an atom between nodes.
  private mutating func addLower(_ atom: LossAtom, _ h: Double, _ last: Int, _ error: Double) -> Bool {
    let mass = atom.probability * (1 - error - 4 * unitRoundoff)
    if atom.loss > Double(last) * h * (1 + 1e-12) + 1e-12 * h {
      // Q stays and P is lowered to the last node's ratio.
      lower[last - first] += mass * exp(Double(last) * h - atom.loss) * (1 - 4 * unitRoundoff)
      return true
    }
    if let index = node(atom, h) {
      if index >= first && index <= last { lower[index - first] += mass }
      return true
    }
    return atom.loss < Double(first) * h
  }

  /// Fills both measures from the bins (ih, (i+1)h] of the density, and of the atoms between nodes for the lower one.
  private mutating func addBins(_ model: LossModel, _ h: Double, _ last: Int, _ loose: [LossAtom]) {
    guard model.continuous != nil || !loose.isEmpty else { return }
    let full = -expm1(-h)
    let shrink = exp(-h)
    let support: (lower: Double, upper: Double) = model.continuous?.support ?? (0, 0)
    var next = loose.count - 1
    // The bin below node `index`, with the atoms inside; `index` = last + 1 stands for everything above the last node.
    func bin(_ index: Int) -> (content: LossContent, continuous: LossContent) {
      var density = LossContent()
      let edge = Double(index) * h
      if let law = model.continuous {
        if index > last {
          if support.upper > Double(last) * h {
            density = law.tail(above: Double(last) * h)
            density.ratio /= shrink
          }
        } else if edge > support.lower && edge - h < support.upper {
          density = law.content(below: edge, width: h)
        }
        if (density.p + density.error + density.ratioError).isNaN { isUndefined = true }
        if !(density.p > 0) { density = LossContent() }
      }
      var all = density
      while next >= 0 && loose[next].loss > edge - h {
        let p = loose[next].probability
        let ratio = exp(edge - loose[next].loss)
        all.ratio = (all.p * all.ratio + p * ratio) / (all.p + p)
        all.p += p
        all.error = max(all.error, model.atoms.relativeError + 4 * unitRoundoff)
        all.ratioError = max(all.ratioError, 8 * unitRoundoff * (1 + abs(edge)) + 2 * model.atoms.lossError)
        next -= 1
      }
      return (all, density)
    }
    if let law = model.continuous, support.lower < Double(first) * h {
      let below = law.content(below: Double(first) * h, width: .infinity)
      upper[0] += below.p * (1 + below.error) + 1e-300
    }
    // A lower bound of Q's mass times e^a over P's mass for a bin from `a` up. In doubt it is 0, and the whole mass of the upper measure
    // goes up. Many widths of a law may fit into a bin, whose ratio at the upper edge is then no number.
    func fall(_ c: LossContent, from a: Double) -> Double {
      if h <= LossContent.narrow && c.ratio.isFinite { return c.ratio * shrink - 2 * c.ratioError }
      if let fall = c.fall { return fall - 2 * c.ratioError }
      guard a < 600, c.q > 1e-280, c.p > 1e-280 else { return 0 }
      return exp(a) * c.q / c.p * (1 - 2 * c.error - 8 * unitRoundoff * (1 + abs(a)))
    }
    // Lower measure, from the top down. Seen as a post-processing, only the bin is released. A share ν of the bin below node i, whose
    // ratio P/Q is less than e^(ih), is merged with what the node above left of the bin above, whose ratio is more, as much as keeps
    // the ratio at least e^(ih). P in excess of e^(ih) Q is moved down to the next node. Every set {loss ≥ x} then has lost P-mass
    // and kept its Q-mass, so δ(γ) = max over these sets of P − γQ has not risen. Merging neighbours costs a variance of h²/3.
    var above = (content: LossContent(), continuous: LossContent())
    var (share, excess) = (1.0, 0.0)
    above = bin(last + 1)
    for i in stride(from: last, through: first, by: -1) {
      // Connect the dots for the upper measure: p_b = (p e^(−a) − q)/(e^(−a) − e^(−b)), p_a = p − p_b.
      let c = above.continuous
      let mass = c.p * (1 + c.error + 4 * unitRoundoff)
      if i == last {
        upperInfinity += mass + (model.continuous == nil ? 0 : 1e-300)
      } else if mass > 0 {
        let part = min(1, max(0, (1 - fall(c, from: Double(i) * h)) / full * (1 + 4 * unitRoundoff)))
        upper[i + 1 - first] += mass * part
        upper[i - first] += mass * (1 - part)
      }
      let below = i > first ? bin(i) : (content: LossContent(), continuous: LossContent())
      let (a, b) = (above.content, below.content)
      let gain = share * max(0, a.p * (1 - a.error) * (1 - a.ratio * shrink - a.ratioError)) + excess
      let deficit = b.p * (1 + b.error) * (max(0, b.ratio - 1) + b.ratioError) * (1 + 8 * unitRoundoff)
      let taken = deficit > 0 ? min(1, gain / deficit) : 0
      excess = max(0, gain - taken * deficit) * (1 - 8 * unitRoundoff)
      let q =
        share * a.p * a.ratio * shrink * (1 - a.error - a.ratioError) + taken * b.p * b.ratio * (1 - b.error - b.ratioError)
      if q > 0 { lower[i - first] += q * (1 - 8 * unitRoundoff) }
      share = 1 - taken
      above = below
    }
  }
}
