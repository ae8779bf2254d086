// Which level of the coding kernels runs, and the entry points.
#include "CVectorKernels.h"
#include "CodingTable.h"

static const struct coding_table *table(int32_t level) {
#if defined(__x86_64__)
  if (level == CVK_LEVEL_AVX512) return &cvk_coding_avx512;
  if (level == CVK_LEVEL_AVX2) return &cvk_coding_avx2;
#endif
  (void)level;
  return &cvk_coding_baseline;
}

void cvk_range(int32_t level, const float *x, size_t count, float *minimum, float *maximum) {
  table(level)->range(x, count, minimum, maximum);
}

void cvk_quantize(int32_t level, const float *x, size_t count, double minimum, double scale, double top,
                  int32_t fraction_bits, const uint32_t *random, uint16_t *codes) {
  table(level)->quantize(x, count, minimum, scale, top, fraction_bits, random, codes);
}

void cvk_quantize_nearest(int32_t level, const float *x, size_t count, double minimum, double scale, double top,
                          uint16_t *codes) {
  table(level)->quantize_nearest(x, count, minimum, scale, top, codes);
}

void cvk_dequantize(int32_t level, const uint16_t *codes, size_t count, double minimum, double step, float *out) {
  table(level)->dequantize(codes, count, minimum, step, out);
}

void cvk_pack(int32_t level, const uint16_t *codes, size_t count, int32_t bits, uint8_t *out) {
  table(level)->pack(codes, count, bits, out);
}

void cvk_unpack(int32_t level, const uint8_t *packed, size_t count, int32_t bits, uint16_t *codes) {
  table(level)->unpack(packed, count, bits, codes);
}

void cvk_signed_scale(int32_t level, const float *x, size_t count, float scale, const uint8_t *signs, float *out) {
  table(level)->signed_scale(x, count, scale, signs, out);
}

float cvk_walsh_hadamard(int32_t level, const float *x, size_t count, float scale, const uint8_t *signs, float *out, int32_t log2_count) {
  return table(level)->walsh_hadamard(x, count, scale, signs, out, log2_count);
}
