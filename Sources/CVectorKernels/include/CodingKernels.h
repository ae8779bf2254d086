/// Kernels of lossy codes and of the Walsh–Hadamard transform, in one copy per instruction-set level.
///
/// As in CVectorKernels.h every level returns the same bits.
#ifndef CODINGKERNELS_H
#define CODINGKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Smallest and largest element of x; both NaN when an element is NaN or infinite. count >= 1.
void cvk_range(int32_t level, const float *x, size_t count, float *minimum, float *maximum);

/// codes[i] = y rounded up with probability frac(y), where y = (x[i] − minimum) · scale clamped to [0, top].
///
/// y is first rounded to `fraction_bits` bits after the point, 1...30, with top · 2^fraction_bits < 2^31. random[i] are
/// 32 uniform bits. NaN gives code 0.
void cvk_quantize(int32_t level, const float *x, size_t count, double minimum, double scale, double top,
                  int32_t fraction_bits, const uint32_t *random, uint16_t *codes);

/// codes[i] = y rounded to nearest, halves up.
void cvk_quantize_nearest(int32_t level, const float *x, size_t count, double minimum, double scale, double top,
                          uint16_t *codes);

/// out[i] = minimum + codes[i] · step, computed in double and rounded once.
void cvk_dequantize(int32_t level, const uint16_t *codes, size_t count, double minimum, double step, float *out);

/// The low `bits` bits, 1...16, of each code, lowest bit first, in ⌈count · bits / 8⌉ bytes.
void cvk_pack(int32_t level, const uint16_t *codes, size_t count, int32_t bits, uint8_t *out);

/// The inverse of `cvk_pack`.
void cvk_unpack(int32_t level, const uint8_t *packed, size_t count, int32_t bits, uint16_t *codes);

/// out[i] = scale · x[i], negated where bit i of `signs` (lowest first) is set. x == out is allowed.
void cvk_signed_scale(int32_t level, const float *x, size_t count, float scale, const uint8_t *signs, float *out);

/// out = H y with the Walsh–Hadamard matrix of ±1 in Sylvester's order, 2^log2_count elements, where y is x followed by zeros. With `signs`,
/// y[i] is scale · x[i], negated where bit i of `signs` (lowest first) is set; there are then signs for 2^log2_count elements. x == out is
/// allowed. Returns the greatest |y[i]|, NaN when one is NaN.
float cvk_walsh_hadamard(int32_t level, const float *x, size_t count, float scale, const uint8_t *signs, float *out, int32_t log2_count);

#endif
