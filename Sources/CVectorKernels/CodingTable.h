// The coding kernels of one level, as a table that CodingKernels.c chooses from.
#ifndef CODING_TABLE_H
#define CODING_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct coding_table {
  void (*range)(const float *x, size_t count, float *minimum, float *maximum);
  void (*quantize)(const float *x, size_t count, double minimum, double scale, double top, int32_t fraction_bits,
                   const uint32_t *random, uint16_t *codes);
  void (*quantize_nearest)(const float *x, size_t count, double minimum, double scale, double top, uint16_t *codes);
  void (*dequantize)(const uint16_t *codes, size_t count, double minimum, double step, float *out);
  void (*pack)(const uint16_t *codes, size_t count, int32_t bits, uint8_t *out);
  void (*unpack)(const uint8_t *packed, size_t count, int32_t bits, uint16_t *codes);
  void (*signed_scale)(const float *x, size_t count, float scale, const uint8_t *signs, float *out);
  float (*walsh_hadamard)(const float *x, size_t count, float scale, const uint8_t *signs, float *out, int32_t log2_count);
};

extern const struct coding_table cvk_coding_baseline;
#if defined(__x86_64__)
extern const struct coding_table cvk_coding_avx2;
extern const struct coding_table cvk_coding_avx512;
#endif

#endif
