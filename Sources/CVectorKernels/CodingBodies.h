// The bodies of the coding kernels, compiled once per level. The including file defines CVK_CODING_TABLE (the
// name of the table to define) and, by `#pragma clang attribute`, the instruction set. Nothing here may depend on that set.

#include "CodingTable.h"

#include <stdint.h>
#include <string.h>

// A product that is fused with the following sum on one level and not on another would change the bits.
#pragma STDC FP_CONTRACT OFF

#define LITTLE_ENDIAN_BYTES (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#define CVK_INLINE static inline __attribute__((always_inline))

// Elements of the transform that stay in the first and second cache, and the strip of rows that are far apart; the fastest
// of fifteen choices for 2^21 elements.
enum { PIECE = 1 << 10, BLOCK = 1 << 16, ROWS = 32, COLUMNS = 128, STRIP = ROWS * COLUMNS };

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
  size_t i = 0;
  // Eight codes fill whole bytes; sixteen bytes are written while the next codes still overwrite what is beyond.
  for (; LITTLE_ENDIAN_BYTES && (count - i) * (size_t)bits >= 128 && count - i >= 8; i += 8, out += bits) {
    unsigned __int128 word = 0;
    for (int k = 7; k >= 0; k--) word = word << bits | (codes[i + k] & mask);
    memcpy(out, &word, sizeof word);
  }
  uint64_t pending = 0;
  int32_t used = 0;
  for (; i < count; i++) {
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
  size_t i = 0;
  for (; LITTLE_ENDIAN_BYTES && (count - i) * (size_t)bits >= 128 && count - i >= 8; i += 8, packed += bits) {
    unsigned __int128 word;
    memcpy(&word, packed, sizeof word);
    for (int k = 0; k < 8; k++, word >>= bits) codes[i + k] = (uint16_t)(word & mask);
  }
  uint64_t pending = 0;
  int32_t available = 0;
  for (; i < count; i++) {
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
CVK_INLINE void within_16(f32x16 *x) {
  const f32x16 alternate1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
  const f32x16 alternate2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
  const f32x16 alternate4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
  const f32x16 alternate8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
  f32x16 v = *x;
  v = __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14) + v * alternate1;
  v = __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13) + v * alternate2;
  v = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11) + v * alternate4;
  v = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7) + v * alternate8;
  *x = v;
}

// `stages` stages, 1...3, between 2^stages vectors.
CVK_INLINE void butterflies(f32x16 *v, int stages) {
  const int rows = 1 << stages;
  for (int h = 1; h < rows; h *= 2)
    for (int i = 0; i < rows; i += 2 * h)
      for (int k = i; k < i + h; k++) {
        const f32x16 a = v[k], b = v[k + h];
        v[k] = a + b;
        v[k + h] = a - b;
      }
}

// A matrix of rows that begin `stride` elements apart.
struct rows {
  float *start;
  size_t stride;
};

// `stages` stages over rows that are `distance` rows apart and multiples of it, from one matrix to another or itself.
CVK_INLINE void transform_step(const struct rows *from, const struct rows *to, size_t rows, size_t columns, size_t distance,
                               int stages) {
  const int radix = 1 << stages;
  for (size_t i = 0; i < rows; i += distance << stages)
    for (size_t row = i; row < i + distance; row++)
      for (size_t column = 0; column < columns; column += 16) {
        f32x16 v[8];
        for (int k = 0; k < radix; k++)
          v[k] = *(const f32x16 *)(from->start + (row + (size_t)k * distance) * from->stride + column);
        butterflies(v, stages);
        for (int k = 0; k < radix; k++)
          *(f32x16 *)(to->start + (row + (size_t)k * distance) * to->stride + column) = v[k];
      }
}

// The transform of every column, three stages at a time while there are three. `via` holds what lies between the steps; all
// three matrices may be one. rows > 1 is a power of two, columns a multiple of 16.
static void transform_columns(const struct rows *from, const struct rows *via, const struct rows *to, size_t rows,
                              size_t columns) {
  for (size_t distance = 1; distance < rows;) {
    const size_t left = rows / distance;
    const struct rows *target = left <= 8 ? to : via;
    if (left >= 8) {
      transform_step(from, target, rows, columns, distance, 3);
      distance *= 8;
    } else if (left == 4) {
      transform_step(from, target, rows, columns, distance, 2);
      distance *= 4;
    } else {
      transform_step(from, target, rows, columns, distance, 1);
      distance *= 2;
    }
    from = target;
  }
}

// Fewer elements than a piece.
static void transform_short(float *x, size_t count) {
  if (count >= 16) {
    for (size_t i = 0; i < count; i += 16) within_16((f32x16 *)(x + i));
    const struct rows all = {x, 16};
    transform_columns(&all, &all, &all, count / 16, 16);
    return;
  }
  for (size_t h = 1; h < count; h *= 2)
    for (size_t i = 0; i < count; i += 2 * h)
      for (size_t j = i; j < i + h; j++) {
        const float a = x[j], b = x[j + h];
        x[j] = a + b;
        x[j + h] = a - b;
      }
}

static void walsh_hadamard(float *x, int32_t log2_count) {
  const size_t count = (size_t)1 << log2_count;
  if (count < PIECE) {
    transform_short(x, count);
    return;
  }
  // All vectors in the buffer lie within one cache line, which those of the caller need not.
  _Alignas(64) float buffer[PIECE > STRIP ? PIECE : STRIP];
  const size_t block = count < BLOCK ? count : BLOCK;
  // First all stages within blocks of the second-level cache, each begun in pieces of the first level: seven stages of 128
  // neighbours in registers, then the rest.
  for (size_t start = 0; start < count; start += block) {
    for (size_t piece = start; piece < start + block; piece += PIECE) {
      for (size_t i = 0; i < PIECE; i += 128) {
        f32x16 v[8];
        memcpy(v, x + piece + i, sizeof v);
        for (int k = 0; k < 8; k++) within_16(v + k);
        butterflies(v, 3);
        memcpy(buffer + i, v, sizeof v);
      }
      const struct rows inside = {buffer, 128}, out = {x + piece, 128};
      transform_columns(&inside, &inside, &out, PIECE / 128, 128);
    }
    const struct rows all = {x + start, PIECE};
    transform_columns(&all, &all, &all, block / PIECE, PIECE);
  }
  // Then the distances beyond a block, a strip of columns at a time. What lies between the steps is kept in the buffer:
  // rows a power of two apart share the same few cache sets.
  for (size_t h = block; h < count;) {
    const size_t rows = count / h < ROWS ? count / h : ROWS;
    for (size_t start = 0; start < count; start += rows * h)
      for (size_t column = start; column < start + h; column += COLUMNS) {
        const struct rows strip = {buffer, COLUMNS}, all = {x + column, h};
        transform_columns(&all, &strip, &all, rows, COLUMNS);
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
