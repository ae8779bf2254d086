import CVectorKernels

/// The kernels of lossy codes and of the Walsh–Hadamard transform, on Swift arrays.
extension VectorKernels {
  /// Smallest and largest of the elements `part` of `x`; `nil` if one is not finite or there are none.
  package func range(of x: [Float], in part: Range<Int>) -> (minimum: Float, maximum: Float)? {
    precondition(part.lowerBound >= 0 && part.upperBound <= x.count, "a part of a vector lies within it")
    guard !part.isEmpty else { return nil }
    var minimum: Float = 0
    var maximum: Float = 0
    x.withUnsafeBufferPointer { x in
      cvk_range(level.rawValue, x.baseAddress.map { $0 + part.lowerBound }, part.count, &minimum, &maximum)
    }
    return minimum.isNaN ? nil : (minimum, maximum)
  }

  /// Codes of the elements `part` of `x`: y = (x − minimum) · scale clamped to 0...top, rounded up with probability frac(y).
  ///
  /// - Parameters:
  ///   - fractionBits: bits of y after the point that are kept, with top · 2^fractionBits below 2³¹.
  ///   - random: 32 uniform bits for every element.
  ///   - codes: receives a code for every element at its start.
  package func quantize(
    _ x: [Float], in part: Range<Int>, minimum: Double, scale: Double, top: Int, fractionBits: Int, random: [UInt32],
    into codes: inout [UInt16]
  ) {
    precondition(part.lowerBound >= 0 && part.upperBound <= x.count, "a part of a vector lies within it")
    precondition(random.count >= part.count && codes.count >= part.count, "every element needs random bits and a code")
    precondition(
      (1...30).contains(fractionBits) && top >= 1 && top <= Int(UInt16.max) && top << fractionBits < 1 << 31,
      "the codes 0...\(top) with \(fractionBits) bits after the point do not fit")
    codes.withUnsafeMutableBufferPointer { codes in
      random.withUnsafeBufferPointer { random in
        x.withUnsafeBufferPointer { x in
          cvk_quantize(
            level.rawValue, x.baseAddress.map { $0 + part.lowerBound }, part.count, minimum, scale, Double(top),
            Int32(fractionBits), random.baseAddress, codes.baseAddress)
        }
      }
    }
  }

  /// The same with y rounded to nearest.
  package func quantizeToNearest(
    _ x: [Float], in part: Range<Int>, minimum: Double, scale: Double, top: Int, into codes: inout [UInt16]
  ) {
    precondition(part.lowerBound >= 0 && part.upperBound <= x.count, "a part of a vector lies within it")
    precondition(codes.count >= part.count && top >= 1 && top <= Int(UInt16.max), "every element needs a code of 16 bits")
    codes.withUnsafeMutableBufferPointer { codes in
      x.withUnsafeBufferPointer { x in
        cvk_quantize_nearest(
          level.rawValue, x.baseAddress.map { $0 + part.lowerBound }, part.count, minimum, scale, Double(top), codes.baseAddress)
      }
    }
  }

  /// Writes minimum + code · step for the first codes into the elements `part` of `x`.
  package func dequantize(_ codes: [UInt16], minimum: Double, step: Double, into x: inout [Float], at part: Range<Int>) {
    precondition(part.lowerBound >= 0 && part.upperBound <= x.count && codes.count >= part.count, "every element needs a code")
    x.withUnsafeMutableBufferPointer { x in
      codes.withUnsafeBufferPointer { codes in
        cvk_dequantize(
          level.rawValue, codes.baseAddress, part.count, minimum, step, x.baseAddress.map { $0 + part.lowerBound })
      }
    }
  }

  /// Writes the low `bits` bits of the first `count` codes to `bytes` from `offset` on, lowest bit first.
  package func pack(_ codes: [UInt16], count: Int, bits: Int, into bytes: inout [UInt8], at offset: Int) {
    precondition((1...16).contains(bits) && count >= 0 && count <= codes.count, "codes have 1...16 bits")
    precondition(offset >= 0 && offset + (count * bits + 7) / 8 <= bytes.count, "packed codes need room")
    bytes.withUnsafeMutableBufferPointer { bytes in
      codes.withUnsafeBufferPointer { codes in
        cvk_pack(level.rawValue, codes.baseAddress, count, Int32(bits), bytes.baseAddress.map { $0 + offset })
      }
    }
  }

  /// The inverse of ``pack(_:count:bits:into:at:)``.
  package func unpack(_ bytes: [UInt8], at offset: Int, count: Int, bits: Int, into codes: inout [UInt16]) {
    precondition((1...16).contains(bits) && count >= 0 && count <= codes.count, "codes have 1...16 bits")
    precondition(offset >= 0 && offset + (count * bits + 7) / 8 <= bytes.count, "packed codes end before their count")
    codes.withUnsafeMutableBufferPointer { codes in
      bytes.withUnsafeBufferPointer { bytes in
        cvk_unpack(level.rawValue, bytes.baseAddress.map { $0 + offset }, count, Int32(bits), codes.baseAddress)
      }
    }
  }

  /// Negates the elements whose bit of `signs` is set and multiplies all by `scale`.
  package func scale(_ x: inout [Float], by scale: Float, signs: [UInt8]) {
    precondition(signs.count * 8 >= x.count, "every element needs a sign")
    x.withUnsafeMutableBufferPointer { x in
      signs.withUnsafeBufferPointer { signs in
        cvk_signed_scale(level.rawValue, x.baseAddress, x.count, scale, signs.baseAddress, x.baseAddress)
      }
    }
  }

  /// x = H x with the Walsh–Hadamard matrix of ±1 in Sylvester's order. The count must be a power of two.
  package func walshHadamard(_ x: inout [Float]) {
    precondition(x.count > 0 && x.count & (x.count - 1) == 0, "a Walsh–Hadamard transform has a power of two of elements, not \(x.count)")
    x.withUnsafeMutableBufferPointer { x in
      _ = cvk_walsh_hadamard(level.rawValue, x.baseAddress, x.count, 1, nil, x.baseAddress, Int32(x.count.trailingZeroBitCount))
    }
  }

  /// x = H y, where y is `scale · x`, negated where the bit of `signs` is set (lowest first), followed by zeros up to `count` elements, a
  /// power of two with a sign for each.
  ///
  /// - Returns: whether all elements of the result are finite.
  package func walshHadamard(_ x: inout [Float], scaledBy scale: Float, signs: [UInt8], paddedTo count: Int) -> Bool {
    precondition(count > 0 && count & (count - 1) == 0, "a Walsh–Hadamard transform has a power of two of elements, not \(count)")
    precondition(signs.count * 8 >= count && count >= x.count, "every element needs a sign and a place")
    var largest = Float.nan
    func transform(from x: UnsafePointer<Float>?, _ elements: Int, to out: UnsafeMutablePointer<Float>?) {
      signs.withUnsafeBufferPointer { signs in
        largest = cvk_walsh_hadamard(level.rawValue, x, elements, scale, signs.baseAddress, out, Int32(count.trailingZeroBitCount))
      }
    }
    if x.count == count {
      x.withUnsafeMutableBufferPointer { transform(from: $0.baseAddress, count, to: $0.baseAddress) }
    } else {
      x = VectorMath.makeLarge(count) { out in
        x.withUnsafeBufferPointer { transform(from: $0.baseAddress, $0.count, to: out.baseAddress) }
      }
    }
    // No sum of `count` such numbers can overflow, with room for roundings; the others need a look.
    if Double(largest) * Double(count) < 0x1p127 { return true }
    return sumOfSquares(x).isFinite
  }
}
