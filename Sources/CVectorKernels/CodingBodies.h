// The bodies of the coding kernels, compiled once per level. The including file defines CVK_CODING_TABLE (the
// name of the table to define) and, by `#pragma clang attribute`, the instruction set. Nothing here may depend on that set.

#include "CodingTable.h"

#include <stdint.h>
#include <string.h>

// A product that is fused with the following sum on one level and not on another would change the bits.
#pragma STDC FP_CONTRACT OFF

#define CVK_INLINE static inline __attribute__((always_inline))

// Elements of the transform that stay in the first and second cache, and the strip of rows that are far apart.
enum { PIECE = 1 << 12, BLOCK = 1 << 15, ROWS = 64, COLUMNS = 128 };

typedef float f32x16 __attribute__((vector_size(64), aligned(4)));

// The bits of a float, folded so that signed integers are ordered like the floats, infinities and NaN outermost.
CVK_INLINE int32_t ordered(int32_t bits) { return bits ^ ((bits >> 31) & INT32_MAX); }

static void range(const float *x, size_t count, float *minimum, float *maximum) {
  int32_t least = INT32_MAX, most = INT32_MIN;
  for (size_t i = 0; i < count; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    const int32_t key = ordered(bits);
    least = key < least ? key : least;
    most = key > most ? key : most;
  }
  const int32_t infinity = 0x7f800000;
  if (most >= infinity || least <= ordered((int32_t)0xff800000)) {
    *minimum = *maximum = __builtin_nanf("");
    return;
  }
  least = ordered(least);
  most = ordered(most);
  memcpy(minimum, &least, sizeof least);
  memcpy(maximum, &most, sizeof most);
}

CVK_INLINE double clamped(float x, double minimum, double scale, double top) {
  double y = ((double)x - minimum) * scale;
  y = y > 0 ? y : 0;  // NaN becomes 0
  return y < top ? y : top;
}

static void quantize(const float *restrict x, size_t count, double minimum, double scale, double top,
                     int32_t fraction_bits, const uint32_t *restrict random, uint16_t *restrict codes) {
  const double unit = (double)((int32_t)1 << fraction_bits);
  const int32_t unused = 32 - fraction_bits;
  for (size_t i = 0; i < count; i++) {
    const uint32_t fixed = (uint32_t)(int32_t)(clamped(x[i], minimum, scale, top) * unit + 0.5);
    codes[i] = (uint16_t)((fixed + (random[i] >> unused)) >> fraction_bits);
  }
}

static void quantize_nearest(const float *restrict x, size_t count, double minimum, double scale, double top,
                             uint16_t *restrict codes) {
  for (size_t i = 0; i < count; i++) codes[i] = (uint16_t)(int32_t)(clamped(x[i], minimum, scale, top) + 0.5);
}

static void dequantize(const uint16_t *restrict codes, size_t count, double minimum, double step,
                       float *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = (float)(minimum + (double)codes[i] * step);
}

static void pack(const uint16_t *restrict codes, size_t count, int32_t bits, uint8_t *restrict out) {
  if (bits == 8) {
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)codes[i];
    return;
  }
  const uint32_t mask = ((uint32_t)1 << bits) - 1;
  uint64_t pending = 0;
  int32_t used = 0;
  for (size_t i = 0; i < count; i++) {
    pending |= (uint64_t)(codes[i] & mask) << used;
    used += bits;
    for (; used >= 8; used -= 8, pending >>= 8) *out++ = (uint8_t)pending;
  }
  if (used > 0) *out = (uint8_t)pending;
}

static void unpack(const uint8_t *restrict packed, size_t count, int32_t bits, uint16_t *restrict codes) {
  if (bits == 8) {
    for (size_t i = 0; i < count; i++) codes[i] = packed[i];
    return;
  }
  const uint32_t mask = ((uint32_t)1 << bits) - 1;
  uint64_t pending = 0;
  int32_t available = 0;
  for (size_t i = 0; i < count; i++) {
    for (; available < bits; available += 8) pending |= (uint64_t)*packed++ << available;
    codes[i] = (uint16_t)(pending & mask);
    pending >>= bits;
    available -= bits;
  }
}

static void signed_scale(const float *x, size_t count, float scale, const uint8_t *signs, float *out) {
  size_t i = 0;
  for (; count - i >= 16; i += 16) {
    const uint32_t bits = (uint32_t)signs[i / 8] | (uint32_t)signs[i / 8 + 1] << 8;
    uint32_t block[16];
    for (int lane = 0; lane < 16; lane++) {
      const float product = scale * x[i + lane];
      uint32_t word;
      memcpy(&word, &product, sizeof word);
      block[lane] = word ^ (bits >> lane) << 31;
    }
    memcpy(out + i, block, sizeof block);
  }
  for (; i < count; i++) {
    const float product = scale * x[i];
    out[i] = (signs[i / 8] >> (i % 8)) & 1 ? -product : product;
  }
}

// The four stages within 16 neighbours. The sign is applied by the exact product with ±1.
CVK_INLINE void within_16(float *x) {
  f32x16 v = *(const f32x16 *)x;
  const f32x16 alternate1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
  const f32x16 alternate2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
  const f32x16 alternate4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
  const f32x16 alternate8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
  v = __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14) + v * alternate1;
  v = __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13) + v * alternate2;
  v = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11) + v * alternate4;
  v = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7) + v * alternate8;
  *(f32x16 *)x = v;
}

// The stages of distances h, 2h, … below `count`, three at a time while there are three. h is a multiple of 16.
static void stages(float *x, size_t count, size_t h) {
  while (h < count) {
    const size_t left = count / h;  // a power of two
    if (left >= 8) {
      for (size_t i = 0; i < count; i += 8 * h)
        for (size_t j = i; j < i + h; j += 16) {
          f32x16 a[8], b[8];
          for (int k = 0; k < 8; k++) a[k] = *(const f32x16 *)(x + j + (size_t)k * h);
          for (int k = 0; k < 8; k += 2) b[k] = a[k] + a[k + 1], b[k + 1] = a[k] - a[k + 1];
          for (int k = 0; k < 8; k += 4)
            for (int m = k; m < k + 2; m++) a[m] = b[m] + b[m + 2], a[m + 2] = b[m] - b[m + 2];
          for (int k = 0; k < 4; k++) {
            *(f32x16 *)(x + j + (size_t)k * h) = a[k] + a[k + 4];
            *(f32x16 *)(x + j + (size_t)(k + 4) * h) = a[k] - a[k + 4];
          }
        }
      h *= 8;
    } else {
      for (size_t i = 0; i < count; i += 2 * h)
        for (size_t j = i; j < i + h; j += 16) {
          const f32x16 a = *(const f32x16 *)(x + j), b = *(const f32x16 *)(x + j + h);
          *(f32x16 *)(x + j) = a + b;
          *(f32x16 *)(x + j + h) = a - b;
        }
      h *= 2;
    }
  }
}

static void walsh_hadamard(float *x, int32_t log2_count) {
  const size_t count = (size_t)1 << log2_count;
  if (count < 16) {
    for (size_t h = 1; h < count; h *= 2)
      for (size_t i = 0; i < count; i += 2 * h)
        for (size_t j = i; j < i + h; j++) {
          const float a = x[j], b = x[j + h];
          x[j] = a + b;
          x[j + h] = a - b;
        }
    return;
  }
  // First all stages within blocks of the second-level cache, each begun in pieces of the first level.
  const size_t piece = count < PIECE ? count : PIECE, block = count < BLOCK ? count : BLOCK;
  for (size_t start = 0; start < count; start += block) {
    for (size_t i = start; i < start + block; i += piece) {
      for (size_t j = i; j < i + piece; j += 16) within_16(x + j);
      stages(x + i, piece, 16);
    }
    stages(x + start, block, piece);
  }
  // Then the distances beyond a block: up to ROWS rows at a time, a strip of columns copied to a buffer, because rows
  // a power of two apart would share the same few cache sets.
  float strip[ROWS * COLUMNS];
  for (size_t h = block; h < count;) {
    const size_t rows = count / h < ROWS ? count / h : ROWS;
    for (size_t start = 0; start < count; start += rows * h)
      for (size_t column = start; column < start + h; column += COLUMNS) {
        for (size_t row = 0; row < rows; row++)
          memcpy(strip + row * COLUMNS, x + column + row * h, COLUMNS * sizeof *x);
        stages(strip, rows * COLUMNS, COLUMNS);
        for (size_t row = 0; row < rows; row++)
          memcpy(x + column + row * h, strip + row * COLUMNS, COLUMNS * sizeof *x);
      }
    h *= rows;
  }
}

const struct coding_table CVK_CODING_TABLE = {
    .range = range,
    .quantize = quantize,
    .quantize_nearest = quantize_nearest,
    .dequantize = dequantize,
    .pack = pack,
    .unpack = unpack,
    .signed_scale = signed_scale,
    .walsh_hadamard = walsh_hadamard,
};
