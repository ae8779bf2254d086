/// Well-mixed bits as a pure function of their position: the same on every machine and in any order of evaluation.
enum BitMixer {
  /// The output function of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits.
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A key for stream number `index` of `seed`.
  static func key(_ seed: UInt64, _ index: UInt64) -> UInt64 {
    mix(mix(seed &+ 0x9E37_79B9_7F4A_7C15) &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// Element `index` of the stream of `key`, uniform in [0, 1) on a grid of 2^−24, which `Float` holds exactly.
  static func uniform(_ key: UInt64, _ index: UInt64) -> Float {
    Float(mix(key &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15) >> 40) * 0x1p-24
  }
}
