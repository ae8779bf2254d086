#include <string.h>

#include "internal.h"

// Copies of each loop for the vector widths, chosen when the program is loaded. No loop here rounds differently in any of them: there is
// no fused multiply-add to contract to, and sums run in a fixed order.
#pragma STDC FP_CONTRACT OFF
#if defined(__x86_64__) && defined(__linux__)
#define VECTOR_COPIES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTOR_COPIES
#endif

VECTOR_COPIES void eps_rectify(float *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = values[i] > 0.0f ? values[i] : 0.0f;
}

VECTOR_COPIES void eps_mask_positive(const float *restrict values, float *restrict gradient, size_t count) {
  for (size_t i = 0; i < count; i++) gradient[i] = values[i] > 0.0f ? gradient[i] : 0.0f;
}

VECTOR_COPIES void eps_column_sums(const float *restrict rows, size_t count, size_t columns, float *restrict sums) {
  memset(sums, 0, columns * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < columns; j++) sums[j] += rows[i * columns + j];
  }
}

/// Two rounds of multiply and xor-shift with a key before each: a bijection of the element for every key, even over 32 bits.
static inline uint32_t scramble(uint32_t element, uint32_t first, uint32_t second) {
  uint32_t x = element * 0x9E3779B1u + first;
  x ^= x >> 16;
  x *= 0x21F0AAADu;
  x ^= x >> 15;
  x += second;
  x *= 0x735A2D97u;
  x ^= x >> 15;
  x *= 0x846CA68Bu;
  x ^= x >> 16;
  return x;
}

VECTOR_COPIES static void draw_kept(uint8_t *restrict kept, size_t count, uint32_t threshold, uint32_t first, uint32_t second) {
  for (size_t i = 0; i < count; i++) kept[i] = scramble((uint32_t)i, first, second) >= threshold;
}

VECTOR_COPIES static void scale_kept(float *restrict values, const uint8_t *restrict kept, size_t count, float scale) {
  for (size_t i = 0; i < count; i++) values[i] = kept[i] ? values[i] * scale : 0.0f;
}

void eps_dropout_forward(float *values, uint8_t *kept, size_t count, double rate, uint64_t key) {
  draw_kept(kept, count, (uint32_t)(rate * 4294967296.0), (uint32_t)key, (uint32_t)(key >> 32));
  scale_kept(values, kept, count, (float)(1.0 / (1.0 - rate)));
}

void eps_dropout_backward(float *gradient, const uint8_t *kept, size_t count, double rate) {
  scale_kept(gradient, kept, count, (float)(1.0 / (1.0 - rate)));
}
